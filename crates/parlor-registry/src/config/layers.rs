//! Settings for the layers that stand around every model.

use std::collections::BTreeMap;
use std::time::Duration;

use parlor_core::duration;
use serde::Deserialize;
use serde_json::Value;

use super::Timeouts;

/// Settings for the layers around every model.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LayerSettings {
    /// When and how often a failed call is tried again.
    pub retry: RetrySettings,
    /// Time limits for every provider; a provider's own win over them.
    pub timeout: Timeouts,
    /// Any other layer by its name, with its settings: a table, or `true` for
    /// its defaults. Whoever builds the layers knows their names and keys.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// When and how often a failed call is tried again. `None` leaves the layer's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct RetrySettings {
    /// Tries in all, the first included; 1 turns retrying off.
    pub attempts: Option<u32>,
    /// Longest pause before the second try; it doubles with each further one.
    #[serde(deserialize_with = "duration::deserialize")]
    pub base_delay: Option<Duration>,
    /// Longest pause before any try.
    #[serde(deserialize_with = "duration::deserialize")]
    pub max_delay: Option<Duration>,
    /// No try begins later than this after the first.
    #[serde(deserialize_with = "duration::deserialize")]
    pub max_elapsed: Option<Duration>,
}

impl LayerSettings {
    pub(super) fn merged(self, later: LayerSettings) -> Self {
        let (mine, theirs) = (self.retry, later.retry);
        Self {
            retry: RetrySettings {
                attempts: theirs.attempts.or(mine.attempts),
                base_delay: theirs.base_delay.or(mine.base_delay),
                max_delay: theirs.max_delay.or(mine.max_delay),
                max_elapsed: theirs.max_elapsed.or(mine.max_elapsed),
            },
            timeout: later.timeout.or(self.timeout),
            others: self.others.into_iter().chain(later.others).collect(),
        }
    }
}
