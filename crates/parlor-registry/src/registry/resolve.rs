//! From an id to the model it means: mapping, instances and bare names.

use std::sync::Arc;

use parlor_core::{
    Capabilities, ChatBatches, ChatModel, ChatRequest, Effort, Error, ErrorKind, Result,
};
use serde_json::{Value, json};

use super::Registry;
use super::defaults::Defaults;
use super::instance::{Instance, mapped_capabilities, not_compiled_in};
use super::known::known_provider;
use super::unknown::names_no_model;
use crate::config::{Parameters, Route};
use crate::{CatalogueEntry, KeySource, Provider, ProviderConfig};

/// What an id means: a model at an instance of a provider.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Resolved {
    /// The provider.
    pub provider: &'static dyn Provider,
    /// The model's id as the provider takes it.
    pub model: String,
    /// All that the provider needs to build the model.
    pub config: ProviderConfig,
    /// Values for requests that don't set their own.
    pub parameters: Parameters,
    /// What the catalogue knows of the model.
    pub entry: Option<CatalogueEntry>,
    /// What to call the model in lists, when the mapping says so.
    pub label: Option<String>,
    /// The mapped name, when what it says makes the model another than the
    /// plain id would give.
    variant: Option<String>,
}

impl Resolved {
    /// The model's full id: the instance's name, `/`, and the model.
    pub fn id(&self) -> String {
        format!("{}/{}", self.config.instance, self.model)
    }

    /// Two ids with one cache key mean one model.
    pub(super) fn cache_key(&self) -> String {
        match &self.variant {
            // No id holds a line break.
            Some(name) => format!("{}\n{name}", self.id()),
            None => self.id(),
        }
    }

    /// Builds the model anew.
    ///
    /// # Errors
    /// What the provider finds wrong, above all a missing key.
    pub fn build(&self) -> Result<Arc<dyn ChatModel>> {
        let built = self.provider.build(&self.model, &self.config);
        let model = built.map_err(|error| self.named(error))?;
        let parameters = self.parameters.clone();
        Ok(Defaults::over(model, parameters, self.config.variant))
    }

    /// Asks the provider what a request's prompt comes to, in tokens.
    ///
    /// # Errors
    /// What the provider finds wrong; `Unsupported`, where it doesn't count.
    pub async fn count_tokens(&self, request: &ChatRequest) -> Result<u64> {
        let asked = self
            .provider
            .count_tokens(&self.model, &self.config, request);
        asked.await.map_err(|error| self.named(error))
    }

    /// Builds what takes many requests to the model at once, to be answered
    /// later.
    ///
    /// # Errors
    /// As [`build`](Self::build); `Unsupported`, where the provider has no such
    /// API.
    pub fn build_batches(&self) -> Result<Arc<dyn ChatBatches>> {
        let built = self.provider.batches(&self.model, &self.config);
        let batches = built.map_err(|error| self.named(error))?;
        let (parameters, variant) = (self.parameters.clone(), self.config.variant);
        Ok(Defaults::over_batches(batches, parameters, variant))
    }

    fn named(&self, error: Error) -> Error {
        match error.provider() {
            Some(_) => error,
            None => error.with_provider(&self.config.instance),
        }
    }
}

/// What mapped names say on the way to a model; the first to speak wins.
#[derive(Debug, Default)]
struct Mapped {
    parameters: Parameters,
    label: Option<String>,
    api_key_env: Vec<String>,
    base_url: Option<String>,
    capabilities: Capabilities,
}

impl Mapped {
    /// Whether it changes nothing of what the name stands for.
    fn is_plain(&self) -> bool {
        self.base_url.is_none()
            && self.api_key_env.is_empty()
            && self.parameters.is_empty()
            && self.capabilities == Capabilities::UNKNOWN
    }

