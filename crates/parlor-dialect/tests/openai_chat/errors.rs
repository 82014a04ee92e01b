//! Failures: by status, by body, in the middle of a stream; and as written.

use super::*;
use parlor_dialect::WireError;

fn failed(status: u16, body: &str) -> Error {
    let error = WireError::new(status, &[], body.as_bytes());
    OpenAiChat::default().read_error(&error)
}

fn of(status: u16, error: Value) -> ErrorKind {
    failed(status, &json!({ "error": error }).to_string()).kind()
}

#[test]
fn the_code_is_text_number_or_nothing() {
    for (code, wanted) in [
        (json!("rate_limit_exceeded"), Some("rate_limit_exceeded")),
        (json!(429), Some("429")),
        (json!(null), Some("requests")),
    ] {
        let error = failed(
            429,
            &json!({"error": {"message": "slow", "type": "requests", "code": code}}).to_string(),
        );
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::RateLimited, wanted)
        );
        assert_eq!((error.message(), error.status()), ("slow", Some(429)));
        assert_eq!(error.retry(), Retry::Later(None));
    }
    let bare = failed(400, r#"{"error":{"message":"no"}}"#);
    assert_eq!(
        (bare.kind(), bare.code()),
        (ErrorKind::InvalidRequest, None)
    );
}

