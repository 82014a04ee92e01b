//! Streamed answers, read.

use super::*;
use allocation_counter::measure;

fn tool(index: u64, id: &str) -> Value {
    begin(
        index,
        json!({"type": "tool_use", "id": id, "name": "f", "input": {}}),
    )
}

fn json_delta(index: u64, part: &str) -> Value {
    delta(
        index,
        json!({"type": "input_json_delta", "partial_json": part}),
    )
}

fn only_call(response: &ChatResponse) -> &ToolCall {
    let calls: Vec<_> = response.tool_calls().collect();
    assert_eq!(calls.len(), 1);
    calls[0]
}

#[test]
fn thoughts_text_and_a_call() {
    let response = answer(&framed(
        &[
            begin(
                0,
                json!({"type": "thinking", "thinking": "", "signature": ""}),
            ),
            delta(0, json!({"type": "thinking_delta", "thinking": "hm"})),
            delta(0, json!({"type": "signature_delta", "signature": "Eq"})),
            delta(0, json!({"type": "signature_delta", "signature": "QB"})),
            stop(0),
            json!({"type": "ping"}),
            begin(1, json!({"type": "text", "text": ""})),
            text(1, "Let me "),
            text(1, "see."),
            delta(
                1,
                json!({"type": "citations_delta", "citation": {"type": "char_location", "cited_text": "q"}}),
            ),
            stop(1),
            tool(2, "toolu_1"),
            json_delta(2, ""),
            json_delta(2, "{\"city\": "),
            json_delta(2, "\"Oslo\"}"),
            stop(2),
        ],
        "tool_use",
    ));
    assert_eq!(
        (response.id.as_deref(), response.model.as_deref()),
        (Some("msg_1"), Some("claude-x"))
    );
    assert_eq!(
        (response.reasoning().as_str(), response.text().as_str()),
        ("hm", "Let me see.")
    );
    let parts = &response.message().unwrap().parts;
    assert_eq!(
        parts[0].native_for(&home()),
        Some(&json!({"signature": "EqQB"}))
    );
    let Part::Text(said) = &parts[1] else {
        panic!()
    };
    assert_eq!(said.citations[0].quote.as_deref(), Some("q"));
    let call = only_call(&response);
    assert_eq!(
        (call.id.as_str(), call.arguments.text.as_str()),
        ("toolu_1", "{\"city\": \"Oslo\"}")
    );
    let reason = response.finish_reason().unwrap();
    assert_eq!(
        (reason.kind, reason.raw.as_deref()),
        (FinishKind::ToolCalls, Some("tool_use"))
    );
    let usage = response.usage.unwrap();
    assert_eq!(
        (usage.input_tokens, usage.output_tokens),
        (Some(15), Some(7))
    );
    assert_eq!(
        (usage.cached_input_tokens, usage.cache_write_tokens),
        (Some(3), Some(2))
    );
}

#[test]
fn a_stream_and_a_whole_answer_are_equal() {
    let blocks = [
        json!({"type": "thinking", "thinking": "hm", "signature": "s"}),
        json!({"type": "redacted_thinking", "data": "d"}),
        json!({"type": "text", "text": "Hi", "citations": null}),
        json!({"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}),
        json!({"type": "web_search_tool_result", "tool_use_id": "s1", "content": {"type": "web_search_tool_result_error", "error_code": "max_uses_exceeded"}}),
        json!({"type": "mcp_tool_use", "id": "m1", "name": "echo", "server_name": "e", "input": {}}),
        json!({"type": "tool_use", "id": "t1", "name": "f", "input": {}}),
        json!({"type": "future_block", "payload": [1, 2]}),
        json!({"type": "tool_use", "id": "t2", "name": "g", "input": {"a":1}}),
    ];
    let mut frames = Vec::new();
    for (index, block) in (0..).zip(&blocks) {
        let mut first = block.clone();
        let kind = block["type"].as_str().unwrap();
        let pieces = match kind {
            "text" => vec![
                json!({"type": "text_delta", "text": "H"}),
                json!({"type": "text_delta", "text": "i"}),
            ],
            "thinking" => vec![
                json!({"type": "thinking_delta", "thinking": "hm"}),
                json!({"type": "signature_delta", "signature": "s"}),
            ],
            "tool_use" | "server_tool_use" => vec![
                json!({"type": "input_json_delta", "partial_json": block["input"].to_string()}),
            ],
            _ => vec![],
        };
        match kind {
            "text" => first["text"] = "".into(),
            "thinking" => (first["thinking"], first["signature"]) = ("".into(), "".into()),
            "tool_use" | "server_tool_use" => first["input"] = json!({}),
            _ => {}
        }
        frames.push(begin(index, first));
        frames.extend(pieces.into_iter().map(|it| delta(index, it)));
        frames.push(stop(index));
    }
    let mut start = start();
    let usage = json!({"input_tokens": 10, "output_tokens": 7, "service_tier": "standard"});
    start["message"]["usage"] =
        json!({"input_tokens": 10, "output_tokens": 1, "service_tier": "standard"});
    let mut all = vec![start];
    all.extend(frames);
    all.push(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null, "container": {"id": "c"}}, "usage": {"output_tokens": 7}}));
    all.push(json!({"type": "message_stop"}));
    let body = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": blocks,
        "stop_reason": "tool_use", "stop_sequence": null, "container": {"id": "c"}, "usage": usage});
    let streamed = answer(&all);
    assert_eq!(streamed, whole(&body).unwrap());
    assert_eq!(streamed.native[0].item, json!({"container": {"id": "c"}}));
    assert_eq!(streamed.tool_calls().count(), 2);
    assert!(matches!(
        streamed.message().unwrap().parts[7],
        Part::Native(_)
    ));
}

