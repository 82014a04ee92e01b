//! One request, and its answer printed as it comes or when it is whole.

use std::time::Instant;

use parlor::agent::{Extracted, Extractor, Turn};
use parlor::{ChatModel, ChatRequest, ChatResponse, Error, Event, Latency, OutputSchema, Part};
use serde_json::Value;

use crate::converse::FRAME;
use crate::interrupt::Interrupted;
use crate::keeper::Growing;
use crate::output::Output;

/// Why there is no whole answer.
pub(super) enum Stopped {
    Call(Error),
    /// It can't be printed; what had come, where that was a stream.
    Output(std::io::Error, Option<Box<ChatResponse>>),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error, None)
    }
}

/// Asks for a stream, prints it as it comes and keeps it as it grows, as the turn that
/// `so_far` makes of it. An interrupted answer is what had come.
pub(super) async fn stream(
    model: &dyn ChatModel,
    request: &ChatRequest,
    output: &mut dyn Output,
    mut interrupted: Interrupted,
    growing: &mut Growing,
    so_far: impl Fn(&ChatResponse) -> Turn,
) -> Result<ChatResponse, Stopped> {
    let clock = Clock::start();
    let opened = tokio::select! {
        biased;
        _ = &mut interrupted => return Ok(nothing(model)),
        opened = model.stream(request) => opened,
    };
    let mut stream = opened?;
    let mut first = None;
    let printed = loop {
        let event = tokio::select! {
            biased;
            _ = &mut interrupted => break Ok(()),
            () = growing.due() => {
                growing.keep(&so_far(&stream.partial()));
                continue;
            }
            event = stream.next() => event,
            () = tokio::time::sleep(FRAME), if output.moves() => {
                match output.tick() {
                    Ok(()) => continue,
                    failed => break failed,
                }
            }
        };
        let Some(event) = event else { break Ok(()) };
        let event = event?;
        growing.came(&event);
        if first.is_none() && !matches!(event, Event::Started { .. }) {
            first = clock.passed();
        }
        if let Err(error) = output.event(&event) {
            break Err(error);
        }
    };
    let mut response = stream.stop();
    clock.complete(&mut response.metadata.latency, first);
    match printed {
        Ok(()) => Ok(response),
        Err(error) => Err(Stopped::Output(error, Some(Box::new(response)))),
    }
}

/// Asks for the answer in one piece.
pub(super) async fn whole(
    model: &dyn ChatModel,
    request: &ChatRequest,
    output: &mut dyn Output,
    interrupted: Interrupted,
) -> Result<ChatResponse, Stopped> {
    let clock = Clock::start();
    let answered = tokio::select! {
        biased;
        _ = interrupted => return Ok(nothing(model)),
        answered = model.chat(request) => answered,
    };
    let mut response = answered?;
    clock.complete(&mut response.metadata.latency, None);
    say(&response, output)?;
    Ok(response)
}

/// Asks for JSON by a schema. Once it keeps to it, it is all that the answer says.
pub(super) async fn shaped(
    model: &dyn ChatModel,
    request: &ChatRequest,
    shape: &OutputSchema,
    pretty: bool,
    output: &mut dyn Output,
    interrupted: Interrupted,
) -> Result<ChatResponse, Stopped> {
    let clock = Clock::start();
    let extractor = Extractor::<Value>::new().with_schema(shape.clone());
    let extracted = tokio::select! {
        biased;
        _ = interrupted => return Ok(nothing(model)),
        extracted = extractor.extract(model, request.clone()) => extracted?,
    };
    as_answer(extracted, pretty, &clock, output)
}

/// A value as the whole text of its answer, printed.
pub(super) fn as_answer(
    extracted: Extracted<Value>,
    pretty: bool,
    clock: &Clock,
    output: &mut dyn Output,
) -> Result<ChatResponse, Stopped> {
    let response = of_extracted(extracted, pretty, clock);
    say(&response, output)?;
    Ok(response)
}

/// The whole answer, by a schema if there is one. Nothing is printed.
pub(crate) async fn answer(
    model: &dyn ChatModel,
    request: &ChatRequest,
    shape: Option<&OutputSchema>,
) -> Result<ChatResponse, Error> {
    let clock = Clock::start();
    if let Some(shape) = shape {
        let extractor = Extractor::<Value>::new().with_schema(shape.clone());
        let extracted = extractor.extract(model, request.clone()).await?;
        return Ok(of_extracted(extracted, false, &clock));
    }
    let mut response = model.chat(request).await?;
    clock.complete(&mut response.metadata.latency, None);
    Ok(response)
}

/// The answer that was asked for elsewhere by a schema, as the value alone.
pub(crate) fn read(response: ChatResponse, shape: &OutputSchema) -> Result<ChatResponse, Error> {
    let extractor = Extractor::<Value>::new().with_schema(shape.clone());
    let extracted = extractor.read(response)?;
    Ok(with_text(extracted.response, extracted.value.to_string()))
}

/// A value as the whole text of its answer.
fn of_extracted(extracted: Extracted<Value>, pretty: bool, clock: &Clock) -> ChatResponse {
    let text = match pretty {
        true => format!("{:#}", extracted.value),
        false => extracted.value.to_string(),
    };
    let mut response = with_text(extracted.response, text);
    response.usage = Some(extracted.usage);
    clock.complete(&mut response.metadata.latency, None);
    response
}

/// The answer with this in place of its text.
fn with_text(mut response: ChatResponse, text: String) -> ChatResponse {
    response.choices.truncate(1);
    if let Some(choice) = response.choices.first_mut() {
        let parts = &mut choice.message.parts;
        parts.retain(|part| !matches!(part, Part::Text(_)));
        parts.push(Part::text(text));
    }
    response
}

/// Prints an answer that came in one piece.
fn say(response: &ChatResponse, output: &mut dyn Output) -> std::io::Result<()> {
    let mut events = response.clone().into_events().into_iter();
    events.try_for_each(|event| output.event(&event))
}

/// An answer that was interrupted before it began.
pub(super) fn nothing(model: &dyn ChatModel) -> ChatResponse {
    let mut response = ChatResponse::default();
    response.provider.clone_from(&model.info().provider);
    response.interrupted = true;
    response
}

/// Measures what the transport didn't.
pub(super) struct Clock(Instant);

impl Clock {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn passed(&self) -> Option<u64> {
        u64::try_from(self.0.elapsed().as_millis()).ok()
    }

    pub(super) fn complete(&self, latency: &mut Latency, first: Option<u64>) {
        latency.first_event_ms = latency.first_event_ms.or(first);
        latency.total_ms = latency.total_ms.or_else(|| self.passed());
    }
}
