//! Clients of `generateContent`, which name the model in the path.

use parlor::Capability;
use parlor_dialect::Framing;
use parlor_dialect::gemini::Gemini;
use serde_json::{Value, json};

use super::{Clients, Known, Plain, Speak, anyone};
use crate::answer::Form;
use crate::seal::Place;

pub(super) const CLIENTS: Clients = Clients {
    prefix: "/v1beta/",
    asks: &[
        ("/v1beta/models/{*id}", contents),
        ("/v1/models/{*id}", contents),
        // The AI SDK takes a name with a slash for a whole path, as that of a tuned model is.
        ("/v1beta/{*id}", contents),
    ],
    counts: &[],
    models: "/v1beta/models",
    model: Some("/v1beta/models/{*id}"),
    lists_for: anyone,
    one,
    list,
};

fn contents() -> Box<dyn Speak> {
    Box::new(Plain {
        form: Some(form),
        ..Plain::new(Gemini::default(), Place::Signature("thoughtSignature"))
    })
}

/// Its streams are arrays unless asked for as events.
fn form(path: &str) -> Form {
    let query = path.split_once('?').map_or("", |(_, query)| query);
    match query.split('&').any(|it| it == "alt=sse") {
        true => Form::Frames(Framing::Sse),
        false => Form::Array,
    }
}

fn one(model: &Known) -> Value {
    let mut told = json!({
        "name": format!("models/{}", model.id),
        "displayName": model.label(),
        "supportedGenerationMethods":
            ["generateContent", "streamGenerateContent", "countTokens"],
    });
    let limits = [
        ("inputTokenLimit", model.info.context_window),
        ("outputTokenLimit", model.info.max_output_tokens),
    ];
    for (name, limit) in limits {
        if let Some(limit) = limit {
            told[name] = limit.into();
        }
    }
    if model.has(Capability::Reasoning) {
        told["thinking"] = true.into();
    }
    told
}

fn list(models: Vec<Value>) -> Value {
    json!({ "models": models })
}