#[test]
fn the_report_has_many_shapes() {
    for (body, message, code) in [
        (r#"{"error":{"message":"no","code":"c"}}"#, "no", Some("c")),
        (r#"{"error":"no"}"#, "no", None),
        (r#"{"error":["no"]}"#, "no", None),
        (r#"{"error":[{"message":"no","code":3}]}"#, "no", Some("3")),
        (
            r#"[{"error":{"code":400,"message":"no","status":"INVALID"}}]"#,
            "no",
            Some("400"),
        ),
        (
            r#"{"object":"error","message":"no","type":"t","code":3}"#,
            "no",
            Some("3"),
        ),
        (
            r#"{"object":"error","message":{"detail":[{"msg":"no"}]},"type":"t"}"#,
            "no",
            Some("t"),
        ),
        (r#"{"detail":[{"msg":"no","loc":["body"]}]}"#, "no", None),
        (r#"{"detail":"no"}"#, "no", None),
        (r#"{"message":"no"}"#, "no", None),
        (
            r#"{"code":"c","message":"no","request_id":"r"}"#,
            "no",
            Some("c"),
        ),
        (
            r#"{"code":400,"message":"no","type":"Bad Request"}"#,
            "no",
            Some("400"),
        ),
        (r#"{"success":false,"message":"no"}"#, "no", None),
        (
            r#"{"code":20012,"message":"no","data":null}"#,
            "no",
            Some("20012"),
        ),
        (
            r#"{"base_resp":{"status_code":1004,"status_msg":"no"},"choices":null}"#,
            "no",
            Some("1004"),
        ),
        (
            r#"{"error_code":336003,"error_msg":"no"}"#,
            "no",
            Some("336003"),
        ),
        (r#""no""#, "no", None),
        ("no", "no", None),
        ("", "the server answered with status 400", None),
        (
            "<html>x</html>",
            "the server answered with status 400",
            None,
        ),
        ("{}", "the server answered with status 400", None),
    ] {
        let error = failed(400, body);
        assert_eq!((error.message(), error.code()), (message, code), "{body}");
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{body}");
    }
    let error = failed(
        401,
        r#"{"code":"InvalidApiKey","message":"no","request_id":"r-1"}"#,
    );
    assert_eq!(
        (error.kind(), error.request_id()),
        (ErrorKind::Authentication, Some("r-1"))
    );
}

#[test]
fn the_kind_follows_from_the_status_first() {
    for (status, wanted) in [
        (400, ErrorKind::InvalidRequest),
        (401, ErrorKind::Authentication),
        (402, ErrorKind::QuotaExhausted),
        (403, ErrorKind::Permission),
        (404, ErrorKind::ModelNotFound),
        (408, ErrorKind::Timeout(TimeoutKind::FirstEvent)),
        (422, ErrorKind::InvalidRequest),
        (429, ErrorKind::RateLimited),
        (451, ErrorKind::ContentFiltered),
        (500, ErrorKind::Server),
        (502, ErrorKind::Server),
        (503, ErrorKind::Overloaded),
        (504, ErrorKind::Timeout(TimeoutKind::FirstEvent)),
        (529, ErrorKind::Overloaded),
    ] {
        assert_eq!(of(status, json!({"message": "x"})), wanted, "{status}");
        // A type that says nothing new changes nothing.
        let error = json!({"message": "x", "type": "invalid_request_error"});
        assert_eq!(of(status, error), wanted, "{status}");
    }
    // A server's failure with a status that says more.
    assert_eq!(
        of(503, json!({"message": "x", "type": "server_error"})),
        ErrorKind::Overloaded
    );
    let page = failed(404, "<html>nginx</html>");
    assert_eq!(page.kind(), ErrorKind::Configuration);
    assert!(page.help().contains("base URL") && page.body().unwrap().contains("nginx"));
    let no_path = json!({"error": {"message": "Invalid URL (POST /chat/completions)",
        "type": "invalid_request_error", "param": null, "code": null}});
    let no_path = failed(404, &no_path.to_string());
    assert_eq!(no_path.kind(), ErrorKind::Configuration);
    assert!(no_path.help().contains("base URL"), "{no_path:?}");
}

#[test]
fn used_up_money_is_no_rate_limit() {
    for code in [
        "insufficient_quota",
        "credit_balance_exhausted",
        "exceeded_current_quota_error",
    ] {
        let error = failed(
            429,
            &json!({"error": {"message": "pay", "type": code, "code": code}}).to_string(),
        );
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::QuotaExhausted, Retry::Never)
        );
    }
    assert_eq!(
        of(429, json!({"message": "You exceeded your current quota"})),
        ErrorKind::QuotaExhausted
    );
    assert_eq!(
        of(
            429,
            json!({"message": "x", "type": "engine_overloaded_error"})
        ),
        ErrorKind::Overloaded
    );
    assert_eq!(
        of(400, json!({"message": "x", "code": "Arrearage"})),
        ErrorKind::QuotaExhausted
    );
}

#[test]
fn what_the_body_says_of_a_bad_request() {
    for (error, wanted) in [
        (
            json!({"code": "context_length_exceeded", "message": "x"}),
            ErrorKind::ContextTooLong,
        ),
        (
            json!({"type": "exceed_context_size_error", "code": 400, "message": "x"}),
            ErrorKind::ContextTooLong,
        ),
        (
            json!({"message": "This model's maximum context length is 8192 tokens."}),
            ErrorKind::ContextTooLong,
        ),
        (
            json!({"code": "content_filter", "message": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}),
            ErrorKind::ContentFiltered,
        ),
        (
            json!({"code": "data_inspection_failed", "message": "x"}),
            ErrorKind::ContentFiltered,
        ),
        (
            json!({"code": "InputTextSensitiveContentDetected.Violence", "message": "x"}),
            ErrorKind::ContentFiltered,
        ),
        (
            json!({"code": "model_not_found", "message": "x"}),
            ErrorKind::ModelNotFound,
        ),
        (
            json!({"code": 400, "message": "a/b is not a valid model ID"}),
            ErrorKind::ModelNotFound,
        ),
        (
            json!({"code": "unsupported_parameter", "param": "max_tokens", "message": "x"}),
            ErrorKind::Unsupported,
        ),
        (
            json!({"code": "invalid_image_url", "message": "x"}),
            ErrorKind::Media,
        ),
        (
            json!({"status": "INVALID_ARGUMENT", "code": 400, "message": "API key not valid."}),
            ErrorKind::Authentication,
        ),
        (
            json!({"type": "tokens", "code": "x", "message": "slow"}),
            ErrorKind::RateLimited,
        ),
    ] {
        assert_eq!(of(400, error.clone()), wanted, "{error}");
    }
    assert_eq!(
        of(404, json!({"code": "DeploymentNotFound", "message": "x"})),
        ErrorKind::ModelNotFound
    );
    assert_eq!(
        of(
            403,
            json!({"code": "moderation", "message": "flagged by moderation"})
        ),
        ErrorKind::ContentFiltered
    );
}

#[test]
fn a_filter_says_what_it_found() {
    let found = json!({
        "hate": {"filtered": true, "severity": "high"},
        "jailbreak": {"filtered": true, "detected": true},
        "sexual": {"filtered": false, "severity": "safe"},
    });
    for inner in ["innererror", "inner_error"] {
        let error = json!({"code": "content_filter", "message": "x",
            inner: {"code": "ResponsibleAIPolicyViolation", "content_filter_result": found}});
        let error = failed(400, &json!({ "error": error }).to_string());
        assert_eq!(error.kind(), ErrorKind::ContentFiltered);
        assert_eq!(error.message(), "x (filtered for hate: high, jailbreak)");
    }
}

#[test]
fn a_host_has_help_of_its_own() {
    let help = json!({"error_help": {"model_not_found": "Deploy it.", "Gone": "It went."}});
    let dialect = dialect(help);
    let read = |code: &str| {
        let body = json!({"error": {"code": code, "message": "x"}}).to_string();
        let error = dialect.read_error(&WireError::new(404, &[], body.as_bytes()));
        error.help().to_owned()
    };
    assert_eq!(
        (read("Gone").as_str(), read("y").as_str()),
        ("It went.", "Deploy it.")
    );
}

#[test]
fn a_host_has_codes_of_its_own() {
    let dialect =
        dialect(json!({"error_codes": {"1113": "quota_exhausted", "1301": "content_filtered"}}));
    let read = |code: &str| {
        let body = json!({"error": {"code": code, "message": "x"}}).to_string();
        dialect
            .read_error(&WireError::new(429, &[], body.as_bytes()))
            .kind()
    };
    assert_eq!(
        (read("1113"), read("1301")),
        (ErrorKind::QuotaExhausted, ErrorKind::ContentFiltered)
    );
    assert_eq!(read("1302"), ErrorKind::RateLimited);
    let wrong = overridden(Quirks::default(), &json!({"error_codes": {"1": "sad"}}));
    assert!(
        wrong
            .unwrap_err()
            .message()
            .contains("unknown kind of error `sad`")
    );
}

#[test]
fn every_kind_is_written_so_that_it_is_read_again() {
    for kind in [
        ErrorKind::Authentication,
        ErrorKind::Permission,
        ErrorKind::ModelNotFound,
        ErrorKind::InvalidRequest,
        ErrorKind::Unsupported,
        ErrorKind::ContextTooLong,
        ErrorKind::ContentFiltered,
        ErrorKind::RateLimited,
        ErrorKind::QuotaExhausted,
        ErrorKind::Overloaded,
        ErrorKind::Server,
        ErrorKind::Timeout(TimeoutKind::FirstEvent),
        ErrorKind::Media,
    ] {
        let (status, body) = OpenAiChat::default().write_error(&Error::new(kind, "what"));
        let read = OpenAiChat::default().read_error(&WireError::new(status, &[], &body));
        assert_eq!((read.kind(), read.message()), (kind, "what"));
        let mut out: Vec<(Option<String>, Vec<u8>)> = Vec::new();
        OpenAiChat::default()
            .encoder()
            .fail(&Error::new(kind, "what"), &mut out);
        let frame = serde_json::from_slice(&out[0].1).unwrap();
        let again = broken(&[frame]).1;
        assert_eq!(again.message(), "what");
        if kind != ErrorKind::InvalidRequest {
            assert_eq!(again.kind(), kind);
        }
    }
    let (status, _) = OpenAiChat::default().write_error(&Error::truncated());
    assert_eq!(status, 502);
    let odd = Error::new(ErrorKind::Unexpected, "what").with_code("mine");
    let (status, body) = OpenAiChat::default().write_error(&odd);
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["error"]["code"]), (500, &json!("mine")));
}

#[test]
fn a_hosts_own_statuses_count_after_its_codes() {
    let mut quirks = Quirks::compatible();
    quirks.know_codes(&[
        (ErrorKind::Permission, &["434"]),
        (ErrorKind::QuotaExhausted, &["1113"]),
    ]);
    let dialect = OpenAiChat::new(quirks);
    let kind = |body: &Value| {
        let body = body.to_string();
        let error = WireError::new(434, &[], body.as_bytes());
        dialect.read_error(&error).kind()
    };
    assert_eq!(kind(&json!({"message": "no"})), ErrorKind::Permission);
    let coded = json!({"error": {"code": "1113", "message": "no"}});
    assert_eq!(kind(&coded), ErrorKind::QuotaExhausted);
}
