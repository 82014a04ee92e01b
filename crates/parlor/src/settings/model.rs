//! What shapes the model: which one, where, and how it is asked.

use parlor_agent::Modes;
use parlor_core::{ChatRequest, Effort, Result, Secret};
use parlor_layers::validate::ValidatePolicy;
use parlor_registry::Findings;
use parlor_registry::config::{is_variable, one_or_many, secret, wrong_address};
use serde::{Deserialize, Serialize};

/// What shapes the model. Everything is optional; the [module](super) says what
/// each key is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the module's table says what each key is")]
pub struct ModelHalf {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Never written out.
    #[serde(skip_serializing, deserialize_with = "secret")]
    pub api_key: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_env: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    #[serde(
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "one_or_many"
    )]
    pub stop: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_logprobs: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<Effort>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_length: Option<u64>,
}

impl ModelHalf {
    /// This half, completed by another where nothing was said. What says the same
    /// thing in two ways is taken from one of them, and a mode says all of the
    /// sampling.
    pub(super) fn or(self, mut other: Self) -> Self {
        if self.mode.is_some() {
            other.temperature = None;
            other.top_p = None;
            other.frequency_penalty = None;
            other.presence_penalty = None;
        }
        let has_limit = self.max_output_tokens().is_some();
        let has_key = self.api_key.is_some() || self.api_key_env.is_some();
        let (api_key, api_key_env) = match has_key {
            true => (self.api_key, self.api_key_env),
            false => (other.api_key, other.api_key_env),
        };
        let limits = match has_limit {
            true => (self.max_tokens, self.max_completion_tokens),
            false => (other.max_tokens, other.max_completion_tokens),
        };
        Self {
            model: self.model.or(other.model),
            base_url: self.base_url.or(other.base_url),
            api_key,
            api_key_env,
            mode: self.mode.or(other.mode),
            system: self.system.or(other.system),
            temperature: self.temperature.or(other.temperature),
            top_p: self.top_p.or(other.top_p),
            max_tokens: limits.0,
            max_completion_tokens: limits.1,
            frequency_penalty: self.frequency_penalty.or(other.frequency_penalty),
            presence_penalty: self.presence_penalty.or(other.presence_penalty),
            n: self.n.or(other.n),
            stop: match self.stop.is_empty() {
                true => other.stop,
                false => self.stop,
            },
            stream: self.stream.or(other.stream),
            logprobs: self.logprobs.or(other.logprobs),
            top_logprobs: self.top_logprobs.or(other.top_logprobs),
            seed: self.seed.or(other.seed),
            user: self.user.or(other.user),
            reasoning_effort: self.reasoning_effort.or(other.reasoning_effort),
            context_length: self.context_length.or(other.context_length),
        }
    }

    /// The most tokens of an answer, by either name.
    pub fn max_output_tokens(&self) -> Option<u64> {
        self.max_completion_tokens.or(self.max_tokens)
    }

    /// The request that these settings begin: the mode's parameters, and those
    /// set here over them.
    pub(super) fn request(&self, modes: &Modes) -> Result<ChatRequest> {
        let mut request = ChatRequest::default();
        if let Some(mode) = &self.mode {
            modes.get(mode)?.apply(&mut request);
        }
        request.temperature = self.temperature.or(request.temperature);
        request.top_p = self.top_p.or(request.top_p);
        request.max_output_tokens = self.max_output_tokens().or(request.max_output_tokens);
        request.frequency_penalty = self.frequency_penalty.or(request.frequency_penalty);
        request.presence_penalty = self.presence_penalty.or(request.presence_penalty);
        request.n = self.n;
        request.stop.clone_from(&self.stop);
        request.logprobs = self.logprobs;
        request.top_logprobs = self.top_logprobs;
        request.seed = self.seed;
        request.user.clone_from(&self.user);
        if let Some(effort) = &self.reasoning_effort {
            request.reasoning = Some(effort.clone().into());
        }
        Ok(request)
    }

    pub(super) fn check(&self, findings: &mut Findings<'_>) {
        let mut wrong = |key: &str, message: String| findings.add(&["model", key], message);
        let texts = [
            ("model", &self.model),
            ("mode", &self.mode),
            ("user", &self.user),
        ];
        for (key, text) in texts {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                wrong(key, "is blank".to_owned());
            }
        }
        if let Some(message) = self.base_url.as_deref().and_then(wrong_address) {
            wrong("base_url", message);
        }
        if self.api_key.as_ref().is_some_and(Secret::is_empty) {
            wrong("api_key", "is empty".to_owned());
        }
        let variable = self.api_key_env.as_deref();
        if variable.is_some_and(|name| !is_variable(name)) {
            let message = "expected the name of an environment variable, not the key itself";
            wrong("api_key_env", message.to_owned());
        } else if self.api_key.is_some() && variable.is_some() {
            let message = "the key already comes from `api_key`; keep one of the two";
            wrong("api_key_env", message.to_owned());
        }
        let known = ValidatePolicy::default();
        let numbers = [
            ("temperature", self.temperature, known.temperature),
            ("top_p", self.top_p, known.top_p),
            ("frequency_penalty", self.frequency_penalty, known.penalty),
            ("presence_penalty", self.presence_penalty, known.penalty),
        ];
        for (key, value, range) in numbers {
            if let (Some(value), Some([least, most])) = (value, range)
                && !(least..=most).contains(&value)
            {
                wrong(
                    key,
                    format!("expected a number from {least} to {most}, not {value}"),
                );
            }
        }
        let counts = [
            ("max_tokens", self.max_tokens, None),
            ("max_completion_tokens", self.max_completion_tokens, None),
            ("n", self.n.map(u64::from), known.max_choices),
            ("context_length", self.context_length, None),
        ];
        for (key, value, most) in counts {
            match (value, most.map(u64::from)) {
                (Some(0), _) => wrong(key, "must be at least 1".to_owned()),
                (Some(value), Some(most)) if value > most => {
                    wrong(key, format!("must be at most {most}, not {value}"));
                }
                _ => {}
            }
        }
        if let (Some(old), Some(new)) = (self.max_tokens, self.max_completion_tokens)
            && old != new
        {
            let message = format!("is {new}, and `max_tokens`, which means the same, is {old}");
            wrong("max_completion_tokens", message);
        }
        if self.stop.iter().any(String::is_empty) {
            wrong("stop", "an empty text ends nothing".to_owned());
        }
        if let (Some(count), Some(most)) = (self.top_logprobs, known.max_top_logprobs) {
            if count > most {
                wrong(
                    "top_logprobs",
                    format!("must be at most {most}, not {count}"),
                );
            } else if self.logprobs == Some(false) {
                wrong("top_logprobs", "needs `logprobs = true`".to_owned());
            }
        }
        let window = self.context_length.zip(self.max_output_tokens());
        if let Some((window, output)) = window
            && output >= window
            && window > 0
        {
            let message = format!("is {window}, which {output} tokens of answer fill alone");
            wrong("context_length", message);
        }
    }
}
