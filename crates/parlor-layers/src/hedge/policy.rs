//! When to ask a second time, and how often at most.

use super::HedgeLayer;
use crate::Configurable;
use parlor_core::duration;
use serde::Deserialize;
use std::time::Duration;

/// When to ask a second time, and how often at most.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct HedgePolicy {
    /// How long to wait for a stream's first event. `None`, the default, is as
    /// long as the [`percentile`](Self::percentile) of those seen.
    pub delay: Option<Duration>,
    /// Which of the times to the first event is the delay, from 0 to 1, where no
    /// fixed one is set. 0.95 by default: one stream in twenty is late.
    pub percentile: f64,
    /// How many such times must be known for that; until then nothing is asked
    /// twice. 20 by default.
    pub least_samples: usize,
    /// How long to wait for the answer to a call. `None`, the default, is for
    /// ever.
    pub call_delay: Option<Duration>,
    /// How many second calls there may be for each call, to a thousandth. 0.1 by
    /// default: one in ten.
    pub share: f64,
    /// How many of them may be saved up, and are there at the start. 1 by
    /// default. There are never more second calls than this and the share.
    pub burst: u32,
}

impl Default for HedgePolicy {
    fn default() -> Self {
        Self {
            delay: None,
            percentile: 0.95,
            least_samples: 20,
            call_delay: None,
            share: 0.1,
            burst: 1,
        }
    }
}

impl HedgePolicy {
    /// The default policy with a fixed delay.
    pub fn after(delay: Duration) -> Self {
        Self {
            delay: Some(delay),
            ..Self::default()
        }
    }
}

/// What `[layers.hedge]` can set: the fields of [`HedgePolicy`] with its
/// defaults.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct HedgeSettings {
    /// [`HedgePolicy::delay`].
    #[serde(deserialize_with = "duration::deserialize")]
    pub delay: Option<Duration>,
    /// [`HedgePolicy::percentile`].
    pub percentile: Option<f64>,
    /// [`HedgePolicy::call_delay`].
    #[serde(deserialize_with = "duration::deserialize")]
    pub call_delay: Option<Duration>,
    /// [`HedgePolicy::share`].
    pub share: Option<f64>,
    /// [`HedgePolicy::burst`].
    pub burst: Option<u32>,
}

impl Configurable for HedgeLayer {
    type Settings = HedgeSettings;

    fn configured(settings: HedgeSettings) -> Result<Self, String> {
        let mut policy = HedgePolicy::default();
        policy.percentile = settings.percentile.unwrap_or(policy.percentile);
        policy.share = settings.share.unwrap_or(policy.share);
        for (name, value) in [("percentile", policy.percentile), ("share", policy.share)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!("`{name}`: expected a number from 0 to 1"));
            }
        }
        policy.delay = settings.delay;
        policy.call_delay = settings.call_delay;
        policy.burst = settings.burst.unwrap_or(policy.burst);
        Ok(Self::new(policy))
    }
}
