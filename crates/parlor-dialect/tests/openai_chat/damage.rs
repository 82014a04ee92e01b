//! Any split, any order, any damage.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[test]
fn noise_is_passed_over_and_rubbish_is_an_error() {
    let frames = [
        json!(""),
        json!("  "),
        json!(": keepalive"),
        json!(":"),
        text("a"),
        json!("\u{feff}{}"),
        finish("stop"),
        json!(" [DONE]"),
    ];
    assert_eq!(answer(&frames).text(), "a");
    for rubbish in [
        "<html>",
        "x",
        "{\"choices\":[{\"delta\":{\"content\":\"b\"",
        "1",
        "\"x\"",
        "[]",
    ] {
        let (partial, error) = broken(&[text("a"), json!(rubbish)]);
        assert_eq!(
            (partial.text().as_str(), error.kind()),
            ("a", ErrorKind::Decode),
            "{rubbish}"
        );
    }
}

#[test]
fn broken_text_is_repaired() {
    let (info, profile) = (info(), Profile::default());
    let mut decoder = OpenAiChat::default().decoder(&Target::new(&info, &profile));
    let mut out = VecDeque::new();
    for said in [
        &br"a\ud83d"[..],
        br"\udc00b",
        b"\xff\xc3",
        b"\0\n",
        br"\ud83d\ude00",
    ] {
        let mut frame = br#"{"choices":[{"delta":{"content":""#.to_vec();
        frame.extend_from_slice(said);
        frame.extend_from_slice(br#""}}]}"#);
        decoder.decode(Frame::data(&frame), &mut out).unwrap();
    }
    decoder.decode(Frame::data(b"[DONE]"), &mut out).unwrap();
    assert_eq!(
        collect(&out).text(),
        "a\u{FFFD}\u{FFFD}b\u{FFFD}\u{FFFD}\0\n\u{1F600}"
    );
}

#[test]
fn hostile_indexes_and_endless_lists_take_no_memory() {
    for index in [4_000_000_u64, u64::MAX] {
        let call = json!({"index": index, "id": "a", "function": {"name": "f", "arguments": "{}"}});
        assert_eq!(
            calls(&answer(&[piece(call), finish("stop")])),
            [("a", "f", "{}")]
        );
    }
    let error = broken(&[choice(json!({"index": u64::MAX}))]).1;
    assert_eq!(error.kind(), ErrorKind::Decode);
    let far = answer(&[choice(
        json!({"index": 4_000_000, "delta": {"content": "a"}, "finish_reason": "stop"}),
    )]);
    assert_eq!(far.choices[0].index, 4_000_000);
    let many: Vec<_> = (0..300)
        .map(|index| choice(json!({"index": index, "delta": {"content": "a"}})))
        .collect();
    assert_eq!(broken(&many).1.kind(), ErrorKind::Decode);
    let calls: Vec<_> = (0..5_000)
        .map(|index| {
            piece(json!({"index": index, "id": index.to_string(), "function": {"name": "f"}}))
        })
        .collect();
    assert_eq!(broken(&calls).1.kind(), ErrorKind::Decode);
    let fields: Map<String, Value> = (0..1_000).map(|at| (format!("k{at}"), json!(1))).collect();
    let mut chunk = finish("stop");
    merge(&mut chunk, fields.into());
    assert_eq!(
        answer(&[chunk]).native[0].item.as_object().unwrap().len(),
        128
    );
}

/// Cuts a text into pieces at these places, taken modulo its length.
fn pieces(text: &str, cuts: &[usize]) -> Vec<String> {
    let mut at: Vec<usize> = cuts.iter().map(|it| it % (text.len() + 1)).collect();
    at.retain(|it| text.is_char_boundary(*it));
    at.extend([0, text.len()]);
    at.sort_unstable();
    at.windows(2)
        .map(|it| text[it[0]..it[1]].to_owned())
        .collect()
}

/// Changes one place of a JSON value.
fn mutate(value: &mut Value, path: &[usize], new: &Value) {
    let step = path.first().copied().unwrap_or_default();
    let rest = path.get(1..).unwrap_or_default();
    match value {
        Value::Object(map) if !path.is_empty() && !map.is_empty() => {
            let key = map.keys().nth(step % map.len()).cloned().unwrap();
            mutate(map.get_mut(&key).unwrap(), rest, new);
        }
        Value::Array(list) if !path.is_empty() && !list.is_empty() => {
            let at = step % list.len();
            mutate(&mut list[at], rest, new);
        }
        other => *other = new.clone(),
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"type": "text", "text": "x"}])),
        Just(json!({"index": -1, "id": {}, "function": []})),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ]
}

