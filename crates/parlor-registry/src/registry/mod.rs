//! Which providers there are, and which model an id means.

mod alternatives;
mod builtin;
mod cache;
mod choice;
mod defaults;
mod instance;
mod known;
mod registration;
mod resolve;
mod unknown;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use parlor_core::{ChatBatches, ChatModel, Error, ErrorKind, Result};

pub use choice::{Choice, Rule};
pub use known::{COMPATIBLE, KNOWN, KnownProvider, known_provider};
pub use registration::Registration;
pub use resolve::Resolved;
pub use unknown::UnknownModel;

use crate::{Catalogue, Config, Descriptor, Env, Extensions, KeySource, ModelEntry, Provider};
use cache::Cache;
use instance::Instance;

/// The providers of a program, its configuration, and the models built so far.
///
/// ```
/// use parlor_registry::Registry;
///
/// let registry = Registry::with(&[])?;
/// let model = registry.model("echo")?;
/// assert_eq!(model.info().id(), "echo/echo");
/// # Ok::<(), parlor_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Registry {
    /// In order of id.
    providers: Vec<&'static dyn Provider>,
    /// Ids and aliases, with the provider's place.
    ids: BTreeMap<&'static str, usize>,
    config: Config,
    /// Instances by name: one for each provider, and those configured.
    instances: BTreeMap<String, Instance>,
    env: Env,
    key_sources: Vec<KeySource>,
    extensions: Extensions,
    /// Laid over the built-in catalogue; joined with it on first use.
    overlays: Vec<Catalogue>,
    catalogue: OnceLock<Arc<Catalogue>>,
    built: Cache,
}

impl Registry {
    /// A registry of these providers and the built-in ones, and no others.
    ///
    /// # Errors
    /// When two providers claim one id or alias.
    pub fn with(providers: &[&'static dyn Provider]) -> Result<Self> {
        let mut unique: Vec<&'static dyn Provider> = Vec::with_capacity(providers.len() + 1);
        for provider in builtin::PROVIDERS.iter().chain(providers) {
            if !unique.iter().any(|known| is_same(*known, *provider)) {
                unique.push(*provider);
            }
        }
        unique.sort_by_key(|provider| provider.descriptor().id);
        let mut ids = BTreeMap::new();
        for (at, provider) in unique.iter().enumerate() {
            for id in provider.descriptor().ids() {
                let before = ids.insert(id, at).and_then(|before| unique.get(before));
                if let Some(before) = before {
                    return Err(claimed_twice(
                        id,
                        before.descriptor(),
                        provider.descriptor(),
                    ));
                }
            }
        }
        let mut registry = Self {
            providers: unique,
            ids,
            config: Config::default(),
            instances: BTreeMap::new(),
            env: Env::process(),
            key_sources: Vec::new(),
            extensions: Extensions::default(),
            overlays: Vec::new(),
            catalogue: OnceLock::new(),
            built: Cache::default(),
        };
        registry.instances = registry.make_instances(&Config::default())?;
        Ok(registry)
    }

    /// A registry of the providers in a program's table, of all that are
    /// linked in and have been announced by [`register!`](crate::register), and
    /// of the built-in ones. A provider that comes by both ways is taken once.
    ///
    /// # Errors
    /// When two providers claim one id or alias.
    pub fn global(table: &[&'static [&'static dyn Provider]]) -> Result<Self> {
        let listed = table.iter().flat_map(|providers| providers.iter().copied());
        let all: Vec<_> = listed.chain(registration::announced()).collect();
        Self::with(&all)
    }

    /// The same with a configuration, in place of the one before.
    ///
    /// # Errors
    /// When an instance's provider isn't known, when two instances configure
    /// one provider, or when the catalogue file can't be read.
    pub fn with_config(mut self, config: Config) -> Result<Self> {
        self.instances = self.make_instances(&config)?;
        self.overlays = instance::overlays(&config, &self.instances)?;
        self.config = config;
        self.forget();
        Ok(self)
    }

    /// The same with another environment.
    #[must_use]
    pub fn with_env(mut self, env: Env) -> Self {
        self.env = env;
        self.forget();
        self
    }

