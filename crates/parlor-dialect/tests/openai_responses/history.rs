//! Answers sent back: what goes home and what doesn't.

use super::{answer, written};
use parlor_core::*;
use parlor_dialect::openai_responses::Quirks;
use serde_json::{Value, json};

fn turn(items: Value) -> Message {
    let body = json!({"id": "resp_1", "status": "completed", "output": items});
    answer(&body).unwrap().choices.remove(0).message
}

fn input(messages: Vec<Message>, quirks: Quirks) -> Value {
    written(&ChatRequest::new(messages), quirks).unwrap().0["input"].take()
}

#[test]
fn an_answer_goes_back_as_it_came() {
    let items = json!([
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "One."},
            {"type": "summary_text", "text": "Two."}], "id": "rs_1", "encrypted_content": "gA"},
        {"type": "message", "role": "assistant", "content": [
            {"type": "output_text", "text": "Hi", "annotations": []},
            {"type": "refusal", "refusal": "no"}], "id": "msg_1", "status": "completed",
            "phase": "final_answer"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        {"type": "function_call", "call_id": "call_1", "name": "look", "arguments": "{}",
            "id": "fc_1", "status": "completed"},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "AQI="},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gB"},
    ]);
    for quirks in [Quirks::openai(), Quirks::default()] {
        assert_eq!(input(vec![turn(items.clone())], quirks), items);
    }
}

#[test]
fn thoughts_without_their_encrypted_form_stay_out_with_the_ids_they_led_to() {
    let items = json!([
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"},
    ]);
    let sent = input(vec![turn(items.clone())], Quirks::openai());
    assert_eq!(sent.as_array().unwrap().len(), 1);
    assert_eq!(sent[0].get("id"), None);
    // A host that keeps answers knows them by their ids.
    let mut kept = Quirks::openai();
    kept.store = Some(true);
    assert_eq!(input(vec![turn(items)], kept).as_array().unwrap().len(), 2);
}

#[test]
fn thoughts_that_led_to_nothing_stay_out() {
    let thought =
        json!({"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gA"});
    let said = json!({"type": "message", "role": "assistant", "id": "msg_1",
        "content": [{"type": "output_text", "text": "Hi", "annotations": []}]});
    let kinds = |messages: Vec<Message>| -> Vec<String> {
        let sent = input(messages, Quirks::openai());
        let sent = sent.as_array().unwrap().iter();
        sent.map(|it| it["type"].as_str().unwrap().to_owned())
            .collect()
    };
    let cut = turn(json!([thought.clone()]));
    let asked = || Message::user("And?");
    assert_eq!(kinds(vec![asked(), cut.clone(), asked()]), ["message"; 2]);
    assert_eq!(kinds(vec![asked(), cut.clone()]), ["message"]);
    let whole = kinds(vec![turn(json!([thought, said.clone()])), asked()]);
    assert_eq!(whole, ["reasoning", "message", "message"]);
    // What it led to may be the next message.
    let goes_on = kinds(vec![cut, turn(json!([said]))]);
    assert_eq!(goes_on, ["reasoning", "message"]);
}

#[test]
fn edited_parts_go_by_their_plain_meaning() {
    let mut message = turn(
        json!([{"type": "message", "id": "msg_1", "role": "assistant",
        "content": [{"type": "output_text", "text": "Hi"}]}]),
    );
    if let Part::Text(text) = &mut message.parts[0] {
        text.text.push('!');
    }
    let wanted = json!([{"type": "message", "role": "assistant", "content": "Hi!"}]);
    assert_eq!(input(vec![message], Quirks::openai()), wanted);
}

#[test]
fn another_provider_s_turn_goes_by_its_plain_meaning() {
    let away = Origin::new("anthropic", "anthropic-messages");
    let native =
        |part: Part| part.with_native(Native::new(away.clone(), json!({"signature": "x"})));
    let mut run = ToolCall::new("srv", "search", json!({}));
    run.executor = Executor::Provider;
    let parts = vec![
        native(Reasoning::new("hm").into()),
        native(Part::text("Hi")),
        native(run.into()),
        native(ToolCall::new("t1", "look", json!({})).into()),
    ];
    let request = ChatRequest::new([Message::new(Role::Assistant, parts)]);
    let (body, warnings) = written(&request, Quirks::openai()).unwrap();
    let wanted = json!([{"type": "message", "role": "assistant", "content": "Hi"},
        {"type": "function_call", "call_id": "t1", "name": "look", "arguments": "{}"}]);
    assert_eq!(body["input"], wanted);
    assert_eq!(warnings, ["messages.reasoning", "messages.tool_call"]);
}

#[test]
fn results_take_the_form_of_their_call() {
    for (call, wanted) in [
        (
            json!({"type": "custom_tool_call", "call_id": "c", "name": "p", "input": "x"}),
            json!({"type": "custom_tool_call_output", "call_id": "c", "output": "ok"}),
        ),
        (
            json!({"type": "apply_patch_call", "id": "a", "call_id": "c", "operation": {}}),
            json!({"type": "apply_patch_call_output", "call_id": "c", "status": "completed",
                "output": "ok"}),
        ),
        (
            json!({"type": "shell_call", "id": "a", "call_id": "c", "action": {}}),
            json!({"type": "shell_call_output", "call_id": "c", "output": [
                {"stdout": "ok", "stderr": "", "outcome": {"type": "exit", "exit_code": 0}}]}),
        ),
        (
            json!({"type": "function_call", "call_id": "c", "name": "p", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "c", "output": "ok"}),
        ),
    ] {
        let result = Message::tool_results([ToolResult::text("c", "ok")]);
        let sent = input(vec![turn(json!([call])), result], Quirks::openai());
        assert_eq!(sent[1], wanted);
    }
}
