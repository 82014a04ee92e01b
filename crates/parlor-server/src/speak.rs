//! The dialects that clients speak, a file each, behind one interface.

mod anthropic_messages;
mod gemini;
mod ollama;
mod openai_chat;

use axum::http::HeaderMap;
use parlor::{ChatResponse, Error, Origin, Result};
use parlor_dialect::{Encoder, Framing, Incoming, ServerDialect};
use serde_json::Value;

/// A dialect as a server speaks it.
pub(crate) trait Speak: Send + Sync {
    fn name(&self) -> &'static str;
    fn framing(&self) -> Framing;
    fn read(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming>;
    fn whole(&self, response: &ChatResponse) -> Result<Vec<u8>>;
    fn encoder(&self) -> Box<dyn Encoder>;
    fn refuse(&self, error: &Error) -> (u16, Vec<u8>);

    /// Whether its bodies and answers may go through as they are.
    fn passes(&self) -> bool {
        true
    }

    /// The headers of its clients that mean something to a provider of the same dialect, and the
    /// fields in which they are written where the request isn't passed as it came.
    fn headers(&self) -> &'static [(&'static str, Option<&'static str>)] {
        &[]
    }
}

impl<D: ServerDialect> Speak for Plain<D> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn framing(&self) -> Framing {
        self.0.framing()
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

    fn headers(&self) -> &'static [(&'static str, Option<&'static str>)] {
        self.1
    }
}

/// A dialect just as it is, and the headers that go with it.
struct Plain<D>(D, &'static [(&'static str, Option<&'static str>)]);

/// What a family of clients asks, and where.
pub(crate) struct Clients {
    /// The beginning of its paths, by which a refusal finds its shape.
    prefix: &'static str,
    /// Where questions come in, and the dialect they are in.
    pub(crate) asks: &'static [Ask],
    /// Where it lists models.
    pub(crate) models: &'static str,
    /// Whether a list is asked for by clients of this family, where several share its path.
    lists_for: fn(&HeaderMap) -> bool,
    /// Names of models as it lists them.
    list: fn(Vec<String>) -> Value,
}

/// A path as a route, and the dialect that is spoken there.
pub(crate) type Ask = (&'static str, fn() -> Box<dyn Speak>);

/// All families; of those that share a path, the one that says so in its head first.
pub(crate) const CLIENTS: &[Clients] = &[
    anthropic_messages::CLIENTS,
    gemini::CLIENTS,
    ollama::CLIENTS,
    openai_chat::CLIENTS,
];

/// Names of models as those list them who ask at this path with this head.
pub(crate) fn listed(path: &str, headers: &HeaderMap, names: Vec<String>) -> Value {
    let mut found = CLIENTS.iter().filter(|it| it.models == path);
    let found = found.find(|it| (it.lists_for)(headers));
    found.map_or(Value::Null, |it| (it.list)(names))
}

/// The dialect of a path that is none of theirs, for refusals that its clients can read.
pub(crate) fn of_path(path: &str) -> Box<dyn Speak> {
    let found = CLIENTS.iter().find(|it| path.starts_with(it.prefix));
    let asks = found.and_then(|it| it.asks.first());
    let (_, dialect) = asks.unwrap_or(&openai_chat::CHAT);
    dialect()
}

/// Whoever asks.
fn anyone(_: &HeaderMap) -> bool {
    true
}