#[test]
fn usage_is_merged_field_by_field() {
    let usage = |start: Value, deltas: &[Value]| {
        let mut frames = vec![json!({"type": "message_start", "message": {"usage": start}})];
        for delta in deltas {
            frames.push(json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": delta}));
        }
        frames.push(json!({"type": "message_stop"}));
        let usage = answer(&frames).usage.unwrap_or_default();
        (usage.input_tokens, usage.output_tokens)
    };
    let late = json!({"input_tokens": 9, "output_tokens": 5, "cache_read_input_tokens": 4});
    assert_eq!(
        usage(
            json!({"input_tokens": 0, "output_tokens": 0}),
            std::slice::from_ref(&late)
        ),
        (Some(13), Some(5))
    );
    assert_eq!(usage(Value::Null, &[late]), (Some(13), Some(5)));
    let zero = json!({"input_tokens": 0, "output_tokens": 5});
    assert_eq!(
        usage(json!({"input_tokens": 25, "output_tokens": 1}), &[zero]),
        (Some(25), Some(5))
    );
    let grown = [
        json!({"input_tokens": 30, "output_tokens": 5}),
        json!({"output_tokens": 6, "input_tokens": null}),
    ];
    assert_eq!(
        usage(json!({"input_tokens": 25}), &grown),
        (Some(30), Some(6))
    );
    assert_eq!(
        usage(json!({"output_tokens": 1}), &[json!({"output_tokens": 2})]),
        (None, Some(2))
    );
}

#[test]
fn the_end_is_a_stop_or_a_stop_reason() {
    let mut frames = framed(
        &[
            begin(0, json!({"type": "text", "text": ""})),
            text(0, "Hi"),
            stop(0),
        ],
        "end_turn",
    );
    let complete = answer(&frames);
    frames.pop();
    assert_eq!(answer(&frames), complete);
    frames.pop();
    let (events, end) = events(&frames);
    assert_eq!(end.unwrap_err().kind(), ErrorKind::Truncated);
    assert_eq!(collect(events).text(), "Hi");
    // Nothing follows the end.
    let mut frames = framed(&[], "end_turn");
    frames.push(start());
    frames.push(json!({"type": "error", "error": {"type": "api_error", "message": "late"}}));
    assert_eq!(answer(&frames).text(), "");
}

#[test]
fn an_error_event_ends_the_stream() {
    for (kind, wanted) in [
        ("overloaded_error", ErrorKind::Overloaded),
        ("rate_limit_error", ErrorKind::RateLimited),
        ("new_error", ErrorKind::Server),
    ] {
        let frames = [
            start(),
            text(0, "Hi"),
            json!({"type": "error", "error": {"type": kind, "message": "sorry"}}),
            text(0, "!"),
        ];
        let (events, end) = events(&frames);
        let error = end.unwrap_err();
        assert_eq!(
            (error.kind(), error.message(), error.code()),
            (wanted, "sorry", Some(kind))
        );
        assert_eq!(collect(events).text(), "Hi");
    }
}

#[test]
fn stop_reasons_have_their_kinds() {
    for (word, kind) in [
        ("end_turn", FinishKind::Stop),
        ("stop_sequence", FinishKind::Stop),
        ("max_tokens", FinishKind::Length),
        ("model_context_window_exceeded", FinishKind::Length),
        ("pause_turn", FinishKind::Pause),
        ("refusal", FinishKind::Refusal),
        ("compaction", FinishKind::Other),
    ] {
        let response = answer(&framed(&[], word));
        let reason = response.finish_reason().unwrap();
        assert_eq!((reason.kind, reason.raw.as_deref()), (kind, Some(word)));
    }
    let mut frames = framed(&[], "refusal");
    frames[1]["delta"]["stop_details"] = json!({"type": "refusal", "category": "cyber"});
    let details = &answer(&frames).native[0];
    assert_eq!(
        details.item,
        json!({"stop_details": {"type": "refusal", "category": "cyber"}})
    );
}

#[test]
fn a_call_that_was_cut_is_never_valid() {
    for (pieces, reason, form) in [
        (vec!["{\"a\": \"b"], "max_tokens", ArgumentsForm::Cut),
        (vec!["{\"a\": \"b"], "tool_use", ArgumentsForm::Cut),
        (vec![], "max_tokens", ArgumentsForm::Cut),
        (vec![""], "max_tokens", ArgumentsForm::Cut),
        (vec![""], "tool_use", ArgumentsForm::Json),
        (vec!["{}"], "max_tokens", ArgumentsForm::Json),
    ] {
        let mut content = vec![tool(0, "t1")];
        content.extend(pieces.iter().map(|it| json_delta(0, it)));
        content.push(stop(0));
        let response = answer(&framed(&content, reason));
        assert_eq!(
            only_call(&response).arguments.form,
            form,
            "{pieces:?} {reason}"
        );
    }
    let body = json!({"content": [{"type": "tool_use", "id": "t", "name": "f", "input": {}}], "stop_reason": "max_tokens"});
    assert!(only_call(&whole(&body).unwrap()).arguments.parse().is_err());
    // One that another block follows was not cut, whatever came later.
    let content = [
        tool(0, "t1"),
        stop(0),
        begin(1, json!({"type": "text", "text": "x"})),
        stop(1),
    ];
    let response = answer(&framed(&content, "max_tokens"));
    assert_eq!(only_call(&response).arguments.parse().unwrap(), json!({}));
}

#[test]
fn input_may_come_with_the_start() {
    for input in [json!({"a": 1}), json!("{\"a\":1}")] {
        let block = json!({"type": "tool_use", "id": "t", "name": "f", "input": input});
        let response = answer(&framed(&[begin(0, block), stop(0)], "tool_use"));
        assert_eq!(only_call(&response).arguments.text, "{\"a\":1}");
    }
    // Deltas count where both come.
    let block = json!({"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}});
    let response = answer(&framed(
        &[begin(0, block), json_delta(0, "{\"a\":2}"), stop(0)],
        "tool_use",
    ));
    assert_eq!(only_call(&response).arguments.text, "{\"a\":2}");
}

#[test]
fn an_unknown_block_grows_by_its_deltas() {
    let content = [
        begin(0, json!({"type": "compaction", "content": null})),
        delta(0, json!({"type": "compaction_delta", "content": "sum"})),
        delta(0, json!({"type": "compaction_delta", "content": "mary"})),
        delta(0, json!({"type": "text_delta", "n": 1})),
        stop(0),
    ];
    let response = answer(&framed(&content, "end_turn"));
    let Part::Native(item) = &response.message().unwrap().parts[0] else {
        panic!()
    };
    assert_eq!(
        item.item,
        json!({"type": "compaction", "content": "summary", "n": 1})
    );
}

#[test]
fn a_usual_delta_allocates_nothing() {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    let mut decoder = AnthropicMessages::default().decoder(&target);
    let mut out = VecDeque::with_capacity(8);
    for frame in [start(), begin(0, json!({"type": "text", "text": ""}))] {
        let data = frame.to_string();
        decoder
            .decode(Frame::data(data.as_bytes()), &mut out)
            .unwrap();
    }
    let data = text(0, " word").to_string();
    let cost = measure(|| {
        for _ in 0..100 {
            out.clear();
            decoder
                .decode(Frame::data(data.as_bytes()), &mut out)
                .unwrap();
        }
    });
    assert_eq!(cost.count_total, 0);
    assert!(matches!(out.back(), Some(Event::TextDelta { .. })));
}