    /// A number of all that it says of what is asked and where: FNV-1a of 64 bits
    /// of that as JSON without what isn't said, the members of each object sorted. So
    /// it is the same in every program with the same configuration, of later versions too.
    fn number(&self) -> u64 {
        let Parameters {
            temperature,
            top_p,
            max_output_tokens,
            seed,
            stop,
            reasoning,
            system,
            extra,
        } = &self.parameters;
        let mut said = json!({
            "temperature": temperature,
            "top_p": top_p,
            "max_output_tokens": max_output_tokens,
            "seed": seed,
            "stop": stop,
            "reasoning": reasoning.as_ref().map(Effort::as_str),
            "system": system,
            "extra": extra,
            "api_key_env": self.api_key_env,
            "base_url": self.base_url,
        });
        if let Value::Object(fields) = &mut said {
            let is_said = |it: &Value| *it != json!(null) && *it != json!([]) && *it != json!({});
            fields.retain(|_, value| is_said(value));
        }
        said.sort_all_objects();
        let said = said.to_string();
        let add = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        said.bytes().fold(0xcbf2_9ce4_8422_2325, add)
    }
}

impl Registry {
    /// What an id means.
    ///
    /// In this order: a name of the mapping stands for its target. What stands
    /// before the first `/`, when it is an instance or a provider, is where the
    /// rest is a model, listed anywhere or not. The name of an instance alone
    /// is its default model. Any other name must be in the catalogue at one
    /// provider, or at the model's maker among its hosts, or one provider's
    /// [short name](crate::Descriptor::short_names). Nothing is guessed.
    ///
    /// # Errors
    /// `ModelNotFound` with suggestions for a name that means nothing, or too
    /// much; `Configuration` for a provider that isn't compiled in, with the
    /// feature to turn on.
    pub fn resolve(&self, id: &str) -> Result<Resolved> {
        let id = id.trim();
        let (name, mapped) = self.follow(id);
        if self.config.routes.contains_key(name) {
            let message = format!("`{name}` is a route over several models, not one model");
            let help =
                "Ask it by `parlor::model` with the feature `layers`, or name one of its models.";
            return Err(Error::new(ErrorKind::Configuration, message).with_help(help));
        }
        let (instance, model) = self.place(name)?;
        let provider = instance.provider()?;
        let mut config = self.provider_config(instance, Some(&model));
        config.capabilities = mapped.capabilities.or(config.capabilities);
        if let Some(url) = &mapped.base_url {
            config = config.moved_to(url);
        }
        if !mapped.api_key_env.is_empty() {
            config = config.with_only_key(KeySource::Env(mapped.api_key_env.clone()));
        }
        let is_plain = mapped.is_plain();
        config.variant = (!is_plain).then(|| mapped.number());
        Ok(Resolved {
            provider,
            entry: self.entry(instance, &model),
            model,
            config,
            parameters: mapped.parameters,
            label: mapped.label,
            variant: (!is_plain).then(|| id.to_owned()),
        })
    }

    /// The name and the models of the route that an id means: its own name, or a
    /// mapped one that says nothing more.
    pub fn route(&self, id: &str) -> Option<(&str, &Route)> {
        let (name, mapped) = self.follow(id.trim());
        let (name, route) = self.config.routes.get_key_value(name)?;
        mapped.is_plain().then_some((name, route))
    }

    /// The instance, or the route, that must first be given a key by a program, a file
    /// or a person before the model of an id can be built. Nothing is asked for it here.
    pub fn awaits_key(&self, id: &str) -> Option<String> {
        let awaits = |id: &str| {
            let resolved = self.resolve(id).ok()?;
            let keys = &resolved.config.keys;
            keys.may_take_long(&self.env)
                .then_some(resolved.config.instance)
        };
        match self.route(id) {
            None => awaits(id),
            Some((name, route)) => {
                let mut models = route.models.iter();
                models
                    .any(|it| awaits(&it.model).is_some())
                    .then(|| name.to_owned())
            }
        }
    }

