//! Clients of the messages API.

use axum::http::HeaderMap;
use parlor_dialect::anthropic_messages::AnthropicMessages;
use serde_json::{Value, json};

use super::{Clients, Plain};

pub(super) const CLIENTS: Clients = Clients {
    prefix: "/v1/messages",
    asks: &[("/v1/messages", || {
        Box::new(Plain(AnthropicMessages::default(), HEADERS))
    })],
    models: "/v1/models",
    lists_for: says_so,
    list,
};

/// Features of the API that a client turns on, and the version it wants.
const HEADERS: &[(&str, Option<&str>)] = &[
    ("anthropic-beta", Some("betas")),
    ("anthropic-version", None),
];

/// Its clients say which version of the API they want, always.
fn says_so(headers: &HeaderMap) -> bool {
    headers.contains_key("anthropic-version")
}

fn list(names: Vec<String>) -> Value {
    let (first, last) = (names.first().cloned(), names.last().cloned());
    let one = |id: String| {
        let created = "1970-01-01T00:00:00Z";
        json!({ "type": "model", "id": id, "display_name": id, "created_at": created })
    };
    let data: Vec<Value> = names.into_iter().map(one).collect();
    json!({ "data": data, "has_more": false, "first_id": first, "last_id": last })
}
