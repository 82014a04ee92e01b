//! What was said, a turn at a time.

mod markdown;
mod mend;

pub(crate) use mend::{ids_of, keeps, tell_apart};

use crate::window::{Summary, sent};
use parlor_core::{Error, Message, Part, Role, ToolCall, ToolResult, Usage};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::HashSet;

/// The memory of a conversation: instructions, and the turns so far.
///
/// A turn is a message of the user with all that answers it, calls of tools and
/// their results included. Turns come and go whole, so that the messages can be
/// sent to any model at any time: every call has its result, right after it.
///
/// It is JSON by serde; what is read is mended where it isn't valid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, from = "Stored")]
#[non_exhaustive]
pub struct History {
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<String>,
    turns: Vec<Turn>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stored {
    system: Option<String>,
    turns: Vec<Turn>,
    summary: Option<Summary>,
}

impl From<Stored> for History {
    fn from(stored: Stored) -> Self {
        let mut turns = stored.turns;
        let mut taken = HashSet::new();
        turns.iter_mut().for_each(|turn| turn.mend(&mut taken));
        let all = turns.len();
        turns.retain(|turn| !turn.messages.is_empty());
        let mut history = Self {
            system: stored.system,
            // Where turns are gone, nobody knows which ones it is of.
            summary: stored.summary.filter(|_| turns.len() == all),
            turns,
        };
        history.drop_stale_summary();
        history
    }
}

/// A message of the user and all that answers it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Turn {
    /// The messages, in order.
    pub messages: Vec<Message>,
    /// Whether it came to its end.
    pub state: TurnState,
    /// The model that answered last, as `provider/model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What all its requests consumed together.
    #[serde(skip_serializing_if = "Usage::is_empty")]
    pub usage: Usage,
    /// Why it has no whole answer, where it failed and somebody noted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<TurnFailure>,
}

/// Why a turn failed, in words for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TurnFailure {
    /// The word of its [`ErrorKind`](parlor_core::ErrorKind).
    pub kind: String,
    /// What went wrong.
    pub message: String,
    /// What to do next.
    pub help: String,
}

impl From<&Error> for TurnFailure {
    fn from(error: &Error) -> Self {
        Self {
            kind: error.kind().as_str().to_owned(),
            message: error.message().to_owned(),
            help: error.help().to_owned(),
        }
    }
}

/// Whether a turn came to its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TurnState {
    /// The answer is whole.
    #[default]
    Complete,
    /// It was stopped or broke off; what is there is what had come.
    Interrupted,
    /// Its last calls wait for an approval or a result.
    Pending,
}

impl Turn {
    /// A turn of these messages, with nothing else known of it.
    pub fn new(messages: Vec<Message>) -> Self {
        Self {
            messages,
            ..Self::default()
        }
    }

    /// The calls of its last message that have no result yet.
    pub fn pending_calls(&self) -> Vec<&ToolCall> {
        let last = self
            .messages
            .iter()
            .rposition(|m| m.role == Role::Assistant);
        let Some((last, message)) = last.and_then(|at| Some((at, self.messages.get(at)?))) else {
            return Vec::new();
        };
        let answered: HashSet<&str> = self.messages[last..]
            .iter()
            .flat_map(|message| &message.parts)
            .filter_map(|part| match part {
                Part::ToolResult(result) => Some(&*result.call_id),
                _ => None,
            })
            .collect();
        let calls = message.tool_calls();
        calls.filter(|call| !answered.contains(&*call.id)).collect()
    }

    /// The text of the answer: that of its last message of the assistant.
    pub fn text(&self) -> String {
        let answers = self.messages.iter().rev();
        let mut answers = answers.filter(|message| message.role == Role::Assistant);
        answers.next().map(Message::text).unwrap_or_default()
    }

    /// Adds results of the last calls, in the order of the calls; those that
    /// have none yet go on waiting. Gives the place of the message that has them.
    pub(crate) fn add_results(&mut self, results: Vec<ToolResult>) -> Option<usize> {
        if results.is_empty() {
            return None;
        }
        self.messages.push(Message::tool_results(results));
        self.state = TurnState::Pending;
        self.mend(&mut HashSet::new());
        self.messages.iter().rposition(|it| it.role == Role::Tool)
    }

    /// Its messages as they can be sent at any time: of calls that wait, it is
    /// said that they have no result.
    pub(crate) fn sendable(&self) -> Cow<'_, [Message]> {
        if self.state != TurnState::Pending {
            return Cow::Borrowed(&self.messages);
        }
        let mut settled = self.clone();
        settled.state = TurnState::Interrupted;
        settled.mend(&mut HashSet::new());
        Cow::Owned(settled.messages)
    }
}

