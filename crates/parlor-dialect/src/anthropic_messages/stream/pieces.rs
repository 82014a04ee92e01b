//! Parts on their way to being blocks, and what they are written from.

use super::super::wire::Object;
use parlor_core::{Native, Part, PartKind};
use serde::Serialize;
use serde_json::Value;

/// A part on its way.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) part: u32,
    pub(super) kind: PartKind,
    /// How its block begins, where that is known from the part's beginning.
    pub(super) start: Option<Object>,
    pub(super) opened: bool,
    /// Deltas that wait until the part's turn comes.
    pub(super) waiting: Vec<Piece>,
    /// How much of a call's arguments was written.
    pub(super) written: usize,
    pub(super) finished: Option<End>,
}

/// What a part ends with.
#[derive(Debug)]
pub(super) struct End {
    pub(super) content: Option<Box<Part>>,
    pub(super) native: Option<Box<Native>>,
}

/// A delta of a block.
#[derive(Debug)]
pub(super) enum Piece {
    Text(String),
    Thinking(String),
    Arguments(String),
    Citation(Value),
}

#[derive(Serialize)]
pub(super) struct DeltaEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) index: u32,
    pub(super) delta: DeltaBody<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum DeltaBody<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
    #[serde(rename = "citations_delta")]
    Citations { citation: &'a Value },
}

/// A delta of a block, borrowed from its event.
#[derive(Clone, Copy)]
pub(super) enum Borrowed<'a> {
    Text(&'a str),
    Thinking(&'a str),
    Signature(&'a str),
    Arguments(&'a str),
    Citation(&'a Value),
}

impl Borrowed<'_> {
    pub(super) fn to_owned(self) -> Piece {
        match self {
            Self::Text(text) => Piece::Text(text.to_owned()),
            Self::Thinking(text) | Self::Signature(text) => Piece::Thinking(text.to_owned()),
            Self::Arguments(text) => Piece::Arguments(text.to_owned()),
            Self::Citation(item) => Piece::Citation(item.clone()),
        }
    }
}

impl Piece {
    pub(super) fn borrow(&self) -> Borrowed<'_> {
        match self {
            Self::Text(text) => Borrowed::Text(text),
            Self::Thinking(text) => Borrowed::Thinking(text),
            Self::Arguments(text) => Borrowed::Arguments(text),
            Self::Citation(item) => Borrowed::Citation(item),
        }
    }
}
