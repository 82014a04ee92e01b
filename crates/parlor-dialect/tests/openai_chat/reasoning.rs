//! Thoughts: the fields they come in, what must go back with them.

use super::*;
use parlor_dialect::ReasoningReplay;

#[test]
fn thoughts_are_read_from_every_field_and_counted_once() {
    let details = json!([{"type": "reasoning.text", "text": "hm", "index": 0, "format": null}]);
    for thoughts in [
        json!({"reasoning_content": "hm"}),
        json!({"reasoning": "hm"}),
        json!({"reasoning_text": "hm"}),
        json!({"reasoning_content": "hm", "reasoning": "hm"}),
        json!({"reasoning": "hm", "reasoning_details": details}),
        json!({"reasoning_details": details}),
        json!({"reasoning_details": [{"type": "reasoning.summary", "summary": "hm", "index": 0}]}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
    ] {
        let streamed = answer(&[delta(thoughts.clone()), text("a"), finish("stop")]);
        assert_eq!(
            (streamed.reasoning().as_str(), streamed.text().as_str()),
            ("hm", "a"),
            "{thoughts}"
        );
        assert_eq!(parts(&streamed).len(), 2);
        let read = whole(&body(thoughts, "stop")).unwrap();
        assert_eq!(read.reasoning(), "hm");
    }
}

#[test]
fn empty_text_before_a_call_is_no_part() {
    let response = answer(&[
        delta(json!({"role": "assistant", "content": null, "reasoning_content": ""})),
        delta(json!({"content": "", "reasoning_content": "hm"})),
        delta(
            json!({"content": "", "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}),
        ),
        finish("tool_calls"),
    ]);
    let kinds: Vec<_> = parts(&response).iter().map(PartKind::of).collect();
    assert_eq!(kinds, [PartKind::Reasoning, PartKind::ToolCall]);
}

#[test]
fn details_are_joined_by_index_and_go_back_as_they_came() {
    let streamed = answer(&[
        delta(
            json!({"reasoning": "We ", "reasoning_details": [{"type": "reasoning.text", "text": "We ", "index": 0, "format": "f"}]}),
        ),
        delta(
            json!({"reasoning": "need", "reasoning_details": [{"type": "reasoning.text", "text": "need", "index": 0, "format": "f"}]}),
        ),
        delta(
            json!({"reasoning": null, "reasoning_details": [{"type": "reasoning.text", "signature": "sig", "index": 0, "format": "f"}]}),
        ),
        delta(
            json!({"reasoning": null, "reasoning_details": [{"type": "reasoning.encrypted", "data": "xx", "index": 1, "id": "r"}]}),
        ),
        text("a"),
        delta(
            json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "yy", "index": 1, "id": "s"}]}),
        ),
        finish("stop"),
    ]);
    let details = json!([
        {"type": "reasoning.text", "text": "We need", "index": 0, "format": "f", "signature": "sig"},
        {"type": "reasoning.encrypted", "data": "xx", "index": 1, "id": "r"},
        {"type": "reasoning.encrypted", "data": "yy", "index": 1, "id": "s"},
    ]);
    assert_eq!(
        (streamed.reasoning().as_str(), streamed.text().as_str()),
        ("We need", "a")
    );
    // The last one came after the text and has a place of its own.
    let kinds: Vec<_> = parts(&streamed).iter().map(PartKind::of).collect();
    assert_eq!(
        kinds,
        [PartKind::Reasoning, PartKind::Text, PartKind::Reasoning]
    );
    let message = json!({"content": "a", "reasoning": "We need", "reasoning_details": details});
    let read = whole(&body(message, "stop")).unwrap();
    for response in [streamed, read] {
        let request = ChatRequest::new([response.message().unwrap().clone()]);
        let sent = write(&request).messages()[0].clone();
        assert_eq!(sent["reasoning_details"], details);
        assert_eq!(
            (sent["content"].as_str(), sent.get("reasoning")),
            (Some("a"), None)
        );
        assert_eq!(through_a_stream(&response).reasoning(), "We need");
        assert_eq!(through_a_body(&response).reasoning(), "We need");
    }
}

#[test]
fn hidden_thoughts_have_a_place_of_their_own() {
    let encrypted = json!([{"type": "reasoning.encrypted", "data": "xx", "index": 0}]);
    let response = answer(&[
        delta(json!({"content": "", "reasoning": null, "reasoning_details": encrypted})),
        piece(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}})),
        finish("tool_calls"),
    ]);
    let [Part::Reasoning(hidden), Part::ToolCall(_)] = parts(&response) else {
        panic!()
    };
    assert_eq!(hidden.text, "");
    assert_eq!(
        parts(&response)[0].native_for(&home()),
        Some(&json!({"reasoning_details": encrypted}))
    );
    assert_eq!(through_a_stream(&response), response);
    assert_eq!(through_a_body(&response), response);
}

