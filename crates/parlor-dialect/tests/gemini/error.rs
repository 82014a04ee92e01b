//! Failures, both ways.

use parlor_core::{Error, ErrorKind, Retry, TimeoutKind};
use parlor_dialect::gemini::Gemini;
use parlor_dialect::{Dialect, ServerDialect, WireError};
use serde_json::{Value, json};
use std::time::Duration;

fn read(status: u16, body: &str) -> Error {
    Gemini::default().read_error(&WireError::new(status, &[], body.as_bytes()))
}

fn of(status: u16, word: &str, message: &str, details: Value) -> Error {
    let body =
        json!({"error": {"code": status, "message": message, "status": word, "details": details}});
    read(status, &body.to_string())
}

#[test]
fn kinds_follow_status_word_and_details() {
    let reason =
        |it: &str| json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": it}]);
    for (error, kind) in [
        (
            of(400, "INVALID_ARGUMENT", "bad field", json!([])),
            ErrorKind::InvalidRequest,
        ),
        (
            of(400, "INVALID_ARGUMENT", "x", reason("API_KEY_INVALID")),
            ErrorKind::Authentication,
        ),
        (
            of(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                json!([]),
            ),
            ErrorKind::Authentication,
        ),
        (
            of(
                400,
                "INVALID_ARGUMENT",
                "The input token count (9) exceeds the maximum number of tokens allowed (8).",
                json!([]),
            ),
            ErrorKind::ContextTooLong,
        ),
        // A gateway in front of another provider's model.
        (
            of(
                400,
                "invalid_request_error",
                "BadRequestError: This model's maximum context length is 8 tokens.",
                json!([]),
            ),
            ErrorKind::ContextTooLong,
        ),
        (
            of(
                400,
                "FAILED_PRECONDITION",
                "User location is not supported for the API use.",
                json!([]),
            ),
            ErrorKind::Permission,
        ),
        (
            of(401, "UNAUTHENTICATED", "x", json!([])),
            ErrorKind::Authentication,
        ),
        (
            of(403, "PERMISSION_DENIED", "x", reason("SERVICE_DISABLED")),
            ErrorKind::Permission,
        ),
        (
            of(
                404,
                "NOT_FOUND",
                "models/x is not found for API version v1beta",
                json!([]),
            ),
            ErrorKind::ModelNotFound,
        ),
        (
            of(404, "NOT_FOUND", "The file is gone", json!([])),
            ErrorKind::InvalidRequest,
        ),
        (
            of(429, "RESOURCE_EXHAUSTED", "slow down", json!([])),
            ErrorKind::RateLimited,
        ),
        (of(499, "CANCELLED", "x", json!([])), ErrorKind::Cancelled),
        (of(500, "INTERNAL", "x", json!([])), ErrorKind::Server),
        (
            of(503, "UNAVAILABLE", "x", json!([])),
            ErrorKind::Overloaded,
        ),
        (
            of(504, "DEADLINE_EXCEEDED", "x", json!([])),
            ErrorKind::Server,
        ),
    ] {
        assert_eq!(error.kind(), kind, "{error}");
    }
    assert!(matches!(
        of(504, "DEADLINE_EXCEEDED", "x", json!([])).retry(),
        Retry::Later(_)
    ));
}

#[test]
fn a_quota_says_how_long_to_wait() {
    let quota = |id: &str| {
        let details = json!([
            {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"},
        ]);
        of(429, "RESOURCE_EXHAUSTED", "quota", details)
    };
    let minute = quota("GenerateRequestsPerMinutePerProjectPerModel");
    assert_eq!(minute.kind(), ErrorKind::RateLimited);
    assert_eq!(
        minute.retry(),
        Retry::Later(Some(Duration::from_secs_f64(34.4)))
    );
    assert_eq!(minute.code(), Some("RESOURCE_EXHAUSTED"));
    let day = quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier");
    assert_eq!(
        (day.kind(), day.retry()),
        (ErrorKind::QuotaExhausted, Retry::Never)
    );
}

#[test]
fn any_form_of_failure_is_read() {
    for (body, message) in [
        (
            r#"[{"error":{"code":"400","message":"m","status":"INVALID_ARGUMENT"}}]"#,
            "m",
        ),
        (r#"{"error":"m"}"#, "m"),
        (r#"{"message":"m"}"#, "m"),
        (
            r#"{"error":{"code":null,"message":null}}"#,
            "the provider answered with status 400",
        ),
        ("<html>", "the provider answered with status 400"),
        ("", "the provider answered with status 400"),
        ("[]", "the provider answered with status 400"),
    ] {
        let error = read(400, body);
        assert_eq!(
            (error.message(), error.status()),
            (message, Some(400)),
            "{body}"
        );
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
    let headers = [("x-goog-request-id".to_owned(), "q1".to_owned())];
    let error = Gemini::default().read_error(&WireError::new(500, &headers, b"x"));
    assert_eq!((error.request_id(), error.body()), (Some("q1"), Some("x")));
}

#[test]
fn a_failure_written_reads_back() {
    for (kind, again) in [
        (ErrorKind::Authentication, ErrorKind::Authentication),
        (ErrorKind::Permission, ErrorKind::Permission),
        (ErrorKind::ModelNotFound, ErrorKind::ModelNotFound),
        (ErrorKind::InvalidRequest, ErrorKind::InvalidRequest),
        (ErrorKind::RateLimited, ErrorKind::RateLimited),
        (ErrorKind::QuotaExhausted, ErrorKind::QuotaExhausted),
        (ErrorKind::Overloaded, ErrorKind::Overloaded),
        (ErrorKind::Server, ErrorKind::Server),
        (ErrorKind::Timeout(TimeoutKind::Idle), ErrorKind::Server),
        (ErrorKind::Truncated, ErrorKind::Server),
    ] {
        let error = Error::new(kind, "the model says no");
        let (status, body) = Gemini::default().write_error(&error);
        let read = read(status, std::str::from_utf8(&body).unwrap());
        assert_eq!(
            (read.kind(), read.message()),
            (again, "the model says no"),
            "{kind}"
        );
    }
    let wait = Retry::Later(Some(Duration::from_millis(1500)));
    let (status, body) =
        Gemini::default().write_error(&Error::new(ErrorKind::RateLimited, "m").with_retry(wait));
    assert_eq!(
        read(status, std::str::from_utf8(&body).unwrap()).retry(),
        wait
    );
}
