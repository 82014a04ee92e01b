//! Clients of `generateContent`, which name the model in the path.

use parlor::{Capability, ChatResponse, Error, Origin, Result};
use parlor_dialect::gemini::Gemini;
use parlor_dialect::{Dialect, Encoder, Incoming, ServerDialect};
use serde_json::{Value, json};

use super::{Clients, Known, Speak, anyone};
use crate::answer::Form;
use crate::seal::Place;

pub(super) const CLIENTS: Clients = Clients {
    prefix: "/v1beta/",
    asks: &[
        ("/v1beta/models/{*id}", || {
            Box::new(Contents(Gemini::default()))
        }),
        ("/v1/models/{*id}", || Box::new(Contents(Gemini::default()))),
    ],
    counts: &[],
    models: "/v1beta/models",
    model: Some("/v1beta/models/{*id}"),
    lists_for: anyone,
    one,
    list,
};

/// The dialect, whose streams are arrays unless asked for as events.
struct Contents(Gemini);

impl Speak for Contents {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn form(&self, path: &str) -> Form {
        let query = path.split_once('?').map_or("", |(_, query)| query);
        match query.split('&').any(|it| it == "alt=sse") {
            true => Form::Frames(self.0.framing()),
            false => Form::Array,
        }
    }

    fn read(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        self.0.read_request(path, body, origin)
    }

    fn whole(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        self.0.write_response(response)
    }

    fn encoder(&self) -> Box<dyn Encoder> {
        Box::new(self.0.encoder())
    }

    fn refuse(&self, error: &Error) -> (u16, Vec<u8>) {
        self.0.write_error(error)
    }

    fn place(&self) -> Place {
        Place::Signature("thoughtSignature")
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
