//! Failures as AWS services report them: by a name, in a header, a body or a frame.

use crate::dialect::WireError;
use crate::json::{self, text_or_number};
use parlor_core::{Error, ErrorKind};
use serde_json::Value;

/// The header that names a failure.
pub(crate) const HEADER: &str = "x-amzn-errortype";

/// The field of a body that names a failure.
pub(crate) const NAME: &str = "__type";

/// The names of failures with the status that each comes with. The first row
/// of a kind is how it is written. In a stream they begin with a small letter.
/// Source: the service model of `bedrock-runtime`, and the errors common to all
/// services.
const NAMES: &[(&str, u16, ErrorKind)] = &[
    ("ValidationException", 400, ErrorKind::InvalidRequest),
    (
        "UnrecognizedClientException",
        403,
        ErrorKind::Authentication,
    ),
    ("AccessDeniedException", 403, ErrorKind::Permission),
    ("ResourceNotFoundException", 404, ErrorKind::ModelNotFound),
    ("ThrottlingException", 429, ErrorKind::RateLimited),
    (
        "ServiceQuotaExceededException",
        400,
        ErrorKind::QuotaExhausted,
    ),
    ("InternalServerException", 500, ErrorKind::Server),
    ("ServiceUnavailableException", 503, ErrorKind::Overloaded),
    ("InvalidSignatureException", 403, ErrorKind::Authentication),
    (
        "IncompleteSignatureException",
        403,
        ErrorKind::Authentication,
    ),
    ("SignatureDoesNotMatch", 403, ErrorKind::Authentication),
    ("ExpiredTokenException", 403, ErrorKind::Authentication),
    ("InvalidClientTokenId", 403, ErrorKind::Authentication),
    (
        "MissingAuthenticationTokenException",
        403,
        ErrorKind::Authentication,
    ),
    ("ModelTimeoutException", 408, ErrorKind::Server),
    ("ModelErrorException", 424, ErrorKind::Server),
    ("ModelStreamErrorException", 424, ErrorKind::Server),
    ("ModelNotReadyException", 429, ErrorKind::Overloaded),
    ("TooManyRequestsException", 429, ErrorKind::RateLimited),
    ("InternalFailure", 500, ErrorKind::Server),
    ("ConflictException", 409, ErrorKind::InvalidRequest),
    ("SerializationException", 400, ErrorKind::InvalidRequest),
    ("UnknownOperationException", 404, ErrorKind::InvalidRequest),
];

/// The kinds of statuses that come without a known name.
const STATUSES: &[(u16, ErrorKind)] = &[
    (401, ErrorKind::Authentication),
    (403, ErrorKind::Permission),
    (404, ErrorKind::ModelNotFound),
    (408, ErrorKind::Server),
    (424, ErrorKind::Server),
    (429, ErrorKind::RateLimited),
    (503, ErrorKind::Overloaded),
];

/// What is told apart by wording alone: the kind it looks like, a wording, and
/// what it is.
const WORDINGS: &[(ErrorKind, &str, ErrorKind)] = &[
    (
        ErrorKind::InvalidRequest,
        "input is too long",
        ErrorKind::ContextTooLong,
    ),
    (
        ErrorKind::InvalidRequest,
        "prompt is too long",
        ErrorKind::ContextTooLong,
    ),
    (
        ErrorKind::InvalidRequest,
        "too many input tokens",
        ErrorKind::ContextTooLong,
    ),
    (
        ErrorKind::InvalidRequest,
        "input tokens exceeded",
        ErrorKind::ContextTooLong,
    ),
    (
        ErrorKind::InvalidRequest,
        "exceed context limit",
        ErrorKind::ContextTooLong,
    ),
    (
        ErrorKind::InvalidRequest,
        "exceeds the context window",
        ErrorKind::ContextTooLong,
    ),
    (
        ErrorKind::InvalidRequest,
        "maximum context length",
        ErrorKind::ContextTooLong,
    ),
    (
        ErrorKind::InvalidRequest,
        "model identifier is invalid",
        ErrorKind::ModelNotFound,
    ),
    (
        ErrorKind::RateLimited,
        "tokens per day",
        ErrorKind::QuotaExhausted,
    ),
    (
        ErrorKind::Permission,
        "security token included in the request is",
        ErrorKind::Authentication,
    ),
];

/// What to do about failures whose message doesn't say it.
const HELP: &[(&str, &str)] = &[
    (
        "on-demand throughput",
        "Use the id of an inference profile, such as the same id with `us.` in front.",
    ),
    (
        "don't have access to the model",
        "Ask for access to the model in the AWS console, under model access.",
    ),
    (
        "signature not yet current",
        "Set this machine's clock: it is too far off.",
    ),
    (
        "signature expired",
        "Set this machine's clock: it is too far off.",
    ),
    (
        "security token included in the request is expired",
        "Renew the credentials, for instance by `aws sso login`.",
    ),
];

/// What a body says about a failure.
#[derive(Debug, Default)]
struct Details {
    name: String,
    message: String,
}

/// Reads a failure that a status reports, or that stands in a 200.
pub(crate) fn from_wire(error: &WireError<'_>) -> Error {
    let mut details = details(error.body);
    if let Some(name) = error.header(HEADER) {
        details.name = bare(name).to_owned();
    }
    let class = match error.status {
        400..500 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Server,
    };
    let by_status = STATUSES.iter().find(|it| it.0 == error.status);
    let kind = of_name(&details.name).unwrap_or(by_status.map_or(class, |it| it.1));
    if details.message.is_empty() {
        details.message = format!("the server answered with status {}", error.status);
    }
    let made = build(kind, details)
        .with_status(error.status)
        .with_body(error.body);
    match error.header("x-amzn-requestid") {
        Some(id) => made.with_request_id(id),
        None => made,
    }
}

