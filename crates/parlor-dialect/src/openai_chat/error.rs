//! Failures, both ways: what a host's report means, and how parlor reports.

use super::quirks::Quirks;
use crate::dialect::WireError;
use crate::json::text_or_number;
use parlor_core::{Error, ErrorKind, TimeoutKind};
use serde_json::{Value, json};

/// What codes and types of error mean, in lower case; a code that ends in `*`
/// stands for all that begin so.
const CODES: &[(ErrorKind, &[&str])] = &[
    (
        ErrorKind::ContextTooLong,
        &[
            "context_length_exceeded",
            "context_window_exceeded",
            "exceed_context_size_error",
            "model_context_window_exceeded",
            "too_many_prompt_tokens",
            "string_above_max_length",
        ],
    ),
    (
        ErrorKind::ContentFiltered,
        &[
            "content_filter*",
            "content_policy_violation",
            "data_inspection_failed",
            "datainspectionfailed",
            "inputtextsensitive*",
            "inputimagesensitive*",
            "inputtextrisk*",
            "outputtextsensitive*",
            "outputtextrisk*",
            "sensitivecontentdetected*",
            "invalid_prompt",
            "responsibleaipolicyviolation",
        ],
    ),
    (
        ErrorKind::QuotaExhausted,
        &[
            "insufficient_quota",
            "insufficient_balance",
            "credit_balance_exhausted",
            "organization_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "project_spend_limit_exceeded",
            "billing_*",
            "exceeded_current_quota_error",
            "arrearage",
            "accountoverdueerror",
            "quotaexceeded",
            "setlimitexceeded",
            "payment_required",
        ],
    ),
    (
        ErrorKind::Overloaded,
        &[
            "engine_overloaded*",
            "overloaded*",
            "server_overloaded",
            "serveroverloaded",
            "service_unavailable*",
            "serviceunavailable",
            "unavailable_error",
            "modelservingerror",
            "service_tier_capacity_exceeded",
        ],
    ),
    (
        ErrorKind::RateLimited,
        &[
            "rate_limit*",
            "ratelimit*",
            "rpm_rate_limit*",
            "tpm_rate_limit*",
            "modelaccount*ratelimitexceeded",
            "throttling*",
            "limit_requests",
            "too_many_requests",
            "requestbursttoofast",
            "requests",
            "tokens",
        ],
    ),
    (
        ErrorKind::ModelNotFound,
        &[
            "model_not_found",
            "model_not_available",
            "modelnotfound",
            "model.notexist",
            "invalid_model",
            "unknown_model",
            "deploymentnotfound",
            "invalidendpointormodel.*",
            "resource_not_found_error",
        ],
    ),
    (
        ErrorKind::Authentication,
        &[
            "invalid_api_key",
            "invalidapikey",
            "api_key_invalid",
            "authentication_error",
            "authenticationerror",
            "invalid_authentication_error",
            "incorrect_api_key_error",
            "invalid_iam_token",
            "unauthenticated",
            "unauthorized",
        ],
    ),
    (
        ErrorKind::Permission,
        &[
            "permission_denied*",
            "insufficient_permissions",
            "access_denied",
            "accessdenied*",
            "operationdenied*",
            "modelnotopen",
            "unsupported_country_region_territory",
        ],
    ),
    (
        ErrorKind::Unsupported,
        &["unsupported_parameter", "unsupported_value"],
    ),
    (
        ErrorKind::Media,
        &[
            "invalid_image*",
            "image_parse_error",
            "unsupported_image*",
            "invalid_base64",
        ],
    ),
    (
        ErrorKind::Timeout(TimeoutKind::FirstEvent),
        &["request_timeout", "requesttimeout", "gatewaytimeout"],
    ),
    (
        ErrorKind::Server,
        &[
            "server_error",
            "internal_error",
            "internalerror*",
            "internal_server_error",
            "internalserviceerror",
            "upstream_error",
        ],
    ),
];

