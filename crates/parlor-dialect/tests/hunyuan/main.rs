//! Tencent's own chat API, through the dialect's public interface.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use parlor_core::*;
use parlor_dialect::hunyuan::Hunyuan;
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
    let mut decoder = Hunyuan::default().decoder(&target);
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

fn chunk(delta: Value, finish: &str) -> Vec<u8> {
    let chunk = json!({"Id": "c-1", "Created": 7, "Note": "n",
        "Usage": {"PromptTokens": 3, "CompletionTokens": 2, "TotalTokens": 5},
        "Choices": [{"Index": 0, "Delta": delta, "FinishReason": finish}]});
    chunk.to_string().into_bytes()
}

#[test]
fn a_request_comes_back_as_it_was() {
    let schema = json!({"type": "object", "properties": {"ItemId": {"type": "integer"}, "item_id": {"type": "string"}}});
    let image = Media::bytes("image/png", b"\x89P".as_slice());
    let look = Message::new(
        Role::User,
        vec![Part::text("ToolCallId: \"x\""), image.into()],
    );
    let call = ToolCall::new("t-0", "f", json!({"ItemId": 2, "item_id": "3"}));
    let turn = Message::new(Role::Assistant, vec![Part::text("b"), call.into()]);
    let result = Message::new(
        Role::Tool,
        vec![ToolResult::text("t-0", "{\"RequestId\":1}").into()],
    );
    let mut request = ChatRequest::new([Message::system("Be kind."), look, turn, result])
        .with_tool(ToolDefinition::function("f", "does f", schema))
        .with_temperature(0.5);
    request.tool_choice = Some(ToolChoice::Auto);
    request.seed = Some(7);
    request.stop = vec!["END".to_owned()];
    let (info, profile) = (info(), Profile::default());
    let dialect = Hunyuan::default();
    for stream in [false, true] {
        let target = Target::new(&info, &profile);
        let target = if stream { target.streaming() } else { target };
        let wire = dialect.write_request(&request, &target).unwrap();
        assert_eq!((wire.path.as_str(), wire.warnings.len()), ("/", 0));
        let origin = Origin::new("host", dialect.name());
        let incoming = dialect
            .read_request(&wire.path, &wire.body, &origin)
            .unwrap();
        assert_eq!(
            (incoming.request, incoming.stream),
            (request.clone(), stream)
        );
        assert!(incoming.stream_usage);
    }
}

#[test]
fn answers_and_streams_come_back_as_they_were() {
    let dialect = Hunyuan::default();
    let (info, profile) = (info(), Profile::default());
    let call = json!({"Id": "t-1", "Type": "function", "Index": 0,
        "Function": {"Name": "f", "Arguments": "{\"ItemId\":1}"}});
    let deltas = [
        chunk(json!({"Role": "assistant", "ReasoningContent": "hm"}), ""),
        chunk(json!({"Content": "a"}), ""),
        chunk(json!({"ToolCalls": [call]}), ""),
        chunk(json!({"Content": ""}), "tool_calls"),
    ];
    let frames: Vec<&[u8]> = deltas.iter().map(Vec::as_slice).collect();
    let (streamed, ended) = events(&frames);
    ended.unwrap();
    let streamed = collect(&streamed);
    let target = Target::new(&info, &profile);
    let body = dialect.write_response(&streamed).unwrap();
    let wrapped: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        wrapped["Response"]["Choices"][0]["FinishReason"],
        "tool_calls"
    );
    let whole = dialect.read_response(&body, &target).unwrap();
    assert_eq!(
        (whole.text(), whole.reasoning()),
        ("a".to_owned(), "hm".to_owned())
    );
    assert_eq!(whole.tool_calls().count(), 1);
    assert_eq!(whole.choices[0].message, streamed.choices[0].message);
    let mut encoder = dialect.encoder();
    let mut written: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for event in events(&frames).0 {
        encoder.encode(&event, &mut written).unwrap();
    }
    assert!(written.iter().all(|(_, data)| data.starts_with(b"{\"")));
    let again: Vec<&[u8]> = written.iter().map(|(_, data)| data.as_slice()).collect();
    let (again, ended) = events(&again);
    ended.unwrap();
    assert_eq!(
        collect(&again).choices[0].message,
        streamed.choices[0].message
    );
}

#[test]
fn failures_come_back_as_they_were() {
    let dialect = Hunyuan::default();
    let (info, profile) = (info(), Profile::default());
    for kind in [
        ErrorKind::Authentication,
        ErrorKind::Permission,
        ErrorKind::QuotaExhausted,
        ErrorKind::RateLimited,
        ErrorKind::Overloaded,
        ErrorKind::Server,
        ErrorKind::ContentFiltered,
        ErrorKind::ModelNotFound,
        ErrorKind::InvalidRequest,
        ErrorKind::Timeout(TimeoutKind::FirstEvent),
    ] {
        let (status, body) = dialect.write_error(&Error::new(kind, "no"));
        assert_eq!(status, 200);
        let target = Target::new(&info, &profile);
        let read = dialect.read_response(&body, &target).unwrap_err();
        assert_eq!((read.kind(), read.message()), (kind, "no"));
        assert_eq!(
            dialect.read_error(&WireError::new(500, &[], &body)).kind(),
            kind
        );
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
            chunk(
                json!({"Role": "assistant", "Content": format!("w{at:02} ")}),
                "",
            )
        })
        .collect();
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    let mut decoder = Hunyuan::default().decoder(&target);
    let mut out = VecDeque::with_capacity(256);
    let (first, rest) = frames.split_at(8);
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
    fn any_text_survives_both_ways(text in "\\PC{0,40}") {
        let frames = [
            chunk(json!({"Content": text}), ""),
            chunk(json!({"Content": ""}), "stop"),
        ];
        let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
        let (events, ended) = events(&frames);
        ended.unwrap();
        prop_assert_eq!(collect(&events).text(), text);
    }
}
