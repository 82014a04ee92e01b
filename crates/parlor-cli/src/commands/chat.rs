//! `parlor chat`: one question, one answer.

use std::time::Instant;

use parlor::layers::fallback::TurnNotice;
use parlor::layers::retry::RetryNotice;
use parlor::{ChatModel, ChatRequest, ChatResponse, Error, ErrorKind, Event, FinishKind, Latency};

use crate::args::{ChatArgs, Form};
use crate::choose::{self, Wish};
use crate::failure::{self, Context, Failure};
use crate::interrupt::{self, Interrupted};
use crate::output::{self, Output};
use crate::terminal::{Terminal, span};
use crate::{input, setup};

/// Asks, and prints the answer.
pub(crate) fn chat(args: &ChatArgs) -> Result<(), Failure> {
    // Where a program reads stderr, it reads nothing there but a failure.
    let is_machine = args.form() != Form::Text;
    let terminal = Terminal::find(args.common.plain, args.common.quiet || is_machine);
    let registry = setup::registry(args.common.config.as_deref())?;
    let runtime = setup::runtime()?;
    let wish = Wish {
        model: args.model.as_deref(),
        base_url: args.base_url.as_deref(),
        force: args.force_model,
    };
    let chosen = runtime.block_on(choose::choose(&registry, wish))?;
    for retired in chosen.targets().filter_map(failure::retired) {
        terminal.notice(format!("warning: {retired}"));
    }
    let on_retry = move |retry: &RetryNotice<'_>| terminal.notice(retry_notice(retry));
    let on_turn = move |turn: &TurnNotice<'_>| terminal.notice(turn_notice(turn));
    let model = chosen.build(&registry, on_retry, on_turn)?;
    let request = input::request(args, &terminal)?;
    if let Some(notice) = chosen.notice() {
        terminal.notice(notice);
    }
    for warning in chosen.warnings() {
        terminal.notice(warning);
    }
    let interrupted = interrupt::listen().map_err(setup::cannot_wait)?;
    let mut output = output::of(args, &terminal, &chosen);
    let asked = async {
        match args.no_stream {
            true => whole(&*model, &request, &mut *output, interrupted).await,
            false => stream(&*model, &request, &mut *output, interrupted).await,
        }
    };
    let outcome = runtime.block_on(asked);
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    let response = match outcome {
        Ok(response) => response,
        Err(Stopped::Output(error)) => return Err(error.into()),
        Err(Stopped::Call(error)) => {
            output.fail()?;
            let context = chosen.context(error.provider(), error.model());
            return Err(Failure::of(error, &context));
        }
    };
    output.end(&response)?;
    let context = chosen.context(Some(&response.provider), response.model.as_deref());
    judge(&response, &chosen.resolved.model, &context, &terminal)
}

/// Why there is no whole answer.
enum Stopped {
    Call(Error),
    Output(std::io::Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

impl From<std::io::Error> for Stopped {
    fn from(error: std::io::Error) -> Self {
        Self::Output(error)
    }
}

/// Asks for a stream and prints it as it comes. An interrupted answer is what
/// had come.
async fn stream(
    model: &dyn ChatModel,
    request: &ChatRequest,
    output: &mut dyn Output,
    mut interrupted: Interrupted,
) -> Result<ChatResponse, Stopped> {
    let clock = Clock::start();
    let opened = tokio::select! {
        biased;
        _ = &mut interrupted => return Ok(nothing(model)),
        opened = model.stream(request) => opened,
    };
    let mut stream = opened?;
    let mut first = None;
    loop {
        let event = tokio::select! {
            biased;
            _ = &mut interrupted => break,
            event = stream.next() => event,
        };
        let Some(event) = event else { break };
        let event = event?;
        if first.is_none() && !matches!(event, Event::Started { .. }) {
            first = clock.passed();
        }
        output.event(&event)?;
    }
    let mut response = stream.stop();
    clock.complete(&mut response.metadata.latency, first);
    Ok(response)
}

/// Asks for the answer in one piece.
async fn whole(
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
    for event in response.clone().into_events() {
        output.event(&event)?;
    }
    Ok(response)
}

/// An answer that was interrupted before it began.
fn nothing(model: &dyn ChatModel) -> ChatResponse {
    let mut response = ChatResponse::default();
    response.provider.clone_from(&model.info().provider);
    response.interrupted = true;
    response
}

/// Says what a whole answer of the model that was asked amounts to.
fn judge(
    response: &ChatResponse,
    asked: &str,
    context: &Context,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let failed = |kind, message: &'static str| {
        let model = response.model.as_deref().unwrap_or(asked);
        let error = Error::new(kind, message)
            .with_provider(&response.provider)
            .with_model(model)
            .with_partial(response.clone());
        Err(Failure::of(error, context))
    };
    if response.interrupted {
        return failed(ErrorKind::Cancelled, "the answer was interrupted");
    }
    match response.finish_reason().map(|reason| reason.kind) {
        Some(FinishKind::ContentFilter) => {
            failed(ErrorKind::ContentFiltered, "a filter withheld the answer")
        }
        Some(FinishKind::Refusal) => failed(ErrorKind::ContentFiltered, "the model refused"),
        Some(FinishKind::Error) => failed(ErrorKind::Server, "the provider failed in the middle"),
        Some(FinishKind::Length) => {
            terminal.notice("warning: the answer was cut at the token limit");
            Ok(())
        }
        _ => Ok(()),
    }
}

fn retry_notice(retry: &RetryNotice<'_>) -> String {
    let (wait, attempt, of) = (span(retry.delay), retry.attempt, retry.of);
    format!(
        "retrying in {wait} ({attempt}/{of}): {}",
        cause(retry.error)
    )
}

fn turn_notice(turn: &TurnNotice<'_>) -> String {
    let (from, to) = (turn.from.id(), turn.to.id());
    format!("{from} failed, asking {to}: {}", cause(turn.error))
}

fn cause(error: &Error) -> String {
    let kind = error.kind();
    match error.status() {
        Some(status) => format!("{kind} {status}"),
        None => kind.to_string(),
    }
}

/// Measures what the transport didn't.
struct Clock(Instant);

impl Clock {
    fn start() -> Self {
        Self(Instant::now())
    }

    fn passed(&self) -> Option<u64> {
        u64::try_from(self.0.elapsed().as_millis()).ok()
    }

    fn complete(&self, latency: &mut Latency, first: Option<u64>) {
        latency.first_event_ms = latency.first_event_ms.or(first);
        latency.total_ms = latency.total_ms.or_else(|| self.passed());
    }
}
