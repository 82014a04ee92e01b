//! Failures, both ways: what a host's report means, and how parlor reports.

mod tables;

use self::tables::{CODES, PHRASES, REPORTS};
use super::quirks::ErrorWord;
use crate::dialect::WireError;
use crate::report::{Report, plain, report, text};
use parlor_core::{Error, ErrorKind, TimeoutKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a host's own codes mean, where they aren't those of the dialect.
type Own = BTreeMap<String, ErrorWord>;

/// Reads a failure by status and body.
pub(crate) fn read(error: &WireError<'_>, own: &Own) -> Error {
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
    // Of a path that it doesn't know OpenAI says so in JSON, by no code.
    let no_path = report
        .codes
        .iter()
        .flatten()
        .all(|it| it == "invalid_request_error")
        && report.message.starts_with("Invalid URL");
    let mut out = build(report, Some(error.status), own).with_status(error.status);
    if (page || no_path) && error.status == 404 {
        out = out
            .with_kind(ErrorKind::Configuration)
            .with_help("Check the base URL: this address knows no such path.");
    }
    out.with_body(error.body)
}

/// The failure with what the host's table says to do about it.
pub(crate) fn helped(error: Error, table: &BTreeMap<String, String>) -> Error {
    let by_code = error.code().and_then(|code| table.get(code));
    match by_code.or_else(|| table.get(error.kind().as_str())) {
        Some(help) => error.with_help(help.clone()),
        None => error,
    }
}

/// Reads a failure that stands in the body of a success, if there is one.
pub(crate) fn in_band(body: &Value, own: &Own) -> Option<Error> {
    let mut error = build(report(body)?, None, own);
    if let Ok(text) = serde_json::to_vec(body) {
        error = error.with_body(&text);
    }
    Some(error)
}

fn build(report: Report, status: Option<u16>, own: &Own) -> Error {
    // A number that is an HTTP status stands for one; other numbers are the
    // host's own.
    let meant = report.codes.iter().flatten();
    let meant = meant
        .filter_map(|code| code.parse().ok())
        .find(|code| (400..600).contains(code));
    let kind = kind(&report, status.or(meant), own);
    let message = match (report.message.trim().is_empty(), status) {
        (true, Some(status)) => format!("the server answered with status {status}"),
        (true, None) => "the server reported an error".to_owned(),
        (false, _) => report.message,
    };
    let message = match report.filtered.is_empty() {
        true => message,
        false => format!("{message} (filtered for {})", report.filtered.join(", ")),
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
fn kind(report: &Report, status: Option<u16>, own: &Own) -> ErrorKind {
    let word = |code: &String| {
        let begins = || {
            let all = own.iter().filter(|(pattern, _)| {
                let start = pattern.strip_suffix('*');
                start.is_some_and(|start| code.starts_with(start))
            });
            all.max_by_key(|(pattern, _)| pattern.len())
        };
        let word = own.get(code).or_else(|| begins().map(|(_, word)| word));
        word.map(|word| word.0)
    };
    let of_status = || word(&status?.to_string());
    let of_code = report.codes.iter().flatten().find_map(word);
    if let Some(kind) = of_code.or_else(of_status) {
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

/// The field of the request that a code is about, where it is about one.
fn param(code: &str) -> Option<&'static str> {
    (code == "previous_response_not_found").then_some("previous_response_id")
}

/// The failure in this dialect's shape.
pub(crate) fn body(error: &Error) -> (u16, Value) {
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
        "param": code.and_then(param),
        "code": code,
    }});
    (status, body)
}
