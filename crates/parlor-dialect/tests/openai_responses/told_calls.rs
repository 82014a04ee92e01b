//! Calls of tools in forms that only this dialect has, told to the client that offered these.

use super::forms::{bringing, call, incoming, response, tools, whole};
use super::{collect, decode, origin};
use parlor_core::*;
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_dialect::{Encoder, Incoming, ServerDialect};
use serde_json::{Value, json};

/// The frames of these events.
fn streamed(events: &[Event], incoming: &Incoming) -> Vec<Value> {
    let mut encoder = OpenAiResponses::default().encoder_for(&incoming.tools);
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for event in events {
        encoder.encode(event, &mut frames).unwrap();
    }
    let read = |(_, data): (_, Vec<u8>)| serde_json::from_slice(&data).unwrap();
    frames.into_iter().map(read).collect()
}

fn of<'f>(frames: &'f [Value], kind: &str) -> Vec<&'f Value> {
    frames.iter().filter(|it| it["type"] == kind).collect()
}

/// An item without what every item has.
fn bare(item: &Value) -> Value {
    let mut item = item.clone();
    item.as_object_mut()
        .unwrap()
        .retain(|key, _| key != "id" && key != "status");
    item
}

#[test]
fn whole_answers_are_in_the_form_of_their_tools() {
    let incoming = incoming(&bringing(tools()));
    let parts = vec![
        Part::text("So:"),
        call("c1", "exec", json!({"input": "a\n\"b\""})),
        call("c2", "agents__wait", json!({"at": 1})),
        call("c3", "note", json!({"input": "n"})),
        call("c4", "wait", json!({"at": 2})),
        call("c5", "unknown", json!({"at": 3})),
    ];
    let answer = whole(parts.clone(), &incoming);
    let output: Vec<Value> = answer["output"].as_array().unwrap()[1..]
        .iter()
        .map(bare)
        .collect();
    let wanted = json!([
        {"type": "custom_tool_call", "call_id": "c1", "name": "exec", "namespace": "functions", "input": "a\n\"b\""},
        {"type": "function_call", "call_id": "c2", "name": "wait", "namespace": "agents", "arguments": "{\"at\":1}"},
        {"type": "custom_tool_call", "call_id": "c3", "name": "note", "input": "n"},
        {"type": "function_call", "call_id": "c4", "name": "wait", "namespace": "functions", "arguments": "{\"at\":2}"},
        {"type": "function_call", "call_id": "c5", "name": "unknown", "arguments": "{\"at\":3}"}]);
    assert_eq!(Value::from(output), wanted);
    assert_eq!(answer["output"][1]["status"], "completed");
    let frames = streamed(&response(parts).into_events(), &incoming);
    assert_eq!(frames.last().unwrap()["response"], answer);
}