    /// The same with one more place to look for keys, such as a keychain. It
    /// is asked after the environment and what is configured.
    #[must_use]
    pub fn with_key_source(mut self, source: KeySource) -> Self {
        self.key_sources.push(source);
        self.forget();
        self
    }

    /// The same with a value for the providers, such as the program's own HTTP client.
    #[must_use]
    pub fn with_extension<T: std::any::Any + Send + Sync>(mut self, value: T) -> Self {
        self.extensions.insert(value);
        self.forget();
        self
    }

    /// Drops what was derived from settings that have changed.
    fn forget(&mut self) {
        self.catalogue = OnceLock::new();
        self.built = Cache::default();
        for instance in self.instances.values_mut() {
            instance.keys = OnceLock::new();
        }
    }

    /// The model that an id means, built on first use. Later calls for the same
    /// model give the same instance, as long as it is held or there are no more
    /// than a thousand.
    ///
    /// # Errors
    /// As [`resolve`](Self::resolve); and what the provider finds wrong, above
    /// all a missing key.
    pub fn model(&self, id: &str) -> Result<Arc<dyn ChatModel>> {
        if let Some(model) = self.built.by_id(id) {
            return Ok(model);
        }
        let resolved = self.resolve(id)?;
        let key = resolved.cache_key();
        if let Some(model) = self.built.by_key(id, &key) {
            return Ok(model);
        }
        // Built outside the lock: a key program may take its time.
        let built = resolved.build()?;
        Ok(self.built.keep(id, &key, built))
    }

    /// What takes many requests to a model at once, to be answered later. It is
    /// built anew for each call.
    ///
    /// # Errors
    /// As [`model`](Self::model); `Unsupported`, where the provider has no such
    /// API: the help names those of the program that have.
    pub fn batches(&self, id: &str) -> Result<Arc<dyn ChatBatches>> {
        self.resolve(id)?.build_batches().map_err(|error| {
            if error.kind() != ErrorKind::Unsupported {
                return error;
            }
            let descriptors = self.providers.iter().map(|it| it.descriptor());
            let able: Vec<_> = descriptors
                .filter(|it| it.batches)
                .map(|it| it.id)
                .collect();
            error.with_help(match able.is_empty() {
                true => "No provider of this program takes batches.".to_owned(),
                false => format!("These take batches: {}.", able.join(", ")),
            })
        })
    }

    /// Everything in the configuration that names a model it can't find: the
    /// default model, the mapping, the routes. Nothing is opened or sent.
    pub fn check(&self) -> Vec<Error> {
        let config = &self.config;
        let default = config
            .default_model
            .iter()
            .map(|id| ("default_model".to_owned(), id));
        let mapped = config
            .models
            .keys()
            .map(|name| (format!("models.{name}"), name));
        let routed = config.routes.iter().flat_map(|(name, route)| {
            let models = route.models.iter();
            models.map(move |target| (format!("routes.{name}"), &target.model))
        });
        let all = default.chain(mapped).chain(routed);
        let problem = |(place, id): (String, &String)| {
            let error = self.resolve(id).err()?;
            let message = format!("`{place}`: {}", error.message());
            let help = error.help().to_owned();
            Some(
                Error::new(error.kind(), message)
                    .with_help(help)
                    .with_source(error),
            )
        };
        // A default and a mapped name may be a route, a route's model may not.
        all.filter(|(place, id)| place.starts_with("routes.") || self.route(id).is_none())
            .filter_map(problem)
            .collect()
    }

    /// The same as one error, a line for each; its kind and its help are the first one's.
    ///
    /// # Errors
    /// Where [`check`](Self::check) finds anything.
    pub fn checked(&self) -> Result<()> {
        let problems = self.check();
        let messages: Vec<&str> = problems.iter().map(Error::message).collect();
        let all = messages.join("\n");
        match problems.into_iter().next() {
            None => Ok(()),
            Some(first) => Err(Error::new(first.kind(), all)
                .with_help(first.help().to_owned())
                .with_source(first)),
        }
    }

