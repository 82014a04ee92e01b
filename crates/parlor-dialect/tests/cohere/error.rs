//! Failures.

use parlor_core::*;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::{Dialect, ServerDialect, WireError};
use serde_json::{Value, json};

fn read(status: u16, body: &str) -> Error {
    let headers = [("x-debug-trace-id".to_owned(), "t-1".to_owned())];
    Cohere::default().read_error(&WireError::new(status, &headers, body.as_bytes()))
}

#[test]
fn kinds_follow_from_the_status_and_then_from_the_text() {
    for (status, message, kind) in [
        (400, "invalid request: x", ErrorKind::InvalidRequest),
        (
            400,
            "too many tokens: size limit exceeded by 10 tokens",
            ErrorKind::ContextTooLong,
        ),
        (401, "invalid api token", ErrorKind::Authentication),
        (402, "billing limit reached", ErrorKind::QuotaExhausted),
        (403, "forbidden", ErrorKind::Permission),
        (404, "model 'x' not found", ErrorKind::ModelNotFound),
        (422, "unprocessable", ErrorKind::InvalidRequest),
        (
            429,
            "You are using a Trial key, which is limited to 20 API calls / minute.",
            ErrorKind::RateLimited,
        ),
        (
            429,
            "You are using a Trial key, which is limited to 1000 API calls / month.",
            ErrorKind::QuotaExhausted,
        ),
        (498, "invalid token: blocked", ErrorKind::InvalidRequest),
        (499, "closed", ErrorKind::Cancelled),
        (500, "internal", ErrorKind::Server),
        (501, "not implemented", ErrorKind::Unsupported),
        (503, "unavailable", ErrorKind::Overloaded),
        (504, "late", ErrorKind::Timeout(TimeoutKind::FirstEvent)),
    ] {
        let error = read(status, &json!({"id": "x", "message": message}).to_string());
        assert_eq!((error.kind(), error.message()), (kind, message));
        assert_eq!(error.status(), Some(status));
        assert_eq!(error.request_id(), Some("t-1"));
    }
    assert_eq!(
        read(502, "<html>").message(),
        "the server answered with status 502"
    );
    assert_eq!(read(404, "<html>").kind(), ErrorKind::Configuration);
    assert_eq!(read(422, r#"{"message": "m", "data": "d"}"#).message(), "m");
}

#[test]
fn a_failure_comes_back_as_it_was() {
    for kind in [
        ErrorKind::InvalidRequest,
        ErrorKind::Authentication,
        ErrorKind::QuotaExhausted,
        ErrorKind::Permission,
        ErrorKind::ModelNotFound,
        ErrorKind::ContextTooLong,
        ErrorKind::RateLimited,
        ErrorKind::Overloaded,
        ErrorKind::Unsupported,
        ErrorKind::Cancelled,
        ErrorKind::Server,
    ] {
        let (status, body) = Cohere::default().write_error(&Error::new(kind, "no"));
        let error = Cohere::default().read_error(&WireError::new(status, &[], &body));
        assert_eq!(error.kind(), kind, "{status}");
    }
    let (status, body) = Cohere::default().write_error(&Error::new(ErrorKind::Decode, "x"));
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, body), (502, json!({"message": "x"})));
}
