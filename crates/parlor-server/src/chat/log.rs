//! What a turn has said so far, for any number of readers who begin anywhere.
//!
//! A log is a list of pieces. Text grows the last piece in place, so that the log takes the room
//! of the answer and no more, and a reader that comes late or reads slowly gets all that it
//! misses at once. A reader's [`Position`] is a piece and how much of it was read; the same turn
//! read from the store has the same positions. What is told beside, of calls on their way to their
//! results, counts for no piece, since the store hasn't all of it; told twice, it says the same.

mod position;

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlor::agent::{Turn, TurnId};
use parlor::{Part, Role, ToolResult};
use serde_json::json;
use tokio::sync::watch;

pub(super) use position::Position;

/// The most bytes of a log. A turn that says more is stopped.
pub(super) const MOST: usize = 16 * 1024 * 1024;

/// The name of the last thing.
pub(super) const END: &str = "end";

/// The name of what came of a call.
const RESULT: &str = "tool_result";

/// The most bytes of text that one event tells.
const EVENT: usize = 16 * 1024;

/// The sort of text that grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Text,
    Reasoning,
}

#[derive(Debug)]
enum Piece {
    Said(Said, String),
    /// JSON that is told as it is.
    Note(String, String),
    /// The same, beside the pieces.
    Aside(String, String),
}

/// What a turn has said so far.
#[derive(Debug)]
pub(super) struct Log {
    written: Mutex<Written>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Written {
    /// The pieces, and the asides between them.
    all: Vec<Piece>,
    /// Where each piece is among them.
    places: Vec<usize>,
    bytes: usize,
    is_over: bool,
}

impl Written {
    fn push(&mut self, piece: Piece) {
        if !matches!(piece, Piece::Aside(..)) {
            self.places.push(self.all.len());
        }
        self.all.push(piece);
    }

    /// Where a reader goes on.
    fn place(&self, position: Position) -> usize {
        let piece = self.places.get(position.piece).copied();
        let piece = piece.unwrap_or(self.all.len());
        if position.at > 0 {
            return piece;
        }
        let before = position.piece.checked_sub(1);
        let before = before.and_then(|before| self.places.get(before));
        let first = before.map_or(0, |before| before + 1).min(piece);
        first.saturating_add(position.aside).min(piece)
    }
}

impl Log {
    pub(super) fn new() -> Self {
        Self {
            written: Mutex::default(),
            changed: watch::Sender::new(()),
        }
    }

