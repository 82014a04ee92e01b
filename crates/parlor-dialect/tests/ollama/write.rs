//! Answers as a gateway sends them.

use crate::support::*;
use parlor_core::*;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::{Dialect, Profile, ServerDialect, Target};
use serde_json::{Value, json};

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
        Event::started(None, Some("m".to_owned()), None),
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
        Event::finished(0, FinishKind::Length.into()),
        Event::completed(None),
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
        Event::started(None, Some("m".to_owned()), Some(1_785_578_400)),
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
