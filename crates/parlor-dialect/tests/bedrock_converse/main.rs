//! The Converse dialect, through its public interface.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod allocations;
mod damage;
mod encoder;
mod errors;
mod history;
mod properties;
mod request;
mod settings;
mod stream;

use parlor_core::*;
use parlor_dialect::bedrock_converse::{BedrockConverse, Quirks};
use parlor_dialect::{Decoder, Dialect, Encoder, Frame, Profile, ServerDialect, Target};
use serde_json::{Value, json};
use std::collections::VecDeque;

/// A model that thinks by budget and takes every setting.
const MODEL: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn home() -> Origin {
    Origin::new("bedrock", "bedrock-converse")
}

fn native(item: Value) -> Native {
    Native::new(home(), item)
}

/// A request as it was written.
struct Written {
    body: Value,
    path: String,
    warnings: Vec<Warning>,
}

impl Written {
    /// The settings that were complained of.
    fn warned(&self) -> Vec<&str> {
        self.warnings.iter().map(|it| it.setting.as_str()).collect()
    }
}

fn write_with(request: &ChatRequest, quirks: Value, info: &ModelInfo) -> Result<Written> {
    let profile = Profile::of(info.model.rsplit("anthropic.").next().unwrap());
    let target = Target::new(info, &profile);
    let quirks: Quirks = serde_json::from_value(quirks).unwrap();
    let wire = BedrockConverse::new(quirks).write_request(request, &target)?;
    assert!(wire.headers.is_empty());
    Ok(Written {
        body: serde_json::from_slice(&wire.body).unwrap(),
        path: wire.path,
        warnings: wire.warnings,
    })
}

fn write_for(request: &ChatRequest, model: &str) -> Result<Written> {
    write_with(request, json!({}), &ModelInfo::new("bedrock", model))
}

fn write(request: &ChatRequest) -> Written {
    write_for(request, MODEL).unwrap()
}

fn read(body: &Value) -> ChatRequest {
    let body = body.to_string();
    let dialect = BedrockConverse::default();
    let incoming = dialect.read_request("/model/m/converse", body.as_bytes(), &home());
    incoming.unwrap().request
}

fn info() -> ModelInfo {
    ModelInfo::new("bedrock", MODEL)
}

/// An event: its name and its payload.
type Named = (&'static str, Value);

/// The events of a stream of these frames, and how it ended.
fn events(frames: &[Named]) -> (VecDeque<Event>, Result<()>) {
    let raw: Vec<_> = frames
        .iter()
        .map(|(name, data)| match data {
            Value::String(raw) => (*name, raw.clone().into_bytes()),
            other => (*name, other.to_string().into_bytes()),
        })
        .collect();
    let raw: Vec<_> = raw.iter().map(|(name, data)| (*name, &data[..])).collect();
    events_of(&raw)
}

fn events_of(frames: &[(&str, &[u8])]) -> (VecDeque<Event>, Result<()>) {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile).streaming();
    let mut decoder = BedrockConverse::default().decoder(&target);
    let mut out = VecDeque::new();
    for (name, data) in frames {
        let mut frame = Frame::data(data);
        match name.ends_with("Exception") {
            true => frame.exception = Some(name),
            false => frame.event = Some(name).filter(|it| !it.is_empty()).copied(),
        }
        if let Err(error) = decoder.decode(frame, &mut out) {
            assert!(decoder.finish(&mut out).is_ok(), "two ends");
            return (out, Err(error));
        }
    }
    let end = decoder.finish(&mut out);
    (out, end)
}

/// Checks the grammar and collects.
fn collect(events: impl IntoIterator<Item = Event>) -> ChatResponse {
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new("bedrock"));
    for event in events {
        collector.push(&event);
        grammar.check(&Ok(event)).unwrap();
    }
    collector.into_response()
}

/// The answer that a stream of these frames gives.
fn answer(frames: &[Named]) -> ChatResponse {
    let (events, end) = events(frames);
    end.unwrap();
    let response = collect(events);
    assert!(!response.interrupted);
    response
}

/// Frames around these, from `messageStart` to `metadata`.
fn framed(content: &[Named], stop_reason: &str) -> Vec<Named> {
    let mut frames = vec![("messageStart", json!({"role": "assistant", "p": "ab"}))];
    frames.extend_from_slice(content);
    frames.push((
        "messageStop",
        json!({"stopReason": stop_reason, "p": "abc"}),
    ));
    frames.push(("metadata", metadata()));
    frames
}

fn metadata() -> Value {
    json!({
        "usage": {"inputTokens": 10, "outputTokens": 7, "totalTokens": 22,
            "cacheReadInputTokens": 3, "cacheWriteInputTokens": 2},
        "metrics": {"latencyMs": 5}, "p": "abcd",
    })
}

fn begin(index: u64, start: Value) -> Named {
    (
        "contentBlockStart",
        json!({"contentBlockIndex": index, "start": start}),
    )
}

fn delta(index: u64, delta: Value) -> Named {
    (
        "contentBlockDelta",
        json!({"contentBlockIndex": index, "delta": delta, "p": "abcdefgh"}),
    )
}

fn stop(index: u64) -> Named {
    ("contentBlockStop", json!({"contentBlockIndex": index}))
}

fn text(index: u64, text: &str) -> Named {
    delta(index, json!({"text": text}))
}

fn thought(index: u64, thought: Value) -> Named {
    delta(index, json!({"reasoningContent": thought}))
}

/// A whole answer as it is read.
fn whole(body: &Value) -> Result<ChatResponse> {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile);
    BedrockConverse::default().read_response(body.to_string().as_bytes(), &target)
}

/// A whole answer with this content.
fn answered(content: Value, stop_reason: &str) -> Value {
    let mut body = json!({
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": stop_reason,
    });
    let mut rest = metadata();
    rest.as_object_mut().unwrap().shift_remove("p");
    let rest = rest.as_object().unwrap().clone();
    body.as_object_mut().unwrap().extend(rest);
    body
}

/// What an encoder writes of these events.
fn encode<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<(String, Value)> {
    let mut out: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    let mut encoder = BedrockConverse::default().encoder();
    for event in events {
        encoder.encode(event, &mut out).unwrap();
    }
    let frames = out.into_iter();
    frames
        .map(|(event, data)| (event.unwrap(), serde_json::from_slice(&data).unwrap()))
        .collect()
}

/// What is decoded of what an encoder wrote.
fn decoded(frames: &[(String, Value)]) -> ChatResponse {
    let raw: Vec<_> = frames
        .iter()
        .map(|(name, data)| (name.as_str(), data.to_string().into_bytes()))
        .collect();
    let raw: Vec<_> = raw.iter().map(|(name, data)| (*name, &data[..])).collect();
    let (events, end) = events_of(&raw);
    end.unwrap();
    collect(events)
}
