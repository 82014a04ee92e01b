//! Whole answers, read and written.

pub(super) mod blocks;
mod plain;
pub(super) mod write;

pub(super) use write::to_wire;

use super::error;
use super::stream::MessagesDecoder;
use super::wire::Object;
use crate::dialect::Target;
use crate::whole::collected;
use parlor_core::{ChatResponse, FinishKind, FinishReason, Result, Usage};
use serde_json::Value;
use std::collections::VecDeque;

/// Reads a whole answer: a plain one at once, any other by way of the same
/// events as a stream.
pub(super) fn from_wire(body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
    if let Some(response) = plain::read(body, target) {
        return Ok(response);
    }
    let mut events = VecDeque::new();
    let mut decoder = MessagesDecoder::new(target);
    let outcome = decoder.whole(body, &mut events);
    collected(outcome, events, target).map_err(|error| error::at(error, target))
}

/// Reads a plain answer that is mostly one long text, which is made of the body.
pub(super) fn take(body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
    plain::take(body, target)
}

/// The words for why an answer ended. `stop_sequence` says that a stop text
/// was met; the last rows are words of copies.
const REASONS: &[(&str, FinishKind)] = &[
    ("end_turn", FinishKind::Stop),
    ("stop_sequence", FinishKind::Stop),
    ("max_tokens", FinishKind::Length),
    ("model_context_window_exceeded", FinishKind::Length),
    ("tool_use", FinishKind::ToolCalls),
    ("pause_turn", FinishKind::Pause),
    ("refusal", FinishKind::Refusal),
    ("stop", FinishKind::Stop),
    ("length", FinishKind::Length),
    ("tool_calls", FinishKind::ToolCalls),
    ("content_filter", FinishKind::ContentFilter),
    ("sensitive", FinishKind::ContentFilter),
    ("error", FinishKind::Error),
];

/// The reason that a word stands for.
pub(super) fn finish_reason(word: &str) -> FinishReason {
    let known = REASONS.iter().find(|(it, _)| *it == word);
    FinishReason::new(known.map_or(FinishKind::Other, |(_, kind)| *kind), word)
}

/// Adds a later usage object to what is known. A stream's figures are
/// cumulative, so the last one counts; a zero doesn't, since copies fill in
/// with zeros what they said before or say later.
pub(super) fn merge_usage(known: &mut Object, later: Object) {
    let is_zero = |value: &Value| value.as_f64() == Some(0.0);
    for (key, value) in later {
        let said = known.get(&key).is_some_and(Value::is_number);
        if value.is_null() || (said && is_zero(&value)) {
            continue;
        }
        known.insert(key, value);
    }
}

/// The usage by core's rule: here cached tokens are not counted as input.
pub(super) fn usage(raw: Object) -> Usage {
    let figure = |key: &str| raw.get(key).and_then(Value::as_u64);
    let mut usage = Usage::default();
    usage.cached_input_tokens = figure("cache_read_input_tokens");
    usage.cache_write_tokens = figure("cache_creation_input_tokens");
    let parts = [
        figure("input_tokens"),
        usage.cached_input_tokens,
        usage.cache_write_tokens,
    ];
    if parts.iter().any(Option::is_some) {
        let sum = |sum: u64, part: &Option<u64>| sum.saturating_add(part.unwrap_or_default());
        usage.input_tokens = Some(parts.iter().fold(0, sum));
    }
    usage.output_tokens = figure("output_tokens");
    let details = raw.get("output_tokens_details");
    usage.reasoning_tokens = details.and_then(|it| it["thinking_tokens"].as_u64());
    usage.raw = (!raw.is_empty()).then_some(Value::Object(raw));
    usage
}
