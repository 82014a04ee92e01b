//! Answers of Ollama's own chat, read and written.

#![allow(clippy::unwrap_used)]

use allocation_counter::measure;
use parlor_core::*;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::{Decoder, Dialect, Encoder, Frame, Profile, Target, WireError};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::VecDeque;

fn info() -> ModelInfo {
    ModelInfo::new("ollama", "qwen3:8b")
}

/// The events and the outcome of these lines.
fn events_of<L: AsRef<[u8]>>(profile: &Profile, lines: &[L]) -> (VecDeque<Event>, Result<()>) {
    let info = info();
    let mut decoder = Ollama::default().decoder(&Target::new(&info, profile).streaming());
    let mut events = VecDeque::new();
    for line in lines {
        if let Err(error) = decoder.decode(Frame::data(line.as_ref()), &mut events) {
            return (events, Err(error));
        }
    }
    let outcome = decoder.finish(&mut events);
    (events, outcome)
}

fn collect(events: &VecDeque<Event>) -> ChatResponse {
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new("ollama"));
    for event in events {
        collector.push(event);
        grammar.check(&Ok(event.clone())).unwrap();
    }
    collector.into_response()
}

fn decode_as<L: AsRef<[u8]>>(profile: &Profile, lines: &[L]) -> Result<ChatResponse> {
    let (events, outcome) = events_of(profile, lines);
    let response = collect(&events);
    outcome.map(|()| response)
}

fn decode<L: AsRef<[u8]>>(lines: &[L]) -> Result<ChatResponse> {
    decode_as(&Profile::default(), lines)
}

fn line(message: Value) -> String {
    json!({"model": "m", "created_at": "2026-08-01T10:00:00.5Z", "message": message, "done": false})
        .to_string()
}

fn said(text: &str) -> String {
    line(json!({"role": "assistant", "content": text}))
}

fn done() -> String {
    json!({"model": "m", "message": {"content": ""}, "done": true, "done_reason": "stop",
        "prompt_eval_count": 3, "eval_count": 5, "total_duration": 9})
    .to_string()
}

fn kinds(response: &ChatResponse) -> Vec<PartKind> {
    let parts = &response.message().unwrap().parts;
    parts.iter().map(PartKind::of).collect()
}

#[test]
fn a_stream_of_thoughts_text_and_calls() {
    let call = |name: &str| json!({"function": {"index": 0, "name": name, "arguments": {"a": 1}}});
    let response = decode(&[
        line(json!({"role": "assistant", "content": "", "thinking": "Let"})),
        line(json!({"role": "assistant", "content": "", "thinking": " me"})),
        said("Hi"),
        line(json!({"content": "", "tool_calls": [call("f"), call("g")]})),
        line(json!({"content": "", "tool_calls": [
            {"id": "call_x", "type": "function", "function": {"name": "f", "arguments": null}}]})),
        done(),
    ])
    .unwrap();
    assert_eq!(
        (response.reasoning().as_str(), response.text().as_str()),
        ("Let me", "Hi")
    );
    assert_eq!(response.model.as_deref(), Some("m"));
    assert_eq!(response.created, Some(1_785_578_400));
    let calls: Vec<_> = response.tool_calls().collect();
    let names: Vec<_> = calls.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["f", "g", "f"]);
    assert_eq!(calls[0].arguments.parse().unwrap(), json!({"a": 1}));
    assert_eq!(calls[2].arguments.parse().unwrap(), json!({}));
    assert_eq!(calls[0].id.len(), 9);
    assert!(calls[0].id != calls[1].id && calls[2].id == "call_x");
    let origin = Origin::new("ollama", "ollama-chat");
    let parts = &response.message().unwrap().parts;
    assert_eq!(parts[0].native_for(&origin), Some(&json!({})));
    assert_eq!(
        parts[4].native_for(&origin),
        Some(&json!({"type": "function"}))
    );
    let reason = response.finish_reason().unwrap();
    assert_eq!(reason, &FinishReason::new(FinishKind::ToolCalls, "stop"));
    let usage = response.usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (Some(3), Some(5))
    );
    assert_eq!(usage.raw.unwrap()["total_duration"], 9);
}

