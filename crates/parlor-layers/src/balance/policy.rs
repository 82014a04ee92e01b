//! How a balance chooses and when it leaves a target out.

use parlor_core::{Error, ModelInfo, duration};
use serde::Deserialize;
use std::time::Duration;

/// How calls are spread, and when a target is left out.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BalancePolicy {
    /// How one of the targets is chosen. By least busy by default.
    pub choice: BalanceChoice,
    /// The targets' shares, the wrapped model's first; 1 where there is none, or
    /// one that isn't above 0. Empty by default. For [`BalanceChoice::Weighted`]
    /// they are the chances; for [`BalanceChoice::LeastBusy`] a target of twice
    /// the weight has twice the calls in flight; [`BalanceChoice::LeastLatency`]
    /// uses them only between equals.
    pub weights: Vec<f64>,
    /// To how many other targets a call may go on that failed before its first
    /// event by the target's fault. 1 by default, so that a call makes two
    /// attempts at most.
    pub turns: u32,
    /// After this time without a call a target's latency counts half, so that
    /// one that was slow is asked again. A minute by default.
    pub latency_half_life: Duration,
    /// When a target is left out, and how long.
    pub breaker: BreakerPolicy,
    /// Makes the choice repeat, for tests.
    pub seed: Option<u64>,
}

impl Default for BalancePolicy {
    fn default() -> Self {
        Self {
            choice: BalanceChoice::default(),
            weights: Vec::new(),
            turns: 1,
            latency_half_life: Duration::from_secs(60),
            breaker: BreakerPolicy::default(),
            seed: None,
        }
    }
}

impl BalancePolicy {
    /// The default policy with this choice.
    pub fn by(choice: BalanceChoice) -> Self {
        Self {
            choice,
            ..Self::default()
        }
    }

    /// The same policy with these weights, the wrapped model's first.
    #[must_use]
    pub fn with_weights(mut self, weights: impl IntoIterator<Item = f64>) -> Self {
        self.weights = weights.into_iter().collect();
        self
    }

    pub(super) fn weight(&self, at: usize) -> f64 {
        let weight = self.weights.get(at).copied().unwrap_or(1.0);
        match weight.is_finite() && weight > 0.0 {
            true => weight,
            false => 1.0,
        }
    }
}

/// How one of the targets is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BalanceChoice {
    /// Of two drawn by chance, the one with fewer calls in flight. It needs no
    /// measurement and doesn't herd to one target.
    #[default]
    LeastBusy,
    /// The one that has been answering soonest, times the calls it has in
    /// flight: the first event counts for streams, the whole answer for calls.
    LeastLatency,
    /// By chance, in proportion to the weights.
    Weighted,
}

/// When a target is left out, and how long: a circuit breaker for each.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BreakerPolicy {
    /// It opens after this many failures in a row. 5 by default.
    pub failures: u32,
    /// It opens when at least this part of the calls of the last
    /// [`window`](Self::window) failed. A half by default; above 1 is never.
    pub ratio: f64,
    /// Over which time that part is taken. 30 s by default.
    pub window: Duration,
    /// How many calls the window must hold for that. 10 by default.
    pub least_calls: u32,
    /// How long it stays open; twice as long each time it opens again with no
    /// success between. 10 s by default. Where the provider says how long to
    /// wait, it opens at once and for that time.
    pub cool_down: Duration,
    /// The longest that it stays open, whoever says so. 5 min by default.
    pub max_cool_down: Duration,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        Self {
            failures: 5,
            ratio: 0.5,
            window: Duration::from_secs(30),
            least_calls: 10,
            cool_down: Duration::from_secs(10),
            max_cool_down: Duration::from_secs(300),
        }
    }
}

/// What a route's `breaker` can set: the fields of [`BreakerPolicy`] with its
/// defaults.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// [`BreakerPolicy::failures`].
    pub failures: Option<u32>,
    /// [`BreakerPolicy::ratio`].
    pub ratio: Option<f64>,
    /// [`BreakerPolicy::window`].
    #[serde(deserialize_with = "duration::deserialize")]
    pub window: Option<Duration>,
    /// [`BreakerPolicy::least_calls`].
    pub least_calls: Option<u32>,
    /// [`BreakerPolicy::cool_down`].
    #[serde(deserialize_with = "duration::deserialize")]
    pub cool_down: Option<Duration>,
    /// [`BreakerPolicy::max_cool_down`].
    #[serde(deserialize_with = "duration::deserialize")]
    pub max_cool_down: Option<Duration>,
}

impl From<BreakerSettings> for BreakerPolicy {
    fn from(settings: BreakerSettings) -> Self {
        let usual = Self::default();
        Self {
            failures: settings.failures.unwrap_or(usual.failures),
            ratio: settings.ratio.unwrap_or(usual.ratio),
            window: settings.window.unwrap_or(usual.window),
            least_calls: settings.least_calls.unwrap_or(usual.least_calls),
            cool_down: settings.cool_down.unwrap_or(usual.cool_down),
            max_cool_down: settings.max_cool_down.unwrap_or(usual.max_cool_down),
        }
    }
}

/// What is told when a target is left out.
#[derive(Debug)]
#[non_exhaustive]
pub struct BreakerNotice<'a> {
    /// The target.
    pub target: &'a ModelInfo,
    /// For how long.
    pub cool_down: Duration,
    /// What failed last.
    pub error: &'a Error,
}

/// How a target stands.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TargetStatus {
    /// Calls and streams that are going on.
    pub in_flight: u32,
    /// Whether it gets no call: its cool-down isn't over, or it is being probed.
    pub is_open: bool,
    /// When it may be probed, where it is left out and not being probed.
    pub due_in: Option<Duration>,
    /// How soon its streams have been beginning, once that is known.
    pub latency: Option<Duration>,
    /// What it failed with last.
    pub last_error: Option<Error>,
}