    /// All that a turn said which is over, without its end.
    pub(super) fn of(id: TurnId, turn: &Turn) -> Self {
        let log = Self::new();
        log.begin(id, turn.model.as_deref());
        for message in &turn.messages {
            for part in &message.parts {
                match part {
                    _ if message.role == Role::User => {}
                    Part::ToolResult(result) if message.role == Role::Tool => {
                        log.result(result, None);
                    }
                    Part::Text(text) => log.say(Said::Text, &text.text),
                    Part::Refusal(refusal) => log.say(Said::Text, &refusal.text),
                    Part::Reasoning(reasoning) => log.say(Said::Reasoning, &reasoning.text),
                    part => log.part(part),
                }
            }
        }
        log
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many bytes there are.
    pub(super) fn bytes(&self) -> usize {
        self.written().bytes
    }

    /// The first thing.
    pub(super) fn begin(&self, id: TurnId, model: Option<&str>) {
        self.note(
            "start",
            &json!({ "turn": id.0.to_string(), "model": model }),
        );
    }

    /// Whether nothing follows.
    pub(super) fn is_over(&self) -> bool {
        self.written().is_over
    }

    /// More text.
    pub(super) fn say(&self, what: Said, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut written = self.written();
        written.bytes += text.len();
        match written.all.last_mut() {
            Some(Piece::Said(last, all)) if *last == what => all.push_str(text),
            _ => written.push(Piece::Said(what, text.to_owned())),
        }
        drop(written);
        self.changed.send_replace(());
    }

    /// A part that isn't text: what is done, and what came of it.
    pub(super) fn part(&self, part: &Part) {
        match part {
            Part::ToolCall(call) => self.note(
                "tool_call",
                &json!({ "id": call.id, "name": call.name, "arguments": call.arguments.text }),
            ),
            Part::ToolResult(result) => self.note(RESULT, &told_of(result)),
            Part::Media(media) => self.note(
                "media",
                &json!({ "kind": media.kind, "mediaType": media.media_type, "name": media.name }),
            ),
            _ => {}
        }
    }

    /// What came of a call that was run here, and how long it took.
    pub(super) fn result(&self, result: &ToolResult, took: Option<Duration>) {
        let mut told = told_of(result);
        if let Some(took) = took {
            told["tookMs"] = json!(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
        }
        self.aside(RESULT, &told);
    }

    /// Something to be told as it is.
    pub(super) fn note(&self, name: &str, note: &serde_json::Value) {
        self.add(name, note, Piece::Note);
    }

    /// Something to be told beside, of a call on its way to its result.
    pub(super) fn aside(&self, name: &str, note: &serde_json::Value) {
        self.add(name, note, Piece::Aside);
    }

    fn add(&self, name: &str, note: &serde_json::Value, piece: fn(String, String) -> Piece) {
        let note = note.to_string();
        let mut written = self.written();
        // Nothing follows the end.
        if written.is_over {
            return;
        }
        written.bytes += note.len();
        written.push(piece(name.to_owned(), note));
        drop(written);
        self.changed.send_replace(());
    }

    /// The last thing; nothing follows.
    pub(super) fn end(&self, note: &serde_json::Value) {
        self.note(END, note);
        self.written().is_over = true;
        self.changed.send_replace(());
    }

    /// A reader's ear: to be taken before [`read`](Self::read), so that nothing is missed between.
    pub(super) fn ear(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Where somebody is in this log who read another of the same turn, which has no end: before the
    /// end of this one, though it has fewer pieces.
    pub(super) fn within(&self, position: Position) -> Position {
        let last = self.written().places.len().saturating_sub(1);
        match position.piece > last {
            true => Position::before(last),
            false => position,
        }
    }

    /// Writes what stands after a position as server-sent events, some of it, and moves the
    /// position on.
    pub(super) fn read(&self, position: &mut Position, out: &mut String) -> Read {
        self.each(position, &mut |position, name, data| {
            put(out, position, name, data);
        })
    }

    /// Hands out what stands after a position, some of it, and moves the position on. What is
    /// handed out is the position after it, its name, and its JSON.
    pub(super) fn each(
        &self,
        position: &mut Position,
        out: &mut dyn FnMut(Position, &str, &str),
    ) -> Read {
        let mut count = 0;
        let written = self.written();
        if position.piece > written.places.len() {
            *position = match written.is_over {
                // A turn that is read from the store may have fewer pieces than it had on its way.
                true => Position::before(written.places.len().saturating_sub(1)),
                // Nobody was given that: it is read as none.
                false => Position::default(),
            };
        }
        while let Some(piece) = written.all.get(written.place(*position)) {
            if count >= EVENT {
                return Read::Some;
            }
            match piece {
                Piece::Aside(name, note) => {
                    position.aside += 1;
                    count += note.len().max(1);
                    out(*position, name, note);
                }
                Piece::Note(name, note) => {
                    *position = Position::before(position.piece + 1);
                    count += note.len().max(1);
                    out(*position, name, note);
                }
                Piece::Said(what, text) => {
                    let rest = text.get(floor(text, position.at)..).unwrap_or_default();
                    let rest = rest.get(..floor(rest, EVENT)).unwrap_or_default();
                    if rest.is_empty() {
                        if written.all.len() == written.place(*position) + 1 {
                            break;
                        }
                        *position = Position::before(position.piece + 1);
                        continue;
                    }
                    position.at = floor(text, position.at) + rest.len();
                    position.aside = 0;
                    let name = match what {
                        Said::Text => "text",
                        Said::Reasoning => "reasoning",
                    };
                    count += rest.len();
                    out(*position, name, &json!({ "text": rest }).to_string());
                }
            }
        }
        match (count == 0, written.is_over) {
            (false, _) => Read::Some,
            (true, false) => Read::Wait,
            (true, true) => Read::End,
        }
    }
}

/// What reading came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// Something was written.
    Some,
    /// Nothing more is there yet.
    Wait,
    /// All was read.
    End,
}

pub(super) fn put(out: &mut String, position: Position, name: &str, data: &str) {
    let Position { piece, aside, at } = position;
    // Writing to a string can't fail.
    let _ = match aside {
        0 => write!(out, "id: {piece}.{at}"),
        aside => write!(out, "id: {piece}.{at}.{aside}"),
    };
    let _ = write!(out, "\nevent: {name}\ndata: {data}\n\n");
}

fn told_of(result: &ToolResult) -> serde_json::Value {
    json!({
        "id": result.call_id, "name": result.name, "isError": result.is_error,
        "text": result.joined_text(),
    })
}

/// The last boundary of a letter at this byte or before it.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests;
