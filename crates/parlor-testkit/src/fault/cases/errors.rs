//! Failures that are told by a status and a body.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::endings::{error_frame, told_kinds};
use super::put;
use crate::fault::answer::Answer;
use crate::fault::expect::{Expect, Failure, Outcome};
use crate::fault::render::{BROKEN, Data, INVALID, LIMITED, Mark, UNAUTHENTICATED};
use crate::fault::scene::{Built, Case, Scene, Wire};
use crate::http::Reply;

/// Where a redirect leads; the server puts its other host here.
pub(in crate::fault) const ELSEWHERE: &str = "elsewhere";

fn limited(s: Scene, header: &str, value: String, least: Duration, most: Duration) -> Built {
    let failure = Failure {
        retry_after: Some(least..=most),
        ..Failure::new(&["rate_limited"])
            .status(429)
            .message(LIMITED.message)
    };
    s.fails(s.send_error(&LIMITED).header(header, value), failure)
}

pub(in crate::fault) fn retry_after_seconds(s: Scene) -> Built {
    let wait = Duration::from_secs(7);
    limited(s, "retry-after", "7".into(), wait, wait)
}

pub(in crate::fault) fn retry_after_fraction(s: Scene) -> Built {
    let wait = Duration::from_millis(2500);
    limited(s, "retry-after", "2.5".into(), wait, wait)
}

pub(in crate::fault) fn retry_after_ms(s: Scene) -> Built {
    let wait = Duration::from_millis(1500);
    limited(s, "retry-after-ms", "1500".into(), wait, wait)
}

pub(in crate::fault) fn retry_after_date(s: Scene) -> Built {
    let wait = Duration::from_secs(60);
    let date = httpdate::fmt_http_date(SystemTime::now() + wait);
    limited(s, "retry-after", date, Duration::from_secs(40), wait)
}

pub(in crate::fault) fn retry_after_missing(s: Scene) -> Built {
    let failure = Failure::new(&["rate_limited"])
        .status(429)
        .message(LIMITED.message);
    s.fails(s.send_error(&LIMITED), failure)
}

pub(in crate::fault) fn retry_info(s: Scene) -> Built {
    s.only(&[Wire::Gemini], "the time to wait stands in a header")?;
    let mut body = (s.dialect().error)(&LIMITED);
    body["error"]["details"] = json!([
        {"@type": "type.googleapis.com/google.rpc.Help", "links": []},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.4s"}]);
    let wait = Duration::from_millis(34_400);
    let failure = Failure {
        retry_after: Some(wait..=wait),
        ..Failure::new(&["rate_limited"])
            .status(429)
            .message(LIMITED.message)
    };
    s.fails(json_reply(429, &body), failure)
}

pub(in crate::fault) fn quota_exhausted(s: Scene) -> Built {
    let message = "the spend limit is reached";
    let body = match s.wire {
        Wire::OpenAiChat | Wire::OpenAiResponses => json!({"error": {"message": message,
            "type": "insufficient_quota", "param": null, "code": "insufficient_quota"}}),
        Wire::AnthropicMessages => json!({"type": "error", "error": {"type": "rate_limit_error",
            "message": message, "details": {"error_code": "enforced_spend_limit_reached"}}}),
        Wire::Hunyuan => json!({"Response": {"RequestId": "r-1",
            "Error": {"Code": "FailedOperation.ResourcePackExhausted", "Message": message}}}),
        Wire::QianfanV1 => json!({"error_code": 17, "error_msg": message, "id": "as-1"}),
        _ => return Err("the dialect doesn't tell money from speed"),
    };
    let failure = Failure::new(&["quota_exhausted"])
        .status(429)
        .message(message);
    s.fails(json_reply(429, &body), failure)
}

pub(in crate::fault) fn bad_gateway(s: Scene) -> Built {
    let page = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n</html>\r\n";
    let reply = Reply::new(502, "text/html", vec![page.into()]);
    s.fails(reply, Failure::new(&["server"]).status(502))
}

pub(in crate::fault) fn unauthorized(s: Scene) -> Built {
    let failure = Failure::new(&["authentication"])
        .status(401)
        .message(UNAUTHENTICATED.message);
    s.fails(s.send_error(&UNAUTHENTICATED), failure)
}

pub(in crate::fault) fn key_invalid(s: Scene) -> Built {
    s.only(&[Wire::Gemini], "a bad key is a 401")?;
    let mut body = (s.dialect().error)(&INVALID);
    body["error"]["message"] = json!("API key not valid. Please pass a valid API key.");
    body["error"]["details"] = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID", "domain": "googleapis.com"}]);
    let failure = Failure::new(&["authentication"])
        .status(400)
        .message("API key not valid");
    s.fails(json_reply(400, &body), failure)
}

pub(in crate::fault) fn error_in_200(s: Scene) -> Built {
    let failure = Failure::new(told_kinds(s, &BROKEN)).message(BROKEN.message);
    s.fails(
        Reply {
            status: 200,
            ..s.send_error(&BROKEN)
        },
        failure,
    )
}

pub(in crate::fault) fn error_on_choice(s: Scene) -> Built {
    if s.streams() {
        return Err("an error on a chunk is a case of its own");
    }
    s.only(&[Wire::OpenAiChat], "a choice has no errors")?;
    let answer = Answer::hello();
    let error = json!({"code": 502, "message": "the upstream went away"});
    let reply = s.send_edited(&answer, |_, value| {
        put(value, "/choices/0/error", error.clone());
        put(value, "/choices/0/message/content", json!(""));
        put(value, "/choices/0/finish_reason", json!("error"));
    });
    s.fails(
        reply,
        Failure::new(&["server"]).message("the upstream went away"),
    )
}

/// A form in which servers and proxies write an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::fault) enum Shape {
    CodeNumber,
    CodeText,
    CodeNull,
    Text,
    InArray,
    ListOfErrors,
    Detail,
    DetailList,
    TopMessage,
    PlainText,
    Empty,
}

const SAID: &str = "the temperature is out of range";

impl Shape {
    fn json(self) -> Option<Value> {
        let object = |code: Value| json!({"error": {"message": SAID, "code": code}});
        Some(match self {
            Self::CodeNumber => object(json!(400)),
            Self::CodeText => object(json!("invalid_value")),
            Self::CodeNull => {
                json!({"error": {"message": SAID, "type": null, "param": null, "code": null}})
            }
            Self::Text => json!({"error": SAID}),
            Self::InArray => json!([object(json!(400))]),
            Self::ListOfErrors => json!({"error": [{"message": SAID, "code": "invalid_value"}]}),
            Self::Detail => json!({"detail": SAID}),
            Self::DetailList => json!({"detail": [{"loc": ["body"], "msg": SAID, "type": "x"}]}),
            Self::TopMessage => {
                json!({"code": "invalid_value", "message": SAID, "request_id": "r"})
            }
            Self::PlainText | Self::Empty => return None,
        })
    }

    fn code(self) -> Option<&'static str> {
        match self {
            Self::CodeNumber | Self::InArray => Some("400"),
            Self::CodeText | Self::ListOfErrors | Self::TopMessage => Some("invalid_value"),
            _ => None,
        }
    }
}

