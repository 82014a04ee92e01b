//! Where conversations are kept: the trait that a store implements, and its words.
//!
//! A kept conversation is a tree of turns with a head. A turn says which one it
//! follows; the way from the head to the root is the [`History`]. Undoing a turn
//! or answering it anew moves the head, so nothing that was said is lost, and two
//! programs that go on with the same conversation make two branches.
//!
//! `parlor-store` has the stores; none is here.

use crate::history::{History, Turn};
use crate::window::Summary;
use async_trait::async_trait;
use parlor_core::{Cost, Latency, Message, Part, Result, Role, Usage};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A turn of a kept conversation. Later turns of one store have greater ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TurnId(pub i64);

/// A conversation as lists show it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct KeptInfo {
    /// What it is called by: a few letters and digits, easy to type.
    pub id: String,
    /// A line that says what it is about.
    pub title: String,
    /// When it began, in milliseconds since 1970 (UTC).
    pub created_ms: i64,
    /// When something last changed in it, in milliseconds since 1970 (UTC).
    pub updated_ms: i64,
    /// The conversation that it was forked from.
    pub forked_from: Option<String>,
    /// The model of its last turn, as the turn has it.
    pub model: Option<String>,
    /// How many turns its history has.
    pub turns: u32,
    /// Tokens of its history's turns.
    pub usage: Usage,
    /// What its history's turns cost, where every one is known in one currency.
    pub cost: Option<Cost>,
}

/// A conversation with what was said.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Kept {
    /// What lists show of it.
    pub info: KeptInfo,
    /// The turns from the first to the head, ready to be sent.
    pub history: History,
    /// The ids of those turns, in the same order.
    pub turns: Vec<TurnId>,
}

/// One turn as it is kept.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct KeptTurn {
    /// What was said.
    pub turn: Turn,
    /// The instance of the provider that answered.
    pub provider: Option<String>,
    /// What it cost, where that is known.
    pub cost: Option<Cost>,
    /// How long it took.
    pub latency: Latency,
}

impl From<Turn> for KeptTurn {
    fn from(turn: Turn) -> Self {
        Self {
            turn,
            ..Self::default()
        }
    }
}

/// A place where words were found.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Found {
    /// The conversation.
    pub info: KeptInfo,
    /// The turn.
    pub turn: TurnId,
    /// The text around the words, which stand between [`Found::BEGIN`] and
    /// [`Found::END`].
    pub snippet: String,
}

impl Found {
    /// Stands before a found word.
    pub const BEGIN: char = '\u{2}';
    /// Stands after a found word.
    pub const END: char = '\u{3}';

    /// A place in a conversation.
    pub fn new(info: KeptInfo, turn: TurnId, snippet: String) -> Self {
        Self {
            info,
            turn,
            snippet,
        }
    }
}

/// What models were used for in some span of time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct UsageRow {
    /// The day (UTC) as `YYYY-MM-DD`, where it was asked by day.
    pub day: Option<String>,
    /// The instance of the provider, where it was asked by model.
    pub provider: Option<String>,
    /// The model as `provider/model`, where it was asked by model.
    pub model: Option<String>,
    /// How many turns.
    pub turns: u64,
    /// Their tokens.
    pub usage: Usage,
    /// What they cost: a sum for each currency. Turns without a known price
    /// aren't in it.
    pub costs: Vec<Cost>,
    /// How many turns have no known cost.
    pub unpriced: u64,
}

/// By what usage is added up; by default it is one sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UsageBy {
    /// A row for each day (UTC).
    pub day: bool,
    /// A row for each model of each provider.
    pub model: bool,
}

impl UsageBy {
    /// The same, with a row for each day.
    #[must_use]
    pub fn day(mut self) -> Self {
        self.day = true;
        self
    }

    /// The same, with a row for each model of each provider.
    #[must_use]
    pub fn model(mut self) -> Self {
        self.model = true;
        self
    }
}

/// Keeps conversations, and finds them again.
///
/// Its errors are [`ErrorKind::Validation`](parlor_core::ErrorKind::Validation)
/// where an id is wrong, else
/// [`ErrorKind::Unexpected`](parlor_core::ErrorKind::Unexpected) or
/// [`ErrorKind::Configuration`](parlor_core::ErrorKind::Configuration) with what
/// the store says and what to do. After an error nothing has changed.
#[async_trait]
pub trait ConversationStore: Send + Sync + fmt::Debug {
    /// Begins a conversation, and answers with its id.
    ///
    /// # Behavior
    /// - The id is new in the store.
    /// - A conversation without turns is listed like any other.
    async fn create(&self, title: &str, system: Option<&str>) -> Result<String>;