fn rich_frames() -> Vec<Value> {
    let usage = json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 1}});
    vec![
        json!({"id": "c", "model": "m", "created": 1, "choices": [], "prompt_filter_results": [{}]}),
        delta(
            json!({"reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]}),
        ),
        delta(
            json!({"content": [{"type": "thinking", "thinking": [{"text": "x"}], "signature": "s"}, {"type": "text", "text": "a"}]}),
        ),
        choice(
            json!({"delta": {"content": "b", "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}]}, "logprobs": {"content": [{"token": "b", "logprob": -1}]}}),
        ),
        delta(
            json!({"refusal": "no", "audio": {"id": "a", "data": "AAAA"}, "images": [{"image_url": {"url": "data:image/png;base64,iVA="}}]}),
        ),
        piece(
            json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{"}, "extra_content": {"x": 1}}),
        ),
        piece(
            json!({"index": 1, "id": "b", "type": "custom", "custom": {"name": "g", "input": "x"}}),
        ),
        piece(json!({"index": 0, "function": {"arguments": "}"}})),
        delta(
            json!({"executed_tools": [{"index": 0, "type": "search", "arguments": "{}", "output": "x"}], "function_call": {"name": "f", "arguments": "{}"}}),
        ),
        choice(json!({"finish_reason": "tool_calls", "native_finish_reason": "length"})),
        json!({"choices": [], "usage": usage, "citations": ["u"], "search_results": [{"url": "u", "title": "t"}], "x_groq": {"usage": {}}}),
        done(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_into_deltas_gives_the_same(
        said in "\\PC{0,40}",
        thought in "\\PC{1,20}",
        cuts in vec(any::<usize>(), 0..6),
    ) {
        let input = json!({"a": said}).to_string();
        let frames = |cuts: &[usize]| {
            let thoughts = pieces(&thought, cuts).into_iter().map(|it| delta(json!({"reasoning_content": it})));
            let texts = pieces(&said, cuts).into_iter().map(|it| text(&it));
            let start = piece(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}));
            let more = pieces(&input, cuts).into_iter().map(|it| piece(json!({"index": 0, "function": {"arguments": it}})));
            let mut frames: Vec<Value> = thoughts.chain(texts).chain([start]).chain(more).collect();
            frames.extend([finish("tool_calls"), done()]);
            frames
        };
        let (plain, split) = (answer(&frames(&[])), answer(&frames(&cuts)));
        prop_assert_eq!(&plain, &split);
        prop_assert_eq!(&plain.text(), &said);
        let message = json!({
            "reasoning_content": thought, "content": said,
            "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": input}}],
        });
        prop_assert_eq!(&whole(&body(message, "tool_calls")).unwrap(), &plain);
        prop_assert_eq!(&through_a_stream(&plain), &plain);
        prop_assert_eq!(&through_a_body(&plain), &plain);
    }

    #[test]
    fn any_order_of_choices_and_calls_gives_the_same(order in vec((0..3u32, 0..3u64), 0..24)) {
        let mut frames: Vec<Value> = Vec::new();
        let mut wanted = std::collections::BTreeMap::<u32, std::collections::BTreeMap<u64, String>>::new();
        for (at, (index, call)) in order.iter().enumerate() {
            let texts = wanted.entry(*index).or_default();
            let first = !texts.contains_key(call);
            let said = format!("{at} ");
            let mut part = json!({"index": call, "function": {"arguments": said}});
            if first {
                part["id"] = json!(format!("c{call}"));
                part["function"]["name"] = json!("f");
            }
            texts.entry(*call).or_default().push_str(&said);
            frames.push(choice(json!({"index": index, "delta": {"tool_calls": [part]}})));
        }
        frames.push(done());
        let response = answer(&frames);
        for found in &response.choices {
            let mut got: Vec<_> = found.message.tool_calls().map(|it| (it.id.clone(), it.arguments.text.clone())).collect();
            got.sort();
            let texts = wanted[&found.index].iter().map(|(call, text)| (format!("c{call}"), text.clone()));
            prop_assert_eq!(got, texts.collect::<Vec<_>>());
        }
        prop_assert_eq!(response.choices.len(), wanted.len());
    }

    #[test]
    fn damage_never_panics_and_ends_once(
        at in any::<prop::sample::Index>(),
        path in vec(0..8usize, 0..7),
        new in any_json(),
        drop in any::<bool>(),
        tags in any::<bool>(),
    ) {
        let mut frames = rich_frames();
        let at = at.index(frames.len());
        if drop {
            frames.remove(at);
        } else {
            mutate(&mut frames[at], &path, &new);
        }
        let mut profile = Profile::default();
        profile.think_tags = tags;
        let (events, end) = events_for(&frames, &profile);
        let mut grammar = Grammar::new();
        for event in &events {
            grammar.check(&Ok(event.clone())).unwrap();
        }
        prop_assert_eq!(end.is_ok(), grammar.finish().is_ok());
        if end.is_ok() {
            events_for(&encode(&events), &profile).1.unwrap();
        }
    }

    #[test]
    fn damaged_bodies_never_panic(path in vec(0..8usize, 0..7), new in any_json()) {
        let mut request = json!({
            "model": "m",
            "messages": [
                {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]},
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVA="}}, {"type": "file", "file": {"file_id": "f"}}]},
                {"role": "assistant", "content": null, "reasoning_details": [{"index": 0}], "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
                {"role": "tool", "tool_call_id": "a", "content": "r"},
            ],
            "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
            "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}},
            "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}},
            "reasoning": {"effort": "low"}, "thinking": {"type": "enabled"}, "metadata": {"a": "b"}, "stop": ["x"],
        });
        mutate(&mut request, &path, &new);
        let dialect = OpenAiChat::default();
        if let Ok(incoming) = dialect.read_request("/", request.to_string().as_bytes(), &home()) {
            let _ = write_with(&incoming.request, json!({}));
        }
        let mut answer = rich_frames();
        for frame in &mut answer {
            mutate(frame, &path, &new);
            if let Ok(response) = whole(frame) {
                let _ = read(&dialect.write_response(&response).unwrap());
            }
            let data = frame.to_string();
            dialect.read_error(&parlor_dialect::WireError::new(400, &[], data.as_bytes()));
        }
    }
}