    /// Follows the mapping from a name, gathering what it says.
    fn follow<'a>(&'a self, id: &'a str) -> (&'a str, Mapped) {
        let mut name = id;
        let mut mapped = Mapped::default();
        // The configuration was checked for circles; this bounds a walk through
        // one that was put together by hand.
        for _ in 0..=self.config.models.len() {
            let Some(settings) = self.config.models.get(name) else {
                break;
            };
            mapped.parameters = mapped.parameters.or(&settings.parameters);
            mapped.label = mapped.label.or_else(|| settings.label.clone());
            mapped.base_url = mapped.base_url.or_else(|| settings.base_url.clone());
            mapped.capabilities = mapped.capabilities.or(mapped_capabilities(settings));
            if mapped.api_key_env.is_empty() {
                mapped.api_key_env.clone_from(&settings.api_key_env);
            }
            if settings.model == name {
                break;
            }
            name = &settings.model;
        }
        (name, mapped)
    }

    /// The instance and model of a name that isn't mapped.
    fn place(&self, name: &str) -> Result<(&Instance, String)> {
        let (head, model) = match name.split_once('/') {
            Some((head, model)) => (head, Some(model)),
            None => (name, None),
        };
        if let Some(instance) = self.find_instance(head) {
            return match model {
                Some(model) if !model.trim().is_empty() => Ok((instance, model.to_owned())),
                _ => match self.default_of(instance) {
                    Some(default) if model.is_none() => Ok((instance, default)),
                    _ => Err(names_no_model(name, head)),
                },
            };
        }
        match known_provider(head) {
            Some(known) => Err(not_compiled_in(known.id)),
            None => self.bare(name),
        }
    }

    /// The default model of an instance: configured, from the environment, or
    /// the provider's.
    pub(super) fn default_of(&self, instance: &Instance) -> Option<String> {
        let configured = instance.settings.default_model.clone();
        configured.or_else(|| {
            let descriptor = instance.provider().ok()?.descriptor();
            let from_env = || self.env.first(descriptor.model_env).map(|(_, model)| model);
            let own = if instance.is_own() { from_env() } else { None };
            own.or_else(|| descriptor.default_model.map(str::to_owned))
        })
    }

    /// A name without a provider, by the catalogue.
    fn bare(&self, name: &str) -> Result<(&Instance, String)> {
        let found: Vec<&CatalogueEntry> = self.catalogue().find(name).collect();
        let mut makers = found
            .iter()
            .filter(|entry| self.is_maker(&entry.provider, name));
        let entry = match (found.as_slice(), makers.next(), makers.next()) {
            ([], ..) => return self.short(name).ok_or_else(|| self.unknown(name)),
            ([only], ..) => only,
            (_, Some(maker), None) => maker,
            (several, ..) => return Err(self.ambiguous(name, several)),
        };
        let Some(instance) = self.find_instance(&entry.provider) else {
            let error = not_compiled_in(&entry.provider);
            let help = format!("{} It has the model `{name}`.", error.help());
            return Err(error.with_model(name).with_help(help));
        };
        Ok((instance, name.to_owned()))
    }

    /// The model of a short name that one provider has.
    fn short(&self, name: &str) -> Option<(&Instance, String)> {
        let own = self.instances.values().filter(|it| it.is_own());
        let mut found = own.filter_map(|instance| {
            let names = instance.provider().ok()?.descriptor().short_names;
            let (_, model) = names.iter().find(|(short, _)| *short == name)?;
            Some((instance, (*model).to_owned()))
        });
        found.next().filter(|_| found.next().is_none())
    }

    /// Whether a provider makes the model of this name itself, and isn't one of its hosts.
    pub(super) fn is_maker(&self, provider: &str, model: &str) -> bool {
        let known = known_provider(provider).map(|it| it.makes);
        let here = self.provider(provider).map(|it| it.descriptor().makes);
        let mut beginnings = [known, here].into_iter().flatten().flatten();
        beginnings.any(|beginning| model.starts_with(beginning))
    }
}
