//! What is known of items that have begun.

use super::super::response::items::Place;
use super::super::wire::Object;
use crate::openai_chat;
use crate::tagged::Tagged;
use parlor_core::{ArgumentsForm, PartKind, TokenLogprob};
use serde_json::Value;

/// An item that has begun.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) index: u64,
    pub(super) id: String,
    /// What it said when it began.
    pub(super) head: Object,
    pub(super) parts: Vec<Open>,
    pub(super) call: Option<Call>,
    pub(super) done: bool,
    /// Whether log probabilities of its text came.
    pub(super) measured: bool,
}

/// A part whose text comes in deltas.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) place: Place,
    pub(super) kind: PartKind,
    pub(super) part: u32,
    pub(super) tagged: Option<Tagged>,
    /// Whether any text came.
    pub(super) said: bool,
    /// How many annotations came.
    pub(super) cited: usize,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) slot: usize,
    /// Whether any of its arguments came.
    pub(super) said: bool,
}

/// Where a delta belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) index: Option<u64>,
    pub(super) id: &'a str,
    pub(super) place: Place,
    pub(super) kind: PartKind,
}

/// What sort of text the field of a call holds.
pub(super) fn form(key: &str) -> ArgumentsForm {
    match key {
        "input" => ArgumentsForm::Text,
        _ => ArgumentsForm::Json,
    }
}

pub(super) fn id_of(item: &Object) -> &str {
    item.get("id").and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn tokens(list: &[Value]) -> Vec<TokenLogprob> {
    list.iter().map(openai_chat::token).collect()
}

/// Takes the log probabilities out of a message: they are told by events.
pub(in super::super) fn take_logprobs(mut item: Object) -> (Object, Vec<TokenLogprob>) {
    let mut found = Vec::new();
    let contents = item.get_mut("content").and_then(Value::as_array_mut);
    for content in contents.into_iter().flatten() {
        let content = content.as_object_mut();
        if let Some(Value::Array(list)) = content.and_then(|it| it.shift_remove("logprobs")) {
            found.extend(tokens(&list));
        }
    }
    (item, found)
}
