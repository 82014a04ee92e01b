//! The dialects that clients speak, a file each, behind one interface.

mod anthropic_messages;
mod gemini;
mod generate;
pub(crate) mod ollama;
mod openai_chat;

use axum::http::HeaderMap;
use parlor::{Capability, ChatResponse, Error, ModelInfo, Origin, Reasoning, Result};
use parlor_dialect::{ClientTools, Encoder, Incoming, ServerDialect};
use serde_json::Value;

use crate::answer::Form;
use crate::count::Count;
use crate::seal::Place;

/// A dialect as a server speaks it.
pub(crate) trait Speak: Send + Sync {
    fn name(&self) -> &'static str;

    /// The dialect in whose words its clients ask, by which hosts of the same are told.
    fn words(&self) -> &'static str {
        self.name()
    }

    /// How a stream that was asked for at this path is put together.
    fn form(&self, path: &str) -> Form;
    fn read(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming>;
    /// A whole answer to a client with these tools.
    fn whole(&self, response: &ChatResponse, tools: &ClientTools) -> Result<Vec<u8>>;
    fn encoder(&self, tools: &ClientTools) -> Box<dyn Encoder>;
    fn refuse(&self, error: &Error) -> (u16, Vec<u8>);

    /// Whether its bodies and answers may go through as they are.
    fn passes(&self) -> bool {
        true
    }

    /// Where its clients give back what only a provider understands.
    fn place(&self) -> Place {
        Place::Ids
    }

    /// How ids of answers begin, where they have any.
    fn ids(&self) -> Option<&'static str> {
        None
    }

    /// Whether its hosts take a call with this id.
    fn takes_id(&self, id: &str) -> bool {
        let _ = id;
        true
    }

    /// Whether a thought that its clients give back was signed, where its hosts sign thoughts.
    fn is_signed(&self, thought: &Reasoning) -> bool {
        let _ = thought;
        true
    }

    /// The answer to what asks no model anything, such as to load it.
    fn at_once(&self, body: &[u8]) -> Option<Vec<u8>> {
        let _ = body;
        None
    }

    /// The headers of its clients that mean something to a provider of the same dialect, and the
    /// fields in which they are written where the request isn't passed as it came.
    fn headers(&self) -> &'static [(&'static str, Option<&'static str>)] {
        &[]
    }
}

impl<D: ServerDialect> Speak for Plain<D> {
    fn name(&self) -> &'static str {
        self.dialect.name()
    }

    fn form(&self, path: &str) -> Form {
        match self.form {
            Some(form) => form(path),
            None => Form::Frames(self.dialect.framing()),
        }
    }

    fn read(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        self.dialect.read_request(path, body, origin)
    }

    fn whole(&self, response: &ChatResponse, tools: &ClientTools) -> Result<Vec<u8>> {
        self.dialect.write_response_for(response, tools)
    }

    fn encoder(&self, tools: &ClientTools) -> Box<dyn Encoder> {
        Box::new(self.dialect.encoder_for(tools))
    }

    fn refuse(&self, error: &Error) -> (u16, Vec<u8>) {
        self.dialect.write_error(error)
    }

    fn ids(&self) -> Option<&'static str> {
        self.ids
    }

    fn takes_id(&self, id: &str) -> bool {
        self.takes_id.is_none_or(|takes| takes(id))
    }

    fn is_signed(&self, thought: &Reasoning) -> bool {
        self.is_signed.is_none_or(|is_signed| is_signed(thought))
    }

    fn at_once(&self, body: &[u8]) -> Option<Vec<u8>> {
        self.at_once?(body)
    }

    fn headers(&self) -> &'static [(&'static str, Option<&'static str>)] {
        self.headers
    }

    fn place(&self) -> Place {
        self.place
    }
}

/// A dialect as it is, with what its clients do beside it.
struct Plain<D> {
    dialect: D,
    place: Place,
    headers: &'static [(&'static str, Option<&'static str>)],
    form: Option<fn(&str) -> Form>,
    ids: Option<&'static str>,
    takes_id: Option<fn(&str) -> bool>,
    is_signed: Option<fn(&Reasoning) -> bool>,
    at_once: Option<AtOnce>,
}

/// See [`Speak::at_once`].
type AtOnce = fn(&[u8]) -> Option<Vec<u8>>;

impl<D> Plain<D> {
    /// The dialect alone, whose clients have this place.
    fn new(dialect: D, place: Place) -> Self {
        Self {
            dialect,
            place,
            headers: &[],
            form: None,
            ids: None,
            takes_id: None,
            is_signed: None,
            at_once: None,
        }
    }
}

/// What a family of clients asks, and where.
pub(crate) struct Clients {
    /// The beginning of its paths, by which a refusal finds its shape.
    prefix: &'static str,
    /// Where questions come in, and the dialect they are in.
    pub(crate) asks: &'static [Ask],
    /// Where it asks what a prompt comes to, and in which dialect.
    pub(crate) counts: &'static [(Ask, &'static Count)],
    /// Where it lists models.
    pub(crate) models: &'static str,
    /// Where it asks for one of them.
    pub(crate) model: Option<&'static str>,
    /// Whether a list is asked for by clients of this family, where several share its path.
    lists_for: fn(&HeaderMap) -> bool,
    /// What it says of one model.
    one: fn(&Known) -> Value,
    /// Models as it lists them.
    list: fn(Vec<Value>) -> Value,
}

