//! Clients of the API of local models.

use parlor::Capability;
use parlor_dialect::ollama::Ollama;
use serde_json::{Value, json};

use super::generate::Generate;
use super::{Clients, Known, Plain, anyone};
use crate::seal::Place;

pub(super) const CLIENTS: Clients = Clients {
    prefix: "/api/",
    asks: &[
        ("/api/chat", || {
            Box::new(Plain {
                at_once: Some(at_once),
                ..Plain::new(Ollama::default(), Place::Ids)
            })
        }),
        ("/api/generate", || Box::new(Generate(Ollama::default()))),
    ],
    counts: &[],
    models: "/api/tags",
    model: None,
    lists_for: anyone,
    one,
    list,
};

/// The version of the API that is spoken here; its clients ask for it.
pub(crate) const VERSION: &str = "0.33.0";

/// A question without anything in it asks for the model itself.
fn at_once(body: &[u8]) -> Option<Vec<u8>> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let said = body.get("messages").and_then(Value::as_array);
    said.is_none_or(Vec::is_empty).then(|| {
        let mut loaded = loaded(&body);
        loaded["message"] = json!({ "role": "assistant", "content": "" });
        loaded.to_string().into_bytes()
    })
}

/// What answers a wish to load a model, or to let go of it.
pub(super) fn loaded(body: &Value) -> Value {
    let unloads = body["keep_alive"] == 0 || body["keep_alive"] == "0";
    json!({
        "model": body["model"],
        "created_at": "1970-01-01T00:00:00Z",
        "done": true,
        "done_reason": if unloads { "unload" } else { "load" },
    })
}

/// What `/api/show` tells of a model.
pub(crate) fn shown(model: &Known) -> Value {
    let family = family(model);
    let mut info = json!({ "general.architecture": family });
    if let Some(window) = model.info.context_window {
        info[format!("{family}.context_length")] = window.into();
    }
    json!({
        "modelfile": "",
        "parameters": "",
        "template": "",
        "details": details(model),
        "model_info": info,
        "capabilities": abilities(model),
        "modified_at": model.released_at(),
    })
}

fn one(model: &Known) -> Value {
    json!({
        "name": model.id,
        "model": model.id,
        "modified_at": model.released_at(),
        "size": 0,
        "digest": "",
        "details": details(model),
        "capabilities": abilities(model),
    })
}

fn list(models: Vec<Value>) -> Value {
    json!({ "models": models })
}

fn family(model: &Known) -> &str {
    match &*model.info.provider {
        "" => "parlor",
        provider => provider,
    }
}

fn details(model: &Known) -> Value {
    let mut details = json!({
        "parent_model": "",
        "format": "",
        "family": family(model),
        "families": [family(model)],
        "parameter_size": "",
        "quantization_level": "",
    });
    if let Some(window) = model.info.context_window {
        details["context_length"] = window.into();
    }
    details
}

fn abilities(model: &Known) -> Vec<&'static str> {
    let words = [
        (Capability::Tools, "tools"),
        (Capability::ImageInput, "vision"),
        (Capability::AudioInput, "audio"),
        (Capability::Reasoning, "thinking"),
    ];
    let words = words.into_iter().filter(|(it, _)| model.has(*it));
    std::iter::once("completion")
        .chain(words.map(|(_, word)| word))
        .collect()
}
