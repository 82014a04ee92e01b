//! Clients of the chat API and of the Responses API.

use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;
use serde_json::{Value, json};

use super::{Ask, Clients, Known, Plain, anyone};
use crate::count;
use crate::seal::Place;

pub(super) const CHAT: Ask = ("/v1/chat/completions", || {
    Box::new(Plain {
        ids: Some("chatcmpl-"),
        ..Plain::new(OpenAiChat::default(), Place::Ids)
    })
});

pub(super) const RESPONSES: Ask = ("/v1/responses", || {
    let place = Place::Field("encrypted_content");
    Box::new(Plain {
        ids: Some("resp_"),
        ..Plain::new(OpenAiResponses::default(), place)
    })
});

pub(super) const CLIENTS: Clients = Clients {
    prefix: "/",
    asks: &[CHAT, RESPONSES],
    counts: &[(
        ("/v1/responses/input_tokens", RESPONSES.1),
        &count::RESPONSES,
    )],
    models: "/v1/models",
    model: Some("/v1/models/{*id}"),
    lists_for: anyone,
    one,
    list,
};

fn one(model: &Known) -> Value {
    let mut told = json!({
        "id": model.id,
        "object": "model",
        "created": model.released_seconds(),
        "owned_by": match &*model.info.provider {
            "" => "parlor",
            provider => provider,
        },
    });
    // The fields by which other hosts of many models tell the same.
    let limits = [
        ("context_length", model.info.context_window),
        ("max_output_tokens", model.info.max_output_tokens),
    ];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            told[name] = limit.into();
        }
    }
    told
}

fn list(data: Vec<Value>) -> Value {
    json!({ "object": "list", "data": data })
}
