//! The context window that a request needs, where the server serves less by itself.

use crate::model::Server;
use parlor_core::{ChatRequest, estimate};
use parlor_dialect::Dialect;
use parlor_dialect::ollama::Ollama;
use serde_json::{Value, json};

/// Tokens that every server serves unless it was told otherwise.
const SERVED: u64 = 4_096;

/// Room for an answer of which it wasn't said how long it may be.
const ANSWER: u64 = 1_024;

/// Where the options of a request stand in its extra fields.
const OPTIONS: &str = "options";
const NUM_CTX: &str = "num_ctx";

/// Whether fields of a body say which context window to serve.
pub(crate) fn is_set(extra: &serde_json::Map<String, Value>) -> bool {
    let options = extra.get(OPTIONS);
    options.is_some_and(|options| options.get(NUM_CTX).is_some())
}

/// The request with a context window that it fits into, where it most likely fits into none
/// that is served by itself: the server would cut it, its beginning first, and not say so.
///
/// The window of a model that is loaded stays where it is enough, since another one loads the
/// model anew; else it is the next power of two, at most the model's own. Of a server that
/// doesn't tell, nothing is changed.
pub(crate) async fn fitted(
    request: &ChatRequest,
    server: &Server,
    instance: &str,
    model: &str,
) -> Option<ChatRequest> {
    let set = request.extra.values().any(is_set);
    // What a client of this API wrote is sent as it is.
    if set || request.verbatim.of(Ollama::default().name()).is_some() {
        return None;
    }
    let answer = request.max_output_tokens.unwrap_or(ANSWER);
    let needed = estimate::input_tokens(request).saturating_add(answer);
    if needed <= SERVED {
        return None;
    }
    let window = window(server, model, needed).await?;
    let mut request = request.clone();
    let fields = request.extra.entry(instance.to_owned()).or_default();
    let options = fields.entry(OPTIONS).or_insert_with(|| json!({}));
    options
        .as_object_mut()?
        .insert(NUM_CTX.to_owned(), window.into());
    Some(request)
}

async fn window(server: &Server, model: &str, needed: u64) -> Option<u64> {
    let running = server.running().await.ok()?;
    let mut running = running.into_iter().filter(|it| is_same(&it.name, model));
    let loaded = running.find_map(|it| it.context_length);
    if loaded.is_some_and(|loaded| loaded >= needed) {
        return loaded;
    }
    let most = server.show(model).await.ok()?.context_window?;
    Some(needed.checked_next_power_of_two()?.min(most))
}

/// Whether two names are one model's, of which one may leave out the usual tag.
fn is_same(one: &str, other: &str) -> bool {
    let bare = |name: &'_ str| name.strip_suffix(":latest").unwrap_or(name).to_owned();
    bare(one) == bare(other)
}
