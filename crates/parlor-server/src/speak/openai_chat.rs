//! Clients of the chat API and of the Responses API.

use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use serde_json::{Value, json};

use super::{Ask, Clients, Plain, anyone};

pub(super) const CHAT: Ask = ("/v1/chat/completions", || {
    Box::new(Plain(OpenAiChat::default(), &[]))
});

pub(super) const CLIENTS: Clients = Clients {
    prefix: "/",
    asks: &[
        CHAT,
        ("/v1/responses", || {
            Box::new(Plain(OpenAiResponses::default(), &[]))
        }),
    ],
    models: "/v1/models",
    lists_for: anyone,
    list,
};

fn list(names: Vec<String>) -> Value {
    let one =
        |id: String| json!({ "id": id, "object": "model", "created": 0, "owned_by": "parlor" });
    json!({ "object": "list", "data": names.into_iter().map(one).collect::<Vec<_>>() })
}