/// What messages mean that come without a telling code: all words of a row
/// must stand in the message, in lower case.
const PHRASES: &[(ErrorKind, &[&str])] = &[
    (ErrorKind::ContextTooLong, &["maximum context length"]),
    (ErrorKind::ContextTooLong, &["context length"]),
    (ErrorKind::ContextTooLong, &["context window"]),
    (ErrorKind::ContextTooLong, &["context size"]),
    (ErrorKind::ContextTooLong, &["prompt is too long"]),
    (ErrorKind::ContextTooLong, &["input is too long"]),
    (ErrorKind::ContextTooLong, &["messages is too long"]),
    (ErrorKind::ContextTooLong, &["range of input length"]),
    (ErrorKind::ContentFiltered, &["content management policy"]),
    (ErrorKind::ContentFiltered, &["inappropriate content"]),
    (ErrorKind::ContentFiltered, &["flagged", "moderation"]),
    (ErrorKind::QuotaExhausted, &["insufficient", "balance"]),
    (ErrorKind::QuotaExhausted, &["insufficient", "credit"]),
    (ErrorKind::QuotaExhausted, &["requires more credits"]),
    (ErrorKind::QuotaExhausted, &["exceeded your current quota"]),
    (ErrorKind::Authentication, &["invalid", "api key"]),
    (ErrorKind::Authentication, &["api key not valid"]),
    (ErrorKind::ModelNotFound, &["model", "does not exist"]),
    (ErrorKind::ModelNotFound, &["model", "not found"]),
    (ErrorKind::ModelNotFound, &["not a valid model"]),
];

/// What a host reports about a failure.
#[derive(Debug, Default)]
struct Report {
    message: String,
    /// Code, then type.
    codes: [Option<String>; 2],
    request_id: Option<String>,
}

/// Reads a failure by status and body.
pub(super) fn read(error: &WireError<'_>, quirks: &Quirks) -> Error {
    let body = error
        .body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(error.body);
    let report = match serde_json::from_slice::<Value>(body) {
        Ok(value) => report(&value).unwrap_or_else(|| Report {
            message: text(&value).unwrap_or_default(),
            ..Report::default()
        }),
        Err(_) => Report {
            message: plain(body),
            ..Report::default()
        },
    };
    let page = body.trim_ascii_start().starts_with(b"<");
    let mut out = build(report, Some(error.status), quirks).with_status(error.status);
    if page && error.status == 404 {
        out = out
            .with_kind(ErrorKind::Configuration)
            .with_help("Check the base URL: this address knows no such path.");
    }
    out.with_body(error.body)
}

/// Reads a failure that stands in the body of a success, if there is one.
pub(super) fn in_band(body: &Value, quirks: &Quirks) -> Option<Error> {
    let mut error = build(report(body)?, None, quirks);
    if let Ok(text) = serde_json::to_vec(body) {
        error = error.with_body(&text);
    }
    Some(error)
}

fn build(report: Report, status: Option<u16>, quirks: &Quirks) -> Error {
    // A number that is an HTTP status stands for one; other numbers are the
    // host's own.
    let meant = report.codes.iter().flatten();
    let meant = meant
        .filter_map(|code| code.parse().ok())
        .find(|code| (400..600).contains(code));
    let kind = kind(&report, status.or(meant), quirks);
    let message = match (report.message.trim().is_empty(), status) {
        (true, Some(status)) => format!("the server answered with status {status}"),
        (true, None) => "the server reported an error".to_owned(),
        (false, _) => report.message,
    };
    let mut error = Error::new(kind, message);
    if let Some(code) = report.codes.into_iter().flatten().next() {
        error = error.with_code(code);
    }
    match report.request_id {
        Some(id) => error.with_request_id(id),
        None => error,
    }
}

