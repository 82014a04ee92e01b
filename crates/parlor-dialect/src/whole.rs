//! Whole answers, read by the same road as streams.

use crate::Target;
use parlor_core::{ChatResponse, Collector, Event, Result};
use std::collections::VecDeque;

/// The response that the events of a whole answer amount to. An error after
/// content has it as the partial.
pub(crate) fn collected(
    outcome: Result<()>,
    events: VecDeque<Event>,
    target: &Target<'_>,
) -> Result<ChatResponse> {
    let mut collector = Collector::new(&target.info.provider);
    events.into_iter().for_each(|event| collector.take(event));
    match outcome {
        Ok(()) => Ok(collector.into_response()),
        Err(error) if collector.has_content() => Err(error.with_partial(collector.into_response())),
        Err(error) => Err(error),
    }
}