impl History {
    /// What was said in these turns, mended where they can't be sent as they are,
    /// and the summary of the first of them, if there is one.
    pub fn of(system: Option<String>, turns: Vec<Turn>, summary: Option<Summary>) -> Self {
        Stored {
            system,
            turns,
            summary,
        }
        .into()
    }

    /// No instructions and no turns.
    pub fn new() -> Self {
        Self::default()
    }

    /// The instructions.
    pub fn system(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// Sets the instructions, or removes them.
    pub fn set_system(&mut self, text: Option<String>) {
        self.system = text.filter(|text| !text.trim().is_empty());
    }

    /// The turns, oldest first.
    pub fn turns(&self) -> &[Turn] {
        &self.turns
    }

    /// Whether nothing has been said. Instructions say nothing.
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// All messages in the order in which a model gets them, the instructions
    /// first. Of calls that still wait, it is said that they have no result.
    pub fn messages(&self) -> Vec<Message> {
        let system = self.system.as_deref().map(Message::system);
        let turns = self.turns.iter();
        let said = turns.flat_map(|turn| turn.sendable().into_owned());
        system.into_iter().chain(said).collect()
    }

    /// Adds a message of any role. A system message is added to the
    /// instructions; one of the user begins a turn; any other goes on with the
    /// last one. A call that has no result can be given one by a later message
    /// of [`Role::Tool`].
    pub fn add(&mut self, message: Message) {
        match message.role {
            Role::System => {
                let text = message.text();
                let system = match self.system.take() {
                    Some(system) => format!("{system}\n\n{text}"),
                    None => text,
                };
                self.set_system(Some(system));
            }
            Role::User => self.push(Turn::new(vec![message])),
            Role::Assistant | Role::Tool => {
                let mut turn = self.turns.pop().unwrap_or_default();
                turn.messages.push(message);
                let waits = !turn.pending_calls().is_empty();
                turn.state = match (waits, turn.state) {
                    (true, _) => TurnState::Pending,
                    (false, TurnState::Pending) => TurnState::Complete,
                    (false, state) => state,
                };
                self.push(turn);
            }
        }
    }

    /// Removes all turns; the instructions stay.
    pub fn clear(&mut self) {
        self.turns.clear();
        self.summary = None;
    }

    /// Removes the instructions too.
    pub fn clear_all(&mut self) {
        *self = Self::default();
    }

    /// Removes the last turn and gives it back.
    pub fn undo(&mut self) -> Option<Turn> {
        let undone = self.turns.pop();
        self.drop_stale_summary();
        undone
    }

    /// The same history up to this many turns: another way to go on from there.
    #[must_use]
    pub fn fork(&self, turns: usize) -> Self {
        let mut fork = Self {
            system: self.system.clone(),
            turns: self.turns.iter().take(turns).cloned().collect(),
            summary: self.summary.clone(),
        };
        fork.drop_stale_summary();
        fork
    }

    /// What the oldest turns came to, where a
    /// [`Window`](crate::Window::summarising) made a summary of them.
    pub fn summary(&self) -> Option<&Summary> {
        self.summary.as_ref()
    }

    /// How many of the first turns a summary is sent for.
    pub(crate) fn replaced(&self) -> usize {
        let summary = self.summary.as_ref().filter(|summary| summary.replaces);
        summary.map_or(0, |summary| summary.turns)
    }

    /// All [`messages`](Self::messages), but a summary in place of the turns that
    /// [`compact`](crate::Conversation::compact) made it of.
    pub fn compacted(&self) -> Vec<Message> {
        sent(self)
    }

    pub(crate) fn set_summary(&mut self, summary: Summary) {
        self.summary = Some(summary);
    }

    /// A summary of turns that aren't there any more goes with them.
    fn drop_stale_summary(&mut self) {
        let turns = self.turns.len();
        self.summary = self.summary.take().filter(|it| it.turns <= turns);
    }

    /// Adds a turn, mended. A turn that waited before it waits no longer.
    pub(crate) fn push(&mut self, mut turn: Turn) {
        if let Some(before) = self.turns.last_mut()
            && before.state == TurnState::Pending
        {
            before.state = TurnState::Interrupted;
            before.mend(&mut HashSet::new());
        }
        let said = self.turns.iter().flat_map(|turn| &turn.messages);
        turn.mend(&mut ids_of(said));
        if !turn.messages.is_empty() {
            self.turns.push(turn);
        }
    }
}
