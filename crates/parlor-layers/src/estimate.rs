//! How many tokens a call takes, roughly and before it is sent.
//!
//! Input is by the rule of [`parlor_core::estimate`], which errs upwards for
//! most text; output is as [`OutputEstimate`] says.
//!
//! What a call does use comes from its answer. The estimate only stands in for
//! it until then, or where the answer doesn't say.

pub(crate) use parlor_core::estimate::{answer_weight, weight, whole};
pub use parlor_core::estimate::{input_tokens, text_tokens};

use parlor_core::ChatRequest;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What output is expected of a call, times the choices that it asks for.
///
/// The mean is that of the answers so far, of which later ones count for more;
/// before the first it is 500 tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OutputEstimate {
    /// As much as the request allows; the mean where it sets no limit.
    #[default]
    Max,
    /// The mean, but no more than the request allows: for requests that set
    /// their limit much higher than their answers come to.
    Mean,
}

/// Estimates calls, and learns from their answers.
pub(crate) struct Estimator {
    input: Arc<InputEstimate>,
    output: OutputEstimate,
    mean: AtomicU64,
}

pub(crate) type InputEstimate = dyn Fn(&ChatRequest) -> u64 + Send + Sync;

impl Estimator {
    pub(crate) fn new(input: Arc<InputEstimate>, output: OutputEstimate) -> Self {
        Self {
            input,
            output,
            mean: AtomicU64::new(500 * TOKEN),
        }
    }

    pub(crate) fn input(&self) -> Arc<InputEstimate> {
        self.input.clone()
    }

    /// Tokens of input and of output.
    pub(crate) fn estimate(&self, request: &ChatRequest) -> (u64, u64) {
        let mean = whole(self.mean.load(Ordering::Relaxed));
        let each = match (request.max_output_tokens, self.output) {
            (None, _) => mean,
            (Some(max), OutputEstimate::Max) => max,
            (Some(max), OutputEstimate::Mean) => mean.min(max),
        };
        let choices = u64::from(request.n.unwrap_or(1).max(1));
        ((self.input)(request), each.saturating_mul(choices))
    }

    /// Learns from an answer that came to its end.
    pub(crate) fn learn(&self, output_tokens: u64) {
        let answer = output_tokens.saturating_mul(TOKEN);
        // The figure stands alone: nothing else is read by its order.
        let relaxed = Ordering::Relaxed;
        let _ = self
            .mean
            .fetch_update(relaxed, relaxed, |mean| Some(mean - mean / 8 + answer / 8));
    }
}

impl fmt::Debug for Estimator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mean = whole(self.mean.load(Ordering::Relaxed));
        f.debug_struct("Estimator")
            .field("output", &self.output)
            .field("mean", &mean)
            .finish_non_exhaustive()
    }
}

/// Thousandths of a token.
const TOKEN: u64 = 1000;
