//! All that a provider needs to build a model: address, key, headers, limits, facts.

use std::collections::BTreeMap;

use parlor_core::{
    Alternatives, Capabilities, Error, ErrorKind, MediaLimits, ModelInfo, Price, Result, Secret,
};
use serde_json::{Map, Value};

use super::{Descriptor, Extensions, Keys};
use crate::config::Timeouts;
use crate::{Env, Key, KeySource};

/// All that a provider needs to build a model.
///
/// The registry makes it from the descriptor, the environment, the
/// configuration and the catalogue. By hand:
///
/// ```
/// use parlor_registry::{KeySource, ProviderConfig};
///
/// let config = ProviderConfig::new("acme")
///     .with_base_url("https://api.acme.example/v1")
///     .with_key(KeySource::Explicit("sk-…".into()));
/// # assert_eq!(config.instance, "acme");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// The instance's name, which stands in front of its models' names.
    pub instance: String,
    /// The id of the provider that it is an instance of, where the two differ.
    pub instance_of: Option<String>,
    /// Whether an instance under a name of its own asks the provider at the
    /// provider's own address, so that native items go between the two: see
    /// [`Origin`](parlor_core::Origin).
    pub shares_natives: bool,
    /// Address that the dialect's paths are appended to, as it was given;
    /// `None` when nothing names one.
    pub base_url: Option<String>,
    /// Where the key comes from.
    pub keys: Keys,
    /// Whether the key's place is configured, so that one is needed even where
    /// the provider does without.
    pub key_is_configured: bool,
    /// Ids of other regions of the provider, whose keys stand in the same
    /// variables and aren't taken here.
    pub other_regions: Vec<String>,
    /// Headers sent with every request.
    pub headers: BTreeMap<String, Secret>,
    /// Query parameters sent with every request.
    pub query: BTreeMap<String, Secret>,
    /// The four time limits; what is left out keeps the transport's default.
    pub timeouts: Timeouts,
    /// Whether the host's certificate must be valid.
    pub verify_tls: bool,
    /// What this host does differently, in the words of its dialect; an object
    /// or null.
    pub quirks: Value,
    /// Fields merged last into every request body.
    pub extra: Map<String, Value>,
    /// What the model can do, as far as that is known.
    pub capabilities: Capabilities,
    /// What media the provider takes.
    pub media: MediaLimits,
    /// Which other models can do what the model can't.
    pub alternatives: Alternatives,
    /// Tokens of input and output together, if known.
    pub context_window: Option<u64>,
    /// Most tokens of one answer, if known.
    pub max_output_tokens: Option<u64>,
    /// What tokens cost, if known.
    pub price: Option<Price>,
    /// Tells the model from others of the same id, where it is asked by a name that
    /// says more than which model it is.
    pub variant: Option<u64>,
    /// Values for others on the way, such as the program's own HTTP client.
    pub extensions: Extensions,
    /// Where environment variables are looked up.
    pub env: Env,
}

impl ProviderConfig {
    /// The configuration of an instance of which nothing is said: no address,
    /// no key, the process's environment.
    pub fn new(instance: impl Into<String>) -> Self {
        Self {
            instance: instance.into(),
            instance_of: None,
            shares_natives: false,
            base_url: None,
            keys: Keys::default(),
            key_is_configured: false,
            other_regions: Vec::new(),
            headers: BTreeMap::new(),
            query: BTreeMap::new(),
            timeouts: Timeouts::default(),
            verify_tls: true,
            quirks: Value::Null,
            extra: Map::new(),
            capabilities: Capabilities::UNKNOWN,
            media: MediaLimits::UNKNOWN,
            alternatives: Alternatives::default(),
            context_window: None,
            max_output_tokens: None,
            price: None,
            variant: None,
            extensions: Extensions::default(),
            env: Env::process(),
        }
    }

