//! The first generation of Qianfan's API, through the dialect's public interface.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use parlor_core::*;
use parlor_dialect::qianfan_v1::QianfanV1;
use parlor_dialect::{Decoder, Dialect, Encoder, Frame, Profile, ServerDialect, Target, WireError};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::VecDeque;

fn info() -> ModelInfo {
    ModelInfo::new("host", "model")
}

/// The events of a stream of these frames, and how it ended.
fn events(frames: &[&[u8]]) -> (VecDeque<Event>, Result<()>) {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    let mut decoder = QianfanV1::default().decoder(&target);
    let mut out = VecDeque::new();
    for frame in frames {
        if let Err(error) = decoder.decode(Frame::data(frame), &mut out) {
            return (out, Err(error));
        }
    }
    let ended = decoder.finish(&mut out);
    (out, ended)
}

fn collect(events: &VecDeque<Event>) -> ChatResponse {
    let mut collector = Collector::new("host");
    events.iter().for_each(|event| collector.push(event));
    collector.into_response()
}

fn chunk(sentence: usize, text: &str, more: Value) -> Vec<u8> {
    let mut chunk = json!({"id": "as-1", "object": "chat.completion", "created": 7,
        "sentence_id": sentence, "is_end": false, "is_truncated": false, "result": text,
        "need_clear_history": false, "finish_reason": "normal",
        "usage": {"prompt_tokens": 3, "completion_tokens": sentence, "total_tokens": 3 + sentence}});
    let object = chunk.as_object_mut().unwrap();
    object.extend(more.as_object().unwrap().clone());
    chunk.to_string().into_bytes()
}

fn read(body: Value) -> Result<ChatResponse> {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile);
    QianfanV1::default().read_response(body.to_string().as_bytes(), &target)
}

#[test]
fn a_request_comes_back_as_it_was() {
    let schema = json!({"type": "object", "properties": {"id": {"type": "integer"}}});
    let call = ToolCall::new("call_1", "f", json!({"id": 2}));
    let turn = Message::new(Role::Assistant, vec![Part::text("b"), call.into()]);
    let result = Message::new(Role::Tool, vec![ToolResult::text("call_1", "4").into()]);
    let messages = [
        Message::system("Be kind."),
        Message::user("a"),
        turn,
        result,
    ];
    let mut request = ChatRequest::new(messages)
        .with_tool(ToolDefinition::function("f", "does f", schema))
        .with_temperature(0.5);
    request.stop = vec!["END".to_owned()];
    request.max_output_tokens = Some(9);
    request.output = Some(OutputFormat::Json);
    request.user = Some("somebody".to_owned());
    let (info, profile) = (info(), Profile::default());
    let dialect = QianfanV1::default();
    for stream in [false, true] {
        let target = Target::new(&info, &profile);
        let target = if stream { target.streaming() } else { target };
        let wire = dialect.write_request(&request, &target).unwrap();
        assert!(wire.path.ends_with("/wenxinworkshop/chat/model"));
        assert_eq!(wire.warnings, []);
        let origin = Origin::new("host", dialect.name());
        let path = format!("{}?access_token=t", wire.path);
        let incoming = dialect.read_request(&path, &wire.body, &origin).unwrap();
        assert_eq!((&incoming.request, incoming.stream), (&request, stream));
        assert_eq!(
            (incoming.model.as_str(), incoming.stream_usage),
            ("model", true)
        );
    }
}

