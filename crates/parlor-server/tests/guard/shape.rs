//! Failures in the shapes that the clients of each dialect read, checked without our own readers.

use parlor_testkit::fault::Wire;
use serde_json::Value;

use crate::tee::Came;

/// What is wrong with a failure told by a status.
pub(crate) fn refusal(wire: Wire, came: &Came) -> Option<String> {
    let body = &came.body;
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return Some(format!("no JSON: {}", body.escape_ascii()));
    };
    let is_right = came.head.contains("content-type: application/json")
        && match wire {
            Wire::OpenAiChat | Wire::OpenAiResponses => openai(&json["error"]),
            Wire::AnthropicMessages => json["type"] == "error" && anthropic(&json["error"]),
            Wire::Gemini => gemini(&json["error"], Some(came.status)),
            _ => is_text(&json["error"]),
        };
    (!is_right).then(|| format!("not this dialect's failure: {} {json}", came.head))
}

/// What is wrong with a failure told by the last event of a stream.
pub(crate) fn last_event(wire: Wire, body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_end();
    let (name, data) = match wire {
        Wire::Ollama => ("", text.lines().last().unwrap_or_default()),
        _ => {
            let event = text.rsplit("\n\n").next().unwrap_or_default();
            let field = |name| event.lines().find_map(|it| it.strip_prefix(name));
            let name = field("event: ").unwrap_or_default();
            (name, field("data: ").unwrap_or_default())
        }
    };
    let json: Value = serde_json::from_str(data).unwrap_or_default();
    let is_right = match wire {
        Wire::OpenAiChat => openai(&json["error"]),
        Wire::OpenAiResponses => match &json["type"] {
            it if it == "error" => name == "error" && is_text(&json["message"]),
            it if it == "response.failed" => {
                let error = &json["response"]["error"];
                name == it
                    && json["response"]["status"] == "failed"
                    && is_text(&error["code"])
                    && is_text(&error["message"])
            }
            _ => false,
        },
        Wire::AnthropicMessages => name == "error" && anthropic(&json["error"]),
        Wire::Gemini => gemini(&json["error"], None),
        _ => is_text(&json["error"]),
    };
    (!is_right).then(|| format!("the stream ends with no failure of its dialect: {name} {data}"))
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|it| !it.is_empty())
}

fn openai(error: &Value) -> bool {
    let may_be_null = |it: &Value| it.is_null() || it.is_string();
    is_text(&error["message"])
        && is_text(&error["type"])
        && may_be_null(&error["code"])
        && may_be_null(&error["param"])
}

fn anthropic(error: &Value) -> bool {
    is_text(&error["type"]) && is_text(&error["message"])
}

fn gemini(error: &Value, status: Option<u16>) -> bool {
    let code = error["code"].as_u64();
    is_text(&error["message"])
        && is_text(&error["status"])
        && code.is_some_and(|it| status.is_none_or(|status| u64::from(status) == it))
}
