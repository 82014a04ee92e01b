//! The Messages dialect, through its public interface.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod damage;
mod encoder;
mod errors;
mod history;
mod properties;
mod request;
mod settings;
mod stream;
mod thinking;

use parlor_core::*;
use parlor_dialect::anthropic_messages::{AnthropicMessages, Quirks};
use parlor_dialect::{Decoder, Dialect, Encoder, Frame, Profile, ServerDialect, Target};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// A model that thinks by budget and takes every setting.
const MODEL: &str = "claude-sonnet-4-5";

fn home() -> Origin {
    Origin::new("anthropic", "anthropic-messages")
}

fn native(item: Value) -> Native {
    Native::new(home(), item)
}

fn dialect(quirks: Value) -> AnthropicMessages {
    AnthropicMessages::new(serde_json::from_value::<Quirks>(quirks).unwrap())
}

/// A request as it was written.
struct Written {
    body: Value,
    path: String,
    headers: Vec<(String, String)>,
    warnings: Vec<Warning>,
}

impl Written {
    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The settings that were complained of.
    fn warned(&self) -> Vec<&str> {
        self.warnings.iter().map(|it| it.setting.as_str()).collect()
    }
}

fn write_with(request: &ChatRequest, quirks: Value, info: &ModelInfo) -> Result<Written> {
    let profile = Profile::of(&info.model);
    let target = Target::new(info, &profile);
    let wire = dialect(quirks).write_request(request, &target)?;
    Ok(Written {
        body: serde_json::from_slice(&wire.body).unwrap(),
        path: wire.path,
        headers: wire.headers,
        warnings: wire.warnings,
    })
}

fn write_for(request: &ChatRequest, model: &str) -> Result<Written> {
    write_with(request, json!({}), &ModelInfo::new("anthropic", model))
}

fn write(request: &ChatRequest) -> Written {
    write_for(request, MODEL).unwrap()
}

fn read(body: &Value) -> ChatRequest {
    let body = body.to_string();
    let dialect = AnthropicMessages::default();
    let incoming = dialect.read_request("/v1/messages", body.as_bytes(), &home());
    incoming.unwrap().request
}

fn info() -> ModelInfo {
    ModelInfo::new("anthropic", MODEL)
}

/// The events of a stream of these frames, and how it ended.
fn events(frames: &[Value]) -> (VecDeque<Event>, Result<()>) {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    let mut decoder = AnthropicMessages::default().decoder(&target);
    let mut out = VecDeque::new();
    for frame in frames {
        let data = match frame {
            Value::String(raw) => raw.clone(),
            other => other.to_string(),
        };
        if let Err(error) = decoder.decode(Frame::data(data.as_bytes()), &mut out) {
            assert!(decoder.finish(&mut out).is_ok(), "two ends");
            return (out, Err(error));
        }
    }
    let end = decoder.finish(&mut out);
    (out, end)
}

/// Checks the grammar and collects.
fn collect(events: impl IntoIterator<Item = Event>) -> ChatResponse {
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new("anthropic"));
    for event in events {
        collector.push(&event);
        grammar.check(&Ok(event)).unwrap();
    }
    collector.into_response()
}

/// The answer that a stream of these frames gives.
fn answer(frames: &[Value]) -> ChatResponse {
    let (events, end) = events(frames);
    end.unwrap();
    let response = collect(events);
    assert!(!response.interrupted);
    response
}

/// Frames around these, from `message_start` to `message_stop`.
fn framed(content: &[Value], stop_reason: &str) -> Vec<Value> {
    let mut frames = vec![start()];
    frames.extend_from_slice(content);
    frames.push(json!({"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": {"output_tokens": 7}}));
    frames.push(json!({"type": "message_stop"}));
    frames
}

fn start() -> Value {
    json!({"type": "message_start", "message": {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": [],
        "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2, "output_tokens": 1},
    }})
}

fn begin(index: u64, block: Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn delta(index: u64, delta: Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn text(index: u64, text: &str) -> Value {
    delta(index, json!({"type": "text_delta", "text": text}))
}

/// A whole answer as it is read.
fn whole(body: &Value) -> Result<ChatResponse> {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile);
    AnthropicMessages::default().read_response(body.to_string().as_bytes(), &target)
}

/// What an encoder writes of these events.
fn encode<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Value> {
    let mut out: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    let mut encoder = AnthropicMessages::default().encoder();
    for event in events {
        encoder.encode(event, &mut out).unwrap();
    }
    let frames = out.into_iter().map(|(event, data)| {
        let frame: Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(frame["type"].as_str(), event.as_deref());
        frame
    });
    frames.collect()
}
