//! One attempt among several models, and what became of those before it.

use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, ModelInfo, Part, Result,
    TimeoutKind,
};
use std::error::Error as StdError;
use std::fmt;
use std::mem;

/// The kinds of errors that are the model's or its provider's, so that another
/// model may not share them.
pub(crate) const OF_THE_MODEL: &[ErrorKind] = &[
    ErrorKind::Overloaded,
    ErrorKind::Server,
    ErrorKind::RateLimited,
    ErrorKind::QuotaExhausted,
    ErrorKind::Timeout(TimeoutKind::Connect),
    ErrorKind::Timeout(TimeoutKind::FirstEvent),
    ErrorKind::Timeout(TimeoutKind::Idle),
    ErrorKind::Timeout(TimeoutKind::Total),
    ErrorKind::Connection,
    ErrorKind::Truncated,
    ErrorKind::Decode,
    ErrorKind::Authentication,
    ErrorKind::Permission,
    ErrorKind::ModelNotFound,
];

/// The models that were asked, and what became of each: the
/// [source](StdError::source) of the error that gives a call up after several.
/// Its own source is the last model's error as it was.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Tried {
    /// In the order in which they were asked.
    pub attempts: Vec<TriedModel>,
}

/// A model that was asked in vain.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TriedModel {
    /// Its id, as [`ModelInfo::id`] gives it.
    pub model: String,
    /// What it failed with.
    pub error: Error,
}

impl TriedModel {
    pub(crate) fn new(info: &ModelInfo, error: Error) -> Self {
        Self {
            model: info.id(),
            error,
        }
    }
}

impl fmt::Display for TriedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, error } = self;
        write!(f, "{model}: {}: {}", error.kind(), error.message())
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&list(&self.attempts))
    }
}

impl StdError for Tried {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let last = self.attempts.last()?;
        Some(&last.error)
    }
}

/// What is told when a call turns from one model to another.
#[derive(Debug)]
#[non_exhaustive]
pub struct TurnNotice<'a> {
    /// The model that failed.
    pub from: &'a ModelInfo,
    /// The model that is asked next.
    pub to: &'a ModelInfo,
    /// What failed.
    pub error: &'a Error,
}

pub(crate) type OnTurn = dyn Fn(&TurnNotice<'_>) + Send + Sync;

pub(crate) fn list(attempts: &[TriedModel]) -> String {
    let texts: Vec<String> = attempts.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

/// The error of the last model, with what became of those before it. One that
/// none came before is left as it is.
pub(crate) fn give_up(before: &mut Vec<TriedModel>, last: &ModelInfo, error: Error) -> Error {
    if before.is_empty() {
        return error;
    }
    let mut attempts = mem::take(before);
    let help = format!("{} Tried before: {}.", error.help(), list(&attempts));
    // What a model had said before it broke off is not lost with its turn.
    let said = |error: &Error| error.partial().filter(|it| says(it)).cloned();
    let partial = match said(&error) {
        Some(_) => None,
        None => attempts.iter().rev().find_map(|it| said(&it.error)),
    };
    attempts.push(TriedModel::new(last, error.clone()));
    let error = match partial {
        Some(partial) => error.with_partial(partial),
        None => error,
    };
    error.with_help(help).with_source(Tried { attempts })
}

/// Whether an answer holds anything.
fn says(partial: &ChatResponse) -> bool {
    let mut parts = partial.choices.iter().flat_map(|it| &it.message.parts);
    parts.any(|part| match part {
        Part::Text(text) => !text.text.is_empty(),
        Part::Reasoning(reasoning) => !reasoning.text.is_empty(),
        _ => true,
    })
}

/// A model's stream once its first event has come.
pub(crate) async fn begun(model: &dyn ChatModel, request: &ChatRequest) -> Result<ChatStream> {
    let mut stream = model.stream(request).await?;
    stream.ready().await?;
    Ok(stream)
}

/// The error of a stream that dried up before its end.
pub(crate) fn dried_up(info: &ModelInfo) -> Error {
    Error::truncated()
        .with_provider(info.provider.clone())
        .with_model(info.model.clone())
}