#[test]
fn only_done_ends_an_answer() {
    let end = |reason: Value| {
        let end = json!({"done": true, "done_reason": reason}).to_string();
        let response = decode(&[said("Hi"), end, "{\"error\":\"late\"}".to_owned()]).unwrap();
        response.finish_reason().unwrap().clone()
    };
    assert_eq!(
        end(json!("length")),
        FinishReason::new(FinishKind::Length, "length")
    );
    assert_eq!(end(json!("")), FinishKind::Stop.into());
    assert_eq!(end(Value::Null), FinishKind::Stop.into());
    assert_eq!(
        end(json!("load")),
        FinishReason::new(FinishKind::Other, "load")
    );
    for lines in [
        &[][..],
        &[said("Hi")],
        &[said("Hi"), "".into(), ": hm".into()],
    ] {
        assert_eq!(decode(lines).unwrap_err().kind(), ErrorKind::Truncated);
    }
    let usage = decode(&[said("Hi"), "{\"done\":true}".into()])
        .unwrap()
        .usage;
    assert_eq!(usage, None);
}

#[test]
fn an_error_line_ends_it_with_what_it_says() {
    let rows = [
        (
            json!({"error": "model runner has unexpectedly stopped"}),
            ErrorKind::Server,
            None,
        ),
        (
            json!({"error": "x", "status_code": 503}),
            ErrorKind::Overloaded,
            Some(503),
        ),
        (
            json!({"error": "x", "status": 401}),
            ErrorKind::Authentication,
            Some(401),
        ),
        (
            json!({"error": "model 'm' not found"}),
            ErrorKind::ModelNotFound,
            None,
        ),
        (
            json!({"error": "\"m\" does not support tools"}),
            ErrorKind::Unsupported,
            None,
        ),
        (
            json!({"error": {"message": "input exceeds the context length", "code": 7}}),
            ErrorKind::ContextTooLong,
            None,
        ),
        (
            json!({"error": ["server busy, please try again"]}),
            ErrorKind::Overloaded,
            None,
        ),
    ];
    for (last, kind, status) in rows {
        let (mut events, outcome) = events_of(&Profile::default(), &[said("Hi"), last.to_string()]);
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, status), "{last}");
        assert_eq!(collect(&events).text(), "Hi");
        assert!(!error.message().is_empty());
        let info = info();
        let profile = Profile::default();
        let mut decoder = Ollama::default().decoder(&Target::new(&info, &profile));
        assert!(
            decoder
                .decode(Frame::data(last.to_string().as_bytes()), &mut events)
                .is_err()
        );
        events.clear();
        decoder
            .decode(Frame::data(done().as_bytes()), &mut events)
            .unwrap();
        assert!(events.is_empty(), "something after an error");
    }
    let fine = json!({"error": "", "message": {"content": "Hi"}}).to_string();
    assert_eq!(decode(&[fine, done()]).unwrap().text(), "Hi");
}

#[test]
fn broken_bytes_are_repaired_or_refused() {
    let text = |line: &[u8]| decode(&[line, done().as_bytes()]).map(|it| it.text());
    assert_eq!(
        text(b"{\"message\":{\"content\":\"a\\ud83d\"}}").unwrap(),
        "a\u{fffd}"
    );
    assert_eq!(
        text(b"{\"message\":{\"content\":\"a\xff\"}}").unwrap(),
        "a\u{fffd}"
    );
    assert_eq!(
        text(b"{\"message\":{\"content\":\"a\0b\"}}").unwrap(),
        "a\0b"
    );
    assert_eq!(
        text(b"{\"message\":null,\"model\":7,\"logprobs\":null}").unwrap(),
        ""
    );
    for line in [
        &b"<html>"[..],
        b"{\"message\":{\"con",
        b"[]",
        b"{\"message\":\"x\"}",
    ] {
        let error = text(line).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(error.body().is_some());
    }
}

#[test]
fn tagged_thoughts_are_reasoning() {
    let profile = Profile::of("deepseek-r1:7b");
    let response = decode_as(
        &profile,
        &[said("<thi"), said("nk>hm</think>\n"), said("\nHi"), done()],
    )
    .unwrap();
    assert_eq!(
        (response.reasoning().as_str(), response.text().as_str()),
        ("hm", "Hi")
    );
    assert_eq!(kinds(&response), [PartKind::Reasoning, PartKind::Text]);
    assert!(response.message().unwrap().parts[0].native().is_some());
    let held = decode_as(&profile, &[said("<thi"), done()]).unwrap();
    assert_eq!(held.text(), "<thi");
    let whole = json!({"message": {"content": "<think>hm</think>Hi"}, "done": true});
    let info = info();
    let target = Target::new(&info, &profile);
    let whole = Ollama::default()
        .read_response(whole.to_string().as_bytes(), &target)
        .unwrap();
    assert_eq!(
        (whole.reasoning().as_str(), whole.text().as_str()),
        ("hm", "Hi")
    );
}

