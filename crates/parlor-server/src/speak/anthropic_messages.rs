//! Clients of the messages API.

use axum::http::HeaderMap;
use parlor::Reasoning;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use serde_json::{Value, json};

use super::{Clients, Known, Plain, Speak};
use crate::count;
use crate::seal::Place;

pub(super) const CLIENTS: Clients = Clients {
    prefix: "/v1/messages",
    asks: &[("/v1/messages", messages)],
    counts: &[(("/v1/messages/count_tokens", messages), &count::MESSAGES)],
    models: "/v1/models",
    model: Some("/v1/models/{*id}"),
    lists_for: says_so,
    one,
    list,
};

fn messages() -> Box<dyn Speak> {
    Box::new(Plain {
        headers: HEADERS,
        ids: Some("msg_"),
        takes_id: Some(is_plain),
        is_signed: Some(is_signed),
        ..Plain::new(AnthropicMessages::default(), Place::Field("signature"))
    })
}

/// Features of the API that a client turns on, and the version it wants.
const HEADERS: &[(&str, Option<&str>)] = &[
    ("anthropic-beta", Some("betas")),
    ("anthropic-version", None),
];

/// Its host refuses a conversation with any other id in it.
fn is_plain(id: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"_-".contains(&it);
    !id.is_empty() && id.bytes().all(is_plain)
}

/// Copies of the API that sign nothing have their thoughts given back all the same.
fn is_signed(thought: &Reasoning) -> bool {
    let item = thought.native.as_deref().map(|it| &it.item);
    // A redacted one has a type of its own.
    item.is_some_and(|it| it.get("signature").is_some() || it.get("type").is_some())
}

/// Its clients say which version of the API they want, always.
fn says_so(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

fn one(model: &Known) -> Value {
    json!({
        "type": "model",
        "id": model.id,
        "display_name": model.label(),
        "created_at": model.released_at(),
        "max_input_tokens": model.info.context_window,
        "max_tokens": model.info.max_output_tokens,
    })
}

fn list(data: Vec<Value>) -> Value {
    let id = |it: Option<&Value>| it.map(|it| it["id"].clone());
    let (first, last) = (id(data.first()), id(data.last()));
    json!({ "data": data, "has_more": false, "first_id": first, "last_id": last })
}
