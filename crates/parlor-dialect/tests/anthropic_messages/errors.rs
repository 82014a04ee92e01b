//! Failures, both ways.

use super::*;
use parlor_dialect::WireError;

fn error(status: u16, body: &str) -> Error {
    AnthropicMessages::default().read_error(&WireError::new(status, &[], body.as_bytes()))
}

fn typed(status: u16, kind: &str, message: &str) -> Error {
    let body = json!({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"});
    error(status, &body.to_string())
}

#[test]
fn types_and_statuses_have_their_kinds() {
    for (status, kind, wanted) in [
        (400, "invalid_request_error", ErrorKind::InvalidRequest),
        (401, "authentication_error", ErrorKind::Authentication),
        (402, "billing_error", ErrorKind::QuotaExhausted),
        (403, "permission_error", ErrorKind::Permission),
        (404, "not_found_error", ErrorKind::ModelNotFound),
        (409, "conflict_error", ErrorKind::Server),
        (413, "request_too_large", ErrorKind::InvalidRequest),
        (422, "", ErrorKind::InvalidRequest),
        (429, "rate_limit_error", ErrorKind::RateLimited),
        (500, "api_error", ErrorKind::Server),
        (500, "overloaded_error", ErrorKind::Overloaded),
        (503, "", ErrorKind::Overloaded),
        (504, "timeout_error", ErrorKind::Server),
        (529, "overloaded_error", ErrorKind::Overloaded),
        (418, "teapot", ErrorKind::InvalidRequest),
        (200, "rate_limit_error", ErrorKind::RateLimited),
    ] {
        let error = typed(status, kind, "said");
        assert_eq!(error.kind(), wanted, "{status} {kind}");
        assert_eq!((error.message(), error.status()), ("said", Some(status)));
        assert_eq!(error.request_id(), Some("req_1"));
        assert_eq!(error.code(), Some(kind).filter(|it| !it.is_empty()));
    }
}

#[test]
fn codes_and_known_wordings_say_more() {
    let body = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "m", "details": {"error_code": "enforced_spend_limit_reached"}}});
    let spent = error(429, &body.to_string());
    assert_eq!(
        (spent.kind(), spent.code()),
        (
            ErrorKind::QuotaExhausted,
            Some("enforced_spend_limit_reached")
        )
    );
    assert_eq!(spent.retry(), Retry::Never);
    for (message, kind) in [
        (
            "prompt is too long: 210000 tokens > 200000 maximum",
            ErrorKind::ContextTooLong,
        ),
        (
            "input length and `max_tokens` exceed context limit: 1 + 2 > 2",
            ErrorKind::ContextTooLong,
        ),
        // A gateway in front of another provider's model.
        (
            "BadRequestError: This model's maximum context length is 8 tokens.",
            ErrorKind::ContextTooLong,
        ),
        (
            "request (9 tokens) exceeds the available context size (8 tokens), try increasing it",
            ErrorKind::ContextTooLong,
        ),
        (
            "Your credit balance is too low to access the Claude API.",
            ErrorKind::QuotaExhausted,
        ),
        ("max_tokens: Field required", ErrorKind::InvalidRequest),
    ] {
        assert_eq!(
            typed(400, "invalid_request_error", message).kind(),
            kind,
            "{message}"
        );
    }
}

#[test]
fn errors_come_in_many_forms() {
    for (body, message, code) in [
        (r#"{"error":"plain"}"#, "plain", None),
        (
            r#"{"error":{"message":"m","code":1302}}"#,
            "m",
            Some("1302"),
        ),
        (r#"[{"error":{"message":"m","type":"t"}}]"#, "m", Some("t")),
        (r#"{"error":[{"message":"m"}]}"#, "m", None),
        (r#"{"message":"m","code":null}"#, "m", None),
        (r#"{"detail":"m"}"#, "m", None),
        (r#"{"detail":[{"msg":"m"}]}"#, "m", None),
        ("busy", "busy", None),
        (
            "<html>Bad gateway</html>",
            "the server answered with status 502",
            None,
        ),
        ("", "the server answered with status 502", None),
        ("{\"error\":{\"message\":\"a\\ud83d\"}}", "a\u{FFFD}", None),
    ] {
        let error = error(502, body);
        assert_eq!((error.message(), error.code()), (message, code), "{body}");
        assert_eq!(error.kind(), ErrorKind::Server, "{body}");
    }
    let headers = [("request-id".to_owned(), "req_9".to_owned())];
    let wire = WireError::new(500, &headers, b"{}");
    let error = AnthropicMessages::default().read_error(&wire);
    assert_eq!(error.request_id(), Some("req_9"));
}

#[test]
fn an_error_in_the_place_of_an_answer_is_that_error() {
    let body = json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}});
    let error = whole(&body).unwrap_err();
    assert_eq!(
        (error.kind(), error.message()),
        (ErrorKind::Overloaded, "busy")
    );
    assert_eq!(
        (error.provider(), error.model()),
        (Some("anthropic"), Some(MODEL))
    );
}

#[test]
fn every_kind_is_written_and_read_again() {
    for (kind, status, written) in [
        (ErrorKind::InvalidRequest, 400, "invalid_request_error"),
        (ErrorKind::ContextTooLong, 400, "invalid_request_error"),
        (ErrorKind::Authentication, 401, "authentication_error"),
        (ErrorKind::QuotaExhausted, 402, "billing_error"),
        (ErrorKind::Permission, 403, "permission_error"),
        (ErrorKind::ModelNotFound, 404, "not_found_error"),
        (ErrorKind::RateLimited, 429, "rate_limit_error"),
        (ErrorKind::Overloaded, 529, "overloaded_error"),
        (ErrorKind::Timeout(TimeoutKind::Idle), 504, "timeout_error"),
        (ErrorKind::Truncated, 500, "api_error"),
    ] {
        let error = Error::new(kind, "m")
            .with_request_id("req_1")
            .with_code("vendor_code");
        let (got, body) = AnthropicMessages::default().write_error(&error);
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (got, body["error"]["type"].as_str()),
            (status, Some(written))
        );
        assert_eq!(body["error"]["details"]["error_code"], "vendor_code");
        assert_eq!(body["request_id"], "req_1");
    }
    let upstream = Error::new(ErrorKind::Server, "m").with_status(503);
    assert_eq!(AnthropicMessages::default().write_error(&upstream).0, 503);
}