/// A path as a route, and the dialect that is spoken there.
pub(crate) type Ask = (&'static str, fn() -> Box<dyn Speak>);

/// What is known of a model that can be asked for.
pub(crate) struct Known {
    /// What clients call it.
    pub(crate) id: String,
    /// What to call it in lists for people.
    pub(crate) label: Option<String>,
    /// The facts, none of them sure.
    pub(crate) info: ModelInfo,
    /// The day on which it came out, `YYYY-MM-DD`.
    pub(crate) released: Option<String>,
}

impl Known {
    fn has(&self, capability: Capability) -> bool {
        self.info.capabilities.has(capability)
    }

    fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.id)
    }

    /// When it came out, in seconds since 1970; 0 where that isn't known.
    fn released_seconds(&self) -> u64 {
        let days = self.released.as_deref().and_then(days);
        days.unwrap_or_default() * 24 * 60 * 60
    }

    /// When it came out, as the interfaces write times that aren't known to the second.
    fn released_at(&self) -> String {
        let day = self.released.as_deref().unwrap_or("1970-01-01");
        format!("{day}T00:00:00Z")
    }
}

/// The days since 1970 of a day of the calendar.
fn days(date: &str) -> Option<u64> {
    let mut fields = date.splitn(3, '-').map(|it| it.parse::<u64>().ok());
    let (year, month, day) = (fields.next()??, fields.next()??, fields.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // A year that begins in March has its leap day at its end.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leaps = year / 4 - year / 100 + year / 400;
    let of_year = (153 * month + 2) / 5 + day - 1;
    (year * 365 + leaps + of_year).checked_sub(719_468)
}

/// All families; of those that share a path, the one that says so in its head first.
pub(crate) const CLIENTS: &[Clients] = &[
    anthropic_messages::CLIENTS,
    gemini::CLIENTS,
    ollama::CLIENTS,
    openai_chat::CLIENTS,
];

/// The family that asks at this path, where models are listed, with this head.
fn lister(path: &str, headers: &HeaderMap) -> Option<&'static Clients> {
    let mut found = CLIENTS.iter().filter(|it| path.starts_with(it.models));
    found.find(|it| (it.lists_for)(headers))
}

/// Models as those list them who ask at this path with this head.
pub(crate) fn listed(path: &str, headers: &HeaderMap, models: &[Known]) -> Value {
    lister(path, headers).map_or(Value::Null, |it| {
        (it.list)(models.iter().map(it.one).collect())
    })
}

/// A model as those are told of it who ask at this path with this head.
pub(crate) fn told(path: &str, headers: &HeaderMap, model: &Known) -> Value {
    lister(path, headers).map_or(Value::Null, |it| (it.one)(model))
}

/// The dialect of a path that is none of theirs, for refusals that its clients can read.
pub(crate) fn of_path(path: &str) -> Box<dyn Speak> {
    let found = CLIENTS.iter().find(|it| path.starts_with(it.prefix));
    let asks = found.and_then(|it| it.asks.first());
    let (_, dialect) = asks.unwrap_or(&openai_chat::CHAT);
    dialect()
}

/// The path that is meant by one where nothing is: a base URL lacks the version, or has it twice.
pub(crate) fn meant(path: &str) -> Option<String> {
    let asks = CLIENTS.iter().flat_map(|it| it.asks).map(|(path, _)| *path);
    let mut known = asks.chain(CLIENTS.iter().map(|it| it.models));
    let mut twice = ["/v1", "/v1beta"].into_iter();
    let twice = twice.find_map(|it| path.strip_prefix(it).filter(|rest| rest.starts_with(it)));
    let meant = match twice {
        Some(once) => once.to_owned(),
        None => format!("/v1{path}"),
    };
    known.any(|it| it == meant).then_some(meant)
}

/// The dialect of responses, which are kept as it writes them.
pub(crate) fn responses() -> Box<dyn Speak> {
    (openai_chat::RESPONSES.1)()
}

/// The dialect of who asks at a path where models are listed.
pub(crate) fn of_list(path: &str, headers: &HeaderMap) -> Box<dyn Speak> {
    let asks = lister(path, headers).and_then(|it| it.asks.first());
    asks.map_or_else(|| of_path(path), |(_, dialect)| dialect())
}

/// Whoever asks.
fn anyone(_: &HeaderMap) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn days_are_counted() {
        assert_eq!(days("1970-01-01"), Some(0));
        assert_eq!(days("1972-03-01"), Some(790));
        assert_eq!(days("2000-02-29"), Some(11_016));
        assert_eq!(days("2026-11-22"), Some(20_779));
        assert_eq!(days("1969-12-31"), None);
        assert_eq!(days("soon"), None);
    }
}