#[test]
fn unknown_fields_are_told_once() {
    let cloud = |text: &str| {
        json!({"model": "m", "remote_model": "big", "message": {"content": text, "mood": "calm"}})
            .to_string()
    };
    let response = decode(&[cloud("a"), cloud("b"), done()]).unwrap();
    let items: Vec<_> = response.native.iter().map(|it| it.item.clone()).collect();
    assert_eq!(
        items,
        [
            json!({"message": {"mood": "calm"}}),
            json!({"remote_model": "big"})
        ]
    );
}

#[test]
fn a_whole_answer_is_one_line_or_many() {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile);
    let read = |body: &str| Ollama::default().read_response(body.as_bytes(), &target);
    let lines = format!("{}\n{}\n{}\n", said("a"), said("b"), done());
    assert_eq!(read(&lines).unwrap().text(), "ab");
    let whole = "\n\n {\"message\": {\n\"content\": \"ab\"}} ";
    let response = read(whole).unwrap();
    assert_eq!(response.text(), "ab");
    assert!(!response.interrupted);
    assert_eq!(read(&said("a")).unwrap_err().kind(), ErrorKind::Truncated);
    assert_eq!(read("{}").unwrap_err().kind(), ErrorKind::Truncated);
    assert_eq!(read("<html>").unwrap_err().kind(), ErrorKind::Decode);
    let cut = format!("{}\n{{\"mess", said("a"));
    let error = read(&cut).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(error.partial().unwrap().text(), "a");
    let error = read("{\"error\":\"model 'm' not found\"}").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
}

