//! Events, and what they decode to.

use parlor_core::*;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::{
    Decoder, Dialect, Encoder, Frame, Incoming, Profile, ServerDialect, Target, WireRequest,
};
use serde_json::{Value, json};
use std::collections::VecDeque;

pub(crate) fn info() -> ModelInfo {
    ModelInfo::new("cohere", "command-a-03-2025")
}

pub(crate) fn origin() -> Origin {
    Origin::new("cohere", "cohere")
}

pub(crate) fn native(item: Value) -> Native {
    Native::new(origin(), item)
}

/// The events and the outcome of these frames. A text is a frame as it is.
pub(crate) fn events_of(frames: &[Value]) -> (VecDeque<Event>, Result<()>) {
    let frames = frames.iter().map(|frame| match frame {
        Value::String(raw) => raw.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    });
    events_of_bytes(&frames.collect::<Vec<_>>())
}

pub(crate) fn events_of_bytes(frames: &[Vec<u8>]) -> (VecDeque<Event>, Result<()>) {
    let (info, profile) = (info(), Profile::default());
    let mut decoder = Cohere::default().decoder(&Target::new(&info, &profile).streaming());
    let mut events = VecDeque::new();
    for frame in frames {
        if let Err(error) = decoder.decode(Frame::data(frame), &mut events) {
            return (events, Err(error));
        }
    }
    let outcome = decoder.finish(&mut events);
    (events, outcome)
}

pub(crate) fn collect(events: &VecDeque<Event>) -> ChatResponse {
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new("cohere"));
    for event in events {
        collector.push(event);
        grammar.check(&Ok(event.clone())).unwrap();
    }
    collector.into_response()
}

pub(crate) fn decode(frames: &[Value]) -> Result<ChatResponse> {
    let (events, outcome) = events_of(frames);
    let response = collect(&events);
    outcome.map(|()| response)
}

pub(crate) fn whole(body: Value) -> Result<ChatResponse> {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile);
    Cohere::default().read_response(body.to_string().as_bytes(), &target)
}

pub(crate) fn encode(events: &[Event]) -> Vec<Value> {
    let mut encoder = Cohere::default().encoder();
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for event in events {
        encoder.encode(event, &mut frames).unwrap();
    }
    let frames = frames.into_iter().map(|(name, data)| {
        let value: Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(name.as_deref(), value["type"].as_str());
        value
    });
    frames.collect()
}

pub(crate) fn start() -> Value {
    json!({"id": "m1", "type": "message-start", "delta": {"message": {"role": "assistant",
        "content": [], "tool_plan": "", "tool_calls": [], "citations": []}}})
}

fn event(kind: &str, index: u64, message: Value) -> Value {
    json!({"type": kind, "index": index, "delta": {"message": message}})
}

pub(crate) fn open(index: u64, kind: &str) -> Value {
    let content = json!({"type": kind, kind: ""});
    event("content-start", index, json!({ "content": content }))
}

pub(crate) fn text(index: u64, text: &str) -> Value {
    let content = json!({ "text": text });
    event("content-delta", index, json!({ "content": content }))
}

pub(crate) fn thought(index: u64, text: &str) -> Value {
    let content = json!({ "thinking": text });
    event("content-delta", index, json!({ "content": content }))
}

pub(crate) fn shut(index: u64) -> Value {
    json!({"type": "content-end", "index": index})
}

pub(crate) fn plan(text: &str) -> Value {
    json!({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": text}}})
}

pub(crate) fn call(index: u64, id: &str, name: &str) -> Value {
    let call = json!({"id": id, "type": "function", "function": {"name": name, "arguments": ""}});
    event("tool-call-start", index, json!({ "tool_calls": call }))
}

pub(crate) fn arguments(index: u64, text: &str) -> Value {
    let call = json!({"function": {"arguments": text}});
    event("tool-call-delta", index, json!({ "tool_calls": call }))
}

pub(crate) fn call_end(index: u64) -> Value {
    json!({"type": "tool-call-end", "index": index})
}

pub(crate) fn cite(citation: Value) -> [Value; 2] {
    [
        event("citation-start", 0, json!({ "citations": citation })),
        json!({"type": "citation-end", "index": 0}),
    ]
}

pub(crate) fn usage() -> Value {
    json!({"billed_units": {"input_tokens": 3.0, "output_tokens": 2},
        "tokens": {"input_tokens": 13, "output_tokens": 7.0, "reasoning_tokens": 4},
        "cached_tokens": 8})
}

pub(crate) fn end(word: &str) -> Value {
    json!({"type": "message-end", "delta": {"finish_reason": word, "usage": usage()}})
}

pub(crate) fn kinds(response: &ChatResponse) -> Vec<PartKind> {
    let parts = &response.message().unwrap().parts;
    parts.iter().map(PartKind::of).collect()
}

/// A request as it is written, and as JSON.
pub(crate) fn write(request: &ChatRequest) -> Result<WireRequest> {
    let (info, profile) = (info(), Profile::default());
    Cohere::default().write_request(request, &Target::new(&info, &profile))
}

pub(crate) fn body(request: &ChatRequest) -> Value {
    let wire = write(request).unwrap();
    assert_eq!(wire.warnings, [], "{wire:?}");
    serde_json::from_slice(&wire.body).unwrap()
}

/// The body, and the settings that were warned of.
pub(crate) fn warned(request: &ChatRequest) -> (Value, Vec<String>) {
    let wire = write(request).unwrap();
    let settings = wire.warnings.into_iter().map(|it| it.setting);
    let body = serde_json::from_slice(&wire.body).unwrap();
    (body, settings.collect())
}

pub(crate) fn read(body: Value) -> Incoming {
    Cohere::default()
        .read_request("/v2/chat", body.to_string().as_bytes(), &origin())
        .unwrap()
}
