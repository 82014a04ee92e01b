//! What goes wrong between client and server, as errors that tell what to do.

use crate::tail::{boundary, clean};
use parlor_core::{Error, ErrorKind, TimeoutKind};
use parlor_http::Client;
use rmcp::ServiceError;
use rmcp::model::ErrorCode;
use rmcp::service::ClientInitializeError;
use rmcp::transport::DynamicTransportError;
use rmcp::transport::streamable_http_client::{StreamableHttpClient, StreamableHttpError};
use std::error::Error as StdError;
use std::time::Duration;

type HttpError = StreamableHttpError<<Client as StreamableHttpClient>::Error>;

/// The most bytes that a message keeps of what a server said.
const SAID: usize = 2048;

/// Something wrong in what a person has set.
pub(crate) fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Configuration, message.into())
}

/// Why something failed, before it is known how to say it.
#[derive(Debug)]
pub(crate) struct Cause {
    pub(crate) kind: ErrorKind,
    pub(crate) text: String,
    status: Option<u16>,
    /// Whether the connection is of no more use.
    pub(crate) is_gone: bool,
}

impl Cause {
    pub(crate) fn new(kind: ErrorKind, text: impl AsRef<str>) -> Self {
        let mut text = clean(text.as_ref());
        text.truncate(boundary(&text, SAID));
        Self {
            kind,
            text,
            status: None,
            is_gone: false,
        }
    }

    fn gone(text: impl AsRef<str>) -> Self {
        Self {
            is_gone: true,
            ..Self::new(ErrorKind::Connection, text)
        }
    }

    /// Of what [`within`](crate::connection::within) a limit didn't come.
    pub(crate) fn of<E: Into<Self>>(failure: Option<E>, limit: Option<Duration>) -> Self {
        failure.map_or_else(
            || {
                let limit = limit.unwrap_or_default();
                let text = format!("it took longer than {limit:?}");
                Self::new(ErrorKind::Timeout(TimeoutKind::Total), text)
            },
            E::into,
        )
    }

    /// The same with what else is known, such as the last words of a program.
    pub(crate) fn and(mut self, words: &str) -> Self {
        if !words.is_empty() {
            self.text = format!("{}; {words}", self.text);
        }
        self
    }

    /// The error that a beginning such as "the MCP server `x` didn't start"
    /// makes of it.
    pub(crate) fn into_error(self, beginning: &str) -> Error {
        let message = format!("{beginning}: {}", self.text);
        let error = Error::new(self.kind, message);
        let error = match self.status {
            Some(status) => error.with_status(status),
            None => error,
        };
        match (self.kind, self.status) {
            (ErrorKind::Authentication, _) => {
                error.with_help("Give the server's `token`, or a new one, and connect again.")
            }
            (_, Some(300..=399)) => {
                error.with_help("Use the address that it now has as the server's `url`.")
            }
            (_, Some(404 | 405)) => error.with_help(
                "See whether the server's `url` has the right path; most end in `/mcp`.",
            ),
            _ => error,
        }
    }
}

impl From<ClientInitializeError> for Cause {
    fn from(error: ClientInitializeError) -> Self {
        use ClientInitializeError as E;
        match &error {
            E::TransportError { error, .. } => of_transport(error),
            E::ConnectionClosed(_) => Self::gone("it closed the connection"),
            E::JsonRpcError(error) => {
                Self::new(ErrorKind::Server, format!("it refused: {}", error.message))
            }
            E::LegacyFallbackFailed { fallback, .. } => {
                Self::new(ErrorKind::Decode, words(fallback))
            }
            _ => Self::new(ErrorKind::Decode, words(&error)),
        }
    }
}

impl From<ServiceError> for Cause {
    fn from(error: ServiceError) -> Self {
        use ServiceError as E;
        match &error {
            E::McpError(error) if error.code == ErrorCode::INVALID_PARAMS => {
                Self::new(ErrorKind::Validation, &*error.message)
            }
            E::McpError(error) => Self::new(ErrorKind::Tool, &*error.message),
            E::TransportSend(error) => of_transport(error),
            E::TransportClosed => Self::gone("it closed the connection"),
            E::Cancelled { .. } => Self::new(ErrorKind::Cancelled, "it cancelled the request"),
            _ => Self::new(ErrorKind::Decode, words(&error)),
        }
    }
}

fn of_transport(error: &DynamicTransportError) -> Cause {
    match error.error.downcast_ref::<HttpError>() {
        Some(error) => of_http(error),
        // A pipe that nobody reads.
        None => Cause::gone(words(&*error.error)),
    }
}

fn of_http(error: &HttpError) -> Cause {
    match error {
        StreamableHttpError::AuthRequired(_) => of_status(401, "HTTP 401"),
        StreamableHttpError::InsufficientScope(_) => of_status(403, "HTTP 403"),
        StreamableHttpError::HttpStatus(error) => of_status(error.status, &error.to_string()),
        StreamableHttpError::UnexpectedServerResponse(text) => match status_in(text) {
            Some(status) => of_status(status, text),
            None => Cause::new(ErrorKind::Decode, text),
        },
        StreamableHttpError::Client(_) => Cause::new(ErrorKind::Connection, words(error)),
        StreamableHttpError::TransportChannelClosed => Cause::gone(words(error)),
        StreamableHttpError::Io(_)
        | StreamableHttpError::SessionExpired
        | StreamableHttpError::SessionRecoveryTimeout
        | StreamableHttpError::UnexpectedEndOfStream => {
            Cause::new(ErrorKind::Connection, words(error))
        }
        _ => Cause::new(ErrorKind::Decode, words(error)),
    }
}

fn of_status(status: u16, text: &str) -> Cause {
    let kind = match status {
        300..=399 => ErrorKind::Configuration,
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 | 405 => ErrorKind::Configuration,
        429 => ErrorKind::RateLimited,
        503 => ErrorKind::Overloaded,
        500..=599 => ErrorKind::Server,
        _ => ErrorKind::InvalidRequest,
    };
    let text = match status {
        300..=399 => format!("it sends elsewhere, where token and headers don't go: {text}"),
        401 => format!("it wants to know who asks: {text}"),
        403 => format!("it doesn't allow this: {text}"),
        _ => format!("it answered {text}"),
    };
    Cause {
        status: Some(status),
        // A source may have another token for the next connection.
        is_gone: status == 401,
        ..Cause::new(kind, text)
    }
}

/// The status in rmcp's `HTTP 404 Not Found: …`.
fn status_in(text: &str) -> Option<u16> {
    text.strip_prefix("HTTP ")?.get(..3)?.parse().ok()
}

/// What an error says, and what its causes add.
fn words(error: &(dyn StdError + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}