/// The kind: the status first, then what code, type and message add to it.
fn kind(report: &Report, status: Option<u16>, quirks: &Quirks) -> ErrorKind {
    let own = |code: &String| quirks.error_codes.get(code).map(|word| word.0);
    if let Some(kind) = report.codes.iter().flatten().find_map(own) {
        return kind;
    }
    let by_status = match status {
        Some(401) => return ErrorKind::Authentication,
        Some(402) => ErrorKind::QuotaExhausted,
        Some(403) => ErrorKind::Permission,
        Some(404) => ErrorKind::ModelNotFound,
        Some(408 | 504 | 524) => ErrorKind::Timeout(TimeoutKind::FirstEvent),
        Some(429) => ErrorKind::RateLimited,
        Some(451) => ErrorKind::ContentFiltered,
        Some(503 | 529) => ErrorKind::Overloaded,
        Some(500..) => ErrorKind::Server,
        Some(400..) => ErrorKind::InvalidRequest,
        _ => ErrorKind::Server,
    };
    let codes = report.codes.iter().flatten();
    let by_code = codes
        .map(|code| code.to_ascii_lowercase())
        .find_map(|code| {
            let row = CODES
                .iter()
                .find(|(_, codes)| codes.iter().any(|it| is_code(it, &code)));
            row.map(|(kind, _)| *kind)
        });
    let by_phrase = || {
        let message = report.message.to_ascii_lowercase();
        let row = PHRASES
            .iter()
            .find(|(_, words)| words.iter().all(|word| message.contains(word)));
        row.map(|(kind, _)| *kind)
    };
    let invalid = report
        .codes
        .iter()
        .flatten()
        .any(|it| it.contains("invalid_request"));
    match (by_status, by_code) {
        // A type says no more than that the server failed; the status does.
        (ErrorKind::Overloaded | ErrorKind::Timeout(_), Some(ErrorKind::Server)) => by_status,
        // Too many tokens for a minute, not for the context.
        (ErrorKind::RateLimited, None) => match by_phrase() {
            Some(ErrorKind::QuotaExhausted) => ErrorKind::QuotaExhausted,
            _ => by_status,
        },
        (ErrorKind::Overloaded | ErrorKind::Timeout(_), None) => by_status,
        (_, Some(kind)) => kind,
        (_, None) => match by_phrase() {
            Some(kind) => kind,
            None if status.is_none() && invalid => ErrorKind::InvalidRequest,
            None => by_status,
        },
    }
}

fn is_code(pattern: &str, code: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == code,
        Some((head, tail)) => code
            .strip_prefix(head)
            .is_some_and(|rest| rest.ends_with(tail)),
    }
}

/// Finds the report in a body, in any of the shapes that are about.
fn report(body: &Value) -> Option<Report> {
    let body = match body {
        Value::Array(list) => list.first()?,
        body => body,
    };
    let map = body.as_object()?;
    let request_id = ["request_id", "requestId"]
        .iter()
        .find_map(|key| text_or_number(map.get(*key)?));
    let outer = |key: &str| map.get(key).and_then(code);
    let mut found = match map.get("error") {
        Some(Value::Object(error)) if !error.is_empty() => {
            let message = ["message", "msg", "detail", "details"];
            Report {
                message: message
                    .iter()
                    .find_map(|key| text(error.get(*key)?))
                    .unwrap_or_else(|| Value::Object(error.clone()).to_string()),
                codes: [
                    error.get("code").and_then(code),
                    ["type", "status"]
                        .iter()
                        .find_map(|key| code(error.get(*key)?)),
                ],
                request_id: None,
            }
        }
        Some(Value::String(message)) if !message.is_empty() => Report {
            message: message.clone(),
            codes: [outer("code"), outer("type")],
            request_id: None,
        },
        Some(list @ Value::Array(items)) if !items.is_empty() => {
            let first = json!({ "error": items.first() });
            report(&first).unwrap_or_else(|| Report {
                message: list.to_string(),
                ..Report::default()
            })
        }
        Some(Value::Bool(true)) => Report {
            message: text(map.get("message")?)?,
            codes: [outer("code"), outer("type")],
            request_id: None,
        },
        _ => bare(map)?,
    };
    found.request_id = found.request_id.or(request_id);
    Some(found)
}

