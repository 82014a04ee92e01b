//! Any split, any order, any damage.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

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

fn rich_frames() -> Vec<Value> {
    framed(
        &[
            begin(
                0,
                json!({"type": "thinking", "thinking": "", "signature": ""}),
            ),
            delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
            delta(0, json!({"type": "signature_delta", "signature": "s"})),
            stop(0),
            begin(
                1,
                json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
            ),
            delta(
                1,
                json!({"type": "input_json_delta", "partial_json": "{\"query\":\"x\"}"}),
            ),
            stop(1),
            begin(
                2,
                json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": [{"type": "web_search_result", "url": "u"}]}),
            ),
            stop(2),
            begin(3, json!({"type": "text", "text": "", "citations": []})),
            text(3, "Hi"),
            delta(
                3,
                json!({"type": "citations_delta", "citation": {"type": "char_location"}}),
            ),
            stop(3),
            begin(
                4,
                json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}),
            ),
            delta(
                4,
                json!({"type": "input_json_delta", "partial_json": "{\"a\":1}"}),
            ),
            stop(4),
        ],
        "tool_use",
    )
}

fn any_json() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"type": "text"}])),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_split_into_deltas_gives_the_same(said in "\\PC{0,40}", thought in "\\PC{1,20}", cuts in vec(any::<usize>(), 0..6)) {
        let input = json!({"a": said}).to_string();
        let frames = |cuts: &[usize]| {
            let mut content = vec![begin(0, json!({"type": "thinking", "thinking": ""}))];
            content.extend(pieces(&thought, cuts).iter().map(|it| delta(0, json!({"type": "thinking_delta", "thinking": it}))));
            content.extend([stop(0), begin(1, json!({"type": "text", "text": ""}))]);
            content.extend(pieces(&said, cuts).iter().map(|it| text(1, it)));
            content.extend([stop(1), begin(2, json!({"type": "tool_use", "id": "t", "name": "f", "input": {}}))]);
            content.extend(pieces(&input, cuts).iter().map(|it| delta(2, json!({"type": "input_json_delta", "partial_json": it}))));
            content.push(stop(2));
            framed(&content, "tool_use")
        };
        let (whole, split) = (answer(&frames(&[])), answer(&frames(&cuts)));
        prop_assert_eq!(&whole, &split);
        prop_assert_eq!(&whole.text(), &said);
        let (events, _) = events(&frames(&cuts));
        // An empty text has no block: it is not written.
        if !whole.text().is_empty() {
            prop_assert_eq!(answer(&encode(&events)), whole);
        }
    }

    #[test]
    fn any_order_of_overlapping_blocks_gives_the_same(order in vec(0..3u64, 0..24)) {
        let begins = (0..3).map(|index| begin(index, json!({"type": "text", "text": ""})));
        let mut content: Vec<Value> = begins.collect();
        let mut wanted = [String::new(), String::new(), String::new()];
        for (at, index) in order.iter().enumerate() {
            let piece = format!("{at} ");
            content.push(text(*index, &piece));
            wanted[*index as usize].push_str(&piece);
        }
        content.extend([2, 0, 1].map(stop));
        let (events, end) = events(&framed(&content, "end_turn"));
        end.unwrap();
        let response = collect(events.clone());
        let texts: Vec<_> = response.message().unwrap().parts.iter().filter_map(Part::as_text).collect();
        prop_assert_eq!(&texts, &wanted);
        let again = answer(&encode(&events));
        prop_assert_eq!(again.text(), wanted.concat());
    }

    #[test]
    fn damage_never_panics_and_ends_once(at in any::<prop::sample::Index>(), path in vec(0..8usize, 0..5), new in any_json(), drop in any::<bool>()) {
        let mut frames = rich_frames();
        let at = at.index(frames.len());
        if drop {
            frames.remove(at);
        } else {
            mutate(&mut frames[at], &path, &new);
        }
        let (events, end) = events(&frames);
        let mut grammar = Grammar::new();
        for event in &events {
            grammar.check(&Ok(event.clone())).unwrap();
        }
        prop_assert_eq!(end.is_ok(), grammar.finish().is_ok());
        if end.is_ok() {
            encode(&events);
        }
    }

    #[test]
    fn damaged_bodies_never_panic(path in vec(0..8usize, 0..6), new in any_json()) {
        let mut body = json!({
            "model": "m", "max_tokens": 1, "system": [{"type": "text", "text": "s"}],
            "messages": [
                {"role": "user", "content": [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVA="}}]},
                {"role": "assistant", "content": [{"type": "thinking", "thinking": "t", "signature": "s"}, {"type": "tool_use", "id": "t", "name": "f", "input": {}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": "r"}]}]},
            ],
            "tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "auto"},
            "thinking": {"type": "enabled", "budget_tokens": 1024}, "output_config": {"effort": "low"},
        });
        mutate(&mut body, &path, &new);
        let dialect = AnthropicMessages::default();
        if let Ok(incoming) = dialect.read_request("/v1/messages", body.to_string().as_bytes(), &home()) {
            let _ = write_for(&incoming.request, MODEL);
        }
        let mut answer = json!({"id": "a", "content": [{"type": "text", "text": "x"}, {"type": "tool_use", "id": "t", "name": "f", "input": {}}], "stop_reason": "tool_use", "usage": {"input_tokens": 1}});
        mutate(&mut answer, &path, &new);
        if let Ok(response) = whole(&answer) {
            dialect.write_response(&response).unwrap();
        }
    }
}
