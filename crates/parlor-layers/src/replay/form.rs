//! The lines of a recording.

use super::Id;
use parlor_core::{ChatResponse, Error, ErrorKind, Event, ResponseMetadata, Retry, TimeoutKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// An exchange begins.
    Recording(Head),
    /// A stream is open.
    Opened(Opened),
    Event(Event),
    Response(Box<ChatResponse>),
    /// An [`Error`] as it serializes.
    Error(Value),
    /// The reader let go of the stream here.
    Dropped {},
}

/// What was asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) key: String,
    pub(super) model: String,
    /// What was asked for.
    pub(super) of: Kind,
    /// The request without secrets.
    pub(super) request: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Call,
    Stream,
}

impl Head {
    pub(super) fn is(&self, id: &Id) -> bool {
        self.of == id.of && self.key == id.key
    }

    pub(super) fn id(&self) -> Id {
        Id {
            key: self.key.clone(),
            of: self.of,
        }
    }
}

/// What is known of a stream when it opens.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Opened {
    /// Who answers, where it isn't the model that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<By>,
    #[serde(skip_serializing_if = "is_default")]
    pub(super) metadata: ResponseMetadata,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct By {
    pub(super) provider: String,
    pub(super) model: String,
}

fn is_default(metadata: &ResponseMetadata) -> bool {
    *metadata == ResponseMetadata::default()
}

/// The line of an error.
pub(super) fn failure(error: &Error) -> Line {
    let mut form = serde_json::to_value(error).unwrap_or_default();
    if let Some(fields) = form.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    Line::Error(form)
}

/// What is read of an error.
#[derive(Deserialize)]
#[serde(default)]
struct Failure {
    kind: String,
    message: String,
    help: Option<String>,
    provider: Option<String>,
    model: Option<String>,
    status: Option<u16>,
    code: Option<String>,
    retry: Advice,
    request_id: Option<String>,
    partial: Option<ChatResponse>,
}

impl Default for Failure {
    fn default() -> Self {
        Self {
            kind: ErrorKind::Unexpected.as_str().to_owned(),
            message: String::new(),
            help: None,
            provider: None,
            model: None,
            status: None,
            code: None,
            retry: Advice::default(),
            request_id: None,
            partial: None,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Advice {
    advice: String,
    after_ms: Option<u64>,
}

const KINDS: &[ErrorKind] = &[
    ErrorKind::Configuration,
    ErrorKind::Authentication,
    ErrorKind::Permission,
    ErrorKind::ModelNotFound,
    ErrorKind::InvalidRequest,
    ErrorKind::Unsupported,
    ErrorKind::ContextTooLong,
    ErrorKind::ContentFiltered,
    ErrorKind::RateLimited,
    ErrorKind::QuotaExhausted,
    ErrorKind::Overloaded,
    ErrorKind::Server,
    ErrorKind::Timeout(TimeoutKind::Connect),
    ErrorKind::Timeout(TimeoutKind::FirstEvent),
    ErrorKind::Timeout(TimeoutKind::Idle),
    ErrorKind::Timeout(TimeoutKind::Total),
    ErrorKind::Connection,
    ErrorKind::Truncated,
    ErrorKind::Decode,
    ErrorKind::Tool,
    ErrorKind::Media,
    ErrorKind::Validation,
    ErrorKind::Cancelled,
    ErrorKind::Unexpected,
];

/// The error of such a line.
pub(super) fn error(form: &Value) -> serde_json::Result<Error> {
    let form = Failure::deserialize(form)?;
    let kind = KINDS.iter().find(|it| it.as_str() == form.kind);
    let retry = match form.retry.advice.as_str() {
        "later" => Retry::Later(form.retry.after_ms.map(Duration::from_millis)),
        "exhausted" => Retry::Exhausted,
        _ => Retry::Never,
    };
    let kind = kind.copied().unwrap_or(ErrorKind::Unexpected);
    let mut error = Error::new(kind, form.message).with_retry(retry);
    if let Some(help) = form.help {
        error = error.with_help(help);
    }
    if let Some(provider) = form.provider {
        error = error.with_provider(provider);
    }
    if let Some(model) = form.model {
        error = error.with_model(model);
    }
    if let Some(status) = form.status {
        error = error.with_status(status);
    }
    if let Some(code) = form.code {
        error = error.with_code(code);
    }
    if let Some(id) = form.request_id {
        error = error.with_request_id(id);
    }
    Ok(match form.partial {
        Some(partial) => error.with_partial(partial),
        None => error,
    })
}
