//! Tool calls as hosts send them.

use super::*;

fn streamed(pieces: &[Value], finish_word: &str) -> ChatResponse {
    let mut frames: Vec<Value> = pieces.iter().cloned().map(piece).collect();
    frames.extend([finish(finish_word), done()]);
    answer(&frames)
}

#[test]
fn parallel_calls_interleave_by_index() {
    let response = streamed(
        &[
            json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}),
            json!({"index": 1, "id": "b", "type": "function", "function": {"name": "g", "arguments": "{"}}),
            json!({"index": 0, "function": {"arguments": "{\"x\":"}}),
            json!({"index": 1, "function": {"arguments": "}"}}),
            json!({"index": 0, "function": {"arguments": "1}"}}),
        ],
        "tool_calls",
    );
    assert_eq!(
        calls(&response),
        [("a", "f", "{\"x\":1}"), ("b", "g", "{}")]
    );
    assert_eq!(kind(&response), FinishKind::ToolCalls);
}

#[test]
fn stop_with_calls_is_tool_calls_with_the_word_kept() {
    let response = streamed(
        &[json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}})],
        "stop",
    );
    let reason = response.finish_reason().unwrap();
    assert_eq!(
        (reason.kind, reason.raw.as_deref()),
        (FinishKind::ToolCalls, Some("stop"))
    );
    // And the reverse: the word alone makes no call.
    assert_eq!(
        kind(&answer(&[text("a"), finish("tool_calls")])),
        FinishKind::Stop
    );
}

#[test]
fn calls_that_share_an_index_or_have_none_stay_apart() {
    let call = |index: Option<u64>, id: &str| {
        let mut call = json!({"id": id, "function": {"name": "f", "arguments": "{}"}});
        if let Some(index) = index {
            call["index"] = json!(index);
        }
        call
    };
    for index in [Some(0), None] {
        let response = streamed(&[call(index, "a"), call(index, "b")], "tool_calls");
        assert_eq!(calls(&response), [("a", "f", "{}"), ("b", "f", "{}")]);
    }
    // In one delta, whole, with neither ids nor indexes.
    let twin = json!({"function": {"name": "f", "arguments": "{}"}});
    let frames = [delta(json!({"tool_calls": [twin, twin]})), finish("stop")];
    let response = answer(&frames);
    let ids: Vec<_> = response.tool_calls().map(|it| it.id.clone()).collect();
    assert_eq!(ids.len(), 2);
    assert!(ids[0] != ids[1] && ids.iter().all(|id| id.len() == 9));
    let same = whole(&body(json!({"tool_calls": [twin, twin]}), "tool_calls")).unwrap();
    assert_eq!(calls(&same).len(), 2);
}

#[test]
fn later_pieces_may_repeat_or_blank_id_and_name() {
    let first = json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\""}});
    for (id, name) in [
        (json!(""), json!("")),
        (json!("a"), json!("f")),
        (json!(null), json!(null)),
        (json!("a"), json!("")),
    ] {
        let more = |text: &str| json!({"index": 0, "id": id, "type": "", "function": {"name": name, "arguments": text}});
        let response = streamed(&[first.clone(), more(":"), more("1}")], "tool_calls");
        assert_eq!(calls(&response), [("a", "f", "{\"x\":1}")]);
    }
}

#[test]
fn name_and_id_may_come_late() {
    let response = streamed(
        &[
            json!({"index": 0, "function": {"arguments": "{"}}),
            json!({"index": 0, "function": {"name": "f"}}),
            json!({"index": 0, "id": "a", "function": {"arguments": "}"}}),
        ],
        "tool_calls",
    );
    assert_eq!(calls(&response), [("a", "f", "{}")]);
}

#[test]
fn arguments_come_as_text_object_or_nothing() {
    for (arguments, wanted) in [
        (json!("{\"x\":1}"), json!({"x": 1})),
        (json!({"x": 1}), json!({"x": 1})),
        (json!(""), json!({})),
        (json!({}), json!({})),
        (json!(null), json!({})),
        (json!("null"), json!({})),
    ] {
        let call =
            json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": arguments}});
        let streamed = streamed(std::slice::from_ref(&call), "tool_calls");
        let whole = whole(&body(
            json!({"content": null, "tool_calls": [call]}),
            "tool_calls",
        ))
        .unwrap();
        for response in [streamed, whole] {
            let call = response.tool_calls().next().unwrap().clone();
            assert_eq!(call.arguments.parse().unwrap(), wanted, "{arguments}");
        }
    }
    // Absent altogether; and one object where a list should be.
    let lone = json!({"id": "a", "function": {"name": "f"}});
    let response = whole(&body(json!({"tool_calls": lone}), "tool_calls")).unwrap();
    assert_eq!(calls(&response), [("a", "f", "")]);
}

#[test]
fn a_call_that_was_cut_is_never_valid() {
    let cut =
        json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{\"x\": \"lo"}});
    for word in ["length", "tool_calls"] {
        let response = streamed(std::slice::from_ref(&cut), word);
        assert!(
            response
                .tool_calls()
                .next()
                .unwrap()
                .arguments
                .parse()
                .is_err()
        );
    }
    // Routers hide the limit; the host behind says it.
    let frames = [
        piece(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}})),
        choice(json!({"finish_reason": "tool_calls", "native_finish_reason": "MAX_TOKENS"})),
    ];
    let response = answer(&frames);
    assert!(
        response
            .tool_calls()
            .next()
            .unwrap()
            .arguments
            .parse()
            .is_err()
    );
    let reason = response.finish_reason().unwrap();
    assert_eq!(
        (reason.kind, reason.raw.as_deref()),
        (FinishKind::Length, Some("tool_calls"))
    );
    // Cut by the end of the bytes.
    let (partial, error) = broken(&[piece(cut)]);
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert!(
        partial
            .tool_calls()
            .next()
            .unwrap()
            .arguments
            .parse()
            .is_err()
    );
}

