//! Provider instances: a provider with its settings, under a name.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::OnceLock;

use parlor_core::{Capabilities, Capability, Error, ErrorKind, Price, Result, Support};
use serde_json::Value;

use super::known::{COMPATIBLE, known_provider};
use super::{Registry, is_same};
use crate::config::{ModelSettings, ProviderSettings};
use crate::problem::Problems;
use crate::provider::Keys;
use crate::{
    Candidate, Catalogue, CatalogueEntry, Config, Descriptor, KeySource, Provider, ProviderConfig,
    suggest,
};

/// A provider with its settings, under a name.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) name: String,
    /// The provider, or the id of one that isn't compiled in.
    provider: Result<&'static dyn Provider, String>,
    pub(super) settings: ProviderSettings,
    /// Whether this is the provider's own instance, under its own id.
    is_own: bool,
    /// Whether the configuration speaks of it.
    is_configured: bool,
    /// Shared by all models of the instance.
    pub(super) keys: OnceLock<Keys>,
}

impl Instance {
    /// The provider.
    pub(super) fn provider(&self) -> Result<&'static dyn Provider> {
        self.provider
            .as_ref()
            .copied()
            .map_err(|id| not_compiled_in(id))
    }

    /// Whether this is the provider's own instance, under its own id.
    pub(super) fn is_own(&self) -> bool {
        self.is_own
    }

    /// The id under which the catalogue has the instance's models.
    pub(super) fn catalogue_id(&self) -> &str {
        match &self.provider {
            Ok(provider) => catalogue_id(provider.descriptor()),
            Err(id) => id,
        }
    }

    /// What the catalogue knows of a model: under the instance's own name, or
    /// else under the provider's.
    pub(super) fn entry<'a>(
        &self,
        catalogue: &'a Catalogue,
        model: &str,
    ) -> Option<&'a CatalogueEntry> {
        let own = catalogue.lookup(&self.name, model);
        own.or_else(|| catalogue.lookup(self.catalogue_id(), model))
    }

    /// The same in the built-in catalogue, of which no more is read.
    fn builtin_entry(&self, model: &str) -> Option<CatalogueEntry> {
        let own = Catalogue::builtin_entry(&self.name, model);
        own.or_else(|| Catalogue::builtin_entry(self.catalogue_id(), model))
    }
}

/// The id under which the catalogue has a provider's models.
fn catalogue_id(descriptor: &Descriptor) -> &'static str {
    descriptor.region_of.unwrap_or(descriptor.id)
}

/// The error for a provider of the product that this build hasn't got.
pub(super) fn not_compiled_in(id: &str) -> Error {
    let feature = known_provider(id).map_or(id, |known| known.feature);
    let message = format!("the provider `{id}` is not compiled in");
    Error::new(ErrorKind::Configuration, message)
        .with_provider(id)
        .with_help(format!("Enable the cargo feature `{feature}`."))
}

impl Registry {
    pub(super) fn make_instances(&self, config: &Config) -> Result<BTreeMap<String, Instance>> {
        let mut instances = BTreeMap::new();
        for (name, settings) in &config.providers {
            let instance = self.make_instance(name, settings)?;
            let canonical = instance.name.clone();
            if instances.insert(canonical.clone(), instance).is_some() {
                let message = format!("[providers.{name}] configures `{canonical}` a second time");
                return Err(Error::new(ErrorKind::Configuration, message)
                    .with_help("Join the two tables; they are names of one provider."));
            }
        }
        for provider in &self.providers {
            let id = provider.descriptor().id;
            instances.entry(id.to_owned()).or_insert_with(|| Instance {
                name: id.to_owned(),
                provider: Ok(*provider),
                settings: ProviderSettings::default(),
                is_own: true,
                is_configured: false,
                keys: OnceLock::new(),
            });
        }
        Ok(instances)
    }

    fn make_instance(&self, name: &str, settings: &ProviderSettings) -> Result<Instance> {
        let by_name = self.find_provider(name);
        let provider = match (&settings.provider, &by_name) {
            (Some(wanted), _) => self
                .find_provider(wanted)
                .ok_or_else(|| self.unknown_type(name, wanted))?,
            (None, Some(found)) => found.clone(),
            (None, None) if settings.base_url.is_some() => self
                .find_provider(COMPATIBLE)
                .ok_or_else(|| self.unknown_type(name, COMPATIBLE))?,
            (None, None) => return Err(self.unknown_instance(name)),
        };
        let is_own = match (&provider, &by_name) {
            (Ok(a), Some(Ok(b))) => is_same(*a, *b),
            (Err(a), Some(Err(b))) => a == b,
            _ => false,
        };
        let canonical = match &provider {
            Ok(provider) if is_own => provider.descriptor().id.to_owned(),
            Err(id) if is_own => id.clone(),
            _ => name.to_owned(),
        };
        Ok(Instance {
            name: canonical,
            provider,
            settings: settings.clone(),
            is_own,
            is_configured: true,
            keys: OnceLock::new(),
        })
    }

