//! What the encoder writes, and what it knows of items on their way.

use super::super::NAME;
use super::super::response::items::CONTINUES;
use super::super::wire::Object;
use crate::client_tools::InputText;
use parlor_core::{Citation, Native, Origin, Part, PartKind, Reasoning, Refusal, Text};
use serde::Serialize;
use serde_json::Value;

/// An item on its way.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) id: String,
    pub(super) parts: Vec<Piece>,
    /// Written to its end: what the response's output says of it.
    pub(super) done: Option<Object>,
}

/// What an item is, as far as the events of its deltas differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    Message,
    Reasoning,
    Function,
    Custom,
    /// A call or another item that is written whole.
    Whole,
}

/// A part of an item on its way.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) part: u32,
    pub(super) kind: PartKind,
    pub(super) text: String,
    pub(super) citations: Vec<Citation>,
    pub(super) logprobs: Vec<Value>,
    pub(super) native: Option<Native>,
    pub(super) open: bool,
    /// Takes the text out of the arguments of a tool that takes one.
    pub(super) input: Option<InputText>,
}

impl Piece {
    pub(super) fn new(part: u32, kind: PartKind) -> Self {
        Self {
            part,
            kind,
            text: String::new(),
            citations: Vec::new(),
            logprobs: Vec::new(),
            native: None,
            open: true,
            input: None,
        }
    }

    /// The part that it was, whole; `joined` to the one before it in its item.
    pub(super) fn part(&self, joined: bool) -> Part {
        let text = self.text.as_str();
        let mut part = match self.kind {
            PartKind::Reasoning => Part::Reasoning(Reasoning::new(text)),
            PartKind::Refusal => Part::Refusal(Refusal::new(text)),
            _ => {
                let mut text = Text::new(text);
                text.citations.clone_from(&self.citations);
                Part::Text(text)
            }
        };
        if let Some(native) = &self.native {
            part.set_native(native.clone());
        }
        if joined {
            let own = self.native.as_ref().filter(|it| it.origin.dialect == NAME);
            let mut item = own.and_then(|it| it.item.as_object().cloned());
            let fields = item.get_or_insert_default();
            fields.insert(CONTINUES.to_owned(), true.into());
            let origin = Origin::new("", NAME);
            part.set_native(Native::new(origin, std::mem::take(fields)));
        }
        part
    }
}

/// An event about a part of an item.
#[derive(Debug, Serialize)]
pub(super) struct PartEvent<'a> {
    #[serde(rename = "type")]
    pub(super) kind: &'a str,
    pub(super) sequence_number: u64,
    pub(super) item_id: &'a str,
    pub(super) output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) summary_index: Option<usize>,
    #[serde(flatten)]
    pub(super) body: Body<'a>,
}

/// What an event about a part brings.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Body<'a> {
    Delta {
        delta: &'a str,
    },
    Measured {
        delta: &'a str,
        logprobs: &'a [Value],
    },
    Text {
        text: &'a str,
    },
    MeasuredText {
        text: &'a str,
        logprobs: &'a [Value],
    },
    Refusal {
        refusal: &'a str,
    },
    Arguments {
        arguments: &'a str,
    },
    Input {
        input: &'a str,
    },
    Part {
        part: &'a Value,
    },
    Annotation {
        annotation_index: usize,
        annotation: &'a Value,
    },
}
