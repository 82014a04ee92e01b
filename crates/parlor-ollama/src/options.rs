//! What only Ollama knows of a request.

use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// What only Ollama knows of a request.
///
/// ```
/// use parlor_core::ChatRequest;
/// use parlor_ollama::OllamaOptions;
/// use std::time::Duration;
///
/// let options = OllamaOptions::new()
///     .with_num_ctx(16_384)
///     .with_keep_alive(Duration::from_secs(3600));
/// let request = ChatRequest::from("Hi").with_options("ollama", &options);
/// assert_eq!(request.extra["ollama"]["options"]["num_ctx"], 16_384);
/// ```
///
/// Temperature, seed, limits and the like are fields of
/// [`ChatRequest`](parlor_core::ChatRequest) itself. In a configuration file
/// the same fields stand in the instance's `extra`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct OllamaOptions {
    #[serde(flatten)]
    fields: Map<String, Value>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    options: Map<String, Value>,
}

impl OllamaOptions {
    /// No options.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a context window to serve, in tokens. Another one than
    /// before loads the model anew.
    #[must_use]
    pub fn with_num_ctx(self, tokens: u32) -> Self {
        self.with_option("num_ctx", tokens)
    }

    /// The same with a runner's option by its name; unknown ones are passed
    /// over by the server, and a value of a wrong type is refused.
    #[must_use]
    pub fn with_option(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.options.insert(name.into(), value.into());
        self
    }

    /// The same with how long the model stays in memory afterwards, instead of
    /// 5 minutes; zero unloads it at once.
    #[must_use]
    pub fn with_keep_alive(self, time: Duration) -> Self {
        match time.subsec_nanos() {
            0 => self.with_field("keep_alive", time.as_secs()),
            _ => self.with_field("keep_alive", time.as_secs_f64()),
        }
    }

    /// The same with a model that stays in memory until the server ends.
    #[must_use]
    pub fn with_keep_alive_forever(self) -> Self {
        self.with_field("keep_alive", -1)
    }

    /// The same with the field `think` in Ollama's words: `true`, `false`,
    /// `"low"`, `"medium"`, `"high"` or `"max"`. It goes before the request's
    /// [`reasoning`](parlor_core::ChatRequest::reasoning).
    #[must_use]
    pub fn with_think(self, think: impl Into<Value>) -> Self {
        self.with_field("think", think)
    }

    /// The same with whether a prompt that is too long is cut (the default) or
    /// refused.
    #[must_use]
    pub fn with_truncate(self, truncate: bool) -> Self {
        self.with_field("truncate", truncate)
    }

    /// The same with whether the oldest tokens make room at the window's end
    /// (the default), or the answer ends there.
    #[must_use]
    pub fn with_shift(self, shift: bool) -> Self {
        self.with_field("shift", shift)
    }

    fn with_field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }
}
