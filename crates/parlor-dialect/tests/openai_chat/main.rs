//! Chat Completions, through its public interface.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod allocations;
mod calls;
mod chunks;
mod damage;
mod encoder;
mod endings;
mod errors;
mod failures;
mod history;
mod media;
mod reasoning;
mod request;
mod settings;
mod thinking;
mod tools;

use parlor_core::*;
use parlor_dialect::openai_chat::{OpenAiChat, Quirks};
use parlor_dialect::{
    Decoder, Dialect, Encoder, Frame, Profile, ServerDialect, Target, overridden,
};
use serde_json::{Map, Value, json};
use std::collections::VecDeque;

fn home() -> Origin {
    Origin::new("host", "openai-chat")
}

fn native(item: Value) -> Native {
    Native::new(home(), item)
}

fn info() -> ModelInfo {
    ModelInfo::new("host", "model")
}

/// The dialect of an unknown host with these quirks.
fn dialect(quirks: Value) -> OpenAiChat {
    OpenAiChat::new(overridden(Quirks::compatible(), &quirks).unwrap())
}

/// A chunk with these fields of its only choice.
fn choice(fields: Value) -> Value {
    let mut choice = json!({"index": 0, "delta": {}, "finish_reason": null});
    merge(&mut choice, fields);
    json!({
        "id": "c-1", "object": "chat.completion.chunk", "created": 7, "model": "m",
        "choices": [choice],
    })
}

fn merge(into: &mut Value, fields: Value) {
    let Value::Object(fields) = fields else {
        panic!()
    };
    into.as_object_mut().unwrap().extend(fields);
}

/// A chunk with this delta.
fn delta(delta: Value) -> Value {
    choice(json!({ "delta": delta }))
}

fn text(text: &str) -> Value {
    delta(json!({ "content": text }))
}

fn finish(word: &str) -> Value {
    choice(json!({ "finish_reason": word }))
}

fn done() -> Value {
    json!("[DONE]")
}

/// A piece of a tool call.
fn piece(call: Value) -> Value {
    delta(json!({ "tool_calls": [call] }))
}

/// The events of a stream of these frames, and how it ended. A text is a frame
/// as it is.
fn events_for(frames: &[Value], profile: &Profile) -> (VecDeque<Event>, Result<()>) {
    let info = info();
    let target = Target::new(&info, profile).streaming();
    let mut decoder = OpenAiChat::default().decoder(&target);
    let mut out = VecDeque::new();
    for frame in frames {
        let data = match frame {
            Value::String(raw) => raw.clone(),
            other => other.to_string(),
        };
        if let Err(error) = decoder.decode(Frame::data(data.as_bytes()), &mut out) {
            let after = out.len();
            assert!(decoder.decode(Frame::data(b"[DONE]"), &mut out).is_ok());
            assert!(
                decoder.finish(&mut out).is_ok() && out.len() == after,
                "two ends"
            );
            return (out, Err(error));
        }
    }
    let end = decoder.finish(&mut out);
    (out, end)
}

fn events(frames: &[Value]) -> (VecDeque<Event>, Result<()>) {
    events_for(frames, &Profile::default())
}

/// Checks the grammar and collects.
fn collect<'a>(events: impl IntoIterator<Item = &'a Event>) -> ChatResponse {
    let (mut grammar, mut collector) = (Grammar::new(), Collector::new("host"));
    for event in events {
        collector.push(event);
        grammar.check(&Ok(event.clone())).unwrap();
    }
    collector.into_response()
}

/// The answer that a stream of these frames gives.
fn answer(frames: &[Value]) -> ChatResponse {
    let (events, end) = events(frames);
    end.unwrap();
    let response = collect(&events);
    assert!(!response.interrupted);
    response
}

/// The error that a stream of these frames ends with, and what came before it.
fn broken(frames: &[Value]) -> (ChatResponse, Error) {
    let (events, end) = events(frames);
    (collect(&events), end.unwrap_err())
}

/// A whole answer with these fields of its only choice's message.
fn body(message: Value, finish: &str) -> Value {
    json!({
        "id": "c-1", "object": "chat.completion", "created": 7, "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    })
}

fn whole(body: &Value) -> Result<ChatResponse> {
    read(body.to_string().as_bytes())
}

fn read(body: &[u8]) -> Result<ChatResponse> {
    let (info, profile) = (info(), Profile::default());
    OpenAiChat::default().read_response(body, &Target::new(&info, &profile))
}

fn parts(response: &ChatResponse) -> &[Part] {
    &response.message().unwrap().parts
}

fn calls(response: &ChatResponse) -> Vec<(&str, &str, &str)> {
    let calls = response.tool_calls();
    calls
        .map(|it| (&*it.id, &*it.name, &*it.arguments.text))
        .collect()
}

fn kind(response: &ChatResponse) -> FinishKind {
    response.finish_reason().unwrap().kind
}

/// A request as it was written.
struct Written {
    body: Value,
    path: String,
    headers: Vec<(String, String)>,
    warnings: Vec<Warning>,
}

impl Written {
    /// The settings that were complained of.
    fn warned(&self) -> Vec<&str> {
        self.warnings.iter().map(|it| it.setting.as_str()).collect()
    }

    fn messages(&self) -> &[Value] {
        self.body["messages"].as_array().unwrap()
    }
}

fn write_as(dialect: &OpenAiChat, request: &ChatRequest, model: &str) -> Result<Written> {
    let info = ModelInfo::new("host", model);
    let profile = Profile::of(model);
    let wire = dialect.write_request(request, &Target::new(&info, &profile))?;
    Ok(Written {
        body: serde_json::from_slice(&wire.body).unwrap(),
        path: wire.path,
        headers: wire.headers,
        warnings: wire.warnings,
    })
}

fn write_with(request: &ChatRequest, quirks: Value) -> Result<Written> {
    write_as(&dialect(quirks), request, "model")
}

fn write(request: &ChatRequest) -> Written {
    let written = write_with(request, json!({})).unwrap();
    assert_eq!(written.warned(), [""; 0]);
    written
}

fn read_request(body: &Value) -> ChatRequest {
    let body = body.to_string();
    let incoming =
        OpenAiChat::default().read_request("/v1/chat/completions", body.as_bytes(), &home());
    incoming.unwrap().request
}

/// What an encoder writes of these events.
fn encode<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Value> {
    let mut out: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    let mut encoder = OpenAiChat::default().encoder();
    for event in events {
        encoder.encode(event, &mut out).unwrap();
    }
    let frames = out.into_iter().map(|(event, data)| {
        assert_eq!(event, None);
        serde_json::from_slice(&data).unwrap_or_else(|_| String::from_utf8(data).unwrap().into())
    });
    frames.collect()
}

/// The same answer, written as a stream and read again.
fn through_a_stream(response: &ChatResponse) -> ChatResponse {
    answer(&encode(&response.clone().into_events()))
}

/// The same answer, written as a whole and read again.
fn through_a_body(response: &ChatResponse) -> ChatResponse {
    read(&OpenAiChat::default().write_response(response).unwrap()).unwrap()
}
