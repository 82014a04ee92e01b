//! Failures: `{"error": "text"}` under a status, or on a line of a stream.

use crate::dialect::WireError;
use crate::json;
use parlor_core::{Error, ErrorKind, Retry, TimeoutKind};
use serde_json::{Value, json};

/// What a status says when the text doesn't say more.
const BY_STATUS: &[(u16, ErrorKind)] = &[
    (400, ErrorKind::InvalidRequest),
    (401, ErrorKind::Authentication),
    (402, ErrorKind::QuotaExhausted),
    (403, ErrorKind::Permission),
    (404, ErrorKind::ModelNotFound),
    (408, ErrorKind::Timeout(TimeoutKind::FirstEvent)),
    (429, ErrorKind::RateLimited),
    (499, ErrorKind::Cancelled),
    (503, ErrorKind::Overloaded),
    (504, ErrorKind::Timeout(TimeoutKind::FirstEvent)),
    (524, ErrorKind::Timeout(TimeoutKind::FirstEvent)),
    (529, ErrorKind::Overloaded),
];

/// What a text says, in lower case, where the status allows it. From
/// `server/routes.go`, `server/sched.go` and `llm/server.go` of Ollama.
const BY_TEXT: &[(&str, ErrorKind)] = &[
    ("does not support", ErrorKind::Unsupported),
    ("context length", ErrorKind::ContextTooLong),
    ("context window", ErrorKind::ContextTooLong),
    ("context size", ErrorKind::ContextTooLong),
    ("prompt is too long", ErrorKind::ContextTooLong),
    ("prompt too long", ErrorKind::ContextTooLong),
    ("input too large", ErrorKind::ContextTooLong),
];

/// What a text says on a line of a stream, which may come without a status.
const BY_TEXT_ALONE: &[(&str, ErrorKind)] = &[
    ("unauthorized", ErrorKind::Authentication),
    ("not found", ErrorKind::ModelNotFound),
    ("file does not exist", ErrorKind::ModelNotFound),
    ("server busy", ErrorKind::Overloaded),
    ("pending requests exceeded", ErrorKind::Overloaded),
    ("rate limit", ErrorKind::RateLimited),
    ("invalid", ErrorKind::InvalidRequest),
];

/// Reads a failure by status.
pub(super) fn read(error: &WireError<'_>) -> Error {
    let mut scratch = String::new();
    let body = json::read::<Value>(error.body, &mut scratch);
    match body {
        Ok(body @ (Value::Object(_) | Value::Array(_))) => {
            of_value(&body, Some(error.status)).with_body(error.body)
        }
        _ => of_text(error),
    }
}

/// A body that isn't Ollama's: a proxy's page, or a router's own words.
fn of_text(error: &WireError<'_>) -> Error {
    let text = String::from_utf8_lossy(error.body);
    let text = text.trim();
    let brief = !text.is_empty() && text.len() <= 200 && !text.starts_with('<');
    let message = match brief {
        true => text.to_owned(),
        false => format!("the server answered with status {}", error.status),
    };
    let made = match error.status {
        // The router's answer, not the model's.
        404 | 405 => Error::new(ErrorKind::Configuration, message)
            .with_help("Check the base URL: the server has no `/api/chat` there."),
        status => of_message(message, Some(status)),
    };
    made.with_status(error.status).with_body(error.body)
}

/// Whether a line that is no part of an answer reports an error.
pub(super) fn is_report(line: &Value) -> bool {
    let line = first(line);
    line.get("error").is_some()
        || ["message", "detail"]
            .iter()
            .any(|key| line[*key].is_string())
}

/// Reads JSON that reports an error: a body, or a line of a stream.
pub(super) fn of_value(value: &Value, status: Option<u16>) -> Error {
    let outer = first(value);
    let inner = first(&outer["error"]);
    let named = ["status_code", "status"].into_iter().find_map(|name| {
        let code = outer[name].as_u64().filter(|it| *it >= 400)?;
        u16::try_from(code).ok()
    });
    let status = match (status, named) {
        (None | Some(200..300), named) => named,
        (status, _) => status,
    };
    // Ollama's own is a text; proxies and copies of the dialect have others.
    let message = [
        inner,
        &inner["message"],
        &outer["message"],
        &outer["detail"],
    ]
    .into_iter()
    .find_map(text_of)
    .unwrap_or_else(|| "the server failed without a word".to_owned());
    let mut error = of_message(message, status);
    if let Some(status) = status {
        error = error.with_status(status);
    }
    let codes = [&inner["code"], &inner["type"], &outer["code"]];
    match codes.into_iter().find_map(json::text_or_number) {
        Some(code) => error.with_code(code),
        None => error,
    }
}

