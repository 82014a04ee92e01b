//! Answers, written.

use super::*;

fn kinds(frames: &[Value]) -> Vec<String> {
    let kind = |frame: &Value| {
        let kind = frame["type"].as_str().unwrap();
        let inner = frame["delta"]["type"]
            .as_str()
            .or(frame["content_block"]["type"].as_str());
        match inner {
            Some(inner) => format!("{kind}:{inner}"),
            None => kind.to_owned(),
        }
    };
    frames.iter().map(kind).collect()
}

/// Blocks come one after the other, rising from 0, each delta inside its own.
fn check(frames: &[Value]) {
    let (mut open, mut next) = (None, 0);
    for frame in frames {
        let index = frame["index"].as_u64();
        match frame["type"].as_str().unwrap() {
            "content_block_start" => {
                assert_eq!((open, index), (None, Some(next)), "{frame}");
                open = index;
                next += 1;
            }
            "content_block_delta" => assert_eq!(index, open, "{frame}"),
            "content_block_stop" => {
                assert_eq!(index, open, "{frame}");
                open = None;
            }
            _ => assert_eq!(open, None, "{frame}"),
        }
    }
}

fn again(frames: &[Value]) -> ChatResponse {
    check(frames);
    answer(frames)
}

#[test]
fn the_stream_of_the_reference_is_written_as_it_stands_there() {
    let frames = framed(
        &[
            begin(
                0,
                json!({"type": "thinking", "thinking": "", "signature": ""}),
            ),
            delta(
                0,
                json!({"type": "thinking_delta", "thinking": "Need weather."}),
            ),
            delta(
                0,
                json!({"type": "signature_delta", "signature": "EqQBCg=="}),
            ),
            stop(0),
            begin(1, json!({"type": "text", "text": ""})),
            text(1, "Let me see."),
            stop(1),
            begin(
                2,
                json!({"type": "tool_use", "id": "toolu_01B", "name": "get_weather", "input": {}}),
            ),
            delta(
                2,
                json!({"type": "input_json_delta", "partial_json": "{\"city\": \"Oslo\"}"}),
            ),
            stop(2),
        ],
        "tool_use",
    );
    let (events, end) = events(&frames);
    end.unwrap();
    let written = encode(&events);
    check(&written);
    assert_eq!(written[1..written.len() - 2], frames[1..frames.len() - 2]);
    let message = &written[0]["message"];
    for key in [
        "id",
        "type",
        "role",
        "model",
        "content",
        "stop_reason",
        "stop_sequence",
        "usage",
    ] {
        assert_eq!(message[key], frames[0]["message"][key], "{key}");
    }
    let last = &written[written.len() - 2];
    assert_eq!(
        last["delta"],
        json!({"stop_reason": "tool_use", "stop_sequence": null})
    );
    assert_eq!(last["usage"]["output_tokens"], 7);
    assert_eq!(last["usage"]["input_tokens"], 10);
    assert_eq!(written.last(), Some(&json!({"type": "message_stop"})));
}

fn started(part: u32, kind: PartKind) -> Event {
    Event::part_started(0, part, kind)
}

fn said(part: u32, text: &str) -> Event {
    Event::TextDelta {
        choice: 0,
        part,
        text: text.into(),
    }
}

fn thought(part: u32, text: &str) -> Event {
    Event::ReasoningDelta {
        choice: 0,
        part,
        text: text.into(),
    }
}

fn whole_part(part: u32, content: Part) -> [Event; 2] {
    let start = match &content {
        Part::ToolCall(call) => Event::call_started(0, part, call.into()),
        content => Event::part_started(0, part, PartKind::of(content)),
    };
    [start, Event::part_finished_with(0, part, content)]
}

fn envelope(events: Vec<Event>, kind: FinishKind) -> Vec<Event> {
    let mut all = vec![Event::started(Some("r1".into()), Some("m".into()), None)];
    all.extend(events);
    all.push(Event::finished(0, kind.into()));
    all.push(Event::completed(None));
    all
}

#[test]
fn interleaved_parts_are_written_one_after_the_other() {
    let events = envelope(
        vec![
            started(0, PartKind::Text),
            started(1, PartKind::Reasoning),
            thought(1, "x"),
            said(0, "a"),
            started(2, PartKind::Text),
            said(2, "c"),
            thought(1, "y"),
            Event::part_finished(0, 1),
            said(0, "b"),
            Event::part_finished(0, 0),
            said(2, "d"),
            Event::part_finished(0, 2),
        ],
        FinishKind::Stop,
    );
    let response = again(&encode(&events));
    let texts: Vec<_> = response
        .message()
        .unwrap()
        .parts
        .iter()
        .filter_map(Part::as_text)
        .collect();
    assert_eq!(
        (texts, response.reasoning().as_str()),
        (vec!["ab", "cd"], "xy")
    );
}

