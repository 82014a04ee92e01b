//! Which model to ask: named, configured, with the only key, on this machine, or built in.

mod answered;
mod held;
mod instead;

use std::sync::Arc;

use parlor::layers::ConfiguredLayers;
use parlor::layers::fallback::TurnNotice;
use parlor::layers::retry::RetryNotice;
use parlor::{COMPATIBLE, ChatModel, Descriptor, Error, ErrorKind, Registry, Resolved, Rule};

use crate::failure::{Context, Failure};
use crate::keys::{self, KeyFile};
use crate::local;
use crate::scrub::without_secrets;
pub(crate) use held::held;
pub(crate) use instead::Instead;

/// What the command line says of the model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) model: Option<&'a str>,
    pub(crate) base_url: Option<&'a str>,
    /// The model that the conversation was held with, where one is gone on with.
    pub(crate) held: Option<&'a str>,
    /// Whether a name is sent though it looks misspelt.
    pub(crate) force: bool,
}

/// The model to ask.
#[derive(Debug, Clone)]
pub(crate) struct Chosen {
    pub(crate) resolved: Resolved,
    /// The name of the route, where it is one, and its models after the first.
    route: Option<(String, Vec<Resolved>)>,
    pub(crate) because: Because,
    /// Whether the address came from the command line.
    at_address: bool,
}

/// Why it was chosen.
#[derive(Debug, Clone)]
pub(crate) enum Because {
    /// A person said so, here or in the configuration.
    Named,
    /// One provider alone has a key, which is here.
    OnlyKey(String),
    /// A server on this machine answers at this address.
    Local(String),
    /// The host that was named listed it first.
    FirstListed(String),
    /// There is nothing else; these providers have a key, but several or
    /// without a default model.
    BuiltIn(Vec<String>),
}

impl Chosen {
    /// What a person should know of the choice, if they didn't make it.
    pub(crate) fn notice(&self) -> Option<String> {
        let id = self.resolved.id();
        let change = "parlor models default MODEL to change";
        match &self.because {
            Because::Named => None,
            Because::OnlyKey(key) => Some(format!(
                "{id} chosen because {} ({change})",
                keys::because(key)
            )),
            Because::Local(url) => Some(format!(
                "{id} chosen because it answers at {url} ({change})"
            )),
            Because::FirstListed(url) => Some(format!(
                "{id} chosen because {url} lists it first ({change})"
            )),
            Because::BuiltIn(with_key) => Some(match with_key.as_slice() {
                [] => format!(
                    "No provider is configured, so this answer is from the built-in model {id} \
                     ({NO_MODEL}; for trying parlor out)."
                ),
                with_key => format!(
                    "No model was named and {}, so this answer is from the built-in model {id} \
                     ({NO_MODEL}; parlor models default MODEL to choose).",
                    undecided(with_key)
                ),
            }),
        }
    }

    /// The models that may answer: one, or those of the route.
    pub(crate) fn targets(&self) -> impl Iterator<Item = &Resolved> {
        let others = self.route.iter().flat_map(|(_, others)| others);
        std::iter::once(&self.resolved).chain(others)
    }

