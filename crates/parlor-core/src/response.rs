//! What a model answered.

use crate::event::Event;
use crate::message::{Message, Role};
use crate::part::Native;
use crate::tool::ToolCall;
use crate::usage::Usage;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The whole answer to one request.
///
/// A call and a collected stream of the same answer are equal, but for
/// [`metadata`](Self::metadata) and [`raw`](Self::raw).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct ChatResponse {
    /// The provider's id of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The provider's name, as in [`ModelInfo::provider`](crate::ModelInfo::provider).
    pub provider: String,
    /// The model that answered, in the provider's words; it may be more exact
    /// than the one asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// When it was made, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<u64>,
    /// The choices, by rising index; empty where the provider blocked the
    /// prompt.
    pub choices: Vec<Choice>,
    /// What it consumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What could not be honoured or was changed on the way.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
    /// What the provider said beyond this, in its own words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub native: Vec<Native>,
    /// True if the answer was broken off: what is here is what had come.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interrupted: bool,
    /// Request id, rate limits, latency.
    pub metadata: ResponseMetadata,
    /// The provider's body, when [`ChatRequest::include_raw`](crate::ChatRequest::include_raw) asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
}

impl ChatResponse {
    /// The text of the first choice: its text parts, joined with nothing between.
    pub fn text(&self) -> String {
        self.message().map(Message::text).unwrap_or_default()
    }

    /// The reasoning of the first choice.
    pub fn reasoning(&self) -> String {
        self.message().map(Message::reasoning).unwrap_or_default()
    }

    /// The calls of the first choice that the client must run.
    pub fn tool_calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.message().into_iter().flat_map(Message::tool_calls)
    }

    /// The message of the first choice.
    pub fn message(&self) -> Option<&Message> {
        self.choices.first().map(|choice| &choice.message)
    }

    /// The finish reason of the first choice.
    pub fn finish_reason(&self) -> Option<&FinishReason> {
        self.choices.first()?.finish_reason.as_ref()
    }

    /// The events of a stream that gives this answer: for a provider that
    /// answered a stream with a whole body, and for caches.
    pub fn into_events(self) -> Vec<Event> {
        crate::collect::replay(self)
    }
}

/// One of the answers to a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Choice {
    /// Its index among the choices.
    #[serde(default)]
    pub index: u32,
    /// The message.
    pub message: Message,
    /// Why it ended; `None` if it was broken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// Log probabilities of its tokens, where asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Logprobs>,
}

impl Choice {
    /// A choice that has said nothing yet.
    pub fn new(index: u32) -> Self {
        Self {
            index,
            message: Message::new(Role::Assistant, Vec::new()),
            finish_reason: None,
            logprobs: None,
        }
    }
}

/// Why an answer ended: one of a few kinds, with the provider's own word beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct FinishReason {
    /// The kind, derived: where the client must run tools it is
    /// [`ToolCalls`](FinishKind::ToolCalls) though the provider says `stop`.
    pub kind: FinishKind,
    /// The provider's word, if it said one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<String>,
}

impl FinishReason {
    /// A kind with the provider's word.
    pub fn new(kind: FinishKind, raw: impl Into<String>) -> Self {
        Self {
            kind,
            raw: Some(raw.into()),
        }
    }

    /// The kind that holds when it is known whether the client has tools to
    /// run: [`Stop`](FinishKind::Stop) with calls is
    /// [`ToolCalls`](FinishKind::ToolCalls), and the reverse.
    #[must_use]
    pub fn with_calls(mut self, has_calls: bool) -> Self {
        self.kind = match (self.kind, has_calls) {
            (FinishKind::Stop, true) => FinishKind::ToolCalls,
            (FinishKind::ToolCalls, false) => FinishKind::Stop,
            (kind, _) => kind,
        };
        self
    }
}

impl From<FinishKind> for FinishReason {
    fn from(kind: FinishKind) -> Self {
        Self { kind, raw: None }
    }
}

