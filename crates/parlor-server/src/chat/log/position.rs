//! How far a reader is, in the log of a turn and in what other instances hear of it.

use std::borrow::Cow;
use std::str::FromStr;

use parlor_store::{Mark, Told};
use serde::Deserialize;
use serde_json::json;

use super::{floor, put};

/// How far somebody has read: everything before a piece, and so many bytes of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::chat) struct Position {
    pub(super) piece: usize,
    /// So many asides before the piece were read; of no meaning where some of the piece was.
    pub(super) aside: usize,
    pub(super) at: usize,
}

/// Where other instances are told that the bytes of a piece begin; the asides before it are below.
const BYTES: u64 = 1 << 32;

impl Position {
    /// The same as other instances of the service know it.
    pub(in crate::chat) fn mark(self) -> Mark {
        let at = match self.at {
            0 => self.aside as u64,
            at => BYTES.saturating_add(at as u64),
        };
        Mark::new(self.piece as u64, at)
    }

    /// Where another instance says that it is.
    pub(in crate::chat) fn of(mark: Mark) -> Self {
        let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Self {
            piece: whole(mark.piece),
            aside: match mark.at {
                at @ 0..BYTES => whole(at),
                _ => 0,
            },
            at: whole(mark.at.saturating_sub(BYTES)),
        }
    }

    /// The beginning of a piece.
    pub(super) fn before(piece: usize) -> Self {
        Self {
            piece,
            ..Self::default()
        }
    }

    /// The same for a turn that is read from the store from here on: the asides before the piece
    /// are told again, as they may be others.
    pub(in crate::chat) fn in_store(self) -> Self {
        Self { aside: 0, ..self }
    }

    /// Writes one thing that another instance told as a server-sent event, without what of it was
    /// read before, and moves the position on.
    pub(in crate::chat) fn take(&mut self, told: &Told, out: &mut String) {
        let now = Self::of(told.mark);
        let Self { piece, at, .. } = now;
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

impl FromStr for Position {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (piece, rest) = text.split_once('.').unwrap_or((text, "0"));
        let (at, aside) = rest.split_once('.').unwrap_or((rest, "0"));
        Ok(Self {
            piece: piece.parse()?,
            aside: aside.parse()?,
            at: at.parse()?,
        })
    }
}
