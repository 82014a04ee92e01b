//! Answers and errors written in each wire dialect.

mod anthropic;
mod bedrock;
mod cohere;
mod gemini;
mod hunyuan;
mod ollama;
mod openai_chat;
mod openai_responses;
mod qianfan;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::{Answer, Finish};
use super::scene::Wire;
use crate::event_stream;

/// One dialect: how it writes what the cases have in common.
pub(super) struct Dialect {
    /// The answer as a stream.
    pub(super) frames: fn(&Answer) -> Vec<Frame>,
    /// The answer in one piece.
    pub(super) whole: fn(&Answer) -> Value,
    /// The dialect's word for an end.
    pub(super) finish: fn(Finish) -> &'static str,
    /// Where that word stands in a frame, and where in a whole answer.
    pub(super) finish_at: [&'static str; 2],
    /// Where usage stands in a frame that has it, and where in a whole answer; `""` is the root.
    pub(super) usage_at: [&'static str; 2],
    /// The names of keys that say what the thing is, and not what the answer is.
    pub(super) envelope: &'static [&'static str],
    /// Keys that servers send empty, each with the name of a key that stands in the same object.
    pub(super) nulls: &'static [(&'static str, &'static str)],
    /// The body of an error.
    pub(super) error: fn(&Fail) -> Value,
}

impl Wire {
    pub(super) fn dialect(self) -> &'static Dialect {
        match self {
            Self::OpenAiChat => &openai_chat::DIALECT,
            Self::OpenAiResponses => &openai_responses::DIALECT,
            Self::AnthropicMessages => &anthropic::DIALECT,
            Self::Gemini => &gemini::DIALECT,
            Self::Ollama => &ollama::DIALECT,
            Self::Cohere => &cohere::DIALECT,
            Self::BedrockConverse => &bedrock::DIALECT,
            Self::BedrockAnthropic => &anthropic::BEDROCK,
            Self::Hunyuan => &hunyuan::DIALECT,
            Self::QianfanV1 => &qianfan::DIALECT,
        }
    }

    /// JSON with the fields named as this wire has them.
    pub(super) fn named(self, value: &Value) -> Value {
        match self {
            Self::Hunyuan => hunyuan::named(value),
            _ => value.clone(),
        }
    }

    /// The body of a whole answer.
    pub(super) fn body(self, answer: &Value) -> Vec<u8> {
        let body = match self {
            Self::Hunyuan => hunyuan::wrapped(answer),
            _ => answer.clone(),
        };
        body.to_string().into_bytes()
    }
}

/// One frame of a stream.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) mark: Mark,
    /// The name on an SSE `event:` line.
    pub(super) event: Option<&'static str>,
    pub(super) data: Data,
}

/// What a frame is for, so that a fault finds its place without knowing the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Opens the stream.
    Head,
    /// Opens a part.
    Open,
    /// Brings text, reasoning, a refusal.
    Text,
    /// Opens a tool call, or brings it whole.
    Call,
    /// Brings a fragment of a tool call's arguments.
    Arguments,
    /// Closes a part.
    Shut,
    /// Brings the finish reason.
    Finish,
    /// Brings usage alone.
    Usage,
    /// The dialect's end marker.
    Done,
    /// What a fault put in.
    Extra,
}

#[derive(Debug, Clone)]
pub(super) enum Data {
    Json(Value),
    Text(String),
    /// Lines written as they are, with no field name and no blank line after them.
    Lines(String),
}

impl Frame {
    pub(super) fn json(mark: Mark, value: Value) -> Self {
        Self {
            mark,
            event: None,
            data: Data::Json(value),
        }
    }

    pub(super) fn text(mark: Mark, text: &str) -> Self {
        Self {
            mark,
            event: None,
            data: Data::Text(text.to_owned()),
        }
    }

    pub(super) fn lines(lines: &str) -> Self {
        Self {
            mark: Mark::Extra,
            event: None,
            data: Data::Lines(lines.to_owned()),
        }
    }

    /// Changes the frame's JSON, if it is JSON.
    pub(super) fn edit(&mut self, edit: impl FnOnce(&mut Value)) {
        if let Data::Json(value) = &mut self.data {
            edit(value);
        }
    }

