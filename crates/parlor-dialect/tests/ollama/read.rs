//! Answers as servers send them.

use crate::support::*;
use allocation_counter::measure;
use parlor_core::*;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::{Decoder, Dialect, Frame, Profile, Target};
use serde_json::{Value, json};
use std::collections::VecDeque;

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
        b"{\"message\":3}",
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