    /// Asks an instance which models it has.
    ///
    /// # Errors
    /// When there is no such instance, and as [`Provider::models`].
    pub async fn models_of(&self, instance: &str) -> Result<Vec<ModelEntry>> {
        let found = self.instance(instance)?;
        let config = self.provider_config(found, None);
        found.provider()?.models(&config).await
    }

    /// The providers that are compiled in, in order of id.
    pub fn providers(&self) -> &[&'static dyn Provider] {
        &self.providers
    }

    /// The provider with this id or alias, if it is compiled in.
    pub fn provider(&self, id: &str) -> Option<&'static dyn Provider> {
        self.ids
            .get(id)
            .and_then(|at| self.providers.get(*at))
            .copied()
    }

    /// The names of all instances, in order: every provider's own, and those
    /// configured beside them.
    pub fn instances(&self) -> impl Iterator<Item = &str> {
        self.instances.keys().map(String::as_str)
    }

    /// The descriptor of an instance's provider.
    ///
    /// # Errors
    /// When there is no such instance, or its provider isn't compiled in.
    pub fn descriptor(&self, instance: &str) -> Result<&'static Descriptor> {
        Ok(self.instance(instance)?.provider()?.descriptor())
    }

    /// Whether an instance could be used now: it needs no key, or one is
    /// configured or in the environment. Key programs and files aren't opened.
    pub fn is_ready(&self, instance: &str) -> bool {
        self.instance(instance)
            .is_ok_and(|found| self.has_key(found))
    }

    /// The ids of the models that are known of an instance, each once: those that
    /// it is configured to offer, then those of its provider in the catalogue.
    pub fn known_models(&self, instance: &str) -> Vec<&str> {
        let descriptor = self.descriptor(instance).ok();
        let provider = descriptor.map(|it| it.id);
        let whole = descriptor.and_then(|it| it.region_of);
        let mut models: Vec<&str> = Vec::new();
        for owner in [Some(instance), provider, whole].into_iter().flatten() {
            let of_owner = self.catalogue().models_of(owner);
            let known: BTreeSet<&str> = models.iter().copied().collect();
            models.extend(of_owner.filter(|it| !known.contains(it)));
        }
        models
    }

    /// Whether an instance is built in, configured, or has a key. What needs no
    /// key and isn't configured may not be there at all.
    pub fn is_in_use(&self, instance: &str) -> bool {
        let is_configured = self.config().providers.contains_key(instance);
        let is_there = || {
            let descriptor = self.descriptor(instance);
            descriptor.is_ok_and(|it| it.needs_key || it.base_url.is_none())
        };
        self.is_ready(instance) && (is_configured || is_there())
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The environment.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// The built-in catalogue with the user's over it, and the models that
    /// configured instances offer.
    pub fn catalogue(&self) -> &Catalogue {
        match self.joined() {
            Some(joined) => joined,
            None => Catalogue::builtin(),
        }
    }

    /// The catalogue, where it isn't the built-in one.
    fn joined(&self) -> Option<&Arc<Catalogue>> {
        let join = || {
            let builtin = Catalogue::builtin().clone();
            let overlays = self.overlays.iter().cloned();
            Arc::new(overlays.fold(builtin, Catalogue::overlaid))
        };
        (!self.overlays.is_empty()).then(|| self.catalogue.get_or_init(join))
    }
}

/// Whether two references lead to one provider. The id is compared too, since
/// values without a size may share an address.
fn is_same(a: &'static dyn Provider, b: &'static dyn Provider) -> bool {
    let address = |provider: &'static dyn Provider| std::ptr::from_ref(provider).cast::<()>();
    std::ptr::eq(address(a), address(b)) && a.descriptor().id == b.descriptor().id
}

fn claimed_twice(id: &str, first: &Descriptor, second: &Descriptor) -> Error {
    let message = format!(
        "two providers claim the id `{id}`: {} (`{}`) and {} (`{}`)",
        first.name, first.id, second.name, second.id
    );
    Error::new(ErrorKind::Configuration, message)
        .with_help("Leave one of the two out of the program.")
}
