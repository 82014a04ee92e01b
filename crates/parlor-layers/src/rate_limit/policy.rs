//! What may be used in which time, and what a call does for which there is no room.

use super::RateLimitLayer;
use crate::estimate::OutputEstimate;
use crate::limits::{Amount, Scope, Window};
use crate::{Configurable, Stores};
use parlor_core::duration;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counts {
    /// Requests.
    Requests,
    /// Tokens of input.
    InputTokens,
    /// Tokens of output.
    OutputTokens,
    /// Tokens of both together.
    Tokens,
}

impl Counts {
    pub(super) const ALL: [Self; 4] = [
        Self::Requests,
        Self::InputTokens,
        Self::OutputTokens,
        Self::Tokens,
    ];

    /// The word used in configurations, and by
    /// [`ResponseMetadata::rate_limits`](parlor_core::ResponseMetadata::rate_limits).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::Tokens => "tokens",
        }
    }
}

/// So much in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limit {
    /// What is counted.
    pub counts: Counts,
    /// The most of it within the time.
    pub amount: u64,
    /// The time; at least a millisecond.
    pub per: Duration,
}

impl Limit {
    /// A limit of so much in so long.
    pub fn new(counts: Counts, amount: u64, per: Duration) -> Self {
        Self {
            counts,
            amount,
            per,
        }
    }
}

impl Limit {
    pub(super) fn window(&self) -> Window {
        Window::Rolling(self.per)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.counts {
            Counts::Requests => "requests",
            Counts::InputTokens => "input tokens",
            Counts::OutputTokens => "output tokens",
            Counts::Tokens => "tokens",
        };
        write!(f, "{} {what} per ", self.amount)?;
        match self.per.as_secs() {
            1 if self.per.subsec_nanos() == 0 => f.write_str("second"),
            60 => f.write_str("minute"),
            3600 => f.write_str("hour"),
            86_400 => f.write_str("day"),
            _ => write!(f, "{:?}", self.per),
        }
    }
}

/// What to do with a call for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnLimit {
    /// Let it wait until there is, first come, first served.
    #[non_exhaustive]
    Wait {
        /// How long at most; `None` is for ever.
        at_most: Option<Duration>,
    },
    /// Refuse it at once.
    Refuse,
}

impl OnLimit {
    /// Waiting, but no longer than this.
    pub fn wait(at_most: Duration) -> Self {
        Self::Wait {
            at_most: Some(at_most),
        }
    }

    /// Waiting as long as it takes.
    pub fn wait_for_ever() -> Self {
        Self::Wait { at_most: None }
    }
}

/// How much may be used, by whom, and what happens beyond that.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimitPolicy {
    /// The limits; every one holds. None by default.
    pub limits: Vec<Limit>,
    /// Who shares them. All calls by default.
    pub scope: Scope,
    /// What to do with a call beyond them. By default it waits, for two minutes
    /// at most, long enough for a limit per minute.
    pub on_limit: OnLimit,
    /// How many calls may wait, all together. 1,000 by default.
    pub max_waiting: usize,
    /// What output is expected of a call until its answer is there.
    pub output: OutputEstimate,
    /// Whether input that was read from a prompt cache counts. It does by
    /// default; some providers don't count it.
    pub count_cached: bool,
    /// Whether to keep to what the provider says is left, too: by the rate-limit
    /// headers of its answers where they say when the limit renews, and by the
    /// wait that it asks for when it refuses. Off by default.
    pub learn: bool,
    /// What the accounts are called in the store: layers of one name and one
    /// store share them. `rate_limit` by default.
    pub name: String,
}

impl Default for RateLimitPolicy {
    fn default() -> Self {
        Self {
            limits: Vec::new(),
            scope: Scope::All,
            on_limit: OnLimit::wait(Duration::from_secs(120)),
            max_waiting: 1000,
            output: OutputEstimate::Max,
            count_cached: true,
            learn: false,
            name: "rate_limit".to_owned(),
        }
    }
}

impl RateLimitPolicy {
    /// The default policy with a limit on requests.
    pub fn requests_per_minute(amount: u64) -> Self {
        Self::default().with(Counts::Requests, amount, Duration::from_secs(60))
    }

    /// The default policy with a limit on input and output tokens together.
    pub fn tokens_per_minute(amount: u64) -> Self {
        Self::default().with(Counts::Tokens, amount, Duration::from_secs(60))
    }

    /// The same policy with one more limit.
    #[must_use]
    pub fn with(mut self, counts: Counts, amount: u64, per: Duration) -> Self {
        self.limits.push(Limit::new(counts, amount, per));
        self
    }
}

/// `[layers.rate_limit]` of a configuration: `{requests, tokens, input_tokens,
/// output_tokens}_per_{second, minute, hour, day}`, and the other fields of
/// [`RateLimitPolicy`], of which `on_limit` is `wait` or `refuse` and `max_wait`
/// the longest wait.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct RateLimitSettings {
    scope: Scope,
    on_limit: Action,
    #[serde(deserialize_with = "duration::deserialize")]
    max_wait: Option<Duration>,
    max_waiting: Option<usize>,
    output: OutputEstimate,
    count_cached: Option<bool>,
    learn: bool,
    #[serde(flatten)]
    limits: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Action {
    #[default]
    Wait,
    Refuse,
}

impl RateLimitSettings {
    fn into_policy(self) -> Result<RateLimitPolicy, String> {
        let default = RateLimitPolicy::default();
        let mut limits = Vec::new();
        for (key, value) in self.limits {
            let (counts, per) = limit_key(&key).ok_or_else(|| {
                format!("unknown key `{key}`; limits are called such as `requests_per_minute`")
            })?;
            let amount = serde_json::from_value::<Amount>(value);
            let amount = amount.map_err(|error| format!("`{key}`: {error}"))?;
            limits.push(Limit::new(counts, amount.count(), per));
        }
        if limits.is_empty() && !self.learn {
            return Err(
                "there is no limit; set one such as `requests_per_minute`, or `learn`".into(),
            );
        }
        Ok(RateLimitPolicy {
            limits,
            scope: self.scope,
            on_limit: match (self.on_limit, self.max_wait) {
                (Action::Refuse, None) => OnLimit::Refuse,
                (Action::Refuse, Some(_)) => {
                    return Err("`max_wait` has no meaning where `on_limit` is `refuse`".into());
                }
                (Action::Wait, None) => default.on_limit,
                (Action::Wait, Some(at_most)) => OnLimit::wait(at_most),
            },
            max_waiting: self.max_waiting.unwrap_or(default.max_waiting),
            output: self.output,
            count_cached: self.count_cached.unwrap_or(default.count_cached),
            learn: self.learn,
            ..default
        })
    }
}

impl Configurable for RateLimitLayer {
    type Settings = RateLimitSettings;

    fn configured(settings: RateLimitSettings) -> std::result::Result<Self, String> {
        settings.into_policy().map(Self::new)
    }

    fn within(self, stores: &Stores) -> Self {
        match &stores.limits {
            Some(store) => self.with_store(store.clone()),
            None => self,
        }
    }
}

fn limit_key(key: &str) -> Option<(Counts, Duration)> {
    let (counts, unit) = key.split_once("_per_")?;
    let seconds = match unit {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        _ => return None,
    };
    let counts = Counts::ALL.into_iter().find(|it| it.as_str() == counts)?;
    Some((counts, Duration::from_secs(seconds)))
}
