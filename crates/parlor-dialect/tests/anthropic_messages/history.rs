//! The conversation: roles, results, reasoning, what goes back where.

use super::*;

fn messages(request: &ChatRequest) -> Value {
    write(request).body["messages"].clone()
}

fn call(id: &str) -> Part {
    ToolCall::new(id, "f", Arguments::json("{}")).into()
}

#[test]
fn results_of_a_turn_go_in_one_message_before_all_else() {
    let request = ChatRequest::new([
        Message::user("a"),
        Message::new(Role::Assistant, vec![call("t1"), call("t2")]),
        Message::user("wait"),
        Message::tool_results([ToolResult::text("t1", "1")]),
        Message::user("there"),
        Message::tool_results([ToolResult::text("t2", "2")]),
        Message::assistant("ok"),
        Message::user("b"),
    ]);
    let written = messages(&request);
    let roles: Vec<_> = written
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["role"])
        .collect();
    assert_eq!(
        roles,
        [
            "user",
            "assistant",
            "user",
            "user",
            "user",
            "assistant",
            "user"
        ]
    );
    let ids: Vec<_> = written[2]["content"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["tool_use_id"])
        .collect();
    assert_eq!(ids, ["t1", "t2"]);
    assert_eq!(
        (&written[3]["content"], &written[4]["content"]),
        (&json!("wait"), &json!("there"))
    );
}

#[test]
fn results_within_a_users_message_come_first() {
    let request = ChatRequest::new([
        Message::user("a"),
        Message::new(Role::Assistant, vec![call("t1")]),
        Message::new(
            Role::User,
            vec![Part::text("here"), ToolResult::text("t1", "1").into()],
        ),
    ]);
    let content = &messages(&request)[2]["content"];
    assert_eq!(content[0]["type"], "tool_result");
    assert_eq!(content[1]["text"], "here");
}

#[test]
fn system_messages_within_the_conversation_follow_the_host() {
    let request = ChatRequest::new([
        Message::system("first"),
        Message::user("a"),
        Message::system("second"),
        Message::user("b"),
    ]);
    let with =
        |word: &str| write_with(&request, json!({"system_messages": word}), &info()).unwrap();
    let wrapped = with("wrap");
    assert_eq!(wrapped.body["system"], "first");
    assert_eq!(
        wrapped.body["messages"][1]["content"],
        "<system>\nsecond\n</system>"
    );
    assert_eq!(wrapped.warned(), ["messages.system"]);
    let hoisted = with("hoist");
    assert_eq!(hoisted.body["system"][1]["text"], "second");
    assert_eq!(hoisted.body["messages"].as_array().unwrap().len(), 2);
    assert_eq!(hoisted.warned(), ["messages.system"]);
    let native = with("native");
    assert_eq!(
        native.body["messages"][1],
        json!({"role": "system", "content": "second"})
    );
    assert!(native.warnings.is_empty());
    // One that came so goes back so, whatever the host.
    let again = read(&native.body);
    assert_eq!(write(&again).body["messages"], native.body["messages"]);
}