/// The kinds of finish reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FinishKind {
    /// The answer is whole.
    Stop,
    /// It reached the token limit or the end of the context window.
    Length,
    /// The client must run tools.
    ToolCalls,
    /// A filter withheld it or a part of it.
    ContentFilter,
    /// The model refused.
    Refusal,
    /// The provider paused; send the answer back to go on.
    Pause,
    /// The provider failed in the middle and said so.
    Error,
    /// Another reason; the provider's word says which.
    Other,
}

impl FinishKind {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Length => "length",
            Self::ToolCalls => "tool_calls",
            Self::ContentFilter => "content_filter",
            Self::Refusal => "refusal",
            Self::Pause => "pause",
            Self::Error => "error",
            Self::Other => "other",
        }
    }
}

/// Log probabilities of a choice's tokens.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Logprobs {
    /// Of the text.
    pub content: Vec<TokenLogprob>,
    /// Of the refusal.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refusal: Vec<TokenLogprob>,
}

/// A token and its log probability.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct TokenLogprob {
    /// The token as text.
    pub token: String,
    /// Its natural log probability; -9999 stands for "very unlikely".
    pub logprob: f64,
    /// Its bytes, since a token may be a part of a character.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Vec<u8>>,
    /// The likeliest tokens at this place.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub top_logprobs: Vec<TopLogprob>,
}

impl TokenLogprob {
    /// A token with its natural log probability.
    pub fn new(token: impl Into<String>, logprob: f64) -> Self {
        Self {
            token: token.into(),
            logprob,
            ..Self::default()
        }
    }
}

/// One of the likeliest tokens at a place.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct TopLogprob {
    /// The token as text.
    pub token: String,
    /// Its natural log probability.
    pub logprob: f64,
    /// Its bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<Vec<u8>>,
}

impl TopLogprob {
    /// A token with its natural log probability.
    pub fn new(token: impl Into<String>, logprob: f64) -> Self {
        Self {
            token: token.into(),
            logprob,
            bytes: None,
        }
    }
}

/// Something in the request that was changed or left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Warning {
    /// What was done.
    pub kind: WarningKind,
    /// The setting or part it is about, by its name in the request.
    pub setting: String,
    /// A sentence for a person.
    pub message: String,
}

impl Warning {
    /// A warning about a setting.
    pub fn new(kind: WarningKind, setting: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            kind,
            setting: setting.into(),
            message: message.into(),
        }
    }
}

/// What was done to a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WarningKind {
    /// Left out, because the model can't honour it.
    Unsupported,
    /// Changed to the nearest thing that the model takes.
    Coerced,
    /// Something that the provider or parlor wants known.
    Notice,
}

/// Facts about the exchange, not about the answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct ResponseMetadata {
    /// The provider's id of the request, for its support desk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Rate limits by what they count: `requests`, `tokens`, `input_tokens`,
    /// `output_tokens`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rate_limits: BTreeMap<String, RateLimit>,
    /// How long it took.
    pub latency: Latency,
    /// Where the answer is from, when the model wasn't asked for it anew. Its
    /// usage is then what it consumed when it was made, and was counted there:
    /// whoever adds up tokens or cost passes it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reused: Option<Reused>,
}

/// Where an answer is from that the model wasn't asked for anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "from", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reused {
    /// A cache.
    Cache {
        /// How long ago it was made, in milliseconds.
        age_ms: u64,
    },
    /// An equal call that was going on at the same time, and is shared.
    Call,
}

/// What is left of a rate limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct RateLimit {
    /// The limit per window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// What is left in this window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// Milliseconds until the window starts anew, as of the response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset_ms: Option<u64>,
}

/// How long an exchange took, in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct Latency {
    /// From sending to the first event with content.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event_ms: Option<u64>,
    /// From sending to the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_ms: Option<u64>,
}
