//! Requests, both ways.

use super::{read, written};
use parlor_core::*;
use parlor_dialect::openai_responses::Quirks;
use serde_json::{Value, json};

fn rich() -> ChatRequest {
    let mut request = ChatRequest::new([
        Message::system("Be brief."),
        Message::user("Look:").with(Media::bytes("image/png", vec![1, 2])),
        Message::assistant("So?"),
        Message::new(
            Role::Assistant,
            vec![ToolCall::new("call_1", "look", json!({"a": 1})).into()],
        ),
        Message::tool_results([ToolResult::text("call_1", "three")]),
    ]);
    let parameters = json!({"type": "object", "properties": {"a": {"type": "number"}}});
    request.tools = vec![ToolDefinition::function("look", "Looks.", parameters)];
    request.tool_choice = Some(ToolChoice::Tool("look".into()));
    request.parallel_tool_calls = Some(false);
    request.output = Some(OutputFormat::JsonSchema(OutputSchema::new(
        "o",
        json!({"type": "object"}),
    )));
    request.max_output_tokens = Some(99);
    request.top_logprobs = None;
    request.reasoning = Some(Effort::Low.into());
    request.user = Some("u".into());
    request.metadata.insert("k".into(), "v".into());
    request.service_tier = Some("flex".into());
    request.with_extra("openai", "truncation", "auto")
}

#[test]
fn what_is_written_reads_back() {
    let (body, warnings) = written(&rich(), Quirks::default()).unwrap();
    assert_eq!(warnings, [""; 0]);
    let mut again = read(&body);
    // A message of calls alone is the same turn as the words before it.
    let calls = again.messages.remove(2);
    let mut wanted = rich();
    let more = wanted.messages.remove(3);
    wanted.messages[2].parts.extend(more.parts);
    again.messages.insert(2, calls);
    assert_eq!(again, wanted);
    assert_eq!(body["instructions"], "Be brief.");
    assert_eq!(body["text"]["format"]["name"], "o");
    assert_eq!(
        body["tool_choice"],
        json!({"type": "function", "name": "look"})
    );
}

#[test]
fn nothing_is_said_of_tools_where_none_is_sent() {
    let away = Native::new(Origin::new("away", "gemini"), json!({"googleSearch": {}}));
    let mut request = ChatRequest::from("Hi").with_tool(ToolDefinition::Native(away));
    request.on_foreign_tools = Some(OnUnsupported::Warn);
    request.tool_choice = Some(ToolChoice::Auto);
    request.parallel_tool_calls = Some(false);
    let (body, warnings) = written(&request, Quirks::default()).unwrap();
    assert_eq!(warnings, ["tools"]);
    for field in ["tools", "tool_choice", "parallel_tool_calls"] {
        assert_eq!(body.get(field), None, "{field}");
    }
}

#[test]
fn a_name_of_the_end_user_that_is_too_long_is_left_out_with_a_warning() {
    for (length, warned) in [(64, vec![]), (65, vec!["user"])] {
        let mut request = ChatRequest::from("Hi");
        request.user = Some("u".repeat(length));
        let (body, warnings) = written(&request, Quirks::openai()).unwrap();
        assert_eq!(warnings, warned);
        assert_eq!(body.get("user").is_none(), length > 64);
    }
}

#[test]
fn the_maker_s_host_keeps_nothing_and_gets_thoughts_encrypted() {
    let (body, _) = written(&ChatRequest::from("Hi"), Quirks::openai()).unwrap();
    assert_eq!(body["store"], false);
    assert_eq!(body["include"], json!(["reasoning.encrypted_content"]));
    let kept = ChatRequest::from("Hi").with_extra("openai", "store", true);
    let (body, _) = written(&kept, Quirks::openai()).unwrap();
    assert_eq!(body["store"], true);
    assert_eq!(body.get("include"), None);
    let more = ChatRequest::from("Hi").with_extra("openai", "include", json!(["x"]));
    let (body, _) = written(&more, Quirks::openai()).unwrap();
    assert_eq!(body["include"], json!(["x", "reasoning.encrypted_content"]));
}

#[test]
fn what_the_dialect_lacks_is_told() {
    let mut request = ChatRequest::from("Hi");
    (request.seed, request.top_k, request.n) = (Some(1), Some(2), Some(2));
    request.stop = vec!["x".into()];
    request.temperature = Some(0.5);
    let (body, warnings) = written(&request, Quirks::openai()).unwrap();
    assert_eq!(warnings, ["temperature", "n", "top_k", "seed", "stop"]);
    assert_eq!(body.get("temperature"), None);
    request.on_unsupported = Some(OnUnsupported::Error);
    let error = written(&request, Quirks::openai()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn bodies_keep_what_core_has_no_place_for() {
    let body = json!({"model": "m", "input": [
        {"type": "message", "role": "developer", "content": "Rules."},
        {"type": "message", "role": "user", "content": [
            {"type": "input_file", "file_url": "https://a.example/a.pdf", "detail": "low"},
            {"type": "input_glimmer", "x": 1}]},
        {"type": "item_reference", "id": "msg_9"},
        {"type": "compaction", "id": "cmp_1", "encrypted_content": "gA"},
        {"type": "computer_call_output", "call_id": "c", "output": {
            "type": "computer_screenshot", "image_url": "data:image/png;base64,AQI="}},
        {"type": "mcp_approval_response", "approval_request_id": "r", "approve": true},
    ], "tools": [{"type": "web_search", "search_context_size": "low"},
        {"type": "custom", "name": "patch", "format": {"type": "text"}}],
        "tool_choice": {"type": "mcp", "server_label": "s", "name": "n"},
        "text": {"verbosity": "low"}, "reasoning": {"effort": "low", "context": "all_turns"},
        "previous_response_id": "resp_0", "prompt": {"id": "p"}, "background": true});
    let (mut again, warnings) = {
        let request = read(&body);
        let json = serde_json::to_value(&request).unwrap();
        assert_eq!(
            serde_json::from_value::<ChatRequest>(json).unwrap(),
            request
        );
        written(&request, Quirks::default()).unwrap()
    };
    again["model"] = Value::from("m");
    assert_eq!((again, warnings), (body, vec![]));
}