    /// The whole id of what a person typed.
    ///
    /// # Behavior
    /// - An id or the beginning of exactly one id; capital letters are taken as
    ///   small ones.
    /// - Anything else is an error that names the nearest ids.
    async fn resolve(&self, id: &str) -> Result<String>;

    /// A conversation with the history of its head.
    async fn load(&self, id: &str) -> Result<Kept>;

    /// Adds a turn after another, or as the first one, and makes it the head.
    ///
    /// # Behavior
    /// - What follows `after` already stays, as another branch.
    /// - The turn is on disk when this returns.
    async fn append(&self, id: &str, after: Option<TurnId>, turn: &KeptTurn) -> Result<TurnId>;

    /// Writes a turn anew, such as one that went on.
    ///
    /// # Behavior
    /// - Usage is counted once for each turn, as it was last written.
    async fn update(&self, turn: TurnId, content: &KeptTurn) -> Result<()>;

    /// Makes another turn of the conversation the head, or none.
    ///
    /// # Behavior
    /// - No turn is removed.
    async fn set_head(&self, id: &str, head: Option<TurnId>) -> Result<()>;

    /// Calls a conversation by another title.
    async fn set_title(&self, id: &str, title: &str) -> Result<()>;

    /// Changes what its model is told at first.
    async fn set_system(&self, id: &str, system: Option<&str>) -> Result<()>;

    /// Keeps a summary of the history's first turns, or forgets it.
    ///
    /// # Behavior
    /// - [`load`](Self::load) gives it back while the history has those turns.
    async fn set_summary(&self, id: &str, summary: Option<&Summary>) -> Result<()>;

    /// A new conversation that begins with the turns of this one up to `until`,
    /// or all of its history.
    ///
    /// # Behavior
    /// - Both go their own ways: deleting one leaves the other whole.
    async fn fork(&self, id: &str, until: Option<TurnId>) -> Result<String>;

    /// Removes a conversation with all its branches. What its turns used stays
    /// counted.
    async fn delete(&self, id: &str) -> Result<()>;

    /// The conversations that changed last, newest first.
    ///
    /// # Behavior
    /// - At most `limit` of them, after the first `skip`.
    async fn list(&self, limit: u32, skip: u32) -> Result<Vec<KeptInfo>>;

    /// Where all of these words are said, best first, a place for each
    /// conversation.
    ///
    /// # Behavior
    /// - Words are found by their beginnings, in any case and without accents;
    ///   titles count too.
    /// - Nothing in `words` is syntax.
    async fn search(&self, words: &str, limit: u32) -> Result<Vec<Found>>;

    /// What models were used for since a time, in milliseconds since 1970.
    async fn usage(&self, since_ms: i64, by: UsageBy) -> Result<Vec<UsageRow>>;
}

/// The most characters of a title made of a message.
const TITLE_LENGTH: usize = 60;

/// A title for a conversation that begins with this message: its first line of
/// text, cut at a word; empty where it has no text. Of texts that were attached
/// alone it is the first one's name.
pub fn title_of(message: &Message) -> String {
    let texts = || message.parts.iter().filter_map(Part::as_text);
    let said = texts().filter(|text| attached(text).is_none());
    let mut lines = said.flat_map(str::lines).map(str::trim);
    let line = lines.find(|line| !line.is_empty());
    let line = line.or_else(|| texts().find_map(attached));
    let words = line.unwrap_or_default().split_whitespace();
    let mut title = String::new();
    let mut length = 0;
    for word in words {
        let added = word.chars().count() + usize::from(length > 0);
        if length + added > TITLE_LENGTH {
            let room = TITLE_LENGTH.saturating_sub(1);
            if length == 0 {
                title.extend(word.chars().take(room));
            }
            title.push('…');
            break;
        }
        title.push_str(if length > 0 { " " } else { "" });
        title.push_str(word);
        length += added;
    }
    title
}

/// The name of a text that [`Attachment`](crate::Attachment) wrote under one.
fn attached(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("<file name=\"")?;
    let is_whole = rest.trim_end().ends_with("</file>");
    let (name, _) = rest.split_once("\">\n").filter(|_| is_whole)?;
    Some(name)
}

/// The text of a turn that people would look for: what was asked and answered,
/// without thoughts and tool calls.
pub fn searchable(turn: &Turn) -> String {
    let said = turn.messages.iter();
    let said = said.filter(|message| matches!(message.role, Role::User | Role::Assistant));
    let texts: Vec<String> = said
        .map(Message::text)
        .filter(|it| !it.is_empty())
        .collect();
    texts.join("\n\n")
}
