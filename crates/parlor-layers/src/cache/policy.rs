//! What is kept, and for which requests.

use crate::key::{self, KeyPolicy};
use parlor_core::{ChatRequest, Result, duration};
use serde::Deserialize;
use std::time::Duration;

/// The name of the switch in a request.
pub(super) const SWITCH: &str = "cache";

/// What is kept, how long, and how much. The settings of `[layers.cache]` are its
/// fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CachePolicy {
    /// How long an answer may be given again. Ten minutes by default; `None` is
    /// for as long as there is room.
    #[serde(deserialize_with = "duration::deserialize")]
    pub ttl: Option<Duration>,
    /// The most answers in memory. 1000 by default. Not for a
    /// [store](super::CacheLayer::with_store) of your own.
    pub max_entries: usize,
    /// The most bytes in memory, counted as the answers' JSON. 64 MiB by default.
    /// Not for a [store](super::CacheLayer::with_store) of your own.
    pub max_bytes: usize,
    /// The longest answer that is kept, and so the most memory that a recording
    /// stream takes, about. 1 MiB by default.
    pub max_answer_bytes: usize,
    /// What to do with requests that don't say it themselves, by
    /// [`CacheMode::on`]. [`Use`](CacheMode::Use) by default.
    pub mode: CacheMode,
    /// Whether to pass by requests that ask for chance: those without
    /// temperature 0 or a seed, unless they say themselves that the cache is for
    /// them. False by default. Set it where the same request is made several
    /// times to get different answers.
    pub only_deterministic: bool,
    /// How long to wait for the store each time. One second by default. Only in
    /// code, as stores are.
    #[serde(skip)]
    pub store_timeout: Duration,
    /// What makes requests the same.
    pub key: KeyPolicy,
}

impl Default for CachePolicy {
    fn default() -> Self {
        Self {
            ttl: Some(Duration::from_secs(600)),
            max_entries: 1000,
            max_bytes: 64 << 20,
            max_answer_bytes: 1 << 20,
            mode: CacheMode::Use,
            only_deterministic: false,
            store_timeout: Duration::from_secs(1),
            key: KeyPolicy::default(),
        }
    }
}

impl CachePolicy {
    /// What to do with a request.
    pub(super) fn mode_for(&self, request: &ChatRequest) -> Result<CacheMode> {
        let mode = match key::switch(request, SWITCH) {
            Some(said) => CacheMode::deserialize(said)
                .map_err(|_| key::wrong_switch(SWITCH, said, "`use`, `refresh` or `off`"))?,
            None if self.only_deterministic && !key::is_deterministic(request) => CacheMode::Off,
            None => self.mode,
        };
        Ok(match mode {
            CacheMode::Use if request.include_raw => CacheMode::Refresh,
            mode => mode,
        })
    }
}

/// What the cache is to do with a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMode {
    /// Give the answer that there is; else ask and keep.
    #[default]
    Use,
    /// Ask anew and keep.
    Refresh,
    /// Ask, and neither look nor keep.
    Off,
}

impl CacheMode {
    /// The request with this mode, whatever the layer's policy says.
    ///
    /// It stands in the request as `extra.parlor.cache` with the word `use`,
    /// `refresh` or `off`, so that a request read from JSON can say it too. The
    /// layer takes it out before it passes the request on.
    #[must_use]
    pub fn on(self, request: ChatRequest) -> ChatRequest {
        let word = match self {
            Self::Use => "use",
            Self::Refresh => "refresh",
            Self::Off => "off",
        };
        key::with_switch(request, SWITCH, word.into())
    }
}
