//! Whole answers written, and what every answer has.

use super::super::wire::{Object, kind_of};
use super::super::{NAME, forms};
use super::scope::{Answer, own};
use super::status_of;
use super::write::Items;
use crate::client_tools::ClientTools;
use crate::openai_chat;
use parlor_core::{
    ChatResponse, Error, ErrorKind, FinishReason, Logprobs, Native, Origin, Part, Result, Usage,
};
use serde_json::{Value, json};
use std::hash::{BuildHasher, RandomState};

/// A new id of a response.
fn response_id() -> String {
    let random = RandomState::new();
    format!(
        "resp_{:016x}{:016x}",
        random.hash_one(0),
        random.hash_one(1)
    )
}

/// Makes ids for the items of an answer that came without. They follow from
/// the answer's id and time, so that a call and a stream of one answer agree.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Ids(u64);

impl Ids {
    pub(in super::super) fn of(id: Option<&str>, created: Option<u64>) -> Self {
        let time = created.unwrap_or_default().to_le_bytes();
        let bytes = id.unwrap_or_default().bytes().chain(time);
        Self(bytes.fold(0xcbf2_9ce4_8422_2325, fnv))
    }

    /// The id of the item of this type at this place in the output.
    pub(in super::super) fn item(self, kind: &str, at: usize) -> String {
        let row = IDS.iter().find(|row| row.0 == kind);
        let head = row.map_or("item", |row| row.1);
        let low = at.to_le_bytes().into_iter().fold(self.0, fnv);
        format!("{head}_{:016x}{low:016x}", self.0)
    }
}

fn fnv(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
}

/// How ids of items begin, by their type.
const IDS: &[(&str, &str)] = &[
    ("message", "msg"),
    ("reasoning", "rs"),
    ("function_call", "fc"),
    ("custom_tool_call", "ctc"),
    ("image_generation_call", "ig"),
];

/// Fills in what clients want of every item.
pub(in super::super) fn complete(item: &mut Object, id: &str) {
    let kind = kind_of(item).to_owned();
    let mut set = |key: &str, value: Value| {
        item.entry(key).or_insert(value);
    };
    if IDS.iter().any(|row| row.0 == kind) {
        set("id", id.into());
        if kind != "reasoning" {
            set("status", "completed".into());
        }
    }
    if kind != "message" {
        return;
    }
    if let Some(Value::Array(contents)) = item.get_mut("content") {
        for content in contents {
            if content["type"] == "output_text"
                && let Value::Object(content) = content
            {
                content.entry("annotations").or_insert_with(|| json!([]));
                content.entry("logprobs").or_insert_with(|| json!([]));
            }
        }
    }
}

/// Puts log probabilities on the first text there is.
fn measure(items: &mut [Object], logprobs: Option<&Logprobs>) {
    let Some(tokens) = logprobs.map(|it| &it.content).filter(|it| !it.is_empty()) else {
        return;
    };
    let mut contents = items.iter_mut().filter_map(|item| item.get_mut("content"));
    let text = contents.find_map(|it| {
        let mut list = it.as_array_mut()?.iter_mut();
        list.find(|it| it["type"] == "output_text")
    });
    if let Some(text) = text {
        text["logprobs"] = openai_chat::tokens(tokens);
    }
}

/// A response with nothing in it yet.
pub(in super::super) fn head(
    id: Option<&str>,
    model: Option<&str>,
    created: Option<u64>,
) -> Object {
    let mut response = Object::new();
    let fields = [
        ("id", json!(id.map_or_else(response_id, str::to_owned))),
        ("object", json!("response")),
        ("created_at", json!(created.unwrap_or_default())),
        ("status", json!("in_progress")),
        ("error", Value::Null),
        ("incomplete_details", Value::Null),
        ("instructions", Value::Null),
        ("metadata", json!({})),
        ("model", json!(model.unwrap_or_default())),
        ("output", json!([])),
        ("parallel_tool_calls", json!(true)),
        ("temperature", Value::Null),
        ("text", json!({"format": {"type": "text"}})),
        ("tool_choice", json!("auto")),
        ("tools", json!([])),
        ("top_p", Value::Null),
        ("usage", Value::Null),
    ];
    for (key, value) in fields {
        response.insert(key.to_owned(), value);
    }
    response
}

