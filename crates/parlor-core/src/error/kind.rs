//! What sort of failure it is, and whether to try again.

use std::fmt;
use std::time::Duration;

/// What sort of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The program's configuration is wrong or missing something.
    Configuration,
    /// No key, or one that the provider doesn't take.
    Authentication,
    /// The key is right but may not do this.
    Permission,
    /// The provider has no such model, or no provider has the name.
    ModelNotFound,
    /// The provider finds fault with the request.
    InvalidRequest,
    /// The model or provider can't do what was asked.
    Unsupported,
    /// The conversation doesn't fit the context window.
    ContextTooLong,
    /// A filter withheld the prompt or the answer.
    ContentFiltered,
    /// Too many requests or tokens in a window of time.
    RateLimited,
    /// Money or quota is used up; waiting doesn't help.
    QuotaExhausted,
    /// The provider has no capacity at the moment.
    Overloaded,
    /// The provider failed.
    Server,
    /// One of the four timeouts ran out.
    Timeout(TimeoutKind),
    /// No connection, or it broke before an answer.
    Connection,
    /// The answer broke off before its protocol's end.
    Truncated,
    /// The answer was not what the protocol says.
    Decode,
    /// A tool failed.
    Tool,
    /// Media couldn't be read or isn't what it says.
    Media,
    /// The request or an answer failed a check of parlor's own.
    Validation,
    /// The caller stopped it.
    Cancelled,
    /// A bug, or something that nobody thought of.
    Unexpected,
}

/// Which timeout ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimeoutKind {
    /// Connecting.
    Connect,
    /// Waiting for the first event.
    FirstEvent,
    /// Waiting for the next event.
    Idle,
    /// The whole exchange.
    Total,
}

impl ErrorKind {
    /// The word used in JSON and in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Authentication => "authentication",
            Self::Permission => "permission",
            Self::ModelNotFound => "model_not_found",
            Self::InvalidRequest => "invalid_request",
            Self::Unsupported => "unsupported",
            Self::ContextTooLong => "context_too_long",
            Self::ContentFiltered => "content_filtered",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Overloaded => "overloaded",
            Self::Server => "server",
            Self::Timeout(TimeoutKind::Connect) => "connect_timeout",
            Self::Timeout(TimeoutKind::FirstEvent) => "first_event_timeout",
            Self::Timeout(TimeoutKind::Idle) => "idle_timeout",
            Self::Timeout(TimeoutKind::Total) => "total_timeout",
            Self::Connection => "connection",
            Self::Truncated => "truncated",
            Self::Decode => "decode",
            Self::Tool => "tool",
            Self::Media => "media",
            Self::Validation => "validation",
            Self::Cancelled => "cancelled",
            Self::Unexpected => "unexpected",
        }
    }

    /// Whether another attempt may go better when nothing else is known.
    pub(super) fn retry(self) -> Retry {
        match self {
            Self::RateLimited
            | Self::Overloaded
            | Self::Server
            | Self::Connection
            | Self::Truncated
            | Self::Timeout(TimeoutKind::Connect | TimeoutKind::FirstEvent | TimeoutKind::Idle) => {
                Retry::Later(None)
            }
            _ => Retry::Never,
        }
    }

    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Configuration => "Correct the configuration named above.",
            Self::Authentication => "Set a valid key for this provider.",
            Self::Permission => "Ask the account's owner for access, or use another model.",
            Self::ModelNotFound => "Check the model id, or list the models that are there.",
            Self::InvalidRequest => "Change the request as the provider says.",
            Self::Unsupported => "Leave out what is named above, or use a model that supports it.",
            Self::ContextTooLong => {
                "Shorten the conversation, or use a model with a larger context window."
            }
            Self::ContentFiltered => "Rephrase the prompt; the provider's filter withheld it.",
            Self::RateLimited => "Wait, or send fewer requests at a time.",
            Self::QuotaExhausted => "Add credit or raise the limit at the provider.",
            Self::Overloaded => "Try again later, or use another model.",
            Self::Server => "Try again; if it goes on, tell the provider.",
            Self::Timeout(_) => "Try again, or allow more time.",
            Self::Connection => "Check that the address is right and the server is running.",
            Self::Truncated => "Ask again.",
            Self::Decode => "Check that the address speaks this provider's protocol.",
            Self::Tool => "See the tool's own message.",
            Self::Media => "Check the file, its type and its size.",
            Self::Validation => "Correct the value named above.",
            Self::Cancelled => "Ask again when you like.",
            Self::Unexpected => "This is a bug: please report it with the message.",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// It would fail again.
    Never,
    /// It may go better, after this time where the provider named one.
    Later(Option<Duration>),
    /// It was tried again as often as allowed; don't try any more.
    Exhausted,
}

impl Retry {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Later(_) => "later",
            Self::Exhausted => "exhausted",
        }
    }
}