#[test]
fn empty_text_is_left_out_and_a_prefill_is_trimmed() {
    let request = ChatRequest::new([
        Message::new(Role::User, vec![Part::text(""), Part::text("a")]),
        Message::new(Role::Assistant, vec![Part::text("\n\n"), call("t1")]),
        Message::tool_results([ToolResult::text("t1", "")]),
        Message::assistant("The answer is \n"),
    ]);
    let written = write(&request);
    assert_eq!(written.body["messages"][0]["content"], "a");
    assert_eq!(
        written.body["messages"][1]["content"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(
        written.body["messages"][2]["content"][0]
            .get("content")
            .is_none()
    );
    assert_eq!(written.body["messages"][3]["content"], "The answer is");
    assert_eq!(written.warned(), ["messages", "tools"]);
}

#[test]
fn ids_of_other_providers_are_rewritten_in_pairs() {
    let request = ChatRequest::new([
        Message::user("a"),
        Message::new(
            Role::Assistant,
            vec![call("functions.f:0"), call("functions.f/0")],
        ),
        Message::tool_results([
            ToolResult::text("functions.f:0", "1"),
            ToolResult::text("functions.f/0", "2"),
        ]),
    ]);
    let written = messages(&request);
    let id = |at: &Value| at.as_str().unwrap().to_owned();
    let calls = [
        id(&written[1]["content"][0]["id"]),
        id(&written[1]["content"][1]["id"]),
    ];
    let results = [
        id(&written[2]["content"][0]["tool_use_id"]),
        id(&written[2]["content"][1]["tool_use_id"]),
    ];
    assert_eq!(calls, results);
    assert_ne!(calls[0], calls[1]);
    let fits = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    assert!(calls.iter().all(|it| it.chars().all(fits)));
}

#[test]
fn arguments_are_always_an_object() {
    let arguments = [
        (Arguments::json(""), json!({})),
        (
            Arguments::json("{\"a\":"),
            json!({"invalid_arguments": "{\"a\":"}),
        ),
        (Arguments::cut("{}"), json!({"invalid_arguments": "{}"})),
        (Arguments::json("[1]"), json!({"input": [1]})),
        (Arguments::text("free"), json!({"input": "free"})),
    ];
    for (arguments, input) in arguments {
        let parts = vec![ToolCall::new("t1", "f", arguments.clone()).into()];
        let turn = Message::new(Role::Assistant, parts);
        let request = ChatRequest::new([Message::user("a"), turn]);
        assert_eq!(
            messages(&request)[1]["content"][0]["input"],
            input,
            "{arguments:?}"
        );
    }
}

fn thoughts(item: Option<Value>, origin: Origin) -> Part {
    let part = Part::from(Reasoning::new("hm"));
    match item {
        Some(item) => part.with_native(Native::new(origin, item)),
        None => part,
    }
}

#[test]
fn thoughts_go_back_only_signed_unedited_and_to_their_origin() {
    let blocks = |part: Part, quirks: Value| {
        let message = Message::new(Role::Assistant, vec![part, Part::text("ok")]);
        let request = ChatRequest::new([Message::user("a"), message, Message::user("go on")]);
        let written = write_with(&request, quirks, &info()).unwrap();
        let content = written.body["messages"][1]["content"].clone();
        (content, written.warned().join(" "))
    };
    let signed = json!({"signature": "s"});
    let away = Origin::new("bedrock", "anthropic-messages");
    let mut edited = thoughts(Some(signed.clone()), home());
    if let Part::Reasoning(reasoning) = &mut edited {
        reasoning.text.push('!');
    }
    for part in [
        thoughts(None, home()),
        thoughts(Some(json!({})), home()),
        edited,
    ] {
        assert_eq!(blocks(part, json!({})), ("ok".into(), String::new()));
    }
    let (left, warned) = blocks(thoughts(Some(signed.clone()), away), json!({}));
    assert_eq!((left, warned.as_str()), ("ok".into(), "messages.reasoning"));
    let (kept, _) = blocks(thoughts(Some(signed), home()), json!({}));
    assert_eq!(
        kept[0],
        json!({"type": "thinking", "thinking": "hm", "signature": "s"})
    );
    // A copy that doesn't sign gets its own back.
    let copy = json!({"signatures": false});
    let (kept, _) = blocks(thoughts(Some(json!({})), home()), copy.clone());
    assert_eq!(
        kept[0],
        json!({"type": "thinking", "thinking": "hm", "signature": ""})
    );
    assert_eq!(blocks(thoughts(None, home()), copy).0, "ok");
}

#[test]
fn a_family_that_wants_its_thoughts_back_gets_them() {
    let turn = |parts: Vec<Part>| Message::new(Role::Assistant, parts);
    let request = ChatRequest::new([
        Message::user("a"),
        turn(vec![thoughts(None, home()), Part::text("ok")]),
        Message::user("go on"),
        turn(vec![thoughts(None, home()), call("t1")]),
        Message::tool_results([ToolResult::text("t1", "1")]),
    ]);
    let info = ModelInfo::new("deepseek", "deepseek-v4-pro");
    let written = write_with(&request, json!({"signatures": false}), &info).unwrap();
    assert_eq!(written.body["messages"][1]["content"], "ok");
    assert_eq!(written.body["messages"][3]["content"][0]["thinking"], "hm");
}

#[test]
fn what_another_provider_ran_or_said_is_left_out_with_a_warning() {
    let away = Origin::new("openai", "openai-responses");
    let mut searched = ToolCall::new("ws_1", "web_search", json!({}));
    searched.executor = Executor::Provider;
    let request = ChatRequest::new([
        Message::user("a"),
        Message::new(
            Role::Assistant,
            vec![
                Part::from(searched).with_native(Native::new(
                    away.clone(),
                    json!({"type": "web_search_call"}),
                )),
                Part::Native(Native::new(away, json!({"type": "program"}))),
                Part::text("ok"),
            ],
        ),
        Message::user("go on"),
    ]);
    let written = write(&request);
    assert_eq!(written.body["messages"][1]["content"], "ok");
    assert_eq!(written.warned(), ["messages.tool_call", "messages.native"]);
    let mut strict = request;
    strict.on_unsupported = Some(OnUnsupported::Error);
    let error = write_for(&strict, MODEL).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[test]
fn an_answer_goes_back_as_it_came() {
    let content = json!([
        {"type": "thinking", "thinking": "hm", "signature": "s", "new": 1},
        {"type": "redacted_thinking", "data": "d"},
        {"type": "text", "text": "See", "citations": [
            {"type": "web_search_result_location", "url": "https://e.org", "title": "T", "encrypted_index": "i", "cited_text": "c"},
            {"type": "page_location", "cited_text": "c", "document_index": 0, "document_title": "D", "start_page_number": 1, "end_page_number": 2},
            {"type": "content_block_location", "cited_text": "c", "document_index": 0, "document_title": null, "start_block_index": 0, "end_block_index": 1},
            {"type": "search_result_location", "source": "https://e.org/s", "title": null, "cited_text": "c", "search_result_index": 0, "start_block_index": 0, "end_block_index": 1},
        ]},
        {"type": "server_tool_use", "id": "srv_1", "name": "code_execution", "input": {"code": "1"}, "caller": {"type": "direct"}},
        {"type": "code_execution_tool_result", "tool_use_id": "srv_1", "content": {"type": "code_execution_result", "stdout": "1", "stderr": "", "return_code": 0, "content": []}},
        {"type": "container_upload", "file_id": "f"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": [1, {"b": null}]}},
    ]);
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "content": content, "stop_reason": "tool_use"});
    let response = whole(&body).unwrap();
    let message = response.choices[0].message.clone();
    let Part::Text(text) = &message.parts[2] else {
        panic!()
    };
    assert_eq!(text.citations[0].url.as_deref(), Some("https://e.org"));
    assert_eq!(text.citations[1].title.as_deref(), Some("D"));
    assert_eq!(text.citations[3].url.as_deref(), Some("https://e.org/s"));
    let Part::ToolResult(result) = &message.parts[4] else {
        panic!()
    };
    assert_eq!(
        (result.joined_text().as_str(), result.executor),
        ("1", Executor::Provider)
    );
    assert!(matches!(message.parts[5], Part::Native(_)));
    let request = ChatRequest::new([Message::user("a"), message]);
    assert_eq!(messages(&request)[1]["content"], content);
    // And it survives being stored.
    let json = serde_json::to_string(&request).unwrap();
    let again: ChatRequest = serde_json::from_str(&json).unwrap();
    assert_eq!(messages(&again)[1]["content"], content);
}

#[test]
fn a_model_that_cannot_go_on_with_its_words_is_not_asked_to() {
    let mut info = info();
    info.capabilities = Capabilities::UNKNOWN.lacking(&[Capability::Prefill]);
    let mut request = ChatRequest::new([Message::user("a"), Message::assistant("The answer is")]);
    let error = write_with(&request, json!({}), &info).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    request.on_unsupported = Some(OnUnsupported::Warn);
    assert_eq!(
        write_with(&request, json!({}), &info).unwrap().warned(),
        ["prefill"]
    );
    let searched = json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}});
    let body = json!({"content": [searched, {"type": "text", "text": "So far"}], "stop_reason": "pause_turn"});
    let paused = whole(&body).unwrap().choices[0].message.clone();
    let request = ChatRequest::new([Message::user("a"), paused]);
    let written = write_with(&request, json!({}), &info).unwrap();
    assert_eq!(written.body["messages"][1]["content"], body["content"]);
}

#[test]
fn citations_of_others_hold_no_empty_text() {
    let mut text = Text::new("");
    text.citations = vec![Citation::default()];
    let request = ChatRequest::new([
        Message::user("a"),
        Message::new(Role::Assistant, vec![text.into(), call("t1")]),
        Message::tool_results([ToolResult::text("t1", "1")]),
    ]);
    assert_eq!(messages(&request)[1]["content"][0]["type"], "tool_use");
}

#[test]
fn the_user_begins_where_the_assistant_did() {
    let request = ChatRequest::new([Message::assistant("Hello!"), Message::user("a")]);
    let written = write(&request);
    let messages = written.body["messages"].as_array().unwrap();
    let roles: Vec<_> = messages.iter().map(|it| &it["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "user"]);
    assert_eq!(written.warned(), ["messages"]);
}
