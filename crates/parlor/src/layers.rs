//! The layers that [`model`](crate::model) puts around a model, and the layers themselves.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parlor_core::{ChatModel, Error, ErrorKind, Layer as _, Result};
use parlor_registry::config::{Limit, RetrySettings, Timeouts};
use parlor_registry::{Config, Resolved};
use serde_json::Value;

pub use parlor_layers::*;

mod routes;

use fetch_media::FetchMediaLayer;
use retry::{RetryLayer, RetryNotice, RetryPolicy};
use timeout::{TimeoutLayer, TimeoutPolicy};

/// The ids of the providers whose models can't fail by chance.
const BUILT_IN: &[&str] = &["echo", "embedded"];

/// The retry policy that the configuration asks for.
pub fn retry_policy(settings: &RetrySettings) -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    if let Some(attempts) = settings.attempts {
        policy.max_retries = attempts.saturating_sub(1);
    }
    policy.base_delay = settings.base_delay.unwrap_or(policy.base_delay);
    policy.max_delay = settings.max_delay.unwrap_or(policy.max_delay);
    policy.max_elapsed = settings.max_elapsed.or(policy.max_elapsed);
    policy
}

/// How an instance wants to retry: `false` is not at all.
fn own_retry(settings: &Value) -> Result<RetrySettings> {
    let mut never = RetrySettings::default();
    never.attempts = Some(1);
    match settings {
        Value::Bool(false) => Ok(never),
        Value::Bool(true) => Ok(RetrySettings::default()),
        settings => serde_json::from_value(settings.clone()).map_err(|error| {
            let message = format!("`layers.{RETRY}`: {error}");
            Error::new(ErrorKind::Configuration, message)
        }),
    }
}

/// The time limits that the configuration asks for. The connection's limit is
/// the transport's affair and isn't in it.
pub fn timeout_policy(settings: &Timeouts) -> TimeoutPolicy {
    let or =
        |limit: Option<Limit>, default: Option<Duration>| limit.map_or(default, Limit::duration);
    let mut policy = TimeoutPolicy::default();
    policy.first_event = or(settings.first_event, policy.first_event);
    policy.idle = or(settings.idle, policy.idle);
    policy.total = or(settings.total, policy.total);
    policy
}

/// A model within the time limits that the configuration asks for: by a layer,
/// unless the model [keeps them itself](parlor_core::ModelInfo::keeps_time).
/// Two clocks for one limit would go off in either order, with either error.
pub fn within_time(model: Arc<dyn ChatModel>, settings: &Timeouts) -> Arc<dyn ChatModel> {
    match model.info().keeps_time {
        true => model,
        false => TimeoutLayer::new(timeout_policy(settings)).layer(model),
    }
}

/// The layer that every model has whose provider fetches no media; `false` in
/// the place of its settings removes it.
const FETCH: &str = "fetch_media";

/// The layer that every model has, as [`FETCH`].
const RETRY: &str = "retry";

/// How media at addresses are fetched unless a program says otherwise: with the
/// feature `fetch` by [`Fetcher`](crate::Fetcher), else not at all.
fn fetches() -> Option<FetchMediaLayer> {
    #[cfg(feature = "fetch")]
    return Some(FetchMediaLayer::new(crate::Fetcher::new()));
    #[cfg(not(feature = "fetch"))]
    None
}

