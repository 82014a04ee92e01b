//! Clients of `generateContent`, which name the model in the path.

use parlor_dialect::gemini::Gemini;
use serde_json::{Value, json};

use super::{Clients, Plain, anyone};

pub(super) const CLIENTS: Clients = Clients {
    prefix: "/v1beta/",
    asks: &[("/v1beta/models/{*call}", || {
        Box::new(Plain(Gemini::default(), &[]))
    })],
    models: "/v1beta/models",
    lists_for: anyone,
    list,
};

fn list(names: Vec<String>) -> Value {
    let methods = ["generateContent", "streamGenerateContent"];
    let one = |id: String| {
        let name = format!("models/{id}");
        json!({ "name": name, "displayName": id, "supportedGenerationMethods": methods })
    };
    json!({ "models": names.into_iter().map(one).collect::<Vec<_>>() })
}
