//! What an error says, keeps and costs.

use super::*;
use std::time::Duration;

#[test]
fn is_one_pointer_wide() {
    assert_eq!(size_of::<Error>(), size_of::<usize>());
}

#[test]
fn clones_share_what_they_say_and_change_apart() {
    let partial = ChatResponse {
        interrupted: true,
        ..ChatResponse::default()
    };
    let error = Error::truncated()
        .with_source(std::io::Error::other("reset"))
        .with_partial(partial);
    let mut mine = error.clone();
    assert!(std::ptr::eq(error.message(), mine.message()));
    assert!(mine.take_partial().unwrap().interrupted);
    let mine = mine.with_retry(Retry::Exhausted);
    assert_eq!(mine.source().unwrap().to_string(), "reset");
    assert_eq!(error.retry(), Retry::Later(None));
    assert!(error.partial().is_some(), "the other keeps it");
}

#[test]
fn says_who_what_and_where_to_ask() {
    let error = Error::new(ErrorKind::RateLimited, "slow down")
        .with_provider("openai")
        .with_status(429)
        .with_code("rate_limit_exceeded")
        .with_request_id("req_1")
        .with_retry(Retry::Later(Some(Duration::from_secs(2))));
    assert_eq!(
        error.to_string(),
        "openai: slow down (429, rate_limit_exceeded, request req_1)"
    );
    let json = serde_json::to_value(&error).unwrap();
    assert_eq!(json["retry"]["after_ms"], 2000);
    assert_eq!(json["partial"], serde_json::Value::Null);
}

#[test]
fn the_status_is_told_once() {
    let error = Error::new(ErrorKind::Server, "the server answered with status 502");
    let error = error.with_status(502);
    assert_eq!(error.to_string(), "the server answered with status 502");
    let error = Error::new(ErrorKind::Server, "no").with_status(502);
    assert_eq!(error.to_string(), "no (502)");
}

fn said(text: &str) -> ChatResponse {
    let mut choice = crate::Choice::new(0);
    choice.message = crate::Message::assistant(text);
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    response
}

#[test]
fn help_speaks_only_of_what_is_there() {
    let server = Error::new(ErrorKind::Server, "no");
    assert!(!server.help().contains("request id"), "{server:?}");
    let server = server.with_request_id("req_1");
    assert!(server.help().contains("request id"), "{server:?}");
    for kind in [ErrorKind::Truncated, ErrorKind::Cancelled] {
        let error = Error::new(kind, "cut").with_partial(ChatResponse::default());
        assert!(!error.help().contains("partial"), "{error:?}");
        let error = error.with_partial(said("So"));
        assert!(error.help().contains("partial answer is kept"), "{error:?}");
    }
}

#[test]
fn a_long_body_is_cut_even_inside_a_character() {
    let body = "é".repeat(BODY_LIMIT);
    let error = Error::decode("x").with_body(&body.as_bytes()[1..]);
    assert!(error.body().unwrap().len() <= BODY_LIMIT + 6);
}

#[test]
fn a_long_message_is_shown_in_part_and_kept_whole() {
    let message = "é".repeat(600);
    let error = Error::new(ErrorKind::InvalidRequest, message.clone()).with_status(400);
    let head = "é".repeat(500);
    assert_eq!(
        error.to_string(),
        format!("{head}… (100 more characters) (400)")
    );
    assert_eq!(error.message(), message);
    assert_eq!(format!("{error:#}"), format!("{message} (400)"));
    let json = serde_json::to_value(&error).unwrap();
    assert_eq!(json["message"], message);

    let shorter = error.clone().with_message_limit(3);
    assert_eq!(shorter.to_string(), "ééé… (597 more characters) (400)");
    let enough = error.with_message_limit(600);
    assert_eq!(enough.to_string(), format!("{message} (400)"));
    // All that is wrong in a file is told at once.
    let many = Error::new(ErrorKind::Configuration, message.clone());
    assert_eq!(many.to_string(), message);
    assert_eq!(
        many.with_message_limit(0).to_string(),
        "… (600 more characters)"
    );
}

#[test]
fn a_tool_s_failure_names_the_tool_and_the_cause() {
    let error = Error::tool("weather", std::io::Error::other("no station answers"));
    assert_eq!(error.kind(), ErrorKind::Tool);
    assert_eq!(
        error.to_string(),
        "the tool `weather` failed: no station answers"
    );
    assert_eq!(error.tool_name(), Some("weather"));
    assert_eq!(error.source().unwrap().to_string(), "no station answers");
}

#[test]
fn every_kind_has_a_word_a_message_and_help() {
    use ErrorKind::*;
    let kinds = [
        (Configuration, "configuration"),
        (Connection, "connection"),
        (Decode, "decode"),
        (Tool, "tool"),
        (Media, "media"),
        (ModelNotFound, "model_not_found"),
        (ContextTooLong, "context_too_long"),
        (Validation, "validation"),
    ];
    let mut helps = std::collections::BTreeSet::new();
    for (kind, word) in kinds {
        let error = Error::new(kind, "what failed")
            .with_model("quick-1")
            .with_body(b"the answer");
        let json = serde_json::to_value(&error).unwrap();
        assert_eq!(json["kind"], word);
        assert_eq!(error.message(), "what failed");
        assert_eq!(error.body(), Some("the answer"));
        assert!(error.help().ends_with('.'), "{word}: {}", error.help());
        helps.insert(error.help().to_owned());
    }
    assert_eq!(helps.len(), kinds.len(), "each says something of its own");
}
