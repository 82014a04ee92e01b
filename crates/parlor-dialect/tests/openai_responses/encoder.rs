//! Streams written for clients of the dialect.

use super::{collect, decode, encode};
use parlor_core::*;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_dialect::{Encoder, ServerDialect};
use serde_json::{Value, json};

fn response() -> ChatResponse {
    let mut choice = Choice::new(0);
    choice.message.parts = vec![
        Reasoning::new("hm").into(),
        Part::text("Hi"),
        ToolCall::new("call_1", "look", json!({"a": 1})).into(),
        ToolCall::new("call_2", "patch", Arguments::text("free")).into(),
        Refusal::new("no").into(),
    ];
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    let mut response = ChatResponse::default();
    response.id = Some("a".into());
    response.model = Some("m".into());
    response.created = Some(7);
    response.choices = vec![choice];
    response
}

/// What a response says, native data aside.
fn said(response: &ChatResponse) -> Vec<Value> {
    let parts = response.message().unwrap().parts.iter();
    let mut parts: Vec<Value> = parts.map(|it| serde_json::to_value(it).unwrap()).collect();
    for part in &mut parts {
        part.as_object_mut().unwrap().shift_remove("native");
    }
    parts
}

#[test]
fn a_stream_reads_back() {
    let response = response();
    let frames = encode(&response.clone().into_events());
    let (events, outcome) = decode(&frames);
    outcome.unwrap();
    let again = collect(&events);
    assert_eq!(said(&again), said(&response));
    assert_eq!(again.finish_reason().unwrap().kind, FinishKind::ToolCalls);
    assert_eq!((again.id, again.created), (response.id, response.created));
}

#[test]
fn a_call_without_arguments_has_an_empty_object_for_clients() {
    let mut response = response();
    response.choices[0].message.parts =
        vec![ToolCall::new("call_1", "now", Arguments::default()).into()];
    let said: Vec<Value> = encode(&response.into_events())
        .iter()
        .filter_map(|it| it.pointer("/delta").or(it.pointer("/arguments")).cloned())
        .collect();
    assert_eq!(said, ["{}", "{}"]);
}

#[test]
fn a_whole_answer_is_the_stream_s_last_word() {
    let response = response();
    let whole = OpenAiResponses::default()
        .write_response(&response)
        .unwrap();
    let whole: Value = serde_json::from_slice(&whole).unwrap();
    let frames = encode(&response.into_events());
    let last = frames.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"], whole);
}

#[test]
fn clients_can_follow_by_number_and_place() {
    let frames = encode(&response().into_events());
    for (number, frame) in frames.iter().enumerate() {
        assert_eq!(frame["sequence_number"], number);
    }
    assert_eq!(frames[0]["type"], "response.created");
    let of = |kind: &str| {
        frames
            .iter()
            .filter(|it| it["type"] == kind)
            .collect::<Vec<_>>()
    };
    let (added, done) = (
        of("response.output_item.added"),
        of("response.output_item.done"),
    );
    assert_eq!((added.len(), done.len()), (5, 5));
    let output = &frames.last().unwrap()["response"]["output"];
    for (at, (added, done)) in added.iter().zip(&done).enumerate() {
        assert_eq!(added["output_index"], at);
        assert_eq!(done["item"], output[at]);
        assert_eq!(added["item"]["id"], done["item"]["id"]);
    }
    for delta in of("response.output_text.delta") {
        assert_eq!(delta["item_id"], output[1]["id"]);
        assert!(delta["logprobs"].is_array());
    }
}

#[test]
fn parts_that_overlap_are_told_apart() {
    let open = |part, kind| Event::part_started(0, part, kind);
    let text = |part, text: &str| {
        let mut all = Text::new(text).text;
        let text = std::mem::take(&mut all).into();
        Event::TextDelta {
            choice: 0,
            part,
            text,
        }
    };
    let events = [
        open(0, PartKind::Text),
        open(1, PartKind::Text),
        text(0, "a"),
        text(1, "b"),
        text(0, "c"),
        Event::part_finished(0, 1),
        Event::part_finished(0, 0),
    ];
    let frames = encode(&events);
    let done = frames.last().unwrap();
    assert_eq!(done["type"], "response.output_item.done");
    assert_eq!(done["item"]["content"][0]["text"], "ac");
    assert_eq!(done["item"]["content"][1]["text"], "b");
}

#[test]
fn a_failure_can_be_read_in_either_form() {
    let mut encoder = OpenAiResponses::default().encoder();
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    encoder.fail(&Error::new(ErrorKind::RateLimited, "slow"), &mut frames);
    let read = |at: usize| serde_json::from_slice::<Value>(&frames[at].1).unwrap();
    let (error, failed) = (read(0), read(1));
    assert_eq!(error["error"]["code"], error["code"]);
    assert_eq!(failed["response"]["error"]["message"], "slow");
    for frame in [error, failed] {
        let error = decode(&[frame]).1.unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::RateLimited, "slow")
        );
    }
}
