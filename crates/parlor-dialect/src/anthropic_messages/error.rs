//! Failures, read and written.

use super::wire::Object;
use crate::dialect::{Target, WireError};
use crate::json::{self, text_or_number};
use parlor_core::{Error, ErrorKind};
use serde_json::{Value, json};

/// The types of error with the status that each comes with. The first row of a
/// kind is how it is written.
const TYPES: &[(&str, u16, ErrorKind)] = &[
    ("invalid_request_error", 400, ErrorKind::InvalidRequest),
    ("authentication_error", 401, ErrorKind::Authentication),
    ("billing_error", 402, ErrorKind::QuotaExhausted),
    ("permission_error", 403, ErrorKind::Permission),
    ("not_found_error", 404, ErrorKind::ModelNotFound),
    ("rate_limit_error", 429, ErrorKind::RateLimited),
    ("api_error", 500, ErrorKind::Server),
    ("overloaded_error", 529, ErrorKind::Overloaded),
    ("conflict_error", 409, ErrorKind::Server),
    ("request_too_large", 413, ErrorKind::InvalidRequest),
    ("timeout_error", 504, ErrorKind::Server),
];

/// The kinds of statuses beyond those in [`TYPES`].
const STATUSES: &[(u16, ErrorKind)] = &[
    (404, ErrorKind::ModelNotFound),
    (408, ErrorKind::Server),
    (422, ErrorKind::InvalidRequest),
    (503, ErrorKind::Overloaded),
];

/// Codes beside the type that say more than it: there waiting doesn't help.
const CODES: &[(&str, ErrorKind)] = &[
    ("ramp_limit_exceeded", ErrorKind::QuotaExhausted),
    ("enforced_spend_limit_reached", ErrorKind::QuotaExhausted),
    ("contract_spend_limit_reached", ErrorKind::QuotaExhausted),
    (
        "linked_organization_spend_limit_reached",
        ErrorKind::QuotaExhausted,
    ),
    ("storage_quota_exceeded", ErrorKind::QuotaExhausted),
    ("organization_on_hold", ErrorKind::Permission),
];

/// What is told apart by wording alone, since it has no code of its own.
const WORDINGS: &[(&str, ErrorKind)] = &[
    ("prompt is too long", ErrorKind::ContextTooLong),
    ("exceed context limit", ErrorKind::ContextTooLong),
    ("exceeds the context window", ErrorKind::ContextTooLong),
    // Of other models behind a gateway or an engine that speaks this dialect.
    ("maximum context length", ErrorKind::ContextTooLong),
    ("available context size", ErrorKind::ContextTooLong),
    ("credit balance is too low", ErrorKind::QuotaExhausted),
];

/// What a body says about a failure.
#[derive(Debug, Default)]
struct Details {
    kind: String,
    code: String,
    message: String,
    request_id: Option<String>,
    /// Whether it has the form of an error at all.
    known: bool,
}

/// Reads a failure that a status reports, or that stands in a 200.
pub(super) fn from_wire(error: &WireError<'_>) -> Error {
    let details = details(error.body);
    let by_status = of_status(error.status);
    let by_type = of_type(&details.kind);
    let kind = match error.status {
        400..500 => by_status,
        _ => by_type.or(by_status),
    };
    let message = match details.message.is_empty() {
        true => format!("the server answered with status {}", error.status),
        false => details.message.clone(),
    };
    let made = build(kind.unwrap_or(ErrorKind::Server), message, details)
        .with_status(error.status)
        .with_body(error.body);
    match error.header("request-id") {
        Some(id) => made.with_request_id(id),
        None => made,
    }
}

/// Reads a failure that comes as an event or in the place of an answer.
pub(super) fn from_body(body: &[u8]) -> Error {
    let details = details(body);
    let fallback = match details.known {
        true => ErrorKind::Server,
        false => ErrorKind::Decode,
    };
    let message = match details.message.as_str() {
        "" if details.known => "the server reported an error without a message".to_owned(),
        "" => "the answer is neither a message nor an error".to_owned(),
        message => message.to_owned(),
    };
    let kind = of_type(&details.kind).unwrap_or(fallback);
    build(kind, message, details).with_body(body)
}

/// The same error with whom it came from.
pub(super) fn at(error: Error, target: &Target<'_>) -> Error {
    error
        .with_provider(&target.info.provider)
        .with_model(&target.info.model)
}

