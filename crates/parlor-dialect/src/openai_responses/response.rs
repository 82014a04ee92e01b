//! Whole answers, read and written, and the meaning of their pieces.

pub(super) mod items;
mod plain;
pub(super) mod scope;
mod tools;
pub(super) mod whole;
pub(super) mod write;

pub(super) use tools::is_of_client;
pub(super) use whole::response as write;

use super::quirks::Quirks;
use super::stream::ResponsesDecoder;
use crate::dialect::Target;
use crate::whole::collected;
use parlor_core::{ChatResponse, FinishKind, FinishReason, Result};
use std::collections::VecDeque;
use std::sync::Arc;

/// Reads a whole answer: a plain one at once, any other by the same road as a
/// stream.
pub(super) fn read(body: &[u8], quirks: Arc<Quirks>, target: &Target<'_>) -> Result<ChatResponse> {
    if let Some(response) = plain::read(body, target) {
        return Ok(response);
    }
    let mut events = VecDeque::new();
    let mut decoder = ResponsesDecoder::new(quirks, target);
    let outcome = decoder.whole(body, &mut events);
    collected(outcome, events, target)
}

/// A time in seconds, which some copies write as a float.
pub(super) fn created(json: &str) -> Option<u64> {
    let seconds = json.parse::<f64>().ok()?;
    (seconds >= 0.0).then_some(seconds as u64)
}

/// What the words for an end mean: of `incomplete_details.reason`, else of
/// `status`. An answer that still waits in the background isn't finished.
const REASONS: &[(&str, FinishKind)] = &[
    ("completed", FinishKind::Stop),
    ("max_output_tokens", FinishKind::Length),
    ("max_tokens", FinishKind::Length),
    ("content_filter", FinishKind::ContentFilter),
    ("incomplete", FinishKind::Length),
    ("queued", FinishKind::Pause),
    ("in_progress", FinishKind::Pause),
    ("cancelled", FinishKind::Error),
    ("failed", FinishKind::Error),
];

/// The reason that a word stands for; a refusal is told by the answer's parts.
pub(super) fn finish_reason(word: &str, refused: bool) -> FinishReason {
    let row = REASONS.iter().find(|row| row.0 == word);
    let kind = match row.map_or(FinishKind::Other, |row| row.1) {
        FinishKind::Stop if refused => FinishKind::Refusal,
        kind => kind,
    };
    FinishReason::new(kind, word)
}

/// The status of an answer with this reason, and why it is incomplete if so; `refused` is whether a
/// part of it says that it is a refusal.
pub(super) fn status_of(reason: Option<&FinishReason>, refused: bool) -> (String, Option<String>) {
    let Some(reason) = reason else {
        return ("completed".to_owned(), None);
    };
    let raw = reason.raw.as_deref();
    let row = REASONS.iter().find(|row| Some(row.0) == raw);
    let fits = row.filter(|row| {
        let refuses = reason.kind == FinishKind::Refusal;
        let calls = reason.kind == FinishKind::ToolCalls;
        let meant = FinishReason::from(row.1).with_calls(calls).kind;
        meant == reason.kind || (refuses && row.1 == FinishKind::Stop)
    });
    let incomplete = |word: &str| ("incomplete".to_owned(), Some(word.to_owned()));
    match (fits.map(|row| row.0), reason.kind) {
        (Some("incomplete"), _) => ("incomplete".to_owned(), None),
        (Some(word @ ("max_output_tokens" | "max_tokens" | "content_filter")), _) => {
            incomplete(word)
        }
        (Some(status), _) => (status.to_owned(), None),
        (None, FinishKind::Length) => incomplete("max_output_tokens"),
        (None, FinishKind::ContentFilter) => incomplete("content_filter"),
        // Of words that are like any others only this can tell it.
        (None, FinishKind::Refusal) if !refused => incomplete("content_filter"),
        (None, FinishKind::Other) => match raw {
            Some(word) => incomplete(word),
            None => ("completed".to_owned(), None),
        },
        (None, FinishKind::Error) => ("cancelled".to_owned(), None),
        (None, FinishKind::Pause) => ("in_progress".to_owned(), None),
        (None, _) => ("completed".to_owned(), None),
    }
}