#[test]
fn a_bundle_of_calls_is_undone() {
    let uses = json!({"tool_uses": [
        {"recipient_name": "functions.f", "parameters": {"x": 1}},
        {"recipient_name": "g", "parameters": {}},
    ]})
    .to_string();
    let (head, tail) = uses.split_at(20);
    let response = streamed(
        &[
            json!({"index": 0, "id": "a", "function": {"name": "multi_tool_use.parallel", "arguments": head}}),
            json!({"index": 0, "function": {"arguments": tail}}),
        ],
        "tool_calls",
    );
    assert_eq!(
        calls(&response),
        [("a_0", "f", "{\"x\":1}"), ("a_1", "g", "{}")]
    );
    assert_eq!(kind(&response), FinishKind::ToolCalls);
    let odd = streamed(
        &[
            json!({"index": 0, "id": "a", "function": {"name": "multi_tool_use.parallel", "arguments": "{\"tool"}}),
        ],
        "stop",
    );
    assert!(odd.tool_calls().next().unwrap().arguments.parse().is_err());
}

#[test]
fn a_custom_tool_takes_text() {
    let response = streamed(
        &[
            json!({"index": 0, "id": "a", "type": "custom", "custom": {"name": "sql", "input": ""}}),
            json!({"index": 0, "custom": {"input": "SELECT "}}),
            json!({"index": 0, "custom": {"input": "1"}}),
        ],
        "tool_calls",
    );
    let call = response.tool_calls().next().unwrap();
    assert_eq!(call.arguments, Arguments::text("SELECT 1"));
    let message = json!({"tool_calls": [{"id": "a", "type": "custom", "custom": {"name": "sql", "input": "SELECT 1"}}]});
    assert_eq!(
        whole(&body(message, "tool_calls"))
            .unwrap()
            .tool_calls()
            .next()
            .unwrap()
            .arguments,
        call.arguments
    );
    assert_eq!(through_a_stream(&response), response);
    assert_eq!(through_a_body(&response), response);
}

#[test]
fn the_deprecated_function_call_is_a_call_and_goes_back_as_one() {
    let frames = [
        delta(json!({"function_call": {"name": "f", "arguments": "{"}})),
        delta(json!({"function_call": {"arguments": "}"}})),
        finish("function_call"),
    ];
    let response = answer(&frames);
    let call = response.tool_calls().next().unwrap().clone();
    assert_eq!(
        (
            call.name.as_str(),
            call.arguments.text.as_str(),
            call.id.len()
        ),
        ("f", "{}", 9)
    );
    assert_eq!(kind(&response), FinishKind::ToolCalls);
    let request = ChatRequest::new([response.message().unwrap().clone()]);
    let written = write(&request);
    assert_eq!(
        written.messages()[0]["function_call"],
        json!({"name": "f", "arguments": "{}"})
    );
    assert_eq!(written.messages()[0].get("tool_calls"), None);
}

#[test]
fn a_signature_on_a_call_goes_home_and_nowhere_else() {
    let extra = json!({"google": {"thought_signature": "c2ln"}});
    let call = json!({"id": "a", "type": "function", "extra_content": extra, "function": {"name": "f", "arguments": "{}"}});
    for response in [
        streamed(std::slice::from_ref(&call), "stop"),
        whole(&body(json!({"tool_calls": [call]}), "tool_calls")).unwrap(),
    ] {
        let message = response.message().unwrap().clone();
        let request = ChatRequest::new([message]);
        let sent = &write(&request).messages()[0]["tool_calls"][0]["extra_content"].clone();
        assert_eq!(*sent, extra);
        let away = ModelInfo::new("elsewhere", "model");
        let profile = Profile::default();
        let wire = OpenAiChat::default()
            .write_request(&request, &Target::new(&away, &profile))
            .unwrap();
        let body: Value = serde_json::from_slice(&wire.body).unwrap();
        assert_eq!(
            body["messages"][0]["tool_calls"][0].get("extra_content"),
            None
        );
        assert_eq!(
            body["messages"][0]["tool_calls"][0]["function"]["name"],
            "f"
        );
    }
}

#[test]
fn tools_that_the_host_ran_are_told_with_their_output() {
    let ran = |output: Value| json!({"index": 0, "type": "search", "arguments": "{\"q\":1}", "output": output});
    let streamed = answer(&[
        delta(json!({"executed_tools": [ran(json!(null))]})),
        delta(json!({"executed_tools": [ran(json!("found"))]})),
        text("a"),
        finish("stop"),
    ]);
    let whole = whole(&body(
        json!({"content": "a", "executed_tools": [ran(json!("found"))]}),
        "stop",
    ))
    .unwrap();
    for response in [streamed, whole] {
        assert_eq!(kind(&response), FinishKind::Stop);
        assert_eq!(calls(&response), []);
        let found = parts(&response).iter().find_map(|it| match it {
            Part::ToolResult(result) => Some((result.executor, result.parts.clone())),
            _ => None,
        });
        assert_eq!(found, Some((Executor::Provider, vec![Part::text("found")])));
        assert!(parts(&response).iter().any(|it| matches!(it, Part::ToolCall(call) if call.executor == Executor::Provider && call.name == "search")));
        assert_eq!(through_a_stream(&response).choices, response.choices);
    }
}
