//! What a turn has said so far, for any number of readers who begin anywhere.
//!
//! A log is a list of pieces. Text grows the last piece in place, so that the log takes the room
//! of the answer and no more, and a reader that comes late or reads slowly gets all that it
//! misses at once. A reader's [`Position`] is a piece and how much of it was read; the same turn
//! read from the store has the same positions.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parlor::agent::{Turn, TurnId};
use parlor::{Part, Role};
use parlor_store::{Mark, Told};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;

/// The most bytes of a log. A turn that says more is stopped.
pub(super) const MOST: usize = 16 * 1024 * 1024;

/// The name of the last thing.
pub(super) const END: &str = "end";

/// The most bytes of text that one event tells.
const EVENT: usize = 16 * 1024;

/// How far somebody has read: everything before a piece, and so many bytes of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    piece: usize,
    at: usize,
}

impl Position {
    /// The same as other instances of the service know it.
    pub(super) fn mark(self) -> Mark {
        Mark::new(self.piece as u64, self.at as u64)
    }

    /// Where another instance says that it is.
    pub(super) fn of(mark: Mark) -> Self {
        let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            piece: whole(mark.piece),
            at: whole(mark.at),
        }
    }

    /// Writes one thing that another instance told as a server-sent event, without what of it was
    /// read before, and moves the position on.
    pub(super) fn take(&mut self, told: &Told, out: &mut String) {
        let now = Self::of(told.mark);
        let Self { piece, at } = now;
        let before = std::mem::replace(self, now);
        if at == 0 || before.piece != piece || before.at == 0 {
            return put(out, *self, &told.name, &told.data);
        }
        // Text that was told again may have been cut elsewhere.
        let Ok(Text { text }) = serde_json::from_str(&told.data) else {
            return;
        };
        let begin = at.saturating_sub(text.len());
        let rest = text.get(floor(&text, before.at.saturating_sub(begin))..);
        let data = json!({ "text": rest.unwrap_or_default() }).to_string();
        put(out, *self, &told.name, &data);
    }
}

/// The data of text that grew.
#[derive(Deserialize)]
struct Text<'a> {
    #[serde(borrow)]
    text: Cow<'a, str>,
}

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
}

/// What a turn has said so far.
#[derive(Debug)]
pub(super) struct Log {
    written: Mutex<Written>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct Written {
    pieces: Vec<Piece>,
    bytes: usize,
    is_over: bool,
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
        match written.pieces.last_mut() {
            Some(Piece::Said(last, all)) if *last == what => all.push_str(text),
            _ => written.pieces.push(Piece::Said(what, text.to_owned())),
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
            Part::ToolResult(result) => self.note(
                "tool_result",
                &json!({
                    "id": result.call_id, "name": result.name, "isError": result.is_error,
                    "text": result.joined_text(),
                }),
            ),
            Part::Media(media) => self.note(
                "media",
                &json!({ "kind": media.kind, "mediaType": media.media_type, "name": media.name }),
            ),
            _ => {}
        }
    }

    /// Something to be told as it is.
    pub(super) fn note(&self, name: &str, note: &serde_json::Value) {
        let note = note.to_string();
        let mut written = self.written();
        written.bytes += note.len();
        written.pieces.push(Piece::Note(name.to_owned(), note));
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
        // A turn that is read from the store may have fewer pieces than it had on its way.
        if position.piece > written.pieces.len() && written.is_over {
            *position = Position {
                piece: written.pieces.len().saturating_sub(1),
                at: 0,
            };
        }
        while let Some(piece) = written.pieces.get(position.piece) {
            if count >= EVENT {
                return Read::Some;
            }
            match piece {
                Piece::Note(name, note) => {
                    *position = Position {
                        piece: position.piece + 1,
                        at: 0,
                    };
                    count += note.len().max(1);
                    out(*position, name, note);
                }
                Piece::Said(what, text) => {
                    let rest = text.get(floor(text, position.at)..).unwrap_or_default();
                    let rest = rest.get(..floor(rest, EVENT)).unwrap_or_default();
                    if rest.is_empty() {
                        if position.piece + 1 == written.pieces.len() {
                            break;
                        }
                        *position = Position {
                            piece: position.piece + 1,
                            at: 0,
                        };
                        continue;
                    }
                    position.at = floor(text, position.at) + rest.len();
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
    let Position { piece, at } = position;
    // Writing to a string can't fail.
    let _ = write!(out, "id: {piece}.{at}\nevent: {name}\ndata: {data}\n\n");
}

/// The last boundary of a letter at this byte or before it.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (piece, at) = text.split_once('.').unwrap_or((text, "0"));
        Ok(Self {
            piece: piece.parse()?,
            at: at.parse()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(log: &Log, mut from: Position) -> String {
        let mut out = String::new();
        let mut piece = String::new();
        while log.read(&mut from, &mut piece) == Read::Some {
            out.push_str(&std::mem::take(&mut piece));
        }
        out
    }

    #[test]
    fn a_late_reader_gets_what_it_missed_at_once() {
        let log = Log::new();
        for word in ["Für", " dich", " ein", " Wort"] {
            log.say(Said::Text, word);
        }
        let told = all(&log, Position::default());
        assert_eq!(
            told,
            "id: 0.18\nevent: text\ndata: {\"text\":\"Für dich ein Wort\"}\n\n"
        );
        // In the middle of a letter.
        let told = all(&log, "0.2".parse().unwrap());
        assert_eq!(
            told,
            "id: 0.18\nevent: text\ndata: {\"text\":\"ür dich ein Wort\"}\n\n"
        );
        log.end(&json!({ "state": "complete" }));
        let told = all(&log, "0.18".parse().unwrap());
        assert_eq!(
            told,
            "id: 2.0\nevent: end\ndata: {\"state\":\"complete\"}\n\n"
        );
        assert_eq!(all(&log, "2.0".parse().unwrap()), "");
        assert_eq!(all(&log, "9.9".parse().unwrap()), told);
    }

    #[test]
    fn long_text_comes_in_events_of_a_bounded_size() {
        let log = Log::new();
        let text = "ä".repeat(EVENT);
        log.say(Said::Reasoning, &text);
        let told = all(&log, Position::default());
        let data = told.lines().filter_map(|line| line.strip_prefix("data: "));
        let mut read = String::new();
        for data in data {
            let data: serde_json::Value = serde_json::from_str(data).unwrap();
            let piece = data["text"].as_str().unwrap();
            assert!(piece.len() <= EVENT);
            read.push_str(piece);
        }
        assert_eq!(read, text);
    }
}