#[test]
fn a_call_without_its_result_does_not_break_the_turns() {
    let call = |id: &str| Part::from(ToolCall::new(id, "f", json!({})));
    let turn =
        |ids: &[&str]| Message::new(Role::Assistant, ids.iter().map(|it| call(it)).collect());
    let result = Message::new(Role::Tool, vec![ToolResult::text("t-2", "4").into()]);
    let (info, profile) = (info(), Profile::default());
    for (history, roles) in [
        (
            vec![turn(&["t-1", "t-2"])],
            ["user", "assistant", "user"].as_slice(),
        ),
        (
            vec![turn(&["t-1", "t-2", "t-3"]), result],
            &["user", "assistant", "function", "assistant", "user"],
        ),
    ] {
        let mut messages = vec![Message::user("a")];
        messages.extend(history);
        messages.push(Message::user("b"));
        let target = Target::new(&info, &profile);
        let request = ChatRequest::new(messages);
        let wire = QianfanV1::default()
            .write_request(&request, &target)
            .unwrap();
        let body: Value = serde_json::from_slice(&wire.body).unwrap();
        let messages = body["messages"].as_array().unwrap();
        let written: Vec<&str> = messages
            .iter()
            .map(|it| it["role"].as_str().unwrap())
            .collect();
        assert_eq!(written, roles);
    }
}

#[test]
fn answers_and_streams_come_back_as_they_were() {
    let dialect = QianfanV1::default();
    let call = json!({"name": "f", "thoughts": "hm", "arguments": "{\"id\":1}"});
    let end = json!({"is_end": true, "finish_reason": "function_call", "function_call": call,
        "search_info": {"search_results": [{"index": 1, "url": "https://a", "title": "A"}]}});
    let deltas = [
        chunk(0, "a", json!({})),
        chunk(1, "b", json!({})),
        chunk(2, "", end),
    ];
    let frames: Vec<&[u8]> = deltas.iter().map(Vec::as_slice).collect();
    let (streamed, ended) = events(&frames);
    ended.unwrap();
    let streamed = collect(&streamed);
    assert_eq!(
        streamed.finish_reason().unwrap().kind,
        FinishKind::ToolCalls
    );
    assert_eq!(
        (streamed.text().as_str(), streamed.reasoning().as_str()),
        ("ab", "hm")
    );
    assert_eq!(streamed.usage.as_ref().unwrap().total_tokens(), Some(5));
    let kinds = |response: &ChatResponse| {
        let parts = response.message().unwrap().parts.iter();
        let mut kinds: Vec<String> = parts
            .map(|part| match part {
                Part::Text(it) => it.text.clone(),
                Part::Reasoning(it) => it.text.clone(),
                Part::ToolCall(it) => format!("{} {}", it.name, it.arguments.text),
                Part::Source(it) => format!("{:?} {:?}", it.url, it.title),
                other => format!("{other:?}"),
            })
            .collect();
        kinds.sort();
        kinds
    };
    assert_eq!(kinds(&streamed).len(), 4);
    let body = dialect.write_response(&streamed).unwrap();
    let whole = read(serde_json::from_slice(&body).unwrap()).unwrap();
    assert_eq!(kinds(&whole), kinds(&streamed));
    assert_eq!(whole.usage.unwrap().total_tokens(), Some(5));
    assert_eq!(whole.id.as_deref(), Some("as-1"));
    let mut encoder = dialect.encoder();
    let mut written: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for event in events(&frames).0 {
        encoder.encode(&event, &mut written).unwrap();
    }
    let again: Vec<&[u8]> = written.iter().map(|(_, data)| data.as_slice()).collect();
    let (again, ended) = events(&again);
    ended.unwrap();
    assert_eq!(kinds(&collect(&again)), kinds(&streamed));
}

#[test]
fn why_it_ended_is_told_by_what_there_is() {
    let kind = |more: Value| {
        let mut body = json!({"id": "as-1", "result": "a"});
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        read(body).unwrap().finish_reason().unwrap().kind
    };
    for (more, expected) in [
        (json!({}), FinishKind::Stop),
        (json!({"is_truncated": true}), FinishKind::Length),
        (
            json!({"is_truncated": true, "finish_reason": "normal"}),
            FinishKind::Length,
        ),
        (json!({"finish_reason": "length"}), FinishKind::Length),
        (json!({"finish_reason": "stop"}), FinishKind::Stop),
        (
            json!({"finish_reason": "content_filter"}),
            FinishKind::ContentFilter,
        ),
        (
            json!({"finish_reason": "", "is_truncated": null}),
            FinishKind::Stop,
        ),
        (
            json!({"function_call": {"name": "f", "arguments": ""}}),
            FinishKind::ToolCalls,
        ),
        (json!({"function_call": {}}), FinishKind::Stop),
        (json!({"finish_reason": "something_new"}), FinishKind::Other),
    ] {
        assert_eq!(kind(more.clone()), expected, "{more}");
    }
}