#[test]
fn another_dialects_answer_is_put_in_these_words() {
    let away = Origin::new("openai", "openai-responses");
    let mut citation = Citation::default();
    citation.url = Some("https://example.org".into());
    let mut searched = ToolCall::new("ws", "web_search", json!({}));
    searched.executor = Executor::Provider;
    let searched = Part::from(searched).with_native(Native::new(
        away.clone(),
        json!({"type": "web_search_call"}),
    ));
    let mut events = vec![
        started(0, PartKind::Reasoning),
        thought(0, "hm"),
        Event::part_finished_as(
            0,
            0,
            Some(Box::new(Native::new(
                away.clone(),
                json!({"encrypted_content": "e"}),
            ))),
        ),
        started(1, PartKind::Text),
        Event::Citation {
            choice: 0,
            part: 1,
            citation: Box::new(citation),
        },
        said(1, "a"),
        Event::part_finished(0, 1),
        started(2, PartKind::Text),
        Event::part_finished(0, 2),
        started(3, PartKind::Refusal),
        said(3, "No."),
        Event::part_finished(0, 3),
    ];
    events.extend(whole_part(4, searched));
    events.extend(whole_part(
        5,
        Part::Native(Native::new(away, json!({"type": "x"}))),
    ));
    events.extend(whole_part(
        6,
        ToolCall::new("call_1", "f", Arguments::json("{\"a\":1}")).into(),
    ));
    let mut usage = Usage::default();
    usage.input_tokens = Some(10);
    usage.cached_input_tokens = Some(4);
    usage.output_tokens = Some(3);
    usage.raw = Some(json!({"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}}));
    events.push(Event::Usage {
        usage: Box::new(usage),
    });
    let frames = encode(&envelope(events, FinishKind::Stop));
    assert_eq!(
        kinds(&frames)[1..],
        [
            "content_block_start:thinking",
            "content_block_delta:thinking_delta",
            "content_block_stop",
            "content_block_start:text",
            "content_block_delta:citations_delta",
            "content_block_delta:text_delta",
            "content_block_stop",
            "content_block_start:text",
            "content_block_delta:text_delta",
            "content_block_stop",
            "content_block_start:tool_use",
            "content_block_delta:input_json_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
    );
    let usage = &frames[frames.len() - 2]["usage"];
    assert_eq!(
        usage,
        &json!({"input_tokens": 6, "output_tokens": 3, "cache_read_input_tokens": 4})
    );
    let response = again(&frames);
    assert_eq!(response.text(), "aNo.");
    assert_eq!(response.usage.as_ref().unwrap().input_tokens, Some(10));
    assert_eq!(
        response.finish_reason().unwrap().raw.as_deref(),
        Some("end_turn")
    );
}

#[test]
fn arguments_count_as_they_ended() {
    let call = ToolCall::new("t", "f", Arguments::json("{\"a\":1}"));
    for shown in ["", "{\"a\"", "{\"a\":1}"] {
        let mut events = vec![Event::call_started(0, 0, CallHead::new("t", "f"))];
        if !shown.is_empty() {
            events.push(Event::ArgumentsDelta {
                choice: 0,
                part: 0,
                text: shown.into(),
            });
        }
        events.push(Event::part_finished_with(0, 0, call.clone().into()));
        let response = again(&encode(&envelope(events, FinishKind::ToolCalls)));
        assert_eq!(
            response.tool_calls().next().unwrap().arguments.text,
            "{\"a\":1}",
            "{shown}"
        );
    }
}

#[test]
fn free_text_is_put_in_an_object() {
    let mut head = CallHead::new("t", "f");
    head.form = ArgumentsForm::Text;
    let call = ToolCall::new("t", "f", Arguments::text("free"));
    let events = vec![
        Event::call_started(0, 0, head),
        Event::ArgumentsDelta {
            choice: 0,
            part: 0,
            text: "free".into(),
        },
        Event::part_finished_with(0, 0, call.into()),
    ];
    let response = again(&encode(&envelope(events, FinishKind::ToolCalls)));
    let call = response.tool_calls().next().unwrap();
    assert_eq!(call.arguments.parse().unwrap(), json!({"input": "free"}));
}

#[test]
fn only_one_choice_is_written() {
    let mut events = vec![started(0, PartKind::Text), said(0, "a")];
    events.push(Event::part_started(1, 0, PartKind::Text));
    events.push(Event::TextDelta {
        choice: 1,
        part: 0,
        text: "b".into(),
    });
    events.push(Event::part_finished(1, 0));
    events.push(Event::part_finished(0, 0));
    events.push(Event::finished(1, FinishKind::Length.into()));
    let response = again(&encode(&envelope(events, FinishKind::Stop)));
    assert_eq!(response.text(), "a");
    assert_eq!(response.finish_reason().unwrap().kind, FinishKind::Stop);
}

#[test]
fn an_answer_without_content_has_its_envelope() {
    let frames = encode(&envelope(vec![], FinishKind::Refusal));
    assert_eq!(
        kinds(&frames),
        ["message_start", "message_delta", "message_stop"]
    );
    assert_eq!(frames[1]["delta"]["stop_reason"], "refusal");
    assert_eq!(
        frames[1]["usage"],
        json!({"input_tokens": 0, "output_tokens": 0})
    );
}

#[test]
fn a_failure_ends_the_stream() {
    let mut out: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    let mut encoder = AnthropicMessages::default().encoder();
    for event in [
        Event::started(None, None, None),
        started(0, PartKind::Text),
        said(0, "a"),
    ] {
        encoder.encode(&event, &mut out).unwrap();
    }
    encoder.fail(&Error::new(ErrorKind::Overloaded, "busy"), &mut out);
    let count = out.len();
    encoder.encode(&Event::completed(None), &mut out).unwrap();
    encoder.fail(&Error::truncated(), &mut out);
    assert_eq!(out.len(), count);
    let (event, data) = out.pop().unwrap();
    assert_eq!(event.as_deref(), Some("error"));
    let data: Value = serde_json::from_slice(&data).unwrap();
    assert_eq!(
        data,
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}})
    );
}

#[test]
fn a_whole_answer_survives_the_wire() {
    let body = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "d"},
            {"type": "text", "text": "Hi", "citations": [{"type": "char_location", "cited_text": "q"}]},
            {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
            {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use", "stop_sequence": null, "container": {"id": "c"},
        "usage": {"input_tokens": 1, "output_tokens": 2, "cache_read_input_tokens": 3, "service_tier": "standard"},
    });
    let response = whole(&body).unwrap();
    let written = AnthropicMessages::default()
        .write_response(&response)
        .unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written, body);
    assert_eq!(whole(&written).unwrap(), response);
    let streamed = encode(&response.clone().into_events());
    assert_eq!(again(&streamed), response);
}

