//! A checker of the grammar of events, for tests.

use crate::error::Error;
use crate::event::{Event, PartKind};
use std::fmt;

/// Checks that a stream keeps the grammar stated at [`Event`].
///
/// Feed it every item with [`check`](Self::check) and call
/// [`finish`](Self::finish) at the end of the stream.
#[derive(Debug, Clone, Default)]
pub struct Grammar {
    started: bool,
    ended: bool,
    seen: usize,
    parts: Vec<(u32, u32, PartKind, bool)>,
    finished: Vec<u32>,
}

/// How a stream broke the grammar.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrammarError {
    /// The number of the offending item, from 0.
    pub at: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for GrammarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "item {}: {}", self.at, self.message)
    }
}

impl std::error::Error for GrammarError {}

impl Grammar {
    /// A checker at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Checks the next item.
    ///
    /// # Errors
    /// [`GrammarError`] when it may not stand there.
    pub fn check(&mut self, item: &Result<Event, Error>) -> Result<(), GrammarError> {
        let outcome = self.step(item).map_err(|message| GrammarError {
            at: self.seen,
            message,
        });
        self.seen += 1;
        outcome
    }

    /// Checks the end of the stream.
    ///
    /// # Errors
    /// [`GrammarError`] when there was no terminal.
    pub fn finish(&self) -> Result<(), GrammarError> {
        match self.ended {
            true => Ok(()),
            false => Err(GrammarError {
                at: self.seen,
                message: "the stream ended without Completed or an error".to_owned(),
            }),
        }
    }

    fn step(&mut self, item: &Result<Event, Error>) -> Result<(), String> {
        if self.ended {
            return Err(format!("{item:?} after the terminal"));
        }
        let event = match item {
            Ok(event) => event,
            Err(_) => {
                self.ended = true;
                return Ok(());
            }
        };
        if !self.started && !matches!(event, Event::Started { .. }) {
            return Err(format!("{event:?} before Started"));
        }
        match event {
            Event::Started { .. } if self.started => return Err("a second Started".to_owned()),
            Event::Started { .. } => self.started = true,
            Event::PartStarted {
                choice,
                part,
                kind,
                call,
            } => {
                if self.finished.contains(choice) {
                    return Err(format!("part {part} opened after choice {choice} finished"));
                }
                if self.parts.iter().any(|it| (it.0, it.1) == (*choice, *part)) {
                    return Err(format!("part {part} of choice {choice} opened twice"));
                }
                if call.is_some() != (*kind == PartKind::ToolCall) {
                    return Err(format!(
                        "part {part}: a call's head goes with tool calls only"
                    ));
                }
                self.parts.push((*choice, *part, *kind, true));
            }
            Event::TextDelta { choice, part, text } => {
                self.delta(*choice, *part, text, &[PartKind::Text, PartKind::Refusal])?;
            }
            Event::ReasoningDelta { choice, part, text } => {
                self.delta(*choice, *part, text, &[PartKind::Reasoning])?;
            }
            Event::ArgumentsDelta { choice, part, text } => {
                self.delta(*choice, *part, text, &[PartKind::ToolCall])?;
            }
            Event::Citation { choice, part, .. } => {
                self.open(*choice, *part, &[PartKind::Text])?;
            }
            Event::PartFinished {
                choice,
                part,
                content,
                ..
            } => {
                let at = self.open(*choice, *part, &[])?;
                let kind = self.parts[at].2;
                let by_deltas = matches!(
                    kind,
                    PartKind::Text | PartKind::Reasoning | PartKind::Refusal
                );
                if by_deltas == content.is_some() {
                    return Err(format!(
                        "part {part} ({kind:?}) finished with content {content:?}"
                    ));
                }
                if let Some(content) = content
                    && PartKind::of(content) != kind
                {
                    return Err(format!(
                        "part {part} opened as {kind:?} and finished as {content:?}"
                    ));
                }
                self.parts[at].3 = false;
            }
            Event::Finished { choice, .. } => {
                if self.finished.contains(choice) {
                    return Err(format!("choice {choice} finished twice"));
                }
                if let Some(open) = self.parts.iter().find(|it| it.0 == *choice && it.3) {
                    return Err(format!(
                        "choice {choice} finished with part {} open",
                        open.1
                    ));
                }
                self.finished.push(*choice);
            }
            Event::Completed { .. } => {
                if let Some(open) = self.parts.iter().find(|it| it.3) {
                    return Err(format!(
                        "completed with part {} of choice {} open",
                        open.1, open.0
                    ));
                }
                let unfinished = |it: &&(u32, u32, PartKind, bool)| !self.finished.contains(&it.0);
                if let Some(open) = self.parts.iter().find(unfinished) {
                    return Err(format!("completed with choice {} unfinished", open.0));
                }
                self.ended = true;
            }
            Event::Logprobs { .. }
            | Event::Usage { .. }
            | Event::Warning { .. }
            | Event::Unknown { .. } => {}
        }
        Ok(())
    }

    fn delta(&self, choice: u32, part: u32, text: &str, kinds: &[PartKind]) -> Result<(), String> {
        if text.is_empty() {
            return Err(format!("an empty delta for part {part} of choice {choice}"));
        }
        self.open(choice, part, kinds).map(|_| ())
    }

    fn open(&self, choice: u32, part: u32, kinds: &[PartKind]) -> Result<usize, String> {
        let at = self
            .parts
            .iter()
            .position(|it| (it.0, it.1) == (choice, part) && it.3)
            .ok_or_else(|| format!("part {part} of choice {choice} is not open"))?;
        match kinds.is_empty() || kinds.contains(&self.parts[at].2) {
            true => Ok(at),
            false => Err(format!(
                "a delta of {kinds:?} in a part of {:?}",
                self.parts[at].2
            )),
        }
    }
}
