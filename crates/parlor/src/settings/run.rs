//! What shapes the run: logs, figures, limits of time, retries, layers.

use std::collections::BTreeMap;
use std::time::Duration;

use parlor_agent::{Limits, Statistics};
use parlor_core::duration;
use parlor_layers::configured;
use parlor_registry::Findings;
use parlor_registry::config::{RetrySettings, Timeouts};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LogLevel {
    /// What failed.
    Error,
    /// What may go wrong, such as a certificate that isn't verified.
    Warn,
    /// What goes on.
    Info,
    /// How it goes on.
    Debug,
    /// All there is, contents included.
    Trace,
}

/// What shapes the run. Everything is optional; the [module](super) says what
/// each key is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the module's table says what each key is")]
pub struct RunHalf {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_requests: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_responses: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture_usage: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capture_latency: Option<bool>,
    #[serde(skip_serializing_if = "is_default")]
    pub timeouts: Timeouts,
    #[serde(skip_serializing_if = "Option::is_none", with = "duration")]
    pub run_time: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none", with = "duration")]
    pub session_time: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none", with = "duration")]
    pub tool_time: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none", with = "duration")]
    pub retry_delay: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_tls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict_parsing: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_length: Option<usize>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub layers: BTreeMap<String, Value>,
}

fn is_default(timeouts: &Timeouts) -> bool {
    *timeouts == Timeouts::default()
}

impl RunHalf {
    /// This half, completed by another where nothing was said.
    pub(super) fn or(self, other: Self) -> Self {
        let mut layers = other.layers;
        layers.extend(self.layers);
        Self {
            logging: self.logging.or(other.logging),
            log_level: self.log_level.or(other.log_level),
            log_requests: self.log_requests.or(other.log_requests),
            log_responses: self.log_responses.or(other.log_responses),
            debug: self.debug.or(other.debug),
            progress: self.progress.or(other.progress),
            capture_usage: self.capture_usage.or(other.capture_usage),
            capture_latency: self.capture_latency.or(other.capture_latency),
            timeouts: self.timeouts.or(other.timeouts),
            run_time: self.run_time.or(other.run_time),
            session_time: self.session_time.or(other.session_time),
            tool_time: self.tool_time.or(other.tool_time),
            max_steps: self.max_steps.or(other.max_steps),
            max_retries: self.max_retries.or(other.max_retries),
            retry_delay: self.retry_delay.or(other.retry_delay),
            verify_tls: self.verify_tls.or(other.verify_tls),
            strict_parsing: self.strict_parsing.or(other.strict_parsing),
            error_length: self.error_length.or(other.error_length),
            layers,
        }
    }

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        let times = [
            ("run_time", self.run_time),
            ("session_time", self.session_time),
            ("tool_time", self.tool_time),
        ];
        for (key, time) in times {
            if time == Some(Duration::ZERO) {
                let message = "a limit of zero ends everything; leave it out for none";
                findings.add(&["run", key], message);
            }
        }
        if self.max_steps == Some(0) {
            findings.add(
                &["run", "max_steps"],
                "must be at least 1, which is the first",
            );
        }
        if self.max_retries == Some(u32::MAX) {
            findings.add(&["run", "max_retries"], "is too large");
        }
        for (name, settings) in &self.layers {
            let own = match name.as_str() {
                "retry" => Some("set `run.max_retries` and `run.retry_delay`"),
                "timeout" => Some("set `run.timeouts`"),
                _ => None,
            };
            let place = ["run", "layers", name];
            if let Some(own) = own {
                findings.add(&place, own);
            } else if *settings != Value::Bool(false)
                && let Err(error) = configured(name, settings)
            {
                let message = error.message();
                let inner = message.split_once("`: ").map_or(message, |it| it.1);
                findings.add(&place, format!("{inner}. {}", error.help()));
            }
        }
    }

    pub(super) fn is_on(&self, key: Option<bool>) -> bool {
        key.unwrap_or(false)
    }

    /// The retries, over those of the configuration.
    pub(super) fn retry(&self, mut beneath: RetrySettings) -> RetrySettings {
        let attempts = self.max_retries.map(|retries| retries.saturating_add(1));
        beneath.attempts = attempts.or(beneath.attempts);
        beneath.base_delay = self.retry_delay.or(beneath.base_delay);
        beneath
    }

    pub(super) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.time = self.run_time;
        limits.tool_time = self.tool_time.unwrap_or(limits.tool_time);
        limits.steps = self.max_steps.unwrap_or(limits.steps);
        limits
    }

    pub(super) fn statistics(&self) -> Statistics {
        let [usage, latency] =
            [self.capture_usage, self.capture_latency].map(|it| it.unwrap_or(true));
        Statistics::capturing(usage, latency)
    }
}