#[test]
fn streams_tell_texts_as_they_come() {
    let incoming = incoming(&bringing(tools()));
    let start = |part, id: &str, name: &str| Event::call_started(0, part, CallHead::new(id, name));
    let delta = |part, text: &str| Event::ArgumentsDelta {
        choice: 0,
        part,
        text: text.into(),
    };
    let end = |part, call: Part| Event::part_finished_with(0, part, call);
    let (code, at) = (r#"{"input": "a\n\"b\""}"#, r#"{"at": 1}"#);
    let events = [
        start(0, "c1", "exec"),
        start(1, "c2", "agents__close"),
        delta(0, "{\"inp"),
        delta(1, "{\"at\""),
        delta(0, "ut\": \"a\\"),
        delta(0, "n\\\"b"),
        delta(1, ": 1}"),
        delta(0, "\\\"\"}"),
        end(
            1,
            ToolCall::new("c2", "agents__close", Arguments::json(at)).into(),
        ),
        end(0, ToolCall::new("c1", "exec", Arguments::json(code)).into()),
        Event::completed(None),
    ];
    let frames = streamed(&events, &incoming);
    let added = of(&frames, "response.output_item.added");
    assert_eq!(
        bare(&added[0]["item"]),
        json!({"type": "custom_tool_call", "call_id": "c1",
        "name": "exec", "namespace": "functions", "input": ""})
    );
    assert_eq!(
        bare(&added[1]["item"]),
        json!({"type": "function_call", "call_id": "c2",
        "name": "close", "namespace": "agents", "arguments": ""})
    );
    let deltas = of(&frames, "response.custom_tool_call_input.delta");
    let said: Vec<&str> = deltas
        .iter()
        .map(|it| it["delta"].as_str().unwrap())
        .collect();
    assert_eq!(said, ["a", "\n\"b", "\""]);
    let over = of(&frames, "response.custom_tool_call_input.done");
    assert_eq!((over.len(), &over[0]["input"]), (1, &json!("a\n\"b\"")));
    assert_eq!(over[0]["item_id"], added[0]["item"]["id"]);
    let arguments = of(&frames, "response.function_call_arguments.done");
    assert_eq!(
        (arguments.len(), &arguments[0]["arguments"]),
        (1, &json!(at))
    );
    let done = of(&frames, "response.output_item.done");
    assert_eq!(
        bare(&done[1]["item"]),
        json!({"type": "custom_tool_call", "call_id": "c1",
        "name": "exec", "namespace": "functions", "input": "a\n\"b\""})
    );
    // A client of the dialect reads what was meant.
    let (events, outcome) = decode(&frames);
    outcome.unwrap();
    let read = collect(&events);
    let calls: Vec<&ToolCall> = read.tool_calls().collect();
    assert_eq!(calls[0].arguments, Arguments::text("a\n\"b\""));
    assert_eq!(calls[1].name, "close");
}

#[test]
fn a_text_in_other_words_is_told_at_its_end() {
    let incoming = incoming(&bringing(tools()));
    for arguments in [r#"{"code": "free"}"#, r#""free""#, "free"] {
        let call: Part = ToolCall::new("c", "exec", Arguments::json(arguments)).into();
        let frames = streamed(&response(vec![call]).into_events(), &incoming);
        let deltas = of(&frames, "response.custom_tool_call_input.delta");
        let said: Vec<&Value> = deltas.iter().map(|it| &it["delta"]).collect();
        assert_eq!(said, ["free"], "{arguments}");
        let done = of(&frames, "response.output_item.done");
        assert_eq!(done[0]["item"]["input"], "free", "{arguments}");
    }
}

#[test]
fn a_cut_text_doesn_t_pass_for_one_that_may_be_run() {
    let incoming = incoming(&bringing(tools()));
    let cut = r#"{"input": "rm -r a"#;
    let parts = vec![ToolCall::new("c", "exec", Arguments::cut(cut)).into()];
    let item = &whole(parts, &incoming)["output"][0];
    assert_eq!(
        (&item["status"], &item["input"]),
        (&json!("incomplete"), &json!(cut))
    );
    assert_eq!(item["type"], "custom_tool_call");
}

#[test]
fn calls_that_came_in_these_forms_stay_as_they_are() {
    let incoming = incoming(&bringing(tools()));
    let native =
        |call: ToolCall, fields: Value| Part::from(call).with_native(Native::new(origin(), fields));
    let parts = vec![
        native(
            ToolCall::new("c1", "exec", Arguments::text("{}")),
            json!({"namespace": "functions"}),
        ),
        native(
            ToolCall::new("c2", "wait", Arguments::json("{}")),
            json!({"namespace": "agents"}),
        ),
    ];
    let output = whole(parts, &incoming)["output"].clone();
    assert_eq!(
        bare(&output[0]),
        json!({"type": "custom_tool_call", "call_id": "c1",
        "name": "exec", "namespace": "functions", "input": "{}"})
    );
    assert_eq!(
        bare(&output[1]),
        json!({"type": "function_call", "call_id": "c2",
        "name": "wait", "namespace": "agents", "arguments": "{}"})
    );
}