#[test]
fn statuses_and_texts_tell_the_kind() {
    let rows: &[(u16, &str, ErrorKind)] = &[
        (
            400,
            r#"{"error":"\"m\" does not support thinking"}"#,
            ErrorKind::Unsupported,
        ),
        (
            400,
            r#"{"error":"model is required"}"#,
            ErrorKind::InvalidRequest,
        ),
        (
            400,
            r#"{"error":"the input length exceeds the context length"}"#,
            ErrorKind::ContextTooLong,
        ),
        (
            401,
            r#"{"error":"unauthorized","signin_url":"https://x.example"}"#,
            ErrorKind::Authentication,
        ),
        (
            403,
            r#"{"error":"this model requires a subscription"}"#,
            ErrorKind::Permission,
        ),
        (
            404,
            r#"{"error":"model \"m\" not found, try pulling it first"}"#,
            ErrorKind::ModelNotFound,
        ),
        (404, "404 page not found", ErrorKind::Configuration),
        (
            429,
            r#"{"error":"you have reached your hourly usage limit"}"#,
            ErrorKind::RateLimited,
        ),
        (499, r#"{"error":"cancelled"}"#, ErrorKind::Cancelled),
        (
            500,
            r#"{"error":"llama runner process has terminated"}"#,
            ErrorKind::Server,
        ),
        (502, "<html>bad gateway</html>", ErrorKind::Server),
        (
            503,
            r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#,
            ErrorKind::Overloaded,
        ),
        (418, "", ErrorKind::InvalidRequest),
    ];
    for (status, body, kind) in rows {
        let error = Ollama::default().read_error(&WireError::new(*status, &[], body.as_bytes()));
        assert_eq!(
            (error.kind(), error.status()),
            (*kind, Some(*status)),
            "{body}"
        );
        assert!(!error.message().contains('<'));
    }
    let read = |status, body: &str| {
        Ollama::default().read_error(&WireError::new(status, &[], body.as_bytes()))
    };
    let missing = read(404, r#"{"error":"model 'm' not found"}"#);
    assert_eq!(missing.message(), "model 'm' not found");
    assert!(missing.help().contains("ollama pull"));
    let memory = read(
        500,
        r#"{"error":"model requires more system memory (9 GiB) than is available"}"#,
    );
    assert_eq!(memory.retry(), Retry::Never);
}

#[test]
fn errors_are_written_so_that_they_read_back() {
    for kind in [
        ErrorKind::InvalidRequest,
        ErrorKind::Authentication,
        ErrorKind::QuotaExhausted,
        ErrorKind::Permission,
        ErrorKind::ModelNotFound,
        ErrorKind::RateLimited,
        ErrorKind::Cancelled,
        ErrorKind::Overloaded,
        ErrorKind::Server,
    ] {
        let error = Error::new(kind, "no luck");
        let (status, body) = Ollama::default().write_error(&error);
        let read = Ollama::default().read_error(&WireError::new(status, &[], &body));
        assert_eq!((read.kind(), read.message()), (kind, "no luck"));
        let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
        Ollama::default().encoder().fail(&error, &mut frames);
        assert_eq!(decode(&[&frames[0].1]).unwrap_err().kind(), kind);
    }
}

fn encode(events: &[Event]) -> Vec<Vec<u8>> {
    let mut encoder = Ollama::default().encoder();
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for event in events {
        encoder.encode(event, &mut frames).unwrap();
    }
    frames.into_iter().map(|(_, data)| data).collect()
}

/// An answer that uses every field the dialect has.
fn rich() -> ChatResponse {
    let logprob = json!({"token": "H", "logprob": -0.5, "bytes": [72], "top_logprobs": [{"token": "J", "logprob": -1.0}]});
    decode(&[
        json!({"model": "m", "created_at": "2026-08-01T10:00:00Z", "remote_model": "big",
            "message": {"thinking": "hm", "content": ""}}).to_string(),
        json!({"message": {"content": "Hi"}, "logprobs": [logprob]}).to_string(),
        line(json!({"images": ["iVBORw0KGgpyZXN0"]})),
        line(json!({"tool_calls": [{"id": "call_x", "function": {"name": "f", "arguments": {"a": [1, 2.5]}}}]})),
        done(),
    ])
    .unwrap()
}

#[test]
fn an_answer_is_written_so_that_it_reads_back() {
    let response = rich();
    assert_eq!(
        kinds(&response),
        [
            PartKind::Reasoning,
            PartKind::Text,
            PartKind::Media,
            PartKind::ToolCall
        ]
    );
    let events = response.clone().into_events();
    assert_eq!(decode(&encode(&events)).unwrap(), response);
    let (info, profile) = (info(), Profile::default());
    let body = Ollama::default().write_response(&response).unwrap();
    let read = Ollama::default()
        .read_response(&body, &Target::new(&info, &profile))
        .unwrap();
    assert_eq!(read, response);
}

#[test]
fn interleaved_parts_are_written_one_after_another() {
    let text = |part, text: &str| Event::TextDelta {
        choice: 0,
        part,
        text: text.into(),
    };
    let thought = |part, text: &str| Event::ReasoningDelta {
        choice: 0,
        part,
        text: text.into(),
    };
    let events = [
        Event::Started {
            id: None,
            model: Some("m".to_owned()),
            created: None,
        },
        Event::part_started(0, 0, PartKind::Text),
        Event::part_started(0, 1, PartKind::Reasoning),
        Event::part_started(0, 2, PartKind::Refusal),
        Event::part_started(1, 0, PartKind::Text),
        text(0, "a"),
        thought(1, "x"),
        text(2, "c"),
        Event::TextDelta {
            choice: 1,
            part: 0,
            text: "other".into(),
        },
        text(0, "b"),
        thought(1, "y"),
        Event::part_finished(0, 0),
        text(2, "d"),
        Event::part_finished(0, 2),
        Event::part_finished(0, 1),
        Event::Finished {
            choice: 0,
            reason: FinishKind::Length.into(),
        },
        Event::Completed { usage: None },
    ];
    let response = decode(&encode(&events)).unwrap();
    assert_eq!(
        (response.text().as_str(), response.reasoning().as_str()),
        ("abcd", "xy")
    );
    assert_eq!(response.finish_reason().unwrap().kind, FinishKind::Length);
}

#[test]
fn a_call_that_was_cut_is_never_written_as_one() {
    let answer = |arguments: Arguments| {
        let mut response = rich();
        let call = ToolCall::new("1", "f", arguments);
        response.choices[0].message.parts = vec![Part::text("Hi"), call.into()];
        response
    };
    for arguments in [Arguments::cut("{\"a\":1}"), Arguments::json("{\"a")] {
        let response = answer(arguments);
        let whole: Value =
            serde_json::from_slice(&Ollama::default().write_response(&response).unwrap()).unwrap();
        assert_eq!(whole["message"]["tool_calls"], Value::Null);
        assert_eq!(whole["done_reason"], "length");
        let streamed = decode(&encode(&response.into_events())).unwrap();
        assert_eq!(streamed.tool_calls().count(), 0);
        assert_eq!(streamed.finish_reason().unwrap().kind, FinishKind::Length);
    }
    let free = answer(Arguments::text("free"));
    let read = decode(&encode(&free.into_events())).unwrap();
    let call = read.tool_calls().next().unwrap();
    assert_eq!(call.arguments.parse().unwrap(), json!({"input": "free"}));
}

#[test]
fn a_line_as_ollama_writes_it() {
    let events = [
        Event::Started {
            id: None,
            model: Some("m".to_owned()),
            created: Some(1_785_578_400),
        },
        Event::part_started(0, 0, PartKind::Text),
        Event::TextDelta {
            choice: 0,
            part: 0,
            text: "Hi".into(),
        },
    ];
    let lines = encode(&events);
    assert_eq!(
        String::from_utf8(lines[0].clone()).unwrap(),
        r#"{"model":"m","created_at":"2026-08-01T10:00:00Z","message":{"role":"assistant","content":"Hi"},"done":false}"#
    );
}

#[test]
fn a_usual_delta_allocates_nothing() {
    for profile in [Profile::default(), Profile::of("qwen3")] {
        let info = info();
        let mut decoder = Ollama::default().decoder(&Target::new(&info, &profile).streaming());
        let mut events = VecDeque::with_capacity(8);
        let line = r#"{"model":"qwen3:8b","created_at":"2026-08-04T19:59:07.278934Z","message":{"role":"assistant","content":" word"},"done":false}"#;
        decoder
            .decode(Frame::data(line.as_bytes()), &mut events)
            .unwrap();
        let cost = measure(|| {
            for _ in 0..100 {
                events.clear();
                decoder
                    .decode(Frame::data(line.as_bytes()), &mut events)
                    .unwrap();
            }
        });
        assert_eq!(cost.count_total, 0, "{profile:?}");
        assert!(matches!(events.back(), Some(Event::TextDelta { .. })));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_cut_into_deltas_gives_the_same(
        thoughts in "[a-zé\"\\\\\n]{0,12}",
        text in "[a-zé\"\\\\\n]{0,24}",
        size in 1usize..8,
    ) {
        let pieces = |text: &str| -> Vec<String> {
            let letters: Vec<char> = text.chars().collect();
            letters.chunks(size).map(|it| it.iter().collect()).collect()
        };
        let mut lines: Vec<String> = pieces(&thoughts)
            .into_iter()
            .map(|it| line(json!({"thinking": it, "content": ""})))
            .collect();
        lines.extend(pieces(&text).iter().map(|it| said(it)));
        lines.push(done());
        let whole = [line(json!({"thinking": thoughts, "content": text})), done()];
        let (cut, whole) = (decode(&lines).unwrap(), decode(&whole).unwrap());
        prop_assert_eq!(&cut.choices, &whole.choices);
        prop_assert_eq!(decode(&encode(&cut.clone().into_events())).unwrap().choices, cut.choices);
    }

    #[test]
    fn no_damage_makes_it_panic(
        at in any::<prop::sample::Index>(),
        bytes in proptest::collection::vec(any::<u8>(), 0..6),
        which in 0usize..5,
    ) {
        let mut lines = vec![
            line(json!({"thinking": "hm", "content": "<think>", "extra": [1]})),
            line(json!({"tool_calls": [{"id": "1", "function": {"name": "f", "arguments": {"a": 1}}}]})),
            json!({"message": {"images": ["iVA="]}, "logprobs": [{"token": "H", "logprob": -0.5}]}).to_string(),
            json!({"error": {"message": "x"}, "status_code": 404}).to_string(),
            done(),
        ].into_iter().map(String::into_bytes).collect::<Vec<_>>();
        let line = &mut lines[which];
        let at = at.index(line.len());
        let end = (at + bytes.len()).min(line.len());
        line.splice(at..end, bytes);
        let (events, _) = events_of(&Profile::of("qwen3"), &lines);
        collect(&events);
        let whole = lines.concat();
        let (info, profile) = (info(), Profile::default());
        let _ = Ollama::default().read_response(&whole, &Target::new(&info, &profile));
        Ollama::default().read_error(&WireError::new(400, &[], &whole));
        let _ = Ollama::default().read_request("/api/chat", &whole, &Origin::new("o", "d"));
    }
}
