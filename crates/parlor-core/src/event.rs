//! What a stream yields.

use crate::part::{Citation, Native, Part};
use crate::response::{FinishReason, TokenLogprob, Warning};
use crate::tool::{ArgumentsForm, Executor, ToolCall};
use crate::usage::Usage;
use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// One step of a streamed answer.
///
/// `choice` and `part` are indexes; a part is the same thing as in the
/// collected [`Message`](crate::Message). The JSON form is an object whose
/// `type` is the variant in snake case:
/// `{"type":"text_delta","choice":0,"part":0,"text":"Hel"}`.
///
/// # Grammar
///
/// 1. [`Started`](Event::Started) comes first, once. It is held back until the
///    first content, so that a retry can't show two.
/// 2. A part is opened by [`PartStarted`](Event::PartStarted) and closed by
///    [`PartFinished`](Event::PartFinished), each once. Several parts may be
///    open at a time. Deltas and citations come only inside their open part:
///    [`TextDelta`](Event::TextDelta) in text and refusal,
///    [`ReasoningDelta`](Event::ReasoningDelta) in reasoning,
///    [`ArgumentsDelta`](Event::ArgumentsDelta) in a tool call.
/// 3. [`Finished`](Event::Finished) comes once per choice, after its parts are
///    closed.
/// 4. [`Usage`](Event::Usage), [`Warning`](Event::Warning),
///    [`Logprobs`](Event::Logprobs) and [`Unknown`](Event::Unknown) come
///    anywhere after `Started`. A usage is a snapshot: the last one wins, and
///    they are never added up.
/// 5. The stream ends by exactly one of [`Completed`](Event::Completed) and an
///    error; then nothing.
///
/// [`Grammar`](crate::Grammar) checks this in tests.
///
/// # Growth
///
/// New variants may come: pass over those you don't know. Of the variants,
/// those that begin and end something may get new fields, so they are built by
/// functions ([`started`](Self::started), [`part_started`](Self::part_started),
/// [`part_finished`](Self::part_finished), [`finished`](Self::finished),
/// [`completed`](Self::completed)) and matched with `..`. The others never
/// change: a delta is a place and a text, and what else there may be to say of
/// a citation, a usage or a warning goes into the struct that the event holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The answer begins.
    #[non_exhaustive]
    Started {
        /// The provider's id of the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The model that answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
        /// When it was made, in seconds since 1970.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created: Option<u64>,
    },
    /// A part begins.
    #[non_exhaustive]
    PartStarted {
        /// The choice it belongs to.
        choice: u32,
        /// Its index in the choice.
        part: u32,
        /// What it is.
        kind: PartKind,
        /// Id and name, when it is a tool call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        call: Option<Box<CallHead>>,
    },
    /// More text of a text or refusal part.
    TextDelta {
        /// The choice it belongs to.
        choice: u32,
        /// The part it belongs to.
        part: u32,
        /// The text; never empty.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        text: CompactString,
    },
    /// More text of a reasoning part.
    ReasoningDelta {
        /// The choice it belongs to.
        choice: u32,
        /// The part it belongs to.
        part: u32,
        /// The text; never empty.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        text: CompactString,
    },
    /// More of a tool call's arguments: for display only, since only the whole
    /// call in [`PartFinished`](Event::PartFinished) counts.
    ArgumentsDelta {
        /// The choice it belongs to.
        choice: u32,
        /// The part it belongs to.
        part: u32,
        /// The text; never empty.
        #[cfg_attr(feature = "schema", schemars(with = "String"))]
        text: CompactString,
    },
    /// What a span of an open text part rests on.
    Citation {
        /// The choice it belongs to.
        choice: u32,
        /// The part it belongs to.
        part: u32,
        /// The citation.
        citation: Box<Citation>,
    },
    /// A part ends.
    #[non_exhaustive]
    PartFinished {
        /// The choice it belongs to.
        choice: u32,
        /// Its index in the choice.
        part: u32,
        /// The whole part, for every kind but text, reasoning and refusal,
        /// whose text is in the deltas. A tool call arrives whole here,
        /// whatever its fragments did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<Box<Part>>,
        /// The provider's own item, for text, reasoning and refusal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        native: Option<Box<Native>>,
    },
    /// Log probabilities of tokens of a choice.
    Logprobs {
        /// The choice it belongs to.
        choice: u32,
        /// Whether they are of the refusal rather than the text.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        refusal: bool,
        /// The tokens, in order.
        tokens: Vec<TokenLogprob>,
    },
    /// What was consumed so far: a snapshot.
    Usage {
        /// The snapshot.
        usage: Box<Usage>,
    },
    /// Something could not be honoured.
    Warning {
        /// The warning.
        warning: Box<Warning>,
    },
    /// Something of the provider's that parlor doesn't model.
    Unknown {
        /// The item.
        native: Box<Native>,
    },
    /// A choice ends.
    #[non_exhaustive]
    Finished {
        /// The choice.
        choice: u32,
        /// Why.
        reason: FinishReason,
    },
    /// The whole answer has come.
    #[non_exhaustive]
    Completed {
        /// What it consumed: the snapshots merged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Box<Usage>>,
    },
}