    /// A provider by id or alias: the provider, or the canonical id of one that
    /// isn't compiled in, or nothing.
    fn find_provider(&self, id: &str) -> Option<Result<&'static dyn Provider, String>> {
        match self.provider(id) {
            Some(provider) => Some(Ok(provider)),
            None => known_provider(id).map(|known| Err(known.id.to_owned())),
        }
    }

    fn unknown_type(&self, name: &str, wanted: &str) -> Error {
        let message = format!("[providers.{name}] is of the unknown type `{wanted}`");
        let help = match self.nearest_providers(wanted).first() {
            Some(near) => format!("Did you mean `{near}`?"),
            None => format!("A type is a provider's id; most hosts are `{COMPATIBLE}`."),
        };
        Error::new(ErrorKind::Configuration, message).with_help(help)
    }

    fn unknown_instance(&self, name: &str) -> Error {
        let message = format!(
            "[providers.{name}] is no known provider, and has neither `base_url` nor `type`"
        );
        let help = match self.nearest_providers(name).first() {
            Some(near) => {
                format!("Did you mean [providers.{near}]? For another host give `base_url`.")
            }
            None => "Give the host's `base_url`, or a `type`.".to_owned(),
        };
        Error::new(ErrorKind::Configuration, message).with_help(help)
    }

    pub(super) fn nearest_providers(&self, wanted: &str) -> Vec<&'static str> {
        let known = super::KNOWN.iter().map(|known| Candidate {
            name: known.id,
            preferred: false,
        });
        let here = self.ids.keys().map(|id| Candidate {
            name: id,
            preferred: true,
        });
        suggest(wanted, here.chain(known), 3)
    }

    /// The instance of this name, or of the provider with this id or alias.
    pub(super) fn find_instance(&self, name: &str) -> Option<&Instance> {
        self.instances.get(name).or_else(|| {
            let canonical = match self.find_provider(name)? {
                Ok(provider) => provider.descriptor().id.to_owned(),
                Err(id) => id,
            };
            self.instances.get(&canonical)
        })
    }

    /// The instance of this name, or the error that says why there is none.
    pub(super) fn instance(&self, name: &str) -> Result<&Instance> {
        self.find_instance(name)
            .ok_or_else(|| match known_provider(name) {
                Some(known) => not_compiled_in(known.id),
                None => {
                    let error =
                        Error::new(ErrorKind::Configuration, format!("no provider `{name}`"));
                    match self.nearest_providers(name).first() {
                        Some(near) => error.with_help(format!("Did you mean `{near}`?")),
                        None => error,
                    }
                }
            })
    }

    /// The places where an instance's key may be, in order.
    pub(super) fn keys(&self, instance: &Instance) -> Keys {
        let make = || {
            let configured = instance.settings.key_source();
            // A provider's variables hold the key for the provider's own host:
            // they serve its own instance, and others at the same address.
            let same_host = instance.is_own || instance.settings.base_url.is_none();
            let names = match &instance.provider {
                Ok(provider) if same_host => provider.descriptor().key_env,
                _ => &[],
            };
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            let variables = (!names.is_empty()).then_some(KeySource::Env(names));
            let (first, second) = match configured {
                None => (variables, None),
                // The environment wins over what is kept elsewhere.
                Some(kept @ (KeySource::Command(_) | KeySource::File(_))) if instance.is_own => {
                    (variables, Some(kept))
                }
                configured => (configured, None),
            };
            let others = self.key_sources.iter().cloned();
            Keys::new(first.into_iter().chain(second).chain(others).collect())
        };
        instance.keys.get_or_init(make).clone()
    }

    /// The provider's regions at other addresses that look for their keys where
    /// it does.
    fn other_regions(&self, descriptor: &Descriptor) -> Vec<String> {
        let shares = |it: &&Descriptor| {
            let mut names = it.key_env.iter();
            let elsewhere = it.base_url.is_some() && it.base_url != descriptor.base_url;
            elsewhere && names.any(|name| descriptor.key_env.contains(name))
        };
        let all = self.providers().iter().map(|it| it.descriptor());
        let regions = all.filter(|it| catalogue_id(it) == catalogue_id(descriptor));
        regions.filter(shares).map(|it| it.id.to_owned()).collect()
    }

    /// Whether the instance needs no key, or one is there without opening
    /// anything.
    pub(super) fn has_key(&self, instance: &Instance) -> bool {
        let needs = |provider: &&dyn Provider| provider.descriptor().needs_key;
        let Ok(needs_key) = instance.provider.as_ref().map(needs) else {
            return false;
        };
        let needs_key = needs_key || instance.settings.key_source().is_some();
        !needs_key || self.key_at_hand(instance).is_some()
    }

    /// Whether there is a sign that the instance is in use: a key, or a
    /// configuration. That it needs no key is none.
    pub(super) fn is_at_hand(&self, instance: &Instance) -> bool {
        let key = self.key_at_hand(instance).is_some();
        key || (instance.is_configured && self.has_key(instance))
    }

    /// The place of an instance's key: a set variable, what is configured, or kept.
    pub(super) fn key_at_hand(&self, instance: &Instance) -> Option<String> {
        let keys = self.keys(instance);
        let mut sources = keys.sources().iter();
        sources.find_map(|source| source.at_hand(&instance.name, &self.env))
    }

    /// All that the provider needs, with the facts about a model.
    pub(super) fn provider_config(
        &self,
        instance: &Instance,
        model: Option<&str>,
    ) -> ProviderConfig {
        let settings = &instance.settings;
        let mut config = ProviderConfig::new(&instance.name);
        config.keys = self.keys(instance);
        config.key_is_configured = settings.key_source().is_some();
        config.headers.clone_from(&settings.headers);
        config.query.clone_from(&settings.query);
        config.timeouts = settings.timeouts.or(self.config.layers.timeout);
        config.verify_tls = settings.verify_tls.unwrap_or(true);
        config.quirks = settings.quirks.clone().unwrap_or(Value::Null);
        config.extra.clone_from(&settings.extra);
        config.extensions = self.extensions.clone();
        config.env = self.env.clone();
        config.base_url.clone_from(&settings.base_url);
        config.media = settings.media;
        if let Ok(provider) = &instance.provider {
            let descriptor = provider.descriptor();
            if config.base_url.is_none() && instance.is_own {
                config.base_url = self.env.first(descriptor.base_url_env).map(|(_, url)| url);
            }
            if config.base_url.is_none() {
                config.base_url = descriptor.base_url.map(str::to_owned);
            }
            if instance.is_own && config.base_url.as_deref() == descriptor.base_url {
                config.other_regions = self.other_regions(descriptor);
            }
            config.capabilities = descriptor.capabilities;
            let is_free = descriptor.free_here && config.base_url.as_deref().is_some_and(is_here);
            config.price = is_free.then(|| Price::usd(0.0, 0.0));
            // Another host behind the same words has limits of its own.
            if descriptor.base_url.is_none() || config.base_url.as_deref() == descriptor.base_url {
                config.media = config.media.or(descriptor.media);
            }
            let provider = match instance.is_own {
                true => descriptor.region_of,
                false => Some(catalogue_id(descriptor)),
            };
            config.instance_of = provider.map(str::to_owned);
            config.shares_natives = !instance.is_own && settings.base_url.is_none();
        }
        if let Some(model) = model {
            config.alternatives = self.alternatives(instance, model);
        }
        if let Some(entry) = model.and_then(|model| self.entry(instance, model)) {
            config.capabilities = entry.capabilities.or(config.capabilities);
            config.context_window = entry.context_window;
            config.max_output_tokens = entry.max_output_tokens;
            config.price = entry.price.or(config.price);
        }
        config
    }

    /// What the catalogue knows of an instance's model.
    pub(super) fn entry(&self, instance: &Instance, model: &str) -> Option<CatalogueEntry> {
        match self.joined() {
            Some(joined) => instance.entry(joined, model).cloned(),
            None => instance.builtin_entry(model),
        }
    }
}