    /// The frame as the wire has it, lines ended by `\n`.
    pub(super) fn bytes(&self, wire: Wire) -> Vec<u8> {
        self.changed(wire, |bytes| bytes)
    }

    /// The frame with its bytes changed; of a binary message the payload is.
    pub(super) fn changed(&self, wire: Wire, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Vec<u8> {
        let data = match &self.data {
            Data::Json(value) => wire.named(value).to_string(),
            Data::Text(text) => text.clone(),
            Data::Lines(lines) => return change(lines.clone().into_bytes()),
        };
        let event = self
            .event
            .map_or_else(String::new, |name| format!("event: {name}\n"));
        match wire {
            Wire::Ollama => change(format!("{data}\n").into_bytes()),
            Wire::BedrockConverse => {
                let mut out = Vec::new();
                let payload = change(data.into_bytes());
                event_stream::message(&mut out, self.event.unwrap_or_default(), &payload);
                out
            }
            Wire::BedrockAnthropic => {
                let mut out = Vec::new();
                let payload = change(data.into_bytes());
                match self.event.filter(|it| it.ends_with("Exception")) {
                    Some(name) => event_stream::message(&mut out, name, &payload),
                    None => {
                        let chunk = json!({"bytes": STANDARD.encode(payload), "p": "abcdef"});
                        event_stream::message(&mut out, "chunk", chunk.to_string().as_bytes());
                    }
                }
                out
            }
            _ => change(format!("{event}data: {data}\n\n").into_bytes()),
        }
    }
}

/// An error to write: its kind, with the words of each dialect for it.
pub(super) struct Fail {
    /// Parlor's word.
    pub(super) kind: &'static str,
    pub(super) status: u16,
    openai: (&'static str, &'static str),
    anthropic: &'static str,
    gemini: &'static str,
    tencent: &'static str,
    baidu: u32,
    /// The name in a body, and that in a stream.
    pub(super) bedrock: [&'static str; 2],
    pub(super) message: &'static str,
}

pub(super) const INVALID: Fail = Fail {
    kind: "invalid_request",
    status: 400,
    openai: ("invalid_request_error", "invalid_value"),
    anthropic: "invalid_request_error",
    gemini: "INVALID_ARGUMENT",
    tencent: "InvalidParameter",
    baidu: 336_003,
    bedrock: ["ValidationException", "validationException"],
    message: "the temperature is out of range",
};
pub(super) const UNAUTHENTICATED: Fail = Fail {
    kind: "authentication",
    status: 401,
    openai: ("invalid_request_error", "invalid_api_key"),
    anthropic: "authentication_error",
    gemini: "UNAUTHENTICATED",
    tencent: "AuthFailure.SignatureFailure",
    baidu: 110,
    bedrock: ["UnrecognizedClientException", "unrecognizedClientException"],
    message: "the key is not valid",
};
pub(super) const LIMITED: Fail = Fail {
    kind: "rate_limited",
    status: 429,
    openai: ("requests", "rate_limit_exceeded"),
    anthropic: "rate_limit_error",
    gemini: "RESOURCE_EXHAUSTED",
    tencent: "RequestLimitExceeded",
    baidu: 18,
    bedrock: ["ThrottlingException", "throttlingException"],
    message: "too many requests",
};
pub(super) const BROKEN: Fail = Fail {
    kind: "server",
    status: 500,
    openai: ("server_error", "internal_error"),
    anthropic: "api_error",
    gemini: "INTERNAL",
    tencent: "InternalError",
    baidu: 336_000,
    bedrock: ["InternalServerException", "internalServerException"],
    message: "the model runner crashed",
};
pub(super) const OVERLOADED: Fail = Fail {
    kind: "overloaded",
    status: 503,
    openai: ("server_error", "engine_overloaded"),
    anthropic: "overloaded_error",
    gemini: "UNAVAILABLE",
    tencent: "FailedOperation.EngineServerLimitExceeded",
    baidu: 336_100,
    bedrock: ["ServiceUnavailableException", "serviceUnavailableException"],
    message: "the model is overloaded",
};

/// `{…, key: value}` for every pair, leaving out what is null.
fn object(pairs: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let kept = pairs.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(kept.map(|(key, value)| (key.to_owned(), value)).collect())
}

/// The text, or null in place of an empty one.
fn or_null(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        json!(text)
    }
}