/// What this dialect's provider said beyond core, to go on the response again.
pub(in super::super) fn beyond(native: &Native) -> Object {
    let item = own(Some(native)).and_then(Value::as_object);
    item.cloned().unwrap_or_default()
}

/// Completes a response that ended for this reason.
pub(in super::super) fn finish(
    response: &mut Object,
    reason: Option<&FinishReason>,
    items: Vec<Object>,
    usage: Option<&Usage>,
) {
    let (status, why) = status_of(reason, items.iter().any(refuses));
    response.insert("status".to_owned(), status.into());
    if let Some(why) = why {
        response.insert("incomplete_details".to_owned(), json!({ "reason": why }));
    }
    let items: Vec<Value> = items.into_iter().map(Value::Object).collect();
    response.insert("output".to_owned(), items.into());
    let told = usage.filter(|it| it.input_tokens.or(it.output_tokens).is_some());
    response.insert("usage".to_owned(), told.map_or(Value::Null, usage_object));
}

/// Whether an item has a refusal in it.
fn refuses(item: &Object) -> bool {
    let content = item.get("content").and_then(Value::as_array);
    let mut pieces = content.into_iter().flatten();
    pieces.any(|it| it.get("type").and_then(Value::as_str) == Some("refusal"))
}

/// The usage object: the host's own where it says the same by this dialect's
/// names, else one made of the figures.
fn usage_object(usage: &Usage) -> Value {
    if let Some(raw) = &usage.raw
        && raw.get("input_tokens_details").is_some()
        && openai_chat::usage(raw.clone()) == *usage
    {
        return raw.clone();
    }
    let (input, output) = (usage.input_tokens, usage.output_tokens);
    let mut read = json!({ "cached_tokens": usage.cached_input_tokens.unwrap_or_default() });
    if let Some(written) = usage.cache_write_tokens {
        read["cache_write_tokens"] = written.into();
    }
    json!({
        "input_tokens": input.unwrap_or_default(),
        "input_tokens_details": read,
        "output_tokens": output.unwrap_or_default(),
        "output_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens.unwrap_or_default(),
        },
        "total_tokens": usage.total_tokens().or(input).or(output).unwrap_or_default(),
    })
}

/// A call for a client whose tool has a form of its own.
pub(in super::super) fn answered(part: &Part, tools: &ClientTools) -> Option<Part> {
    forms::restored(part, &Answer, tools, &Origin::new("", NAME))
}

/// Writes a whole answer: its first choice.
pub(in super::super) fn response(response: &ChatResponse, tools: &ClientTools) -> Result<Vec<u8>> {
    let mut written = head(
        response.id.as_deref(),
        response.model.as_deref(),
        response.created,
    );
    let choice = response.choices.first();
    let mut items = Items::default();
    for part in choice.iter().flat_map(|it| &it.message.parts) {
        let restored = answered(part, tools);
        items.put(restored.as_ref().unwrap_or(part), &Answer);
    }
    let mut items = items.items;
    let ids = Ids::of(response.id.as_deref(), response.created);
    for (at, item) in items.iter_mut().enumerate() {
        let id = ids.item(kind_of(item), at);
        complete(item, &id);
    }
    measure(&mut items, choice.and_then(|it| it.logprobs.as_ref()));
    let reason = choice.and_then(|it| it.finish_reason.as_ref());
    finish(&mut written, reason, items, response.usage.as_ref());
    for native in &response.native {
        written.extend(beyond(native));
    }
    serde_json::to_vec(&written)
        .map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))
}