/// A report without an `error` around it.
fn bare(map: &serde_json::Map<String, Value>) -> Option<Report> {
    let get = |key: &str| map.get(key);
    let made = |message: &str, codes: [&str; 2]| {
        Some(Report {
            message: get(message).and_then(text).unwrap_or_default(),
            codes: codes.map(|key| get(key).and_then(code)),
            request_id: None,
        })
    };
    let says = |key: &str| get(key).and_then(code).is_some_and(|code| code != "0");
    if let Some(Value::Object(inner)) = get("base_resp") {
        let status = inner.get("status_code").and_then(code)?;
        return (status != "0").then(|| Report {
            message: inner.get("status_msg").and_then(text).unwrap_or_default(),
            codes: [Some(status), None],
            request_id: None,
        });
    }
    if says("error_code") {
        return made("error_msg", ["error_code", "error_type"]);
    }
    // What has choices is an answer, whatever else it says.
    if get("choices").is_some_and(Value::is_array) {
        return None;
    }
    if get("detail").is_some_and(|it| !it.is_null()) {
        return made("detail", ["code", "type"]);
    }
    let failed = get("success") == Some(&Value::Bool(false));
    let error = get("object").and_then(Value::as_str) == Some("error");
    if failed || error || says("code") || get("type").and_then(code).is_some() {
        let key = if get("message").is_some() {
            "message"
        } else {
            "msg"
        };
        get(key)?;
        return made(key, ["code", "type"]);
    }
    let message = get("message").filter(|it| it.is_string())?;
    (map.len() <= 3).then(|| Report {
        message: text(message).unwrap_or_default(),
        ..Report::default()
    })
}

fn code(value: &Value) -> Option<String> {
    text_or_number(value)
}

/// The message in a value that may be a text, an object with one, or a list.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Object(map) => {
            let inner = ["message", "msg", "detail"].iter();
            inner
                .filter_map(|key| map.get(*key))
                .find_map(text)
                .or_else(|| (!map.is_empty()).then(|| value.to_string()))
        }
        Value::Array(list) => {
            let texts: Vec<String> = list.iter().filter_map(text).collect();
            (!texts.is_empty()).then(|| texts.join("; "))
        }
        _ => None,
    }
}

/// The beginning of a body that is text and no page.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    match text.starts_with('<') {
        true => String::new(),
        false => text.chars().take(300).collect(),
    }
}

/// How kinds of error are reported: status, type and code.
const REPORTS: &[(ErrorKind, u16, &str, Option<&str>)] = &[
    (
        ErrorKind::Authentication,
        401,
        "invalid_request_error",
        Some("invalid_api_key"),
    ),
    (
        ErrorKind::Permission,
        403,
        "invalid_request_error",
        Some("insufficient_permissions"),
    ),
    (
        ErrorKind::ModelNotFound,
        404,
        "invalid_request_error",
        Some("model_not_found"),
    ),
    (
        ErrorKind::ContextTooLong,
        400,
        "invalid_request_error",
        Some("context_length_exceeded"),
    ),
    (
        ErrorKind::ContentFiltered,
        400,
        "invalid_request_error",
        Some("content_filter"),
    ),
    (
        ErrorKind::Unsupported,
        400,
        "invalid_request_error",
        Some("unsupported_parameter"),
    ),
    (
        ErrorKind::Media,
        400,
        "invalid_request_error",
        Some("invalid_image_format"),
    ),
    (
        ErrorKind::InvalidRequest,
        400,
        "invalid_request_error",
        None,
    ),
    (ErrorKind::Validation, 400, "invalid_request_error", None),
    (
        ErrorKind::RateLimited,
        429,
        "rate_limit_error",
        Some("rate_limit_exceeded"),
    ),
    (
        ErrorKind::QuotaExhausted,
        429,
        "insufficient_quota",
        Some("insufficient_quota"),
    ),
    (
        ErrorKind::Overloaded,
        503,
        "server_error",
        Some("engine_overloaded"),
    ),
];

/// The failure in this dialect's shape.
pub(super) fn body(error: &Error) -> (u16, Value) {
    let row = REPORTS.iter().find(|row| row.0 == error.kind());
    let (status, kind, code) = match (row, error.kind()) {
        (Some(row), _) => (row.1, row.2, row.3),
        (None, ErrorKind::Timeout(_)) => (504, "server_error", Some("request_timeout")),
        (None, ErrorKind::Connection | ErrorKind::Truncated | ErrorKind::Decode) => {
            (502, "server_error", Some("upstream_error"))
        }
        _ => (500, "server_error", None),
    };
    let code = code.or(error.code());
    let body = json!({"error": {
        "message": error.message(),
        "type": kind,
        "param": null,
        "code": code,
    }});
    (status, body)
}
