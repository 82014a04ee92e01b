//! Whole answers, both ways.

use super::wire::Answer;
use parlor_core::{ChatResponse, FinishKind, FinishReason, Part, Source, ToolCall, Usage};
use serde_json::{Map, Value, json};

/// An answer in the other dialect's places; a failure as it is.
pub(super) fn read(body: &[u8]) -> Vec<u8> {
    let mut scratch = String::new();
    let Some(answer) = Answer::read(body, &mut scratch) else {
        return body.to_vec();
    };
    let mut out = Vec::with_capacity(body.len() + 64);
    answer.write(true, &mut out);
    out
}

/// The first choice as a body.
pub(super) fn write(response: &ChatResponse) -> Vec<u8> {
    let mut end = End::default();
    let choice = response.choices.first();
    for part in choice.iter().flat_map(|it| &it.message.parts) {
        end.take(part);
    }
    if let Some(reason) = choice.and_then(|it| it.finish_reason.as_ref()) {
        end.reason = word(reason);
    }
    let mut body = head(response.id.as_deref(), response.created, &response.text());
    end.write(response.usage.as_ref(), &mut body);
    Value::Object(body).to_string().into_bytes()
}

/// What stands in whole answers and in every chunk.
pub(super) fn head(id: Option<&str>, created: Option<u64>, text: &str) -> Map<String, Value> {
    let fields = [
        ("id", id.unwrap_or_default().into()),
        ("object", "chat.completion".into()),
        ("created", created.unwrap_or_default().into()),
        ("result", text.into()),
        ("is_truncated", false.into()),
        ("need_clear_history", false.into()),
    ];
    let fields = fields.map(|(key, value): (&str, Value)| (key.to_owned(), value));
    Map::from_iter(fields)
}

/// What stands in whole answers and in the last chunk.
#[derive(Debug, Default)]
pub(super) struct End {
    pub(super) reason: &'static str,
    thoughts: String,
    call: Option<Value>,
    sources: Vec<Value>,
}

impl End {
    /// Takes a part that is no text. Of several calls there is room for one.
    pub(super) fn take(&mut self, part: &Part) {
        match part {
            Part::Reasoning(it) => self.think(&it.text),
            Part::ToolCall(it) if self.call.is_none() => self.call = Some(call(it)),
            Part::Source(it) => {
                let index = self.sources.len() + 1;
                self.sources.push(source(it, index));
            }
            _ => {}
        }
    }

    pub(super) fn think(&mut self, text: &str) {
        self.thoughts.push_str(text);
    }

    pub(super) fn write(self, usage: Option<&Usage>, body: &mut Map<String, Value>) {
        let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
        let reason = match self.reason {
            "" => "normal",
            reason => reason,
        };
        put("finish_reason", reason.into());
        put("is_truncated", (reason == "length").into());
        if let Some(mut call) = self.call {
            if !self.thoughts.is_empty() {
                call["thoughts"] = self.thoughts.into();
            }
            put("function_call", call);
        }
        if !self.sources.is_empty() {
            put("search_info", json!({"search_results": self.sources}));
        }
        if let Some(usage) = usage {
            let [input, output] =
                [usage.input_tokens, usage.output_tokens].map(Option::unwrap_or_default);
            let usage = json!({
                "prompt_tokens": input,
                "completion_tokens": output,
                "total_tokens": input.saturating_add(output),
            });
            put("usage", usage);
        }
    }
}

/// The word for why an answer ended.
pub(super) fn word(reason: &FinishReason) -> &'static str {
    match (&reason.kind, reason.raw.as_deref()) {
        (FinishKind::Stop, Some("stop")) => "stop",
        (FinishKind::Length, _) => "length",
        (FinishKind::ToolCalls, _) => "function_call",
        (FinishKind::ContentFilter | FinishKind::Refusal, _) => "content_filter",
        _ => "normal",
    }
}

fn call(call: &ToolCall) -> Value {
    json!({"name": call.name, "arguments": call.arguments.text})
}

fn source(source: &Source, index: usize) -> Value {
    json!({"index": index, "url": source.url, "title": source.title})
}