#[test]
fn clients_get_an_id_for_each_answer() {
    let id = || {
        let written = AnthropicMessages::default()
            .write_response(&ChatResponse::default())
            .unwrap();
        let written: Value = serde_json::from_slice(&written).unwrap();
        assert_eq!(written["content"], json!([]));
        assert_eq!(written["stop_reason"], "end_turn");
        written["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (id(), id());
    assert!(first.starts_with("msg_"));
    assert_ne!(first, second);
}

#[test]
fn a_whole_answer_has_no_call_that_was_cut() {
    let mut choice = Choice::new(0);
    let cut = ToolCall::new("b", "write", Arguments::cut(r#"{"path":"a"}"#));
    choice.message = Message::new(Role::Assistant, vec![Part::text("So."), cut.into()]);
    choice.finish_reason = Some(FinishKind::ToolCalls.into());
    let mut response = ChatResponse::default();
    response.choices = vec![choice];
    let written = AnthropicMessages::default()
        .write_response(&response)
        .unwrap();
    let written: Value = serde_json::from_slice(&written).unwrap();
    assert_eq!(written["content"], json!([{"type": "text", "text": "So."}]));
    assert_eq!(written["stop_reason"], "max_tokens");
}

#[test]
fn a_stream_with_a_call_that_was_cut_was_too_long() {
    let cut = ToolCall::new("b", "write", Arguments::cut(r#"{"path":"a"#));
    let events = whole_part(0, cut.into()).into();
    let frames = encode(&envelope(events, FinishKind::ToolCalls));
    let end = &frames[frames.len() - 2];
    assert_eq!(end["delta"]["stop_reason"], "max_tokens", "{frames:?}");
}