#[test]
fn signed_blocks_and_encrypted_content_go_back_too() {
    let blocks = json!([{"type": "thinking", "thinking": "hm", "signature": "s"}]);
    let message = json!({"content": "a", "reasoning_content": "hm", "thinking_blocks": blocks, "encrypted_content": "zz"});
    let response = whole(&body(message, "stop")).unwrap();
    let request = ChatRequest::new([response.message().unwrap().clone()]);
    let sent = write(&request).messages()[0].clone();
    assert_eq!(
        (&sent["thinking_blocks"], &sent["encrypted_content"]),
        (&blocks, &json!("zz"))
    );
    // A signed part of a content goes back into the content.
    let part =
        json!({"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "signature": "s"});
    let response = whole(&body(
        json!({"content": [part, {"type": "text", "text": "a"}]}),
        "stop",
    ))
    .unwrap();
    let request = ChatRequest::new([response.message().unwrap().clone()]);
    let sent = write(&request).messages()[0]["content"].clone();
    assert_eq!(sent, json!([part, {"type": "text", "text": "a"}]));
    assert_eq!(through_a_stream(&response), response);
}

#[test]
fn edited_or_foreign_details_stay_here() {
    let message = json!({"content": "a", "reasoning": "hm", "reasoning_details": [{"type": "reasoning.text", "text": "hm", "index": 0}]});
    let mut message = whole(&body(message, "stop"))
        .unwrap()
        .message()
        .unwrap()
        .clone();
    let Part::Reasoning(thoughts) = &mut message.parts[0] else {
        panic!()
    };
    thoughts.text.push('!');
    let sent = write(&ChatRequest::new([message])).messages()[0].clone();
    assert_eq!(sent, json!({"role": "assistant", "content": "a"}));
}

#[test]
fn tagged_thoughts_are_taken_out_of_the_text() {
    let mut tags = Profile::default();
    tags.think_tags = true;
    let frames = [
        text("<thi"),
        text("nk>h"),
        text("m</think>"),
        text("\n\na"),
        finish("stop"),
    ];
    let (events, end) = events_for(&frames, &tags);
    end.unwrap();
    let response = collect(&events);
    assert_eq!(
        (response.reasoning().as_str(), response.text().as_str()),
        ("hm", "a")
    );
    let (events, end) = events_for(&[text("<think>hm</th")], &tags);
    assert_eq!(end.unwrap_err().kind(), ErrorKind::Truncated);
    assert_eq!(collect(&events).reasoning(), "hm</th");
    let info = info();
    let body = body(json!({"content": "<think>hm</think>a"}), "stop").to_string();
    let read = OpenAiChat::default()
        .read_response(body.as_bytes(), &Target::new(&info, &tags))
        .unwrap();
    assert_eq!(read.choices, response.choices);
    // Without the profile the text is what it is.
    assert_eq!(answer(&frames).text(), "<think>hm</think>\n\na");
}

/// What a host gets of a turn with thoughts, and of one with thoughts and a call.
fn replayed(replay: ReasoningReplay, field: &str) -> [Value; 2] {
    let mut profile = Profile::default();
    profile.replay = replay;
    let info = info();
    let call = ToolCall::new("a", "f", Arguments::json("{}"));
    let plain = Message::new(
        Role::Assistant,
        vec![Reasoning::new("hm").into(), "a".into()],
    );
    let calling = Message::new(
        Role::Assistant,
        vec![Reasoning::new("hm").into(), call.into()],
    );
    let request = ChatRequest::new([plain, calling]);
    let dialect = dialect(json!({"reasoning_field": field}));
    let wire = dialect
        .write_request(&request, &Target::new(&info, &profile))
        .unwrap();
    let body: Value = serde_json::from_slice(&wire.body).unwrap();
    [body["messages"][0].clone(), body["messages"][1].clone()]
}

#[test]
fn earlier_thoughts_go_back_as_the_family_wants() {
    let has = |message: &Value| message.get("reasoning_content").is_some();
    let sent = |replay| replayed(replay, "reasoning_content").map(|it| has(&it));
    assert_eq!(sent(ReasoningReplay::Never), [false, false]);
    assert_eq!(sent(ReasoningReplay::ToolTurns), [false, true]);
    assert_eq!(sent(ReasoningReplay::Always), [true, true]);
    let [plain, _] = replayed(ReasoningReplay::Always, "reasoning");
    assert_eq!(plain["reasoning"], "hm");
    let [plain, calling] = replayed(ReasoningReplay::Always, "tags");
    assert_eq!(plain["content"], "<think>\nhm\n</think>\n\na");
    assert_eq!(calling["content"], "<think>\nhm\n</think>\n\n");
    let [plain, _] = replayed(ReasoningReplay::Always, "content_part");
    assert_eq!(plain["content"][0]["thinking"][0]["text"], "hm");
    let [plain, _] = replayed(ReasoningReplay::Always, "none");
    assert_eq!(plain, json!({"role": "assistant", "content": "a"}));
}

#[test]
fn a_family_that_needs_thoughts_gets_a_space_for_unknown_ones() {
    let call = || {
        Message::new(
            Role::Assistant,
            vec![ToolCall::new("a", "f", Arguments::json("{}")).into()],
        )
    };
    let sent = |request: &ChatRequest, model: &str| {
        let written = write_as(&dialect(json!({"thinking": "type"})), request, model).unwrap();
        written.messages()[0].get("reasoning_content").cloned()
    };
    let request = ChatRequest::new([call()]);
    assert_eq!(sent(&request, "deepseek-v4-pro"), Some(json!(" ")));
    assert_eq!(sent(&request, "kimi-k2-thinking"), None);
    let off = ChatRequest::new([call()]).with_reasoning(ReasoningConfig::off());
    assert_eq!(sent(&off, "deepseek-v4-pro"), None);
    let plain = ChatRequest::new([Message::assistant("a")]);
    assert_eq!(sent(&plain, "deepseek-v4-pro"), None);
}
