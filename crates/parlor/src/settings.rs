//! What shapes an agent: the model and the run, from code, the environment and a file.
//!
//! An application fills [`Settings`] and gets a conversation:
//!
//! ```
//! use parlor::Settings;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> parlor::Result<()> {
//! let settings = Settings::new("echo").with_temperature(0.2).with_max_retries(3);
//! let mut chat = settings.conversation()?;
//! assert_eq!(chat.send("Why is the sky blue?").await?.text(), "Why is the sky blue?");
//! # Ok(())
//! # }
//! ```
//!
//! # Where they come from
//!
//! Each source says what it knows, and [`or`](Settings::or) completes one by
//! another: what was said first wins. By custom that is code, then the
//! environment, then the file:
//!
//! ```
//! use parlor::{Env, Settings};
//!
//! let code = Settings::default().with_temperature(0.1);
//! let env = Env::from([("PARLOR_TEMPERATURE", "0.5"), ("PARLOR_SEED", "7")]);
//! let file = r#"
//!     [model]
//!     model = "echo"
//!     temperature = 0.9
//!     seed = 1
//!     stop = ["END"]
//!
//!     [run]
//!     max_retries = 5
//!     timeouts = { idle = "30s" }
//!
//!     [run.layers]
//!     validate = { trim = true }
//!
//!     [modes.poet]
//!     temperature = 1.0
//! "#;
//! let settings = code.or(Settings::of_env(&env)?).or(Settings::from_toml(file)?);
//! assert_eq!(settings.model.temperature, Some(0.1));
//! assert_eq!(settings.model.seed, Some(7));
//! assert_eq!(settings.model.stop, ["END"]);
//! settings.validate()?;
//! # Ok::<(), parlor::Error>(())
//! ```
//!
//! [`from_env`](Settings::from_env) reads the process's environment and
//! [`load`](Settings::load) a file. An unknown key of a file is an error that says
//! which one may have been meant. What is wrong is told all at once, by key, line
//! and column, or by the variable. Secrets are in no message, no `Debug` and no
//! serialised form.
//!
//! This is one agent. Providers, mapped models, routes and the layers of every
//! model stand in the program's [`Config`](crate::Config), which these settings
//! are laid over.
//!
//! # The model: `[model]`
//!
//! What is left out isn't sent, so that the provider's default holds.
//!
//! | key | variable | |
//! |---|---|---|
//! | `model` | `PARLOR_MODEL` | `provider/model` or a name of the configuration; without, what [`Registry::default_model`](crate::Registry::default_model) chooses |
//! | `base_url` | `PARLOR_BASE_URL` | another address of the provider; a model without a provider in front is then asked in the words of `openai-compatible` |
//! | `api_key` | `PARLOR_API_KEY` | the key; better in a variable than in a file |
//! | `api_key_env` | `PARLOR_API_KEY_ENV` | the variable that holds the key |
//! | `mode` | `PARLOR_MODE` | `creative`, `balanced`, `precise`, `code`, or one of `[modes]`: all of the sampling, but for what the same source, or one that wins over it, sets beside it |
//! | `system` | `PARLOR_SYSTEM` | instructions |
//! | `temperature` | `PARLOR_TEMPERATURE` | randomness, 0 to 2 |
//! | `top_p` | `PARLOR_TOP_P` | nucleus sampling, 0 to 1 |
//! | `max_tokens` | `PARLOR_MAX_TOKENS` | the most tokens of an answer; parlor sends it by the name that the host knows |
//! | `max_completion_tokens` | `PARLOR_MAX_COMPLETION_TOKENS` | the same by its newer name |
//! | `frequency_penalty` | `PARLOR_FREQUENCY_PENALTY` | -2 to 2 |
//! | `presence_penalty` | `PARLOR_PRESENCE_PENALTY` | -2 to 2 |
//! | `n` | `PARLOR_N` | how many choices; a conversation goes on with the first |
//! | `stop` | `PARLOR_STOP` | a text that ends the answer, or a list of them |
//! | `stream` | `PARLOR_STREAM` | whether the host is asked for a stream; `true` by default, `false` gives the answer's events all at once |
//! | `logprobs` | `PARLOR_LOGPROBS` | whether to give log probabilities |
//! | `top_logprobs` | `PARLOR_TOP_LOGPROBS` | of how many alternatives, 0 to 20 |
//! | `seed` | `PARLOR_SEED` | for answers that repeat |
//! | `user` | `PARLOR_USER` | the end user, for the provider's abuse checks |
//! | `reasoning_effort` | `PARLOR_REASONING_EFFORT` | `off`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`, `auto` |
//! | `context_length` | `PARLOR_CONTEXT_LENGTH` | the model's context window in tokens, in place of the catalogue's; no more than fits is sent then |
//!
//! # The run: `[run]`
//!
//! | key | variable | default | |
//! |---|---|---|---|
//! | `logging` | `PARLOR_LOGGING` | no | whether `init_logging` shows anything, by the feature `logging` |
//! | `log_level` | `PARLOR_LOG_LEVEL` | `info` | `error`, `warn`, `info`, `debug`, `trace` |
//! | `log_requests` | `PARLOR_LOG_REQUESTS` | no | heads of HTTP requests, keys taken out; bodies too at the level `trace` |
//! | `log_responses` | `PARLOR_LOG_RESPONSES` | no | the same of responses |
//! | `debug` | `PARLOR_DEBUG` | no | logging, at `debug` at least, with both |
//! | `progress` | `PARLOR_PROGRESS` | no | steps, tools and ends as events of `tracing` by the target `parlor::progress`, at `info` |
//! | `capture_usage` | `PARLOR_CAPTURE_USAGE` | yes | whether statistics count tokens and cost |
//! | `capture_latency` | `PARLOR_CAPTURE_LATENCY` | yes | whether they count times |
//! | `timeouts.connect` | `PARLOR_CONNECT_TIMEOUT` | the transport's | such as `"10s"`, or `"off"` |
//! | `timeouts.first_event` | `PARLOR_FIRST_EVENT_TIMEOUT` | the transport's | from the request to the first event |
//! | `timeouts.idle` | `PARLOR_IDLE_TIMEOUT` | the transport's | between two events |
//! | `timeouts.total` | `PARLOR_TOTAL_TIMEOUT` | none | for one exchange |
//! | `run_time` | `PARLOR_RUN_TIME` | none | for one run, which may be several exchanges and tools |
//! | `session_time` | `PARLOR_SESSION_TIME` | none | for a [session](Settings::session) |
//! | `tool_time` | `PARLOR_TOOL_TIME` | `1m` | for one call of a tool |
//! | `max_steps` | `PARLOR_MAX_STEPS` | 16 | how often a run asks the model |
//! | `max_retries` | `PARLOR_MAX_RETRIES` | the configuration's, else 2 | after the first attempt |
//! | `retry_delay` | `PARLOR_RETRY_DELAY` | the configuration's | the longest pause before the first retry; it doubles |
//! | `verify_tls` | `PARLOR_VERIFY_TLS` | yes | `false` takes any certificate: whoever sits between reads the key. A warning is logged |
//! | `strict_parsing` | `PARLOR_STRICT_PARSING` | no | what reading passes over is an error: the layer `strict` |
//! | `error_length` | `PARLOR_ERROR_LENGTH` | 500 | the most characters of a message that an error shows; [`Error::message`](crate::Error::message) has all of it |
//! | `layers` | | none | any other layer by name, as under `[layers]` of the configuration |
//!
//! In code there are [`on_text`](Settings::on_text) for each piece of an answer
//! and [`on_event`](Settings::on_event) for all that a run does.
//!
//! # Layers, one line each
//!
//! Responses kept, calls tried again, and input checked: trimmed, not blank, no
//! longer than that, and within the model's context window.
//!
//! ```
//! use parlor::Settings;
//!
//! let settings = Settings::new("echo")
//! # ;
//! # #[cfg(feature = "cache")]
//! # let settings = settings
//!     .with_layer("cache", true)
//! # ;
//! # let settings = settings
//!     .with_max_retries(4)
//!     .with_layer("validate", [("trim", true.into()), ("max_chars", 20_000.into())]);
//! # settings.conversation()?;
//! # Ok::<(), parlor::Error>(())
//! ```
//!
//! Around any conversation, by the layer's own type:
//!
//! ```
//! use parlor::layers::retry::{RetryLayer, RetryPolicy};
//! use parlor::layers::validate::ValidateLayer;
//!
//! let chat = parlor::chat("echo")?
//!     .with_layer(RetryLayer::new(RetryPolicy::retries(4)))
//!     .with_layer(ValidateLayer::default());
//! # #[cfg(feature = "cache")]
//! let chat = chat.with_layer(parlor::layers::cache::CacheLayer::default());
//! # assert_eq!(chat.model().info().model, "echo");
//! # Ok::<(), parlor::Error>(())
//! ```