/// Reads a failure that a frame reports under this name, which may be empty.
/// `header` is the message where the payload has none.
pub(crate) fn from_frame(name: &str, header: Option<&str>, payload: &[u8]) -> Error {
    let mut details = details(payload);
    if !name.is_empty() {
        details.name = bare(name).to_owned();
    }
    if details.message.is_empty() {
        let message = header.filter(|it| !it.is_empty());
        details.message = match message {
            Some(message) => message.to_owned(),
            None => "the server reported an error without a message".to_owned(),
        };
    }
    let kind = of_name(&details.name).unwrap_or(ErrorKind::Server);
    build(kind, details).with_body(payload)
}

/// Reads what stands in the place of an answer.
pub(crate) fn from_body(body: &[u8]) -> Error {
    let details = details(body);
    match (details.name.is_empty(), details.message.is_empty()) {
        (true, true) => Error::decode("the answer is neither a message nor an error"),
        _ => from_frame("", None, body),
    }
    .with_body(body)
}

fn build(kind: ErrorKind, details: Details) -> Error {
    let Details { name, message } = details;
    let lower = message.to_ascii_lowercase();
    let row = WORDINGS
        .iter()
        .find(|it| it.0 == kind && lower.contains(it.1));
    let help = HELP.iter().find(|it| lower.contains(it.0));
    let mut error = Error::new(row.map_or(kind, |it| it.2), message);
    if let Some((_, help)) = help {
        error = error.with_help(*help);
    }
    match name.is_empty() {
        true => error,
        false => error.with_code(name),
    }
}

/// A name without the namespace before it and the address behind it:
/// `com.amazon.coral.service#X`, `X:http://…`.
fn bare(name: &str) -> &str {
    let name = name.rsplit_once('#').map_or(name, |(_, name)| name);
    name.split(':').next().unwrap_or(name).trim()
}

fn of_name(name: &str) -> Option<ErrorKind> {
    let row = NAMES.iter().find(|it| it.0.eq_ignore_ascii_case(name));
    row.map(|it| it.2)
}

/// Reads what a body says: `message`, with or without a capital, and a name
/// under `__type` or `code`, on top or one level deeper.
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
    let deeper = ["error", "Error", "Output"];
    let deeper = deeper.iter().find_map(|key| top.get(key)).map(first);
    // What stands before a service has forms of its own.
    let detail = top.get("detail").map(first);
    let levels = [Some(top), deeper, detail];
    let text = |keys: &[&str]| {
        let of = |level: &&Value| keys.iter().find_map(|key| text_or_number(level.get(key)?));
        levels.iter().flatten().find_map(of).unwrap_or_default()
    };
    let plain = levels.iter().flatten().find_map(|level| level.as_str());
    let message = text(&[
        "message",
        "Message",
        "errorMessage",
        "originalMessage",
        "msg",
    ]);
    Details {
        name: bare(&text(&[NAME, "code", "type"])).to_owned(),
        message: match message.is_empty() {
            true => plain.unwrap_or_default().to_owned(),
            false => message,
        },
    }
}

/// The first of a list, or the value itself.
fn first(value: &Value) -> &Value {
    match value {
        Value::Array(items) => items.first().unwrap_or(&Value::Null),
        other => other,
    }
}

/// The name and status that a kind is written as.
pub(crate) fn written(kind: ErrorKind) -> (&'static str, u16) {
    let kind = match kind {
        ErrorKind::ContextTooLong
        | ErrorKind::ContentFiltered
        | ErrorKind::Unsupported
        | ErrorKind::Media
        | ErrorKind::Validation
        | ErrorKind::Tool => ErrorKind::InvalidRequest,
        ErrorKind::Timeout(_) => return ("ModelTimeoutException", 408),
        kind => kind,
    };
    let row = NAMES.iter().find(|it| it.2 == kind);
    row.map_or(("InternalServerException", 500), |it| (it.0, it.1))
}

/// The name and the payload of a failure in a stream. Only some names may
/// stand there; all others are `internalServerException`.
pub(crate) fn in_stream(error: &Error) -> (&'static str, Vec<u8>) {
    let name = match written(error.kind()).0 {
        "ThrottlingException" | "TooManyRequestsException" => "throttlingException",
        "ServiceUnavailableException" => "serviceUnavailableException",
        "ValidationException" => "validationException",
        "ModelTimeoutException" => "modelStreamErrorException",
        _ => "internalServerException",
    };
    let mut body = json::Object::new();
    body.insert("message".to_owned(), telling(error).into());
    (name, serde_json::to_vec(&body).unwrap_or_default())
}

/// The message, in whose words alone clients find that a prompt is too long.
pub(crate) fn telling(error: &Error) -> String {
    let message = error.message();
    let lower = message.to_ascii_lowercase();
    let tells = |row: &(ErrorKind, &str, ErrorKind)| row.2 == error.kind() && lower.contains(row.1);
    match error.kind() {
        ErrorKind::ContextTooLong if !WORDINGS.iter().any(tells) => {
            format!("Input is too long for requested model: {message}")
        }
        _ => message.to_owned(),
    }
}
