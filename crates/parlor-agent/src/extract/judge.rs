//! Whether an answer is the value, and what to say where it isn't.

use super::find;
use super::schema::Shape;
use crate::reply::Outcome;
use parlor_core::{ChatResponse, Error, ErrorKind, FinishKind, Part, Result, Retry, Usage};
use serde::de::DeserializeOwned;

/// Why an answer is not the value.
pub(crate) enum Verdict {
    /// It can't be read; the model may put it right.
    Wrong(String),
    Refused(String),
    Filtered,
    Cut,
    Called(String),
}

pub(crate) fn judge<T: DeserializeOwned>(
    response: &ChatResponse,
    shape: &Shape,
) -> std::result::Result<T, Verdict> {
    let wrong = match find::read(&response.text(), shape) {
        Ok(value) => return Ok(value),
        Err(wrong) => wrong,
    };
    Err(
        withheld(response).unwrap_or_else(|| match response.tool_calls().next() {
            Some(call) => Verdict::Called(call.name.clone()),
            None => Verdict::Wrong(wrong),
        }),
    )
}

/// Why an answer is none that asking again would better.
pub(crate) fn withheld(response: &ChatResponse) -> Option<Verdict> {
    let Some(message) = response.message() else {
        return Some(Verdict::Filtered);
    };
    let refusals = message.parts.iter().filter_map(|part| match part {
        Part::Refusal(refusal) => Some(&*refusal.text),
        _ => None,
    });
    let refusal: String = refusals.collect();
    match response.finish_reason().map(|reason| reason.kind) {
        _ if !refusal.is_empty() => Some(Verdict::Refused(refusal)),
        Some(FinishKind::Refusal) => Some(Verdict::Refused(message.text())),
        Some(FinishKind::ContentFilter) => Some(Verdict::Filtered),
        Some(FinishKind::Length) => Some(Verdict::Cut),
        _ => None,
    }
}

impl Verdict {
    pub(crate) fn into_error(self, response: ChatResponse, usage: &Usage) -> Error {
        let error = match self {
            Self::Wrong(why) => Error::new(
                ErrorKind::Validation,
                format!("the answer is not what was asked for: {why}"),
            )
            .with_help("Look at the answer's text, allow more corrections, or use another model."),
            Self::Refused(words) => {
                let message = match words.trim() {
                    "" => "the model refused to answer".to_owned(),
                    words => format!("the model refused to answer: {words}"),
                };
                Error::new(ErrorKind::Validation, message)
                    .with_help("Ask in another way, or ask another model.")
            }
            Self::Filtered => Error::new(
                ErrorKind::ContentFiltered,
                "the answer was withheld by the provider's filter",
            ),
            Self::Cut => Error::new(
                ErrorKind::Truncated,
                "the answer reached the limit of tokens before its end",
            )
            .with_retry(Retry::Never)
            .with_help("Allow more tokens by `max_output_tokens`, or ask for less at a time."),
            Self::Called(tool) => Error::new(
                ErrorKind::Validation,
                format!("the model called the tool `{tool}` and gave no answer"),
            )
            .with_help("Extract within a conversation, which runs its tools."),
        };
        with_partial(error, response, usage)
    }
}

/// The error of a turn that ended without an answer.
pub(crate) fn unfinished(outcome: Outcome, response: &ChatResponse, usage: &Usage) -> Result<()> {
    let (kind, message, help) = match outcome {
        Outcome::Finished => return Ok(()),
        Outcome::Pending => (
            ErrorKind::Tool,
            "calls of tools wait for an approval or a result",
            "Go on with the turn by `resume` or `answer`, and ask for the value then.",
        ),
        Outcome::Stopped => (ErrorKind::Cancelled, "the turn was stopped", ""),
        Outcome::StepLimit | Outcome::TimeLimit | Outcome::CostLimit => (
            ErrorKind::Cancelled,
            "the turn reached a limit before there was an answer",
            "Raise the conversation's limits.",
        ),
    };
    let error = match help {
        "" => Error::new(kind, message),
        help => Error::new(kind, message).with_help(help),
    };
    Err(with_partial(error, response.clone(), usage))
}

fn with_partial(error: Error, mut response: ChatResponse, usage: &Usage) -> Error {
    response.usage = Some(usage.clone());
    let mut error = error.with_provider(&response.provider);
    if let Some(model) = &response.model {
        error = error.with_model(model);
    }
    error.with_partial(response)
}