/// The error as the body of a 400.
pub(in crate::fault) fn shaped(s: Scene, shape: Shape) -> Built {
    let failure = Failure::new(&["invalid_request"]).status(400);
    let reply = match shape.json() {
        Some(body) => json_reply(400, &body),
        None if shape == Shape::Empty => {
            return s.fails(
                Reply {
                    headers: vec![],
                    ..Reply::new(400, "", vec![])
                },
                failure,
            );
        }
        None => Reply::new(400, "text/plain", vec![SAID.into()]),
    };
    s.fails(
        reply,
        Failure {
            code: shape.code(),
            ..failure.message(SAID)
        },
    )
}

/// The error as a frame after some text.
pub(in crate::fault) fn shaped_event(s: Scene, shape: Shape) -> Built {
    s.stream_only()?;
    if s.wire == Wire::BedrockConverse {
        return Err("a failure in the stream has a name and a message, and no other form");
    }
    let Some(mut body) = shape.json() else {
        return Err("a frame is JSON");
    };
    if matches!(s.words(), Wire::AnthropicMessages | Wire::OpenAiResponses) {
        if shape == Shape::InArray {
            return Err("an event is an object, which has a type");
        }
        body["type"] = json!("error");
    }
    let answer = Answer::hello();
    let mut frames = s.unfinished(&answer);
    let mut frame = error_frame(s, &INVALID);
    if s.wire == Wire::BedrockAnthropic {
        frame.event = Some("error");
    }
    frame.data = Data::Json(body);
    frames.push(frame);
    debug_assert!(frames.iter().all(|it| it.mark != Mark::Finish));
    let kinds = &["invalid_request", "server"];
    let failure = Failure::new(kinds).message(SAID).after(answer.text());
    s.fails(
        s.send_frames(&frames),
        Failure {
            code: shape.code(),
            ..failure
        },
    )
}

pub(in crate::fault) fn redirect(s: Scene, status: u16) -> Built {
    let reply = Reply::new(status, "text/plain", vec![]).header("location", ELSEWHERE);
    // A client may refuse to go there, or go there without the key and get what the host gives.
    let refusal = Failure::new(&[
        "unexpected",
        "configuration",
        "invalid_request",
        "connection",
    ]);
    let expect = Expect::any([
        Outcome::Failure(refusal),
        Outcome::Answer(s.reading(&Answer::hello())),
    ]);
    Ok(Case {
        reply,
        expect: Expect {
            redirects: true,
            ..expect
        },
    })
}

fn json_reply(status: u16, body: &Value) -> Reply {
    Reply::new(
        status,
        "application/json",
        vec![body.to_string().into_bytes()],
    )
}