    /// What a person should know of the way there.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        let unverified = self.targets().filter(|it| !it.config.verify_tls);
        unverified.map(|it| {
            let instance = &it.config.instance;
            format!("warning: certificates of {instance} are not verified")
        })
    }

    /// What a failure can say of the model that it came from.
    pub(crate) fn context(&self, provider: Option<&str>, model: Option<&str>) -> Context {
        let context = Context::new(self.target(provider, model));
        let context = self.targets().fold(context, Context::hiding);
        match self.at_address {
            true => context.at_address(),
            false => context,
        }
    }

    /// Builds the model within its layers; the hooks are told of each retry, and
    /// of each turn to another model.
    pub(crate) fn build(
        &self,
        registry: &Registry,
        on_retry: impl Fn(&RetryNotice<'_>) + Send + Sync + 'static,
        on_turn: impl Fn(&TurnNotice<'_>) + Send + Sync + 'static,
    ) -> Result<Arc<dyn ChatModel>, Failure> {
        let failed = |error: Error| {
            let error = match error.model() {
                Some(_) => error,
                None => error.with_model(&self.resolved.model),
            };
            let context = self.context(error.provider(), error.model());
            Failure::of(error, &context)
        };
        let layers = ConfiguredLayers::new(registry.config()).map_err(failed)?;
        let layers = layers.on_retry(on_retry).on_turn(on_turn);
        if let Some((name, _)) = &self.route {
            return layers.model(registry, name).map_err(failed);
        }
        let model = self.resolved.build().map_err(failed)?;
        layers.around(model, &self.resolved).map_err(failed)
    }
}

/// What the built-in model is.
pub(crate) const NO_MODEL: &str = "offline, a few rules, not a language model";

/// Why keys alone decide nothing.
pub(crate) fn undecided(with_key: &[String]) -> String {
    match with_key {
        [only] => format!("{only} has a key but no default model"),
        several => format!("{} have a key", several.join(" and ")),
    }
}

/// Chooses the model. Asks servers on this machine only when nothing else is
/// said, and a named host only when no model is.
pub(crate) async fn choose(registry: &Registry, wish: Wish<'_>) -> Result<Chosen, Failure> {
    if let Some(base_url) = wish.base_url {
        return at_address(registry, base_url, wish).await;
    }
    let held = wish.held.filter(|id| held::goes_on(registry, id));
    let choice = registry.default_model(wish.model.or(held));
    let named_by = match &choice.rule {
        Rule::Variable => Some("PARLOR_MODEL names it"),
        Rule::Config => Some("`default_model` in the configuration names it"),
        _ => None,
    };
    let because = match choice.rule {
        Rule::OnlyKey { key, .. } => Because::OnlyKey(key),
        Rule::BuiltIn { with_key } => match elsewhere(registry).await? {
            Some((server, model)) => {
                let resolved = resolve(registry, &format!("{}/{model}", server.instance))?;
                let because = Because::Local(server.base_url);
                return Ok(Chosen {
                    resolved,
                    route: None,
                    because,
                    at_address: false,
                });
            }
            None => Because::BuiltIn(with_key),
        },
        _ => Because::Named,
    };
    let named = |failure| named_by.into_iter().fold(failure, Failure::also);
    let (name, ids) = match registry.route(&choice.id) {
        Some((name, route)) => {
            let ids = route.models.iter().map(|it| it.model.as_str());
            (Some(name.to_owned()), ids.collect())
        }
        None => (None, vec![choice.id.as_str()]),
    };
    let targets = ids.into_iter().map(|id| resolve(registry, id));
    let targets = targets.collect::<Result<Vec<_>, _>>().map_err(named)?;
    if !wish.force {
        let check = |resolved| spelling(registry, resolved);
        targets.iter().try_for_each(check)?;
    }
    let mut targets = targets.into_iter();
    let resolved = match targets.next() {
        Some(first) => first,
        // The configuration was checked for routes without a model.
        None => resolve(registry, &choice.id)?,
    };
    Ok(Chosen {
        resolved,
        route: name.map(|name| (name, targets.collect())),
        because,
        at_address: false,
    })
}

/// A server on this machine, where nothing else says what to ask. Saved keys that can't be
/// read might.
async fn elsewhere(registry: &Registry) -> Result<Option<(local::Server, String)>, Failure> {
    KeyFile::find(registry.env())?;
    Ok(local::model(registry).await)
}

fn resolve(registry: &Registry, id: &str) -> Result<Resolved, Failure> {
    let resolved = registry.resolve(id);
    resolved.map_err(|error| Failure::of(error, &Context::default()))
}

/// A model at an address from the command line.
async fn at_address(
    registry: &Registry,
    base_url: &str,
    wish: Wish<'_>,
) -> Result<Chosen, Failure> {
    let variable = || registry.env().get(Registry::MODEL_VARIABLE);
    let host = provider_at(registry, base_url).unwrap_or(COMPATIBLE);
    let held = wish.held.filter(|id| held::is_of(registry, id, host));
    let model = wish.model.or(held).map(str::to_owned).or_else(variable);
    let id = match &model {
        Some(model) if names_instance(registry, model) => model.clone(),
        Some(model) => format!("{host}/{model}"),
        None => format!("{host}/any"),
    };
    let mut resolved = resolve(registry, &id)?;
    check(base_url, resolved.provider.descriptor())?;
    resolved.config.base_url = Some(base_url.to_owned());
    // What is known of the provider's own models and prices is not of this host's.
    resolved.entry = None;
    resolved.config.price = None;
    let mut chosen = Chosen {
        resolved,
        route: None,
        because: Because::Named,
        at_address: true,
    };
    if model.is_some() {
        return Ok(chosen);
    }
    let resolved = &chosen.resolved;
    let listed = resolved.provider.models(&resolved.config).await;
    let first = listed
        .map(|models| models.into_iter().next())
        .and_then(|first| {
            first.ok_or_else(|| {
                Error::new(
                    ErrorKind::ModelNotFound,
                    format!("{} lists no model", without_secrets(base_url)),
                )
            })
        })
        .map_err(|error| {
            Failure::of(error, &chosen.context(None, None)).help("name the model: -m MODEL")
        })?;
    chosen.resolved.model = first.id;
    chosen.because = Because::FirstListed(without_secrets(base_url));
    Ok(chosen)
}

/// Whether a provider can take this for an address.
fn check(base_url: &str, descriptor: &Descriptor) -> Result<(), Failure> {
    let scheme = base_url.split_once("://").map(|(scheme, _)| scheme);
    let example = match scheme.map(str::to_ascii_lowercase).as_deref() {
        Some("http" | "https") => return Ok(()),
        None if descriptor.bare_host && local::host_and_port(base_url).is_some() => return Ok(()),
        // Of what listens on this machine the scheme is most likely known.
        None if base_url.starts_with("localhost") || base_url.starts_with("127.") => {
            format!("write http://{}", without_secrets(base_url))
        }
        _ => "give an address such as https://api.example.com/v1".to_owned(),
    };
    let fact = format!(
        "--base-url must begin with http:// or https://, not `{}`",
        without_secrets(base_url)
    );
    Err(Failure::usage(fact).help(example))
}

fn names_instance(registry: &Registry, model: &str) -> bool {
    model
        .split_once('/')
        .is_some_and(|(head, _)| registry.descriptor(head).is_ok())
}

/// The provider whose usual host this is.
fn provider_at(registry: &Registry, base_url: &str) -> Option<&'static str> {
    let wanted = local::host_and_port(base_url)?;
    let providers = registry.providers().iter();
    let mut found = providers
        .map(|provider| provider.descriptor())
        .filter(|descriptor| descriptor.needs_key)
        .filter(|descriptor| descriptor.base_url.and_then(local::host_and_port) == Some(wanted));
    found.next().map(|descriptor| descriptor.id)
}