    /// The same at another address.
    #[must_use]
    pub fn with_base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self
    }

    /// The same at another host: what opens the instance's own, and what is known
    /// of it alone, isn't taken there.
    #[must_use]
    pub fn moved_to(mut self, url: impl Into<String>) -> Self {
        self.base_url = Some(url.into());
        self.shares_natives = false;
        self.alternatives = Alternatives::default();
        self.price = None;
        self.keys = Keys::default();
        self.key_is_configured = false;
        self.headers.clear();
        self.query.clear();
        self
    }

    /// The same with its key at this place and nowhere else; one is needed then.
    #[must_use]
    pub fn with_only_key(mut self, source: KeySource) -> Self {
        self.keys = Keys::new(vec![source]);
        self.key_is_configured = true;
        self
    }

    /// The same with one more place to look for the key, after those before it.
    #[must_use]
    pub fn with_key(mut self, source: KeySource) -> Self {
        let mut sources = self.keys.sources().to_vec();
        sources.push(source);
        self.keys = Keys::new(sources);
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// The same with these time limits.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The same with these quirks.
    #[must_use]
    pub fn with_quirks(mut self, quirks: Value) -> Self {
        self.quirks = quirks;
        self
    }

    /// The same with a value for others on the way.
    #[must_use]
    pub fn with_extension<T: std::any::Any + Send + Sync>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self
    }

    /// The same with another environment.
    #[must_use]
    pub fn with_env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// The key, looked up now or remembered from before; `None` when no place
    /// has one. A key program runs here, so this may block for a while the
    /// first time.
    ///
    /// # Errors
    /// As [`KeySource::find`].
    pub fn key(&self) -> Result<Option<Key>> {
        self.keys.find(&self.instance, &self.env)
    }

    /// The key of a provider that needs one.
    ///
    /// # Errors
    /// As [`key`](Self::key); and, when no place has a key, an error of the
    /// kind `Authentication` that tells where was looked and what to set.
    pub fn require_key(&self, descriptor: &Descriptor) -> Result<Key> {
        match self.key()? {
            Some(key) => Ok(key),
            None => Err(self.missing_key(descriptor)),
        }
    }

    fn missing_key(&self, descriptor: &Descriptor) -> Error {
        let instance = &self.instance;
        let sources = self.keys.sources();
        let places: Vec<String> = sources.iter().map(KeySource::describe).collect();
        let looked = match places.is_empty() {
            true => String::new(),
            false => format!(" and none was found (looked in: {})", places.join(", ")),
        };
        let variable = sources.iter().find_map(|source| match source {
            KeySource::Env(names) => names.first(),
            _ => None,
        });
        let mut help = match variable {
            Some(name) => format!("Set {name}."),
            None => format!("Give [providers.{instance}] an `api_key_env` or a `key_command`."),
        };
        if !descriptor.key_url.is_empty() {
            help.push_str(" Get a key: ");
            help.push_str(descriptor.key_url);
        }
        Error::new(
            ErrorKind::Authentication,
            format!("an API key is needed{looked}"),
        )
        .with_provider(instance)
        .with_help(help)
    }

    /// The address without a slash at its end, for a provider that has no usual one.
    ///
    /// # Errors
    /// `Configuration` when none is given; it says where to set one.
    pub fn require_base_url(&self, descriptor: &Descriptor) -> Result<&str> {
        if let Some(url) = &self.base_url {
            return Ok(url.trim_end_matches('/'));
        }
        let instance = &self.instance;
        let help = match descriptor.base_url_env.first() {
            Some(name) => format!("Set {name}, or [providers.{instance}] `base_url`."),
            None => format!("Set [providers.{instance}] `base_url`."),
        };
        Err(
            Error::new(ErrorKind::Configuration, "no address is configured")
                .with_provider(instance)
                .with_help(help),
        )
    }

    /// The facts about a model of this instance.
    pub fn model_info(&self, model: &str) -> ModelInfo {
        let mut info = ModelInfo::new(&self.instance, model);
        info.instance_of.clone_from(&self.instance_of);
        info.shares_natives = self.shares_natives;
        info.capabilities = self.capabilities;
        info.media = self.media;
        info.alternatives = self.alternatives.clone();
        info.context_window = self.context_window;
        info.max_output_tokens = self.max_output_tokens;
        info.price.clone_from(&self.price);
        info.variant = self.variant;
        info
    }
}
