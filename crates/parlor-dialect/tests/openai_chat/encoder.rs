//! Answers as they are written, whole and streamed, and read again.

use super::*;

/// An answer that says all that the dialect can say.
fn rich() -> ChatResponse {
    let cite = json!({"type": "url_citation", "url_citation": {"url": "https://a", "title": "A", "start_index": 0, "end_index": 2, "x": 1}});
    let message = json!({
        "role": "assistant", "reasoning_content": "hm",
        "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "s", "index": 0}],
        "content": "Hi", "annotations": [cite],
        "images": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVA="}}],
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}, "extra_content": {"s": 1}},
            {"id": "b", "type": "custom", "custom": {"name": "sql", "input": "SELECT"}},
        ],
        "channel": "final",
    });
    let token = json!({"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": [{"token": "Hi", "logprob": -0.5, "bytes": null}]});
    let second =
        json!({"index": 1, "message": {"content": null, "refusal": "no"}, "finish_reason": "stop"});
    whole(&json!({
        "id": "c-1", "created": 7, "model": "m", "system_fingerprint": "fp",
        "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls", "logprobs": {"content": [token]}, "content_filter_results": {"hate": 1}},
            second,
        ],
        "citations": ["https://a"], "search_results": [{"url": "https://a", "title": "A", "date": "2024"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12, "cost": 0.5, "prompt_tokens_details": {"cached_tokens": 2}},
    })).unwrap()
}

#[test]
fn a_rich_answer_comes_back_as_it_was() {
    let response = rich();
    assert_eq!(response.choices.len(), 2);
    assert_eq!(through_a_body(&response), response);
    assert_eq!(through_a_stream(&response), response);
}

#[test]
fn a_call_without_arguments_has_an_empty_object_for_clients() {
    let mut response = ChatResponse::default();
    let mut choice = Choice::new(0);
    let call = ToolCall::new("a", "now", Arguments::default());
    choice.message = Message::new(Role::Assistant, vec![call.into()]);
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    response.choices = vec![choice];
    let body = OpenAiChat::default().write_response(&response).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let called = &body["choices"][0]["message"]["tool_calls"][0]["function"];
    assert_eq!(called, &json!({"name": "now", "arguments": "{}"}));
    let mut events = response.into_events();
    // A provider may say nothing, too.
    let at = events
        .iter()
        .position(|it| matches!(it, Event::PartFinished { .. }));
    let nothing = Event::ArgumentsDelta {
        choice: 0,
        part: 0,
        text: "".into(),
    };
    events.insert(at.unwrap(), nothing);
    let frames = encode(&events);
    let mut said = String::new();
    for chunk in &frames {
        let delta = &chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"];
        said.push_str(delta.as_str().unwrap_or_default());
    }
    assert_eq!(said, "{}");
}

