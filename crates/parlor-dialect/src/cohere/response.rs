//! Whole answers, in both directions.

pub(super) mod read;
pub(super) mod write;

pub(super) use write::to_wire;

use super::stream::CohereDecoder;
use crate::dialect::Target;
use crate::whole::collected;
use parlor_core::{ChatResponse, Error, FinishKind, Result};
use std::collections::VecDeque;

/// The words for why an answer ended, and what they mean. The first row of a
/// kind is how it is written.
const REASONS: &[(&str, FinishKind)] = &[
    ("COMPLETE", FinishKind::Stop),
    ("MAX_TOKENS", FinishKind::Length),
    ("TOOL_CALL", FinishKind::ToolCalls),
    ("ERROR", FinishKind::Error),
    ("STOP_SEQUENCE", FinishKind::Stop),
    ("TIMEOUT", FinishKind::Error),
];

/// Reads a whole answer.
pub(super) fn from_wire(body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
    let mut decoder = CohereDecoder::new(target);
    let mut events = VecDeque::new();
    let outcome = decoder.whole(body, &mut events);
    let place = |error: Error| {
        error
            .with_provider(&target.info.provider)
            .with_model(&target.info.model)
    };
    collected(outcome.map_err(place), events, target)
}
