//! Clients of the API of local models.

use parlor_dialect::ollama::Ollama;
use serde_json::{Value, json};

use super::{Clients, Plain, anyone};

pub(super) const CLIENTS: Clients = Clients {
    prefix: "/api/",
    asks: &[("/api/chat", || Box::new(Plain(Ollama::default(), &[])))],
    models: "/api/tags",
    lists_for: anyone,
    list,
};

fn list(names: Vec<String>) -> Value {
    let one = |id: String| {
        json!({
            "name": id, "model": id, "modified_at": "1970-01-01T00:00:00Z",
            "size": 0, "digest": "", "details": {},
        })
    };
    json!({ "models": names.into_iter().map(one).collect::<Vec<_>>() })
}