#[test]
fn a_stream_is_what_clients_expect() {
    let mut response = ChatResponse::default();
    response.id = Some("c-1".to_owned());
    response.model = Some("m".to_owned());
    let call = ToolCall::new("a", "f", Arguments::json("{}"));
    let mut choice = Choice::new(0);
    choice.message = Message::new(Role::Assistant, vec!["Hi".into(), call.into()]);
    choice.finish_reason = Some(FinishReason::new(FinishKind::ToolCalls, "tool_use"));
    response.choices = vec![choice];
    let mut usage = Usage::default();
    usage.input_tokens = Some(5);
    usage.output_tokens = Some(7);
    usage.reasoning_tokens = Some(3);
    usage.raw = Some(json!({"input_tokens": 5}));
    response.usage = Some(usage);
    let frames = encode(&response.into_events());
    let chunk = |choices: Value| json!({"id": "c-1", "object": "chat.completion.chunk", "created": 0, "model": "m", "choices": choices});
    let of = |delta: Value, finish: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": finish}]))
    };
    let call = json!({"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}});
    let more = json!({"index": 0, "function": {"arguments": "{}"}});
    let mut last = chunk(json!([]));
    last["usage"] = json!({
        "prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12,
        "prompt_tokens_details": {}, "completion_tokens_details": {"reasoning_tokens": 3},
    });
    assert_eq!(
        frames,
        [
            of(json!({"role": "assistant", "content": "Hi"}), json!(null)),
            of(json!({"tool_calls": [call]}), json!(null)),
            of(json!({"tool_calls": [more]}), json!(null)),
            of(json!({}), json!("tool_calls")),
            last,
            done(),
        ]
    );
}

#[test]
fn usage_can_be_left_out_of_a_stream() {
    let mut out: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    let mut encoder = OpenAiChat::default().encoder().without_usage();
    for event in answer(&[
        text("a"),
        finish("stop"),
        json!({"choices": [], "usage": {"prompt_tokens": 1}}),
    ])
    .into_events()
    {
        encoder.encode(&event, &mut out).unwrap();
    }
    let frames: Vec<_> = out
        .iter()
        .map(|(_, data)| String::from_utf8_lossy(data))
        .collect();
    assert!(frames.iter().all(|it| !it.contains("usage")) && frames.last().unwrap() == "[DONE]");
}

#[test]
fn words_of_other_dialects_become_this_ones() {
    let mut choice = Choice::new(0);
    for (reason, wanted) in [
        (FinishReason::new(FinishKind::Stop, "STOP"), "stop"),
        (
            FinishReason::new(FinishKind::ToolCalls, "STOP"),
            "tool_calls",
        ),
        (
            FinishReason::new(FinishKind::Length, "MAX_TOKENS"),
            "length",
        ),
        (
            FinishReason::new(FinishKind::ContentFilter, "SAFETY"),
            "content_filter",
        ),
        (FinishReason::new(FinishKind::Pause, "pause_turn"), "stop"),
        (FinishReason::from(FinishKind::Error), "error"),
        (FinishReason::new(FinishKind::Stop, "eos"), "stop"),
        (
            FinishReason::new(FinishKind::ToolCalls, "tool_use"),
            "tool_calls",
        ),
        (FinishReason::new(FinishKind::Refusal, "stop"), "stop"),
    ] {
        choice.finish_reason = Some(reason);
        let mut response = ChatResponse::default();
        response.choices = vec![choice.clone()];
        let body = OpenAiChat::default().write_response(&response).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["choices"][0]["finish_reason"], wanted);
    }
}

#[test]
fn what_another_dialect_keeps_is_not_written() {
    let away = |item: Value| Native::new(Origin::new("p", "anthropic-messages"), item);
    let mut choice = Choice::new(0);
    choice.message.parts = vec![
        Part::from(Reasoning::new("hm")).with_native(away(json!({"signature": "s"}))),
        "a".into(),
        Part::Native(away(json!({"type": "x"}))),
    ];
    let mut response = ChatResponse::default();
    response.choices = vec![choice];
    response.native = vec![away(json!({"container": 1}))];
    for answer in [through_a_body(&response), through_a_stream(&response)] {
        assert_eq!(answer.native, []);
        assert_eq!(
            parts(&answer),
            [Part::from(Reasoning::new("hm")), "a".into()]
        );
    }
}

#[test]
fn interleaved_parts_and_choices_are_written_in_any_order() {
    let opened = |choice, part, kind, call: Option<CallHead>| match call {
        Some(head) => Event::call_started(choice, part, head),
        None => Event::part_started(choice, part, kind),
    };
    let head = |id: &str| Some(CallHead::new(id, "f"));
    let arguments = |part: u32, text: &str| Event::ArgumentsDelta {
        choice: 0,
        part,
        text: text.into(),
    };
    let closed = |part: u32, id: &str, text: &str| {
        Event::part_finished_with(
            0,
            part,
            ToolCall::new(id, "f", Arguments::json(text)).into(),
        )
    };
    let ended = |choice: u32| Event::finished(choice, FinishReason::new(FinishKind::Stop, "stop"));
    let events = [
        Event::started(None, None, None),
        opened(0, 0, PartKind::ToolCall, head("a")),
        opened(0, 1, PartKind::ToolCall, head("b")),
        opened(1, 0, PartKind::Text, None),
        arguments(1, "{\"b\""),
        arguments(0, "{\"a\""),
        Event::TextDelta {
            choice: 1,
            part: 0,
            text: "x".into(),
        },
        arguments(1, ":1}"),
        closed(1, "b", "{\"b\":1}"),
        arguments(0, ":1}"),
        closed(0, "a", "{\"a\":1}"),
        Event::part_finished(1, 0),
        ended(1),
        ended(0),
        Event::completed(None),
    ];
    let response = answer(&encode(&events));
    assert_eq!(
        calls(&response),
        [("a", "f", "{\"a\":1}"), ("b", "f", "{\"b\":1}")]
    );
    assert_eq!(response.choices[1].message.text(), "x");
}
