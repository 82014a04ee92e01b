//! What a correct client delivers for a case, as plain data.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::Value;

/// What a correct client does with one case.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Expect {
    /// The outcomes, of which any one is right, the best first; empty only beside `drop_at`.
    pub outcomes: Vec<Outcome>,
    /// Where the test drops the call or the stream. The server must then see the drop
    /// ([`SeenRequest::dropped`](crate::SeenRequest::dropped)), and no outcome is compared.
    pub drop_at: Option<DropAt>,
    /// Whether the client must hang up before the server is done, which is how an endless
    /// response shows that the client's memory is bounded.
    pub hangs_up: bool,
    /// Whether a request goes before, on the same client and to the same case, that is answered
    /// well, so that the request under test finds a connection to reuse.
    pub warm_up: bool,
    /// The content coding of the response. It is applied whatever the client asked for; from a
    /// client that names it in `accept-encoding` only the first outcome is right.
    pub coding: Option<&'static str>,
    /// Whether the response sends the client to another host, which must see none of its
    /// credentials ([`FaultServer::elsewhere`](super::FaultServer::elsewhere)).
    pub redirects: bool,
}

/// One right outcome.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The call succeeds.
    Answer(Reading),
    /// The call, the opening of the stream or its middle fails.
    Failure(Failure),
}

/// An answer as a correct client delivers it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reading {
    /// The choices in the order of their index.
    pub choices: Vec<Choice>,
    /// All input tokens; `None` where the server gave no figure, and the client must give none.
    pub input_tokens: Option<u64>,
    /// All output tokens, likewise.
    pub output_tokens: Option<u64>,
}

/// One choice of an answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Choice {
    /// The text, parts joined with nothing between.
    pub text: String,
    /// The reasoning, likewise.
    pub reasoning: String,
    /// The refusal, likewise.
    pub refusal: String,
    /// The calls that the client must run, in order.
    pub tool_calls: Vec<ToolCall>,
    /// Why it ended, any of: `stop`, `length`, `tool_calls`, `content_filter`, `refusal`, `pause`,
    /// `error`, `other`.
    pub finish: &'static [&'static str],
    /// The provider's own word; `None` where none came, or none that is not empty.
    pub finish_raw: Option<String>,
}

/// One tool call, whole.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolCall {
    /// The id; `None` where the provider sent none, so that the client mints one of its own,
    /// not empty and unlike those of other calls.
    pub id: Option<String>,
    /// The tool's name.
    pub name: String,
    /// The arguments, parsed.
    pub arguments: Value,
}

/// An error as a correct client delivers it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Failure {
    /// The kind, any of these words: `authentication`, `invalid_request`, `rate_limited`,
    /// `quota_exhausted`, `overloaded`, `server`, `content_filtered`, `first_event_timeout`,
    /// `idle_timeout`, `total_timeout`, `connection`, `truncated`, `decode`, `unexpected`.
    pub kinds: &'static [&'static str],
    /// The HTTP status that the error carries; `None` where it isn't compared.
    pub status: Option<u16>,
    /// How long the provider asked to wait; `None` where it didn't, and the client must give none.
    pub retry_after: Option<RangeInclusive<Duration>>,
    /// What the message contains; empty where it isn't compared.
    pub message: &'static str,
    /// The provider's code; `None` where it isn't compared.
    pub code: Option<&'static str>,
    /// The text that the error carries as a partial response.
    pub partial: Partial,
}

/// The text delivered before a failure, which a stream's error carries as its partial response.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Partial {
    /// Not compared; nothing of the answer had come.
    #[default]
    None,
    /// This text.
    Exactly(String),
    /// This text or a beginning of it: how much arrives before a reset is chance.
    Within(String),
}

/// Where the test drops what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropAt {
    /// The server has read the request and sends nothing: drop the future of the call.
    BeforeHeaders,
    /// The head is there and no event: drop the stream, or the call.
    AfterHeaders,
    /// Some text has come: drop the stream.
    AfterText,
    /// A part of a tool call has come: drop the stream.
    AfterArguments,
}

impl Expect {
    /// The answer and nothing else.
    pub(super) fn answer(reading: Reading) -> Self {
        Self::any([Outcome::Answer(reading)])
    }

    pub(super) fn failure(failure: Failure) -> Self {
        Self::any([Outcome::Failure(failure)])
    }

    pub(super) fn any(outcomes: impl Into<Vec<Outcome>>) -> Self {
        Self {
            outcomes: outcomes.into(),
            drop_at: None,
            hangs_up: false,
            warm_up: false,
            coding: None,
            redirects: false,
        }
    }

    /// The same, where `outcome` is right too.
    pub(super) fn or(mut self, outcome: Outcome) -> Self {
        self.outcomes.push(outcome);
        self
    }
}

impl Reading {
    /// The first choice; empty where there is none.
    pub fn first(&self) -> Choice {
        self.choices.first().cloned().unwrap_or_default()
    }
}

impl Failure {
    pub(super) fn new(kinds: &'static [&'static str]) -> Self {
        Self {
            kinds,
            ..Self::default()
        }
    }

    pub(super) fn status(self, status: u16) -> Self {
        Self {
            status: Some(status),
            ..self
        }
    }

    pub(super) fn message(self, message: &'static str) -> Self {
        Self { message, ..self }
    }

    pub(super) fn after(self, text: impl Into<String>) -> Self {
        Self {
            partial: Partial::Exactly(text.into()),
            ..self
        }
    }
}