impl Event {
    /// Begins an answer: its id, the model that answers, and when it was made,
    /// in seconds since 1970.
    pub fn started(id: Option<String>, model: Option<String>, created: Option<u64>) -> Self {
        Self::Started { id, model, created }
    }

    /// Opens a part that is no tool call.
    pub fn part_started(choice: u32, part: u32, kind: PartKind) -> Self {
        Self::PartStarted {
            choice,
            part,
            kind,
            call: None,
        }
    }

    /// Opens a tool call.
    pub fn call_started(choice: u32, part: u32, head: CallHead) -> Self {
        Self::PartStarted {
            choice,
            part,
            kind: PartKind::ToolCall,
            call: Some(Box::new(head)),
        }
    }

    /// Closes a part whose text came in deltas.
    pub fn part_finished(choice: u32, part: u32) -> Self {
        Self::PartFinished {
            choice,
            part,
            content: None,
            native: None,
        }
    }

    /// Closes a part whose text came in deltas, with the provider's own item.
    pub fn part_finished_as(choice: u32, part: u32, native: Option<Box<Native>>) -> Self {
        Self::PartFinished {
            choice,
            part,
            content: None,
            native,
        }
    }

    /// Closes a part of another kind than text, reasoning and refusal: it
    /// comes whole here.
    pub fn part_finished_with(choice: u32, part: u32, content: Part) -> Self {
        Self::PartFinished {
            choice,
            part,
            content: Some(Box::new(content)),
            native: None,
        }
    }

    /// Ends a choice.
    pub fn finished(choice: u32, reason: FinishReason) -> Self {
        Self::Finished { choice, reason }
    }

    /// Ends the answer, with what it consumed.
    pub fn completed(usage: Option<Box<Usage>>) -> Self {
        Self::Completed { usage }
    }

    /// The text of a text delta, for those who want nothing else. Refusals
    /// stream as text deltas too.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::TextDelta { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Text or reasoning as a delta for each word, with the white space behind
    /// it: how a model that has its answer at once streams it. Any other event
    /// as it is.
    ///
    /// ```
    /// # use parlor_core::Event;
    /// let text = |text: &str| Event::TextDelta { choice: 0, part: 0, text: text.into() };
    /// assert_eq!(text("so it  is").by_word(), [text("so "), text("it "), text(" "), text("is")]);
    /// ```
    pub fn by_word(self) -> Vec<Self> {
        type Make = fn(u32, u32, CompactString) -> Event;
        let (choice, part, text, make): (_, _, _, Make) = match self {
            Self::TextDelta { choice, part, text } => (choice, part, text, |choice, part, text| {
                Self::TextDelta { choice, part, text }
            }),
            Self::ReasoningDelta { choice, part, text } => {
                (choice, part, text, |choice, part, text| {
                    Self::ReasoningDelta { choice, part, text }
                })
            }
            other => return vec![other],
        };
        text.split_inclusive(char::is_whitespace)
            .map(|word| make(choice, part, word.into()))
            .collect()
    }

    /// Whether it ends a stream.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed { .. })
    }
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PartKind {
    /// Text.
    Text,
    /// Reasoning.
    Reasoning,
    /// A refusal.
    Refusal,
    /// A tool call.
    ToolCall,
    /// A result of a tool that the provider ran.
    ToolResult,
    /// Media that the model made.
    Media,
    /// A page or document that the answer rests on.
    Source,
    /// A provider's item that parlor doesn't model.
    Native,
}

impl PartKind {
    /// The kind of a part.
    pub fn of(part: &Part) -> Self {
        match part {
            Part::Text(_) => Self::Text,
            Part::Reasoning(_) => Self::Reasoning,
            Part::Refusal(_) => Self::Refusal,
            Part::ToolCall(_) => Self::ToolCall,
            Part::ToolResult(_) => Self::ToolResult,
            Part::Media(_) => Self::Media,
            Part::Source(_) => Self::Source,
            Part::Native(_) => Self::Native,
        }
    }
}

/// What is known of a tool call when it begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[non_exhaustive]
pub struct CallHead {
    /// The call's id.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Who runs it.
    pub executor: Executor,
    /// What sort of text its arguments will be; never
    /// [`Cut`](ArgumentsForm::Cut).
    #[serde(skip_serializing_if = "ArgumentsForm::is_json")]
    pub form: ArgumentsForm,
}

impl CallHead {
    /// A call that the client runs, with arguments in JSON.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            ..Self::default()
        }
    }
}

/// What is known of a call that is whole.
impl From<&ToolCall> for CallHead {
    fn from(call: &ToolCall) -> Self {
        let mut head = Self::new(&call.id, &call.name);
        head.executor = call.executor;
        if call.arguments.form == ArgumentsForm::Text {
            head.form = ArgumentsForm::Text;
        }
        head
    }
}
