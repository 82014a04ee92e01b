//! Failures, read and written.

use crate::fields::Json;
use crate::{WireError, json};
use parlor_core::{Error, ErrorKind, Retry};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::time::Duration;

/// Kinds by HTTP status; any other from 500 on is the server's, any other below
/// is the request's.
static STATUSES: &[(u16, ErrorKind)] = &[
    (401, ErrorKind::Authentication),
    (403, ErrorKind::Permission),
    (404, ErrorKind::ModelNotFound),
    (429, ErrorKind::RateLimited),
    (499, ErrorKind::Cancelled),
    (503, ErrorKind::Overloaded),
    (529, ErrorKind::Overloaded),
];

/// The status that belongs to a status word, for failures inside a 200.
static WORDS: &[(&str, u16)] = &[
    ("INVALID_ARGUMENT", 400),
    ("FAILED_PRECONDITION", 400),
    ("OUT_OF_RANGE", 400),
    ("UNAUTHENTICATED", 401),
    ("PERMISSION_DENIED", 403),
    ("NOT_FOUND", 404),
    ("ABORTED", 409),
    ("ALREADY_EXISTS", 409),
    ("RESOURCE_EXHAUSTED", 429),
    ("CANCELLED", 499),
    ("INTERNAL", 500),
    ("UNKNOWN", 500),
    ("DATA_LOSS", 500),
    ("UNIMPLEMENTED", 501),
    ("UNAVAILABLE", 503),
    ("DEADLINE_EXCEEDED", 504),
];

/// Kinds by the reason that `ErrorInfo` gives, whatever the status.
static REASONS: &[(&str, ErrorKind)] = &[
    ("API_KEY_INVALID", ErrorKind::Authentication),
    ("API_KEY_EXPIRED", ErrorKind::Authentication),
    ("ACCESS_TOKEN_EXPIRED", ErrorKind::Authentication),
    ("ACCESS_TOKEN_TYPE_UNSUPPORTED", ErrorKind::Authentication),
    ("CREDENTIALS_MISSING", ErrorKind::Authentication),
    ("BILLING_DISABLED", ErrorKind::QuotaExhausted),
    ("SERVICE_DISABLED", ErrorKind::Permission),
];

/// Kinds by what a refused request's message says, where nothing else tells.
static MESSAGES: &[(&str, ErrorKind)] = &[
    ("api key not valid", ErrorKind::Authentication),
    ("api key expired", ErrorKind::Authentication),
    ("api key not found", ErrorKind::Authentication),
    (
        "exceeds the maximum number of tokens",
        ErrorKind::ContextTooLong,
    ),
    ("input token count", ErrorKind::ContextTooLong),
    // Of other providers' models behind a gateway that speaks this dialect.
    ("maximum context length", ErrorKind::ContextTooLong),
    ("user location is not supported", ErrorKind::Permission),
    ("billing", ErrorKind::QuotaExhausted),
    (
        "is not supported for generatecontent",
        ErrorKind::ModelNotFound,
    ),
    ("is not found for api version", ErrorKind::ModelNotFound),
];

/// Reads a failure.
pub(super) fn read(error: &WireError<'_>) -> Error {
    let body: Value = serde_json::from_slice(error.body)
        .ok()
        .or_else(|| serde_json::from_str(&json::repair(error.body)?).ok())
        .unwrap_or_else(|| json!({ "message": brief(error.body) }));
    let mut read = of_value(&body, Some(error.status));
    for name in ["x-goog-request-id", "x-request-id"] {
        if let Some(id) = error.header(name).filter(|_| read.request_id().is_none()) {
            read = read.with_request_id(id);
        }
    }
    read.with_body(error.body)
}

/// A body that is no JSON, if it is a short text and no page.
fn brief(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    (text.len() <= 200 && !text.starts_with('<')).then(|| text.to_owned())
}

/// Reads the `error` field of an answer.
pub(super) fn in_body(raw: Json<'_>) -> Error {
    let fields: Value = serde_json::from_str(raw.get()).unwrap_or_default();
    of_value(&json!({ "error": fields }), None).with_body(raw.get().as_bytes())
}

fn of_value(body: &Value, status: Option<u16>) -> Error {
    // A failure comes as an object, or as an array of one.
    let body = body.get(0).unwrap_or(body);
    let fields = body.get("error").unwrap_or(body);
    let fields = fields.get(0).unwrap_or(fields);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let message = text(&fields["message"])
        .or_else(|| text(fields))
        .or_else(|| text(&body["message"]))
        .or_else(|| text(&body["detail"]))
        .or_else(|| text(&body["detail"][0]["msg"]))
        .filter(|it| !it.trim().is_empty());
    let word = fields["status"].as_str().unwrap_or_default();
    let known = WORDS.iter().find(|it| it.0 == word).map(|it| it.1);
    let code = &fields["code"];
    let number = match code {
        Value::String(digits) => digits.parse().ok(),
        other => other.as_u64().and_then(|it| u16::try_from(it).ok()),
    };
    let number = number.filter(|it| (400..600).contains(it));
    let failed = |it: &u16| *it >= 400;
    let effective = status.filter(failed).or(number).or(known).unwrap_or(500);
    let details = fields["details"].as_array().cloned().unwrap_or_default();
    let kind = kind(effective, message.as_deref().unwrap_or_default(), &details);
    let message = message.unwrap_or_else(|| match status {
        Some(status) => format!("the provider answered with status {status}"),
        None => "the provider reported a failure".to_owned(),
    });
    let code = match word {
        "" => json::text_or_number(code).unwrap_or_default(),
        word => word.to_owned(),
    };
    let mut error = Error::new(kind, message).with_code(code);
    if let Some(status) = status.filter(failed).or(number).or(status) {
        error = error.with_status(status);
    }
    match (retry_delay(&details), error.retry()) {
        (Some(delay), Retry::Later(_)) => error.with_retry(Retry::Later(Some(delay))),
        // 409 and 504 pass as well, though their kinds don't say so.
        (delay, Retry::Never) if matches!(effective, 408 | 409 | 504) => {
            error.with_retry(Retry::Later(delay))
        }
        _ => error,
    }
}

