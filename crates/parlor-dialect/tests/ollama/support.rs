//! Lines, and what they decode to.

use parlor_core::*;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::{Decoder, Dialect, Encoder, Frame, Profile, ServerDialect, Target};
use serde_json::{Value, json};
use std::collections::VecDeque;

pub(crate) fn info() -> ModelInfo {
    ModelInfo::new("ollama", "qwen3:8b")
}

/// The events and the outcome of these lines.
pub(crate) fn events_of<L: AsRef<[u8]>>(
    profile: &Profile,
    lines: &[L],
) -> (VecDeque<Event>, Result<()>) {
    let info = info();
    let mut decoder = Ollama::default().decoder(&Target::new(&info, profile).streaming());
    let mut events = VecDeque::new();
    for line in lines {
        if let Err(error) = decoder.decode(Frame::data(line.as_ref()), &mut events) {
            return (events, Err(error));
        }
    }
    let outcome = decoder.finish(&mut events);
    (events, outcome)
}

pub(crate) fn collect(events: &VecDeque<Event>) -> ChatResponse {
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new("ollama"));
    for event in events {
        collector.push(event);
        grammar.check(&Ok(event.clone())).unwrap();
    }
    collector.into_response()
}

pub(crate) fn decode_as<L: AsRef<[u8]>>(profile: &Profile, lines: &[L]) -> Result<ChatResponse> {
    let (events, outcome) = events_of(profile, lines);
    let response = collect(&events);
    outcome.map(|()| response)
}

pub(crate) fn decode<L: AsRef<[u8]>>(lines: &[L]) -> Result<ChatResponse> {
    decode_as(&Profile::default(), lines)
}

pub(crate) fn line(message: Value) -> String {
    json!({"model": "m", "created_at": "2026-08-01T10:00:00.5Z", "message": message, "done": false})
        .to_string()
}

pub(crate) fn said(text: &str) -> String {
    line(json!({"role": "assistant", "content": text}))
}

pub(crate) fn done() -> String {
    json!({"model": "m", "message": {"content": ""}, "done": true, "done_reason": "stop",
        "prompt_eval_count": 3, "eval_count": 5, "total_duration": 9})
    .to_string()
}

pub(crate) fn kinds(response: &ChatResponse) -> Vec<PartKind> {
    let parts = &response.message().unwrap().parts;
    parts.iter().map(PartKind::of).collect()
}

pub(crate) fn encode(events: &[Event]) -> Vec<Vec<u8>> {
    let mut encoder = Ollama::default().encoder();
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for event in events {
        encoder.encode(event, &mut frames).unwrap();
    }
    frames.into_iter().map(|(_, data)| data).collect()
}
