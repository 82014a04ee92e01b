//! Whole answers, read and written.

pub(super) mod blocks;
pub(super) mod write;

pub(super) use write::to_wire;

use super::error;
use super::stream::ConverseDecoder;
use super::wire::Object;
use crate::dialect::Target;
use crate::whole::collected;
use parlor_core::{ChatResponse, FinishKind, FinishReason, Result, Usage};
use serde_json::Value;
use std::collections::VecDeque;

/// Reads a whole answer, by way of the same events as a stream.
pub(super) fn from_wire(body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
    let mut events = VecDeque::new();
    let mut decoder = ConverseDecoder::new(target);
    let outcome = decoder.whole(body, &mut events);
    collected(outcome, events, target).map_err(|error| error::at(error, target))
}

/// The words for why an answer ended. The last rows are words of models that
/// the service passes on.
const REASONS: &[(&str, FinishKind)] = &[
    ("end_turn", FinishKind::Stop),
    ("stop_sequence", FinishKind::Stop),
    ("max_tokens", FinishKind::Length),
    ("model_context_window_exceeded", FinishKind::Length),
    ("tool_use", FinishKind::ToolCalls),
    ("guardrail_intervened", FinishKind::ContentFilter),
    ("content_filtered", FinishKind::ContentFilter),
    ("malformed_model_output", FinishKind::Error),
    ("malformed_tool_use", FinishKind::Error),
    ("refusal", FinishKind::Refusal),
    ("pause_turn", FinishKind::Pause),
    ("stop", FinishKind::Stop),
    ("length", FinishKind::Length),
];

/// The reason that a word stands for.
pub(super) fn finish_reason(word: &str) -> FinishReason {
    let known = REASONS.iter().find(|(it, _)| *it == word);
    FinishReason::new(known.map_or(FinishKind::Other, |(_, kind)| *kind), word)
}

/// The usage by core's rule: here cached tokens are not counted as input.
pub(super) fn usage(raw: &Object) -> Usage {
    let figure = |key: &str| raw.get(key).and_then(Value::as_u64);
    let mut usage = Usage::default();
    usage.cached_input_tokens = figure("cacheReadInputTokens");
    usage.cache_write_tokens = figure("cacheWriteInputTokens");
    let apart = [usage.cached_input_tokens, usage.cache_write_tokens];
    let apart = apart.into_iter().flatten().fold(0, u64::saturating_add);
    usage.input_tokens = figure("inputTokens").map(|it| it.saturating_add(apart));
    usage.output_tokens = figure("outputTokens");
    usage.raw = (!raw.is_empty()).then(|| Value::Object(raw.clone()));
    usage
}
