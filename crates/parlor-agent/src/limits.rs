//! When a run must end.

use std::time::Duration;

/// What one run may take. Where a limit is reached the run ends with an
/// [`Outcome`](crate::Outcome) that says so, not with an error, and the history
/// keeps what was done.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// How often the model may be asked. 16 by default.
    pub steps: u32,
    /// From the first request on; checked between steps, while an answer comes
    /// and while tools run. None by default.
    pub time: Option<Duration>,
    /// In the currency of the model's price; checked between steps. A model
    /// without a known price costs nothing here. None by default.
    pub cost: Option<f64>,
    /// How long one call of a tool may take. A minute by default.
    pub tool_time: Duration,
    /// How many calls of one answer are run; the others are told that they were
    /// too many. 64 by default.
    pub calls_per_step: usize,
    /// How many calls run at the same time. 8 by default.
    pub parallel: usize,
    /// The most bytes of text that a tool's result keeps; the model is told of
    /// the rest. 128 KiB by default.
    pub result_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            steps: 16,
            time: None,
            cost: None,
            tool_time: Duration::from_secs(60),
            calls_per_step: 64,
            parallel: 8,
            result_bytes: 128 * 1024,
        }
    }
}

impl Limits {
    /// The default limits with this number of steps.
    pub fn steps(steps: u32) -> Self {
        Self {
            steps,
            ..Self::default()
        }
    }
}