/// The first of a list; anything else is itself.
fn first(value: &Value) -> &Value {
    match value {
        Value::Array(list) => list.first().unwrap_or(value),
        other => other,
    }
}

fn text_of(value: &Value) -> Option<String> {
    let value = first(value);
    let text = value.as_str().or_else(|| value["msg"].as_str())?;
    (!text.is_empty()).then(|| text.to_owned())
}

fn of_message(message: String, status: Option<u16>) -> Error {
    let lower = message.to_lowercase();
    let says = |table: &[(&str, ErrorKind)]| {
        let found = table.iter().find(|(words, _)| lower.contains(words));
        found.map(|(_, kind)| *kind)
    };
    let by_status = status.map(|status| {
        let found = BY_STATUS.iter().find(|(it, _)| *it == status);
        match (found, status) {
            (Some((_, kind)), _) => *kind,
            (None, 400..500) => ErrorKind::InvalidRequest,
            _ => ErrorKind::Server,
        }
    });
    let kind = match by_status {
        Some(kind @ (ErrorKind::InvalidRequest | ErrorKind::Server)) => {
            says(BY_TEXT).unwrap_or(kind)
        }
        Some(kind) => kind,
        None => says(BY_TEXT)
            .or_else(|| says(BY_TEXT_ALONE))
            .unwrap_or(ErrorKind::Server),
    };
    let error = Error::new(kind, message);
    match kind {
        ErrorKind::ModelNotFound => {
            error.with_help("Fetch it with `ollama pull <model>`, or see with `ollama list` which models are there.")
        }
        ErrorKind::Authentication => {
            error.with_help("Sign in with `ollama signin`, or set OLLAMA_API_KEY.")
        }
        ErrorKind::Overloaded => error.with_help(
            "Try again later, or let the server queue more requests (OLLAMA_MAX_QUEUE).",
        ),
        ErrorKind::ContextTooLong => error.with_help(
            "Shorten the conversation, or raise the option `num_ctx`.",
        ),
        ErrorKind::Server if lower.contains("system memory") => error
            .with_retry(Retry::Never)
            .with_help("Use a smaller model, or lower the option `num_ctx`."),
        _ => error,
    }
}

/// The status and body of a failure.
pub(super) fn write(error: &Error) -> (u16, Vec<u8>) {
    (
        status(error),
        json!({ "error": text(error) }).to_string().into_bytes(),
    )
}

/// The line of a failure in the middle of a stream.
pub(super) fn write_line(error: &Error) -> Vec<u8> {
    let line = json!({ "error": text(error), "status_code": status(error) });
    line.to_string().into_bytes()
}

/// The message, in whose words alone clients find that a prompt is too long.
fn text(error: &Error) -> String {
    let message = match error.message() {
        "" => error.kind().as_str(),
        message => message,
    };
    let lower = message.to_lowercase();
    let tells = |row: &(&str, ErrorKind)| row.1 == error.kind() && lower.contains(row.0);
    match error.kind() {
        ErrorKind::ContextTooLong if !BY_TEXT.iter().any(tells) => {
            format!("the prompt exceeds the context length: {message}")
        }
        _ => message.to_owned(),
    }
}

fn status(error: &Error) -> u16 {
    match error.kind() {
        ErrorKind::InvalidRequest
        | ErrorKind::Unsupported
        | ErrorKind::ContextTooLong
        | ErrorKind::ContentFiltered
        | ErrorKind::Media
        | ErrorKind::Validation => 400,
        ErrorKind::Authentication => 401,
        ErrorKind::QuotaExhausted => 402,
        ErrorKind::Permission => 403,
        ErrorKind::ModelNotFound => 404,
        ErrorKind::RateLimited => 429,
        ErrorKind::Cancelled => 499,
        ErrorKind::Connection | ErrorKind::Truncated | ErrorKind::Decode => 502,
        ErrorKind::Overloaded => 503,
        ErrorKind::Timeout(_) => 504,
        _ => 500,
    }
}