mod agent;
mod build;
mod env;
#[cfg(feature = "logging")]
mod logging;
mod model;
mod run;
mod whole;

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use parlor_agent::{Mode, Modes, RunEvent};
use parlor_core::{Error, ErrorKind, Result};
use parlor_registry::{Env, Findings, Problems, read_toml};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use agent::Agent;
pub use env::{VARIABLES, Variable};
pub use model::ModelHalf;
pub use run::{LogLevel, RunHalf};
pub use whole::Whole;

type Hook = Arc<dyn Fn(&RunEvent) + Send + Sync>;

/// What shapes an agent: the model and the run. See the [module](self) for every
/// key.
///
/// It is JSON and TOML by serde, but for the key and the hooks.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Settings {
    /// What shapes the model.
    pub model: ModelHalf,
    /// What shapes the run.
    pub run: RunHalf,
    /// Modes beside the four that there are, or in their place.
    pub modes: Modes,
    #[serde(skip)]
    hooks: Vec<Hook>,
}

impl Settings {
    /// Settings that name a model and nothing else.
    pub fn new(model: impl Into<String>) -> Self {
        let mut settings = Self::default();
        settings.model.model = Some(model.into());
        settings
    }

    /// What the process's environment says.
    ///
    /// # Errors
    /// All variables whose values are wrong.
    pub fn from_env() -> Result<Self, Problems> {
        Self::of_env(&Env::process())
    }

