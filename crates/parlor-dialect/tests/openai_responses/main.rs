//! OpenAI Responses, read and written.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod answers;
mod damage;
mod encoder;
mod forms;
mod history;
mod requests;
mod told_calls;

use parlor_core::{ChatRequest, ChatResponse, Collector, Error, Event, Grammar, ModelInfo, Origin};
use parlor_dialect::openai_responses::{OpenAiResponses, Quirks};
use parlor_dialect::{Decoder, Dialect, Encoder, Frame, Profile, ServerDialect, Target};
use serde_json::Value;
use std::collections::VecDeque;

/// The model that is asked.
fn info() -> ModelInfo {
    ModelInfo::new("openai", "gpt-5-mini")
}

fn origin() -> Origin {
    Origin::new("openai", "openai-responses")
}

/// The body that a request is written as, and the settings that gave warnings.
fn written(request: &ChatRequest, quirks: Quirks) -> Result<(Value, Vec<String>), Error> {
    let (info, profile) = (info(), Profile::of("gpt-5-mini"));
    let dialect = OpenAiResponses::new(quirks);
    let wire = dialect.write_request(request, &Target::new(&info, &profile))?;
    let warnings = wire.warnings.into_iter().map(|it| it.setting).collect();
    Ok((serde_json::from_slice(&wire.body).unwrap(), warnings))
}

/// The request that a body is read as.
fn read(body: &Value) -> ChatRequest {
    let body = body.to_string();
    let incoming =
        OpenAiResponses::default().read_request("/responses", body.as_bytes(), &origin());
    incoming.unwrap().request
}

/// The answer that a body is read as.
fn answer(body: &Value) -> Result<ChatResponse, Error> {
    let (info, profile) = (info(), Profile::default());
    let target = Target::new(&info, &profile);
    OpenAiResponses::default().read_response(body.to_string().as_bytes(), &target)
}

/// The events of a stream, and how it ends. Each keeps the grammar.
fn decode(frames: &[Value]) -> (Vec<Event>, Result<(), Error>) {
    let (info, profile) = (info(), Profile::default());
    let mut decoder = OpenAiResponses::default().decoder(&Target::new(&info, &profile).streaming());
    let mut events = VecDeque::new();
    let mut run = || {
        for frame in frames {
            decoder.decode(Frame::data(frame.to_string().as_bytes()), &mut events)?;
        }
        decoder.finish(&mut events)
    };
    let outcome = run();
    let mut grammar = Grammar::new();
    for event in &events {
        grammar.check(&Ok(event.clone())).unwrap();
    }
    if outcome.is_ok() {
        grammar.finish().unwrap();
    }
    (events.into_iter().collect(), outcome)
}

fn collect(events: &[Event]) -> ChatResponse {
    let mut collector = Collector::new("openai");
    events.iter().for_each(|event| collector.push(event));
    collector.into_response()
}

/// The frames that events are written as.
fn encode(events: &[Event]) -> Vec<Value> {
    let mut encoder = OpenAiResponses::default().encoder();
    let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
    for event in events {
        encoder.encode(event, &mut frames).unwrap();
    }
    let read = |(name, data): (Option<String>, Vec<u8>)| {
        let frame: Value = serde_json::from_slice(&data).unwrap();
        assert_eq!(frame["type"].as_str(), name.as_deref());
        frame
    };
    frames.into_iter().map(read).collect()
}
