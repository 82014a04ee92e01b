//! Chunks, and what they decode to.

use parlor_core::*;
use parlor_dialect::gemini::{Gemini, Quirks};
use parlor_dialect::{Decoder, Dialect, Encoder, Frame, Profile, ServerDialect, Target};
use serde_json::{Value, json};
use std::collections::VecDeque;

pub(crate) const MODEL: &str = "gemini-3-flash-preview";

pub(crate) fn info() -> ModelInfo {
    ModelInfo::new("gemini", MODEL)
}

pub(crate) fn origin() -> Origin {
    Origin::new("gemini", "gemini")
}

pub(crate) fn native(item: Value) -> Native {
    Native::new(origin(), item)
}

/// The events and the outcome of these frames.
pub(crate) fn events_by<F: AsRef<[u8]>>(
    quirks: Quirks,
    frames: &[F],
) -> (VecDeque<Event>, Result<()>) {
    let (info, profile) = (info(), Profile::default());
    let mut decoder = Gemini::new(quirks).decoder(&Target::new(&info, &profile).streaming());
    let mut events = VecDeque::new();
    for frame in frames {
        if let Err(error) = decoder.decode(Frame::data(frame.as_ref()), &mut events) {
            return (events, Err(error));
        }
    }
    let outcome = decoder.finish(&mut events);
    (events, outcome)
}

pub(crate) fn events_of<F: AsRef<[u8]>>(frames: &[F]) -> (VecDeque<Event>, Result<()>) {
    events_by(Quirks::default(), frames)
}

pub(crate) fn collect(events: &VecDeque<Event>) -> ChatResponse {
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new("gemini"));
    for event in events {
        collector.push(event);
        grammar.check(&Ok(event.clone())).unwrap();
    }
    collector.into_response()
}

pub(crate) fn decode<F: AsRef<[u8]>>(frames: &[F]) -> Result<ChatResponse> {
    let (events, outcome) = events_of(frames);
    let response = collect(&events);
    outcome.map(|()| response)
}

/// A chunk with these parts.
pub(crate) fn chunk(parts: Value) -> String {
    candidate(json!({"content": {"role": "model", "parts": parts}, "index": 0}))
}

pub(crate) fn candidate(candidate: Value) -> String {
    json!({"candidates": [candidate], "modelVersion": "gemini-x", "responseId": "r1"}).to_string()
}

pub(crate) fn said(text: &str) -> String {
    chunk(json!([{ "text": text }]))
}

pub(crate) fn done(word: &str) -> String {
    candidate(
        json!({"content": {"role": "model", "parts": [{"text": ""}]},
        "finishReason": word, "index": 0}),
    )
}

pub(crate) fn parts_of(response: &ChatResponse) -> &[Part] {
    response.message().map_or(&[], |it| &it.parts)
}

pub(crate) fn kinds(response: &ChatResponse) -> Vec<PartKind> {
    parts_of(response).iter().map(PartKind::of).collect()
}

/// What the parts say beyond core's words.
pub(crate) fn items(response: &ChatResponse) -> Vec<Value> {
    let item = |part: &Part| part.native().map_or(Value::Null, |it| it.item.clone());
    parts_of(response).iter().map(item).collect()
}

pub(crate) fn encode(events: &[Event]) -> Vec<String> {
    let mut encoder = Gemini::default().encoder();
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for event in events {
        encoder.encode(event, &mut frames).unwrap();
    }
    let text = |(_, data)| String::from_utf8(data).unwrap();
    frames.into_iter().map(text).collect()
}

pub(crate) fn read_response(body: &str) -> Result<ChatResponse> {
    let (info, profile) = (info(), Profile::default());
    Gemini::default().read_response(body.as_bytes(), &Target::new(&info, &profile))
}

/// The body and the warnings of a request, for a model of a host.
pub(crate) fn write_to(
    model: &str,
    quirks: Quirks,
    request: &ChatRequest,
) -> Result<(Value, Vec<String>)> {
    let (info, profile) = (ModelInfo::new("gemini", model), Profile::default());
    let written = Gemini::new(quirks).write_request(request, &Target::new(&info, &profile))?;
    let body = serde_json::from_slice(&written.body).unwrap();
    let warnings = written.warnings.into_iter().map(|it| it.message).collect();
    Ok((body, warnings))
}

/// The body of a request that needs no warning.
pub(crate) fn write(request: &ChatRequest) -> Value {
    let (body, warnings) = write_to(MODEL, Quirks::default(), request).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    body
}

pub(crate) fn read_request(body: &Value) -> Result<ChatRequest> {
    let path = format!("/v1beta/models/{MODEL}:generateContent");
    let read = Gemini::default().read_request(&path, body.to_string().as_bytes(), &origin());
    read.map(|it| it.request)
}

pub(crate) fn quirks(json: Value) -> Quirks {
    serde_json::from_value(json).unwrap()
}

pub(crate) fn ask(parts: Vec<Part>) -> ChatRequest {
    ChatRequest::new([Message::new(Role::User, parts)])
}

pub(crate) fn fails(request: &ChatRequest) -> ErrorKind {
    write_to(MODEL, Quirks::default(), request)
        .unwrap_err()
        .kind()
}