    /// What an environment says.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn of_env(env: &Env) -> Result<Self, Problems> {
        env::read(env)
    }

    /// Reads TOML.
    ///
    /// # Errors
    /// All that is wrong, by key, line and column: an unknown key with the one
    /// that may have been meant, and values out of their range.
    pub fn from_toml(text: &str) -> Result<Self, Problems> {
        let settings: Self = read_toml(text)?;
        let mut findings = Findings::in_toml(text);
        settings.check(&mut findings);
        findings.finish()?;
        Ok(settings)
    }

    /// Reads a TOML file.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml), with the file's name; and when it can't
    /// be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!("cannot read {}: {error}", path.display());
            Error::new(ErrorKind::Configuration, message)
        })?;
        Self::from_toml(&text).map_err(|problems| problems.in_file(path).into())
    }

    /// These settings, completed by others where nothing was said. Modes and
    /// layers are joined by name, hooks are all kept.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.model = self.model.or(other.model);
        self.run = self.run.or(other.run);
        let mut modes = other.modes;
        for name in self.modes.names().collect::<Vec<_>>() {
            let Ok(mode) = self.modes.get(name) else {
                continue;
            };
            // The four that everyone has say nothing.
            if Modes::new().get(name).ok() != Some(mode) {
                modes.insert(name, mode.clone());
            }
        }
        self.modes = modes;
        self.hooks.extend(other.hooks);
        self
    }

    /// Whether an agent can be made of them.
    ///
    /// # Errors
    /// All that is wrong, each by its key.
    pub fn validate(&self) -> Result<(), Problems> {
        let mut findings = Findings::new();
        self.check(&mut findings);
        if let Some(Err(error)) = self.model.mode.as_deref().map(|name| self.modes.get(name)) {
            let message = format!("{}. {}", error.message(), error.help());
            findings.add(&["model", "mode"], message);
        }
        findings.finish()
    }

    /// Looks at values one by one.
    fn check(&self, findings: &mut Findings<'_>) {
        self.model.check(findings);
        self.run.check(findings);
    }

    /// The same with another mode to choose from.
    #[must_use]
    pub fn with_mode(mut self, name: impl Into<String>, mode: Mode) -> Self {
        self.modes.insert(name, mode);
        self
    }

    /// The same in a mode: `creative`, `balanced`, `precise`, `code`, or one that
    /// was added.
    #[must_use]
    pub fn in_mode(mut self, name: impl Into<String>) -> Self {
        self.model.mode = Some(name.into());
        self
    }

    /// The same at another address.
    #[must_use]
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.model.base_url = Some(url.into());
        self
    }

    /// The same with a key.
    #[must_use]
    pub fn with_api_key(mut self, key: impl Into<parlor_core::Secret>) -> Self {
        self.model.api_key = Some(key.into());
        self
    }

    /// The same with instructions.
    #[must_use]
    pub fn with_system(mut self, text: impl Into<String>) -> Self {
        self.model.system = Some(text.into());
        self
    }

    /// The same with this temperature.
    #[must_use]
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.model.temperature = Some(temperature);
        self
    }

    /// The same with answers of at most so many tokens.
    #[must_use]
    pub fn with_max_tokens(mut self, tokens: u64) -> Self {
        self.model.max_tokens = Some(tokens);
        self
    }

    /// The same with so many attempts after the first.
    #[must_use]
    pub fn with_max_retries(mut self, retries: u32) -> Self {
        self.run.max_retries = Some(retries);
        self
    }

    /// The same with a layer by its name, as `[layers]` of a configuration has
    /// it: `true` for its defaults, `false` for none, or a table.
    #[must_use]
    pub fn with_layer(mut self, name: impl Into<String>, settings: impl Into<LayerValue>) -> Self {
        let LayerValue(settings) = settings.into();
        self.run.layers.insert(name.into(), settings);
        self
    }

    /// The same with what a function sets, for all that has no method of its own.
    ///
    /// ```
    /// use parlor::Settings;
    ///
    /// let settings = Settings::new("echo").with(|it| {
    ///     it.model.seed = Some(7);
    ///     it.run.progress = Some(true);
    /// });
    /// assert_eq!(settings.model.seed, Some(7));
    /// ```
    #[must_use]
    pub fn with(mut self, set: impl FnOnce(&mut Self)) -> Self {
        set(&mut self);
        self
    }

    /// The same with a hook that is told of all that runs do, as
    /// [`Conversation::on_event`](parlor_agent::Conversation::on_event) does.
    #[must_use]
    pub fn on_event(mut self, hook: impl Fn(&RunEvent) + Send + Sync + 'static) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }

    /// The same with a hook that is given each piece of an answer's text.
    #[must_use]
    pub fn on_text(self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_event(move |event| {
            if let Some(text) = event.text() {
                hook(text);
            }
        })
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("model", &self.model)
            .field("run", &self.run)
            .field("modes", &self.modes)
            .field("hooks", &self.hooks.len())
            .finish()
    }
}

/// What a layer is given: whether it is there, or its table.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerValue(Value);

impl From<bool> for LayerValue {
    fn from(is_there: bool) -> Self {
        Self(is_there.into())
    }
}

impl From<Value> for LayerValue {
    fn from(table: Value) -> Self {
        Self(table)
    }
}

impl<const N: usize> From<[(&str, Value); N]> for LayerValue {
    fn from(table: [(&str, Value); N]) -> Self {
        let pairs = table.map(|(key, value)| (key.to_owned(), value));
        Self(Value::Object(pairs.into_iter().collect()))
    }
}