/// A name that its provider doesn't list and that differs from a listed one by
/// a letter or two is most likely misspelt. Another number or date is another
/// version, which may be newer than the list, and any other name may be too.
fn spelling(registry: &Registry, resolved: &Resolved) -> Result<(), Failure> {
    let descriptor = resolved.provider.descriptor();
    let is_elsewhere = resolved.config.base_url.as_deref() != descriptor.base_url;
    if resolved.entry.is_some() || is_elsewhere {
        return Ok(());
    }
    let instance = &resolved.config.instance;
    let near = registry
        .catalogue()
        .models_of(descriptor.id)
        .filter(|known| is_misspelling(&resolved.model, known))
        .map(|known| (strsim::osa_distance(&resolved.model, known), known))
        .min();
    let Some((_, best)) = near else {
        return Ok(());
    };
    let mut fact = format!(
        "no model \"{}\".   did you mean {instance}/{best}?",
        resolved.id()
    );
    let start = format!("{instance}/");
    let mut others = registry.suggestions(&resolved.id(), 8);
    others.retain(|id| id.strip_prefix(&start).is_some_and(|id| id != best));
    others.truncate(2);
    if !others.is_empty() {
        fact.push_str(&format!(" (also: {})", others.join(", ")));
    }
    let family: String = best.chars().take_while(|c| c.is_alphanumeric()).collect();
    let error = Error::new(ErrorKind::ModelNotFound, fact.clone())
        .with_provider(instance)
        .with_model(&resolved.model);
    Err(Failure::from(error).fact(fact).help(format!(
        "parlor models {family}               send it anyway: --force-model"
    )))
}

fn is_misspelling(typed: &str, known: &str) -> bool {
    let letters = |name: &str| -> String {
        let letters = name.chars().filter(|c| c.is_alphabetic());
        letters.flat_map(char::to_lowercase).collect()
    };
    let distance = strsim::osa_distance(typed, known);
    distance <= 2 && typed.chars().count() > 3 && letters(typed) != letters(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_a_letter_is_a_misspelling_and_another_version_is_not() {
        for (typed, known) in [
            ("gpt-4oo", "gpt-4o"),
            ("gpt-4o-mni", "gpt-4o-mini"),
            ("claude-sonet-4-5", "claude-sonnet-4-5"),
        ] {
            assert!(is_misspelling(typed, known), "{typed}");
        }
        for (typed, known) in [
            ("gpt-5.7", "gpt-5.6"),
            ("claude-sonnet-5", "claude-sonnet-4-5"),
            ("gpt-4o-2027-01-01", "gpt-4o-2024-11-20"),
            ("entirely-new", "gpt-4o"),
            ("o4", "o3"),
        ] {
            assert!(!is_misspelling(typed, known), "{typed}");
        }
    }
}