fn build(kind: ErrorKind, message: String, details: Details) -> Error {
    let code = CODES.iter().find(|it| it.0 == details.code);
    let lower = message.to_ascii_lowercase();
    let wording = WORDINGS.iter().find(|it| lower.contains(it.0));
    let wording = wording.filter(|_| kind == ErrorKind::InvalidRequest);
    let kind = code.or(wording).map_or(kind, |it| it.1);
    let code = match details.code.is_empty() {
        true => details.kind,
        false => details.code,
    };
    let error = Error::new(kind, message).with_code(code);
    match details.request_id {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

fn of_type(kind: &str) -> Option<ErrorKind> {
    TYPES.iter().find(|it| it.0 == kind).map(|it| it.2)
}

fn of_status(status: u16) -> Option<ErrorKind> {
    let typed = TYPES.iter().find(|it| it.1 == status).map(|it| it.2);
    let other = STATUSES.iter().find(|it| it.0 == status).map(|it| it.1);
    let class = match status {
        400..500 => Some(ErrorKind::InvalidRequest),
        500.. => Some(ErrorKind::Server),
        _ => None,
    };
    typed.or(other).or(class)
}

/// Reads what a body says, in the forms that servers and what stands before
/// them use: `error` as an object, a text or a list, or the fields on top.
fn details(body: &[u8]) -> Details {
    let mut scratch = String::new();
    let Ok(value) = json::read::<Value>(body, &mut scratch) else {
        let text = String::from_utf8_lossy(body);
        let text = text.trim();
        let plain = !text.is_empty() && text.len() <= 500 && !text.starts_with(['<', '{', '[']);
        return Details {
            message: if plain {
                text.to_owned()
            } else {
                String::new()
            },
            ..Details::default()
        };
    };
    let top = first(&value);
    let (inner, known) = match top.get("error") {
        None | Some(Value::Null) => (top, top["type"] == "error"),
        Some(error) => (first(error), true),
    };
    let text = |value: &Value, keys: &[&str]| {
        keys.iter()
            .find_map(|key| text_or_number(value.get(key)?))
            .unwrap_or_default()
    };
    let message = match (inner, first(&inner["detail"])) {
        (Value::String(message), _) => message.clone(),
        (_, Value::String(detail)) => detail.clone(),
        (_, Value::Object(detail)) => text(&json!(detail), &["msg", "message"]),
        _ => text(inner, &["message", "msg", "error_description", "title"]),
    };
    let code = text(&inner["details"], &["error_code"]);
    let kind = text(inner, &["type", "code", "status"]);
    Details {
        kind: if kind == "error" { String::new() } else { kind },
        code,
        message,
        request_id: text_or_number(&top["request_id"]),
        known,
    }
}

/// The first of a list, or the value itself.
fn first(value: &Value) -> &Value {
    match value {
        Value::Array(items) => items.first().unwrap_or(&Value::Null),
        other => other,
    }
}

/// Writes a failure: its status and body.
pub(super) fn to_wire(error: &Error) -> (u16, Vec<u8>) {
    let (kind, default) = written(error.kind());
    // A status of another dialect may stand for another kind here.
    let status = error.status().filter(|it| match it {
        500..600 => default >= 500,
        400..500 => of_status(*it).is_some_and(|it| written(it).0 == kind),
        _ => false,
    });
    let body = serde_json::to_vec(&object(error)).unwrap_or_default();
    (status.unwrap_or(default), body)
}

/// The body of a failure, which is also the data of an `error` event.
pub(super) fn object(error: &Error) -> Object {
    let (kind, _) = written(error.kind());
    let mut inner = Object::new();
    inner.insert("type".to_owned(), kind.into());
    inner.insert("message".to_owned(), telling(error).into());
    if let Some(code) = error.code().filter(|it| of_type(it).is_none()) {
        inner.insert("details".to_owned(), json!({ "error_code": code }));
    }
    let mut body = super::wire::block("error");
    body.insert("error".to_owned(), Value::Object(inner));
    if let Some(id) = error.request_id() {
        body.insert("request_id".to_owned(), id.into());
    }
    body
}

/// The message, in whose words alone clients find that a prompt is too long.
fn telling(error: &Error) -> String {
    let message = error.message();
    let lower = message.to_ascii_lowercase();
    let tells = |row: &(&str, ErrorKind)| row.1 == error.kind() && lower.contains(row.0);
    match error.kind() {
        ErrorKind::ContextTooLong if !WORDINGS.iter().any(tells) => {
            format!("prompt is too long: {message}")
        }
        _ => message.to_owned(),
    }
}

/// The type and status that a kind is written as.
fn written(kind: ErrorKind) -> (&'static str, u16) {
    let kind = match kind {
        ErrorKind::ContextTooLong
        | ErrorKind::ContentFiltered
        | ErrorKind::Unsupported
        | ErrorKind::Media
        | ErrorKind::Validation
        | ErrorKind::Tool => ErrorKind::InvalidRequest,
        ErrorKind::Timeout(_) => return ("timeout_error", 504),
        kind => kind,
    };
    let row = TYPES.iter().find(|it| it.2 == kind);
    row.map_or(("api_error", 500), |it| (it.0, it.1))
}