type OnRetry = dyn Fn(&RetryNotice<'_>) + Send + Sync;

/// The layers that a configuration asks for around its models.
///
/// Each is made once: `[layers.NAME]` for all models together, and
/// `[providers.INSTANCE.layers]` for those of one instance. The models of one
/// instance share a budget of retries.
///
/// ```
/// use parlor::layers::ConfiguredLayers;
/// use parlor::{Config, Env, Registry};
///
/// let config = Config::from_toml("layers.retry.attempts = 5")?;
/// let registry = Registry::with(&[])?.with_env(Env::empty()).with_config(config)?;
/// let layers = ConfiguredLayers::new(registry.config())?;
/// let resolved = registry.resolve("echo/echo")?;
/// let model = layers.around(registry.model("echo/echo")?, &resolved)?;
/// # assert_eq!(model.info().model, "echo");
/// # Ok::<(), parlor::Error>(())
/// ```
pub struct ConfiguredLayers {
    retry: RetrySettings,
    /// By name: for all models.
    shared: BTreeMap<String, ConfiguredLayer>,
    /// By instance and name, `None` where the instance wants none.
    own: BTreeMap<String, BTreeMap<String, Option<ConfiguredLayer>>>,
    retries: Mutex<HashMap<String, RetryLayer>>,
    /// How instances retry that say so themselves.
    own_retry: BTreeMap<String, RetrySettings>,
    /// The longest wait that a provider may ask for.
    most_wait: Duration,
    fetch: Option<FetchMediaLayer>,
    /// The models of routes by name, which know how their targets fare.
    routes: Mutex<HashMap<String, routes::Built>>,
    on_retry: Option<Arc<OnRetry>>,
    on_turn: Option<Arc<routes::OnTurn>>,
}

impl ConfiguredLayers {
    /// Makes the layers.
    ///
    /// # Errors
    /// `Configuration` for a layer that isn't there or settings that are wrong.
    pub fn new(config: &Config) -> Result<Self> {
        Self::within(config, |_| Stores::default())
    }

    /// Makes the layers, whose limits and answers are in stores that several
    /// instances of a program may share: those for all models, and those for the
    /// ones of each instance, which count by themselves.
    ///
    /// # Errors
    /// As of [`new`](Self::new).
    pub fn within(config: &Config, stores: impl Fn(Option<&str>) -> Stores) -> Result<Self> {
        let all = |settings: &BTreeMap<String, Value>, instance: Option<&str>| {
            let stores = stores(instance);
            let make = |(name, settings): (&String, &Value)| {
                let layer = match settings {
                    Value::Bool(false) => None,
                    settings => Some(configured_within(name, settings, &stores)?),
                };
                Ok((name.clone(), layer))
            };
            let made = settings.iter().filter(|(name, _)| *name != RETRY).map(make);
            made.collect::<Result<BTreeMap<_, _>>>()
        };
        let retry = config.providers.iter().filter_map(|(instance, settings)| {
            let own = own_retry(settings.layers.get(RETRY)?);
            Some(
                own.map(|own| (instance.clone(), own))
                    .map_err(|it| it.with_provider(instance)),
            )
        });
        let shared = all(&config.layers.others, None)?.into_iter();
        let own = config.providers.iter().map(|(instance, settings)| {
            let inside = |error: Error| error.with_provider(instance);
            let own = all(&settings.layers, Some(instance)).map_err(inside)?;
            Ok((instance.clone(), own))
        });
        Ok(Self {
            retry: config.layers.retry,
            shared: shared.filter_map(|(name, l)| Some((name, l?))).collect(),
            own: own.collect::<Result<_>>()?,
            retries: Mutex::default(),
            own_retry: retry.collect::<Result<_>>()?,
            most_wait: Duration::MAX,
            fetch: match config.layers.others.get(FETCH) {
                Some(Value::Bool(false)) => None,
                _ => fetches(),
            },
            routes: Mutex::default(),
            on_retry: None,
            on_turn: None,
        })
    }

    /// The same layers with a hook that is told of each retry before its wait.
    #[must_use]
    pub fn on_retry(mut self, hook: impl Fn(&RetryNotice<'_>) + Send + Sync + 'static) -> Self {
        self.on_retry = Some(Arc::new(hook));
        self
    }

    /// The same layers that wait no longer than this because a provider asks for it: a failure that
    /// names a longer wait isn't tried again, for a program whose own callers are to be told.
    #[must_use]
    pub fn with_most_wait(mut self, most: Duration) -> Self {
        self.most_wait = most;
        self
    }

    /// The same layers that fetch media by this one for models whose provider
    /// fetches none. With the feature `fetch` there is one already.
    #[must_use]
    pub fn with_fetch(mut self, layer: FetchMediaLayer) -> Self {
        self.fetch = Some(layer);
        self
    }

    /// The names of the layers that are configured around the models of an
    /// instance, or those around all models, outermost first. Retries and time
    /// limits, which every model has, are not among them.
    pub fn names(&self, instance: Option<&str>) -> Vec<&'static str> {
        self.stack_of(instance.unwrap_or_default()).names()
    }

    /// The instances that want layers of their own, or want one not.
    pub fn instances(&self) -> impl Iterator<Item = &str> {
        let own = self.own.iter().filter(|(_, own)| !own.is_empty());
        own.map(|(instance, _)| instance.as_str())
    }

    /// A model within its layers. The built-in models can't fail by chance and
    /// have neither retry nor time limits.
    ///
    /// # Errors
    /// `Configuration` where layers can't stand together.
    pub fn around(
        &self,
        model: Arc<dyn ChatModel>,
        resolved: &Resolved,
    ) -> Result<Arc<dyn ChatModel>> {
        let mut model = model;
        let mut stack = self.stack_of(&resolved.config.instance);
        if !BUILT_IN.contains(&resolved.provider.descriptor().id) {
            model = within_time(model, &resolved.config.timeouts);
            if let Some(retry) = self.retry_of(&resolved.config.instance, |policy| policy) {
                stack = stack.with(retry);
            }
        }
        Ok(self
            .fetching(stack, &*model, resolved)
            .build()?
            .layer(model))
    }

    /// With the layer that fetches media, where the model's provider is known to
    /// fetch some not.
    fn fetching(&self, stack: Stack, model: &dyn ChatModel, resolved: &Resolved) -> Stack {
        let media = &model.info().media;
        let kinds = [media.image, media.audio, media.video, media.document];
        let own = self.own.get(&resolved.config.instance);
        let is_off = own.is_some_and(|own| matches!(own.get(FETCH), Some(None)));
        match &self.fetch {
            Some(layer) if !is_off && kinds.iter().any(|it| it.fetched == Some(false)) => {
                stack.with(layer.clone())
            }
            _ => stack,
        }
    }

    /// The configured layers around a model: those for all models, and its
    /// instance's own in their place.
    fn stack_of(&self, instance: &str) -> Stack {
        let own = self.own.get(instance);
        let is_own = |name: &String| own.is_some_and(|own| own.contains_key(name));
        let shared = self.shared.iter().filter(|(name, _)| !is_own(name));
        let own = own.into_iter().flat_map(BTreeMap::values).flatten();
        let layers = shared.map(|(_, layer)| layer).chain(own).cloned();
        layers.fold(Stack::new(), Stack::with_configured)
    }

    /// The retry layer of that name, made once; `set` may change its policy. None where there is
    /// one attempt.
    fn retry_of(
        &self,
        name: &str,
        set: impl FnOnce(RetryPolicy) -> RetryPolicy,
    ) -> Option<RetryLayer> {
        let mut retries = self.retries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layer) = retries.get(name) {
            return Some(layer.clone());
        }
        // Within a route an instance's name has a slash behind it.
        let own = self.own_retry.get(name.trim_end_matches('/'));
        let settings = own.unwrap_or(&self.retry);
        let mut policy = set(retry_policy(settings));
        policy.max_delay_from_server = policy.max_delay_from_server.min(self.most_wait);
        if policy.max_retries == 0 {
            return None;
        }
        let mut layer = RetryLayer::new(policy);
        if let Some(hook) = self.on_retry.clone() {
            layer = layer.on_retry(move |notice| hook(notice));
        }
        retries.insert(name.to_owned(), layer.clone());
        Some(layer)
    }
}

impl fmt::Debug for ConfiguredLayers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConfiguredLayers")
            .field("shared", &self.shared)
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}