fn kind(status: u16, message: &str, details: &[Value]) -> ErrorKind {
    let reason = details.iter().find_map(|it| it["reason"].as_str());
    let by_reason = reason.and_then(|reason| REASONS.iter().find(|it| it.0 == reason));
    if let Some((_, kind)) = by_reason {
        return *kind;
    }
    let message = message.to_ascii_lowercase();
    let by_message = || {
        MESSAGES
            .iter()
            .find(|it| message.contains(it.0))
            .map(|it| it.1)
    };
    match status {
        429 if is_used_up(details) => ErrorKind::QuotaExhausted,
        404 if !message.contains("model") && !message.is_empty() => ErrorKind::InvalidRequest,
        400 | 412 | 413 | 422 => by_message().unwrap_or(ErrorKind::InvalidRequest),
        _ => match STATUSES.iter().find(|it| it.0 == status) {
            Some((_, kind)) => *kind,
            None if status >= 500 => ErrorKind::Server,
            None => ErrorKind::InvalidRequest,
        },
    }
}

/// Whether a quota ran out that isn't filled again before the next day.
fn is_used_up(details: &[Value]) -> bool {
    let violations = details
        .iter()
        .filter_map(|it| it["violations"].as_array())
        .flatten();
    violations
        .filter_map(|it| it["quotaId"].as_str())
        .any(|id| id.contains("PerDay"))
}

/// The wait that `RetryInfo` asks for, such as `34.4s`.
fn retry_delay(details: &[Value]) -> Option<Duration> {
    let delay = details.iter().find_map(|it| it["retryDelay"].as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Status and word for a client, by kind.
static ANSWERS: &[(ErrorKind, u16, &str)] = &[
    (ErrorKind::Authentication, 401, "UNAUTHENTICATED"),
    (ErrorKind::Permission, 403, "PERMISSION_DENIED"),
    (ErrorKind::ModelNotFound, 404, "NOT_FOUND"),
    (ErrorKind::InvalidRequest, 400, "INVALID_ARGUMENT"),
    (ErrorKind::Unsupported, 400, "INVALID_ARGUMENT"),
    (ErrorKind::Validation, 400, "INVALID_ARGUMENT"),
    (ErrorKind::Media, 400, "INVALID_ARGUMENT"),
    (ErrorKind::ContextTooLong, 400, "INVALID_ARGUMENT"),
    (ErrorKind::ContentFiltered, 400, "FAILED_PRECONDITION"),
    (ErrorKind::RateLimited, 429, "RESOURCE_EXHAUSTED"),
    (ErrorKind::QuotaExhausted, 429, "RESOURCE_EXHAUSTED"),
    (ErrorKind::Overloaded, 503, "UNAVAILABLE"),
    (ErrorKind::Connection, 503, "UNAVAILABLE"),
    (ErrorKind::Cancelled, 499, "CANCELLED"),
];

/// The message, in whose words alone clients find that a prompt is too long.
fn telling(error: &Error) -> Cow<'_, str> {
    let message = error.message();
    let lower = message.to_ascii_lowercase();
    let tells = |row: &(&str, ErrorKind)| row.1 == error.kind() && lower.contains(row.0);
    match error.kind() {
        ErrorKind::ContextTooLong if !MESSAGES.iter().any(tells) => {
            format!("The input token count exceeds the maximum number of tokens allowed: {message}")
                .into()
        }
        _ => message.into(),
    }
}

/// Writes a failure: status and body. What only one kind says (a key, a quota
/// for the day, a wait) stands in the details, as clients look for it there.
pub(super) fn write(error: &Error) -> (u16, Value) {
    let kind = error.kind();
    let known = ANSWERS.iter().find(|it| it.0 == kind);
    let (status, word) = match (known, kind) {
        (Some((_, status, word)), _) => (*status, *word),
        (None, ErrorKind::Timeout(_)) => (504, "DEADLINE_EXCEEDED"),
        (None, _) => (500, "INTERNAL"),
    };
    // What no provider said is told by whoever serves, whose status it is.
    let own = error.status().filter(|_| error.provider().is_none());
    let status = own.unwrap_or(status);
    let mut details = Vec::new();
    if kind == ErrorKind::Authentication {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "API_KEY_INVALID",
        }));
    }
    if kind == ErrorKind::QuotaExhausted {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.QuotaFailure",
            "violations": [{"quotaId": "QuotaPerDay"}],
        }));
    }
    if let Retry::Later(Some(delay)) = error.retry() {
        details.push(json!({
            "@type": "type.googleapis.com/google.rpc.RetryInfo",
            "retryDelay": format!("{}s", delay.as_secs_f64()),
        }));
    }
    let mut fields = json!({"code": status, "message": telling(error), "status": word});
    if !details.is_empty() {
        fields["details"] = details.into();
    }
    (status, json!({ "error": fields }))
}
