//! Named sets of parameters: creative, balanced, precise, code, and one's own.

use crate::conversation::Conversation;
use parlor_core::{ChatRequest, Error, ErrorKind, ReasoningConfig, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a model should answer, as parameters of its requests.
///
/// A mode says all of the sampling: what it leaves open goes back to the
/// provider's default. The other settings it changes only where it has them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Mode {
    /// Randomness, from 0; the upper end is the provider's (1 or 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1. Some providers take this or the temperature, not
    /// both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<f64>,
    /// Sample from the k likeliest tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_k: Option<u32>,
    /// Penalty on frequent tokens, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<f64>,
    /// Penalty on tokens already used, -2 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<f64>,
    /// The most tokens to answer with, reasoning included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// Whether and how much to reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<ReasoningConfig>,
}

impl Mode {
    /// A mode of this temperature.
    pub fn temperature(temperature: f64) -> Self {
        Self {
            temperature: Some(temperature),
            ..Self::default()
        }
    }

    /// Sets the parameters of a request.
    pub fn apply(&self, request: &mut ChatRequest) {
        request.temperature = self.temperature;
        request.top_p = self.top_p;
        request.top_k = self.top_k;
        request.frequency_penalty = self.frequency_penalty;
        request.presence_penalty = self.presence_penalty;
        if let Some(most) = self.max_output_tokens {
            request.max_output_tokens = Some(most);
        }
        if let Some(reasoning) = &self.reasoning {
            request.reasoning = Some(reasoning.clone());
        }
    }
}

/// Modes by name: `creative` (temperature 1), `balanced` (0.7), `precise` (0.2)
/// and `code` (0), and those that were added.
///
/// Read by serde, modes are added to these four, or take the place of those of
/// their name:
///
/// ```
/// use parlor_agent::{Conversation, Modes};
/// use parlor_core::Echo;
///
/// let modes: Modes = serde_json::from_str(r#"{"poet": {"temperature": 1.0, "presence_penalty": 0.5}}"#)?;
/// let mut chat = Conversation::new(Echo::new()).with_mode(modes.get("poet")?);
/// assert_eq!(chat.request_mut().presence_penalty, Some(0.5));
/// chat.set_mode(modes.get("precise")?);
/// assert_eq!(chat.request_mut().temperature, Some(0.2));
/// assert_eq!(chat.request_mut().presence_penalty, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, Mode>", into = "BTreeMap<String, Mode>")]
pub struct Modes(BTreeMap<String, Mode>);

impl Default for Modes {
    fn default() -> Self {
        let known = [
            ("creative", 1.0),
            ("balanced", 0.7),
            ("precise", 0.2),
            ("code", 0.0),
        ];
        let modes =
            known.map(|(name, temperature)| (name.to_owned(), Mode::temperature(temperature)));
        Self(modes.into())
    }
}

impl From<BTreeMap<String, Mode>> for Modes {
    fn from(added: BTreeMap<String, Mode>) -> Self {
        let mut modes = Self::default();
        modes.0.extend(added);
        modes
    }
}

impl From<Modes> for BTreeMap<String, Mode> {
    fn from(modes: Modes) -> Self {
        modes.0
    }
}

impl Modes {
    /// The four that everyone has.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a mode; one of the same name gives way and comes back.
    pub fn insert(&mut self, name: impl Into<String>, mode: Mode) -> Option<Mode> {
        self.0.insert(name.into(), mode)
    }

    /// The mode of this name.
    ///
    /// # Errors
    /// [`Configuration`](ErrorKind::Configuration) where there is none; it names
    /// those that there are.
    pub fn get(&self, name: &str) -> Result<&Mode> {
        self.0.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.names().collect();
            let message = format!("there is no mode `{name}`");
            Error::new(ErrorKind::Configuration, message)
                .with_help(format!("There are: {}.", known.join(", ")))
        })
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Conversation {
    /// The same conversation in a mode.
    #[must_use]
    pub fn with_mode(mut self, mode: &Mode) -> Self {
        self.set_mode(mode);
        self
    }

    /// Goes on in another mode, from the next request on.
    pub fn set_mode(&mut self, mode: &Mode) {
        mode.apply(self.request_mut());
    }
}