#[test]
fn a_wish_to_clear_the_history_and_unknown_fields_are_kept() {
    let response = read(
        json!({"id": "as-1", "result": "No.", "need_clear_history": true,
        "ban_round": -1, "flag": 9}),
    )
    .unwrap();
    let item = &response.native[0].item;
    assert_eq!(
        item,
        &json!({"need_clear_history": true, "ban_round": -1, "flag": 9})
    );
    let plain =
        json!({"id": "as-1", "result": "Yes.", "need_clear_history": false, "ban_round": 0});
    assert!(read(plain).unwrap().native.is_empty());
}

#[test]
fn failures_come_back_as_they_were() {
    let dialect = QianfanV1::default();
    for kind in [
        ErrorKind::Authentication,
        ErrorKind::Permission,
        ErrorKind::QuotaExhausted,
        ErrorKind::RateLimited,
        ErrorKind::Overloaded,
        ErrorKind::Server,
        ErrorKind::ContextTooLong,
        ErrorKind::ModelNotFound,
        ErrorKind::InvalidRequest,
    ] {
        let (status, body) = dialect.write_error(&Error::new(kind, "no"));
        assert_eq!(status, 200);
        let read = read(serde_json::from_slice(&body).unwrap()).unwrap_err();
        assert_eq!((read.kind(), read.message()), (kind, "no"));
        let error = WireError::new(200, &[], &body);
        assert_eq!(dialect.read_error(&error).kind(), kind);
        let (_, streamed) = events(&[&body]);
        assert_eq!(streamed.unwrap_err().kind(), kind);
    }
    let mut encoder = dialect.encoder();
    let mut written: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    encoder.fail(&Error::new(ErrorKind::Server, "no"), &mut written);
    let (_, ended) = events(&[&written[0].1]);
    assert_eq!(ended.unwrap_err().kind(), ErrorKind::Server);
}

#[test]
fn a_usual_delta_takes_no_memory() {
    let frames: Vec<Vec<u8>> = (0..64)
        .map(|at| {
            let end = if at % 2 == 0 { "\n" } else { " " };
            chunk(at, &format!("w{at:02}{end}"), json!({}))
        })
        .collect();
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    let mut decoder = QianfanV1::default().decoder(&target);
    let mut out = VecDeque::with_capacity(256);
    let (first, rest) = frames.split_at(16);
    for frame in first {
        decoder.decode(Frame::data(frame), &mut out).unwrap();
    }
    out.clear();
    let counted = allocation_counter::measure(|| {
        for frame in rest {
            decoder.decode(Frame::data(frame), &mut out).unwrap();
        }
    });
    let texts = out
        .iter()
        .filter(|it| matches!(it, Event::TextDelta { .. }));
    assert_eq!(texts.count(), rest.len());
    assert_eq!(counted.count_total, 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn nothing_that_comes_breaks_it(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..4)) {
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let _ = events(&frames);
    }

    #[test]
    fn no_cut_of_a_chunk_breaks_it(cut in 0..400_usize, byte in any::<u8>()) {
        let end = json!({"is_end": true, "function_call": {"name": "f", "arguments": "{}"}});
        let mut chunk = chunk(0, "a", end);
        let _ = events(&[&chunk[..cut.min(chunk.len())]]);
        let at = cut % chunk.len();
        chunk[at] = byte;
        let _ = events(&[&chunk]);
    }

    #[test]
    fn any_text_survives_both_ways(text in "\\PC{0,40}") {
        let frames = [chunk(0, &text, json!({})), chunk(1, "", json!({"is_end": true}))];
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let (events, ended) = events(&frames);
        ended.unwrap();
        prop_assert_eq!(collect(&events).text(), text);
    }
}
