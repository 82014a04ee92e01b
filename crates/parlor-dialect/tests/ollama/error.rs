//! Failures, both ways.

use crate::support::*;
use parlor_core::*;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::{Dialect, Encoder, ServerDialect, WireError};

#[test]
fn statuses_and_texts_tell_the_kind() {
    let rows: &[(u16, &str, ErrorKind)] = &[
        (
            400,
            r#"{"error":"\"m\" does not support thinking"}"#,
            ErrorKind::Unsupported,
        ),
        (
            400,
            r#"{"error":"model is required"}"#,
            ErrorKind::InvalidRequest,
        ),
        (
            400,
            r#"{"error":"the input length exceeds the context length"}"#,
            ErrorKind::ContextTooLong,
        ),
        (
            401,
            r#"{"error":"unauthorized","signin_url":"https://x.example"}"#,
            ErrorKind::Authentication,
        ),
        (
            403,
            r#"{"error":"this model requires a subscription"}"#,
            ErrorKind::Permission,
        ),
        (
            404,
            r#"{"error":"model \"m\" not found, try pulling it first"}"#,
            ErrorKind::ModelNotFound,
        ),
        (404, "404 page not found", ErrorKind::Configuration),
        (
            429,
            r#"{"error":"you have reached your hourly usage limit"}"#,
            ErrorKind::RateLimited,
        ),
        (499, r#"{"error":"cancelled"}"#, ErrorKind::Cancelled),
        (
            500,
            r#"{"error":"llama runner process has terminated"}"#,
            ErrorKind::Server,
        ),
        (502, "<html>bad gateway</html>", ErrorKind::Server),
        (
            503,
            r#"{"error":"server busy, please try again.  maximum pending requests exceeded"}"#,
            ErrorKind::Overloaded,
        ),
        (418, "", ErrorKind::InvalidRequest),
    ];
    for (status, body, kind) in rows {
        let error = Ollama::default().read_error(&WireError::new(*status, &[], body.as_bytes()));
        assert_eq!(
            (error.kind(), error.status()),
            (*kind, Some(*status)),
            "{body}"
        );
        assert!(!error.message().contains('<'));
    }
    let read = |status, body: &str| {
        Ollama::default().read_error(&WireError::new(status, &[], body.as_bytes()))
    };
    let missing = read(404, r#"{"error":"model 'm' not found"}"#);
    assert_eq!(missing.message(), "model 'm' not found");
    assert!(missing.help().contains("ollama pull"));
    let memory = read(
        500,
        r#"{"error":"model requires more system memory (9 GiB) than is available"}"#,
    );
    assert_eq!(memory.retry(), Retry::Never);
}

#[test]
fn an_error_is_found_in_every_shape() {
    for (body, code) in [
        (r#"{"error":"no luck"}"#, None),
        (r#"{"error":{"message":"no luck","code":7}}"#, Some("7")),
        (r#"{"error":[{"message":"no luck","type":"t"}]}"#, Some("t")),
        (r#"[{"error":{"message":"no luck","code":"c"}}]"#, Some("c")),
        (r#"{"code":"c","message":"no luck"}"#, Some("c")),
        (r#"{"detail":"no luck"}"#, None),
        (r#"{"detail":[{"msg":"no luck"}]}"#, None),
        ("no luck", None),
    ] {
        let read = Ollama::default().read_error(&WireError::new(400, &[], body.as_bytes()));
        assert_eq!((read.message(), read.code()), ("no luck", code), "{body}");
        assert_eq!(read.kind(), ErrorKind::InvalidRequest);
    }
    for body in [r#"[{"error":"no luck"}]"#, r#"{"message":"no luck"}"#] {
        let error = decode(&[body]).unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Server, "no luck")
        );
    }
    for body in ["{}", "[]", r#"{"error":{}}"#, r#"{"error":null}"#, ""] {
        let read = Ollama::default().read_error(&WireError::new(400, &[], body.as_bytes()));
        assert!(!read.message().is_empty());
    }
}

#[test]
fn errors_are_written_so_that_they_read_back() {
    for kind in [
        ErrorKind::InvalidRequest,
        ErrorKind::Authentication,
        ErrorKind::QuotaExhausted,
        ErrorKind::Permission,
        ErrorKind::ModelNotFound,
        ErrorKind::RateLimited,
        ErrorKind::Cancelled,
        ErrorKind::Overloaded,
        ErrorKind::Server,
    ] {
        let error = Error::new(kind, "no luck");
        let (status, body) = Ollama::default().write_error(&error);
        let read = Ollama::default().read_error(&WireError::new(status, &[], &body));
        assert_eq!((read.kind(), read.message()), (kind, "no luck"));
        let mut frames: Vec<(Option<String>, Vec<u8>)> = Vec::new();
        Ollama::default().encoder().fail(&error, &mut frames);
        assert_eq!(decode(&[&frames[0].1]).unwrap_err().kind(), kind);
    }
}