/// Whether an address is on this machine.
fn is_here(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = match host.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => host,
        _ => host,
    };
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|it| it.is_loopback())
}

/// What a mapping says of a model, laid over what else is known.
pub(super) fn mapped_capabilities(settings: &ModelSettings) -> Capabilities {
    let known = settings
        .features
        .iter()
        .filter_map(|word| crate::catalogue::capability(word));
    let all = known.fold(Capabilities::UNKNOWN, |all, one| {
        all.with(one, Support::Yes)
    });
    match settings.supports_thinking {
        Some(true) => all.with(Capability::Reasoning, Support::Yes),
        Some(false) => all.with(Capability::Reasoning, Support::No),
        None => all,
    }
}

/// The user's catalogue file and the models that instances offer.
pub(super) fn overlays(
    config: &Config,
    instances: &BTreeMap<String, Instance>,
) -> Result<Vec<Catalogue>> {
    let mut overlays = Vec::new();
    if let Some(path) = &config.catalogue {
        overlays.push(read_catalogue(path)?);
    }
    let offered = instances.values().flat_map(|instance| {
        let models = instance.settings.models.iter();
        models.map(|model| {
            let told = model.0.clone().into_entry(instance.name.clone(), "");
            // A bare id says nothing that could replace what is known already.
            match instance.entry(Catalogue::builtin(), model.id()) {
                Some(known)
                    if told
                        == CatalogueEntry::new(instance.name.clone(), model.id().to_owned()) =>
                {
                    let mut known = known.clone();
                    known.provider = told.provider;
                    known
                }
                _ => told,
            }
        })
    });
    let offered: Vec<CatalogueEntry> = offered.collect();
    if !offered.is_empty() {
        overlays.push(Catalogue::from_entries("", offered));
    }
    Ok(overlays)
}

fn read_catalogue(path: &Path) -> Result<Catalogue, Problems> {
    let read = || {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problems::at("", None, format!("cannot read: {error}")))?;
        match path.extension() {
            Some(end) if end.eq_ignore_ascii_case("json") => Catalogue::from_json(&text),
            _ => Catalogue::from_toml(&text),
        }
    };
    read().map_err(|problems| problems.in_file(path))
}
