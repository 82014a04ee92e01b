//! Requests through the wire and back.

use crate::support::*;
use parlor_core::*;
use parlor_dialect::ServerDialect;
use parlor_dialect::cohere::Cohere;
use serde_json::json;

/// A request that says all that the dialect can say.
fn rich() -> ChatRequest {
    let mut image = Media::bytes("image/png", b"\x89P".as_slice());
    image.detail = Some("low".to_owned());
    let mut user = Message::new(
        Role::User,
        vec![
            "look".into(),
            image.into(),
            Media::url(MediaKind::Image, "https://x/y.png").into(),
            Part::Native(native(json!({"type": "chart", "data": [1]}))),
            Part::text("odd").with_native(native(json!({"odd": 1}))),
        ],
    );
    user.native = Some(Box::new(native(json!({"priority": 2}))));
    let mut cited = Text::new("Blue");
    let mut citation = Citation::default();
    (citation.start, citation.end) = (Some(0), Some(4));
    citation.title = Some("T".to_owned());
    citation.native = Some(Box::new(native(
        json!({"start": 0, "end": 4, "content_index": 1,
        "sources": [{"type": "document", "id": "d", "document": {"title": "T"}}]}),
    )));
    cited.citations.push(citation);
    let plan = json!({"type": "tool_plan", "tool_plan": "Look."});
    let call: Part = ToolCall::new("c1", "f", Arguments::json("{\"x\":1}")).into();
    let turn = Message::new(
        Role::Assistant,
        vec![
            Part::from(Reasoning::new("hm")).with_native(native(json!({}))),
            cited.into(),
            Part::Native(native(plan)),
            call.with_native(native(json!({"function": {"kept": true}}))),
            ToolCall::new("c2", "g", Arguments::json("{}")).into(),
        ],
    );
    let document = json!({"type": "document", "document": {"id": "d", "data": {"output": "60"}}});
    let mut found = ToolResult::default();
    found.call_id = "c1".to_owned();
    found.parts = vec!["one".into(), Part::text("60").with_native(native(document))];
    let results = Message::tool_results([found, ToolResult::text("c2", "two")]);

    let mut function = FunctionDefinition::new("f");
    function.description = Some("does f".to_owned());
    function.parameters = Some(json!({"type": "object", "properties": {"x": {"type": "integer"}}}));
    function.strict = Some(true);
    function.native = Some(Box::new(native(json!({"function": {"examples": []}}))));
    let mut bare = FunctionDefinition::new("g");
    bare.strict = Some(true);

    let mut request = ChatRequest::new([
        Message::new(Role::System, vec!["Be brief.".into(), "Be kind.".into()]),
        user,
        turn,
        results,
        Message::assistant("Done"),
        Message::user("And?"),
    ]);
    request.tools = vec![
        ToolDefinition::Function(function),
        ToolDefinition::Function(bare),
        ToolDefinition::Native(native(json!({"type": "web", "depth": 2}))),
    ];
    request.tool_choice = Some(ToolChoice::Required);
    request.output = Some(OutputFormat::JsonSchema(OutputSchema::new(
        "response",
        json!({"type": "object"}),
    )));
    request.max_output_tokens = Some(9);
    request.temperature = Some(0.5);
    request.top_p = Some(0.25);
    request.top_k = Some(3);
    request.frequency_penalty = Some(0.5);
    request.presence_penalty = Some(0.75);
    request.seed = Some(-4);
    request.stop = vec!["a".to_owned(), "b".to_owned()];
    request.logprobs = Some(true);
    request.reasoning = Some(ReasoningConfig::budget(100));
    request
        .with_extra(
            "cohere",
            "documents",
            json!(["one", {"id": "d", "data": {"a": "b"}}]),
        )
        .with_extra("cohere", "safety_mode", "STRICT")
        .with_extra("cohere", "citation_options", json!({"mode": "FAST"}))
}

#[test]
fn a_rich_request_comes_back_as_it_was() {
    let request = rich();
    let incoming = read(body(&request));
    assert_eq!(incoming.request, request);
    assert_eq!(
        (incoming.model.as_str(), incoming.stream),
        ("command-a-03-2025", false)
    );
}

#[test]
fn a_rich_request_on_the_wire() {
    let body = body(&rich());
    let messages = body["messages"].as_array().unwrap();
    assert_eq!(
        messages[2],
        json!({"role": "assistant",
            "content": [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "Blue"}],
            "tool_plan": "Look.",
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}", "kept": true}},
                {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}],
            "citations": [{"start": 0, "end": 4, "content_index": 1,
                "sources": [{"type": "document", "id": "d", "document": {"title": "T"}}]}]})
    );
    assert_eq!(
        messages[3],
        json!({"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "one"},
            {"type": "document", "document": {"id": "d", "data": {"output": "60"}}}]})
    );
    assert_eq!(
        messages[4],
        json!({"role": "tool", "tool_call_id": "c2", "content": "two"})
    );
    for (key, value) in [
        ("p", json!(0.25)),
        ("k", json!(3)),
        ("stop_sequences", json!(["a", "b"])),
        ("tool_choice", json!("REQUIRED")),
        ("strict_tools", json!(true)),
        ("thinking", json!({"type": "enabled", "token_budget": 100})),
        (
            "response_format",
            json!({"type": "json_object", "json_schema": {"type": "object"}}),
        ),
        ("safety_mode", json!("STRICT")),
    ] {
        assert_eq!(body[key], value, "{key}");
    }
    assert_eq!(body.get("stream"), None);
}

#[test]
fn other_forms_are_read() {
    let incoming = read(json!({
        "model": "m", "stream": true, "tool_choice": "SOMETIMES", "strict_tools": false,
        "response_format": {"type": "json_object"}, "thinking": {"type": "disabled", "odd": 1},
        "documents": [], "priority": 3, "odd": null,
        "messages": [
            {"role": "developer", "content": "s"},
            {"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}, {}]},
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "document", "document": {"data": {"a": 1, "b": 2}}}]},
            {"role": "user", "content": [{"type": "image_url", "image_url": "data:image/png;base64,iVA="}]},
        ],
    }));
    assert!(incoming.stream);
    let request = &incoming.request;
    assert_eq!(request.output, Some(OutputFormat::Json));
    assert_eq!(request.reasoning, Some(ReasoningConfig::off()));
    assert_eq!(
        json!(request.extra["cohere"]),
        json!({"priority": 3, "strict_tools": false, "tool_choice": "SOMETIMES", "documents": [], "thinking": {"odd": 1}})
    );
    assert_eq!(request.messages[0].role, Role::System);
    let call = request.messages[1].tool_calls().next().unwrap();
    assert_eq!(call.arguments.text, "{\"x\":1}");
    let Part::ToolResult(result) = &request.messages[2].parts[0] else {
        panic!()
    };
    assert_eq!(result.joined_text(), "{\"a\":1,\"b\":2}");
    for body in [
        "{",
        "[]",
        "{}",
        r#"{"model":"m","messages":[{"role":"ghost"}]}"#,
    ] {
        let error = Cohere::default()
            .read_request("/v2/chat", body.as_bytes(), &origin())
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{body}");
    }
}

#[test]
fn an_answer_of_which_nothing_goes_back_is_left_out() {
    let thoughts = Message::new(Role::Assistant, vec![Reasoning::new("hm").into()]);
    let request = ChatRequest::new([Message::user("a"), thoughts, Message::user("b")]);
    let body = body(&request);
    let roles: Vec<_> = body["messages"].as_array().unwrap().iter().collect();
    let roles: Vec<_> = roles.iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["user", "user"]);
}
