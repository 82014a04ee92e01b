//! What is said of a name that means no model, or too much, and what may have been meant.

use std::fmt;

use parlor_core::{Error, ErrorKind};

use super::Registry;
use super::instance::Instance;
use crate::{Candidate, CatalogueEntry, suggest};

/// How many names an error suggests.
const SUGGESTIONS: usize = 3;

/// That no model has a name, with those that have a similar one. It is the
/// [source](std::error::Error::source) of the registry's error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnknownModel {
    /// The name that was asked for.
    pub id: String,
    /// Ids that may have been meant, best first.
    pub suggestions: Vec<String>,
}

impl fmt::Display for UnknownModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no model `{}`", self.id)
    }
}

impl std::error::Error for UnknownModel {}

impl Registry {
    pub(super) fn ambiguous(&self, name: &str, found: &[&CatalogueEntry]) -> Error {
        let mut found = found.to_vec();
        // Stable: among equals the order of the catalogue stays.
        found.sort_by_key(|entry| {
            let instance = self.find_instance(&entry.provider);
            !instance.is_some_and(|instance| self.is_at_hand(instance))
        });
        let full = |entry: &&CatalogueEntry| format!("{}/{name}", entry.provider);
        let ids: Vec<String> = found.iter().map(full).collect();
        let message = format!(
            "several providers have a model `{name}`: {}",
            ids.join(", ")
        );
        Error::new(ErrorKind::ModelNotFound, message)
            .with_model(name)
            .with_help("Put the provider's name and `/` in front.")
            .with_source(UnknownModel {
                id: name.to_owned(),
                suggestions: ids,
            })
    }

    pub(super) fn unknown(&self, name: &str) -> Error {
        let suggestions = self.suggestions(name, SUGGESTIONS);
        let message = match name.split_once('/') {
            _ if name.is_empty() => "no model was named".to_owned(),
            Some((head, _)) => format!("no model `{name}`: `{head}` is no provider"),
            None => format!("no model `{name}`"),
        };
        let help = match suggestions.split_first() {
            Some((best, [])) => format!("Did you mean `{best}`?"),
            Some((best, rest)) => {
                format!("Did you mean `{best}`? (also: {})", rest.join(", "))
            }
            None => {
                let head = name.split('/').next().unwrap_or_default();
                let near = self.nearest_providers(head);
                match near.as_slice() {
                    [] => format!("Name it as `provider/model`, such as `{}`.", self.example()),
                    near => format!(
                        "Name it as `provider/model`; providers of a like name: {}.",
                        near.join(", ")
                    ),
                }
            }
        };
        Error::new(ErrorKind::ModelNotFound, message)
            .with_model(name)
            .with_help(help)
            .with_source(UnknownModel {
                id: name.to_owned(),
                suggestions,
            })
    }

    /// A model's whole name, to show what one is like: the newest known of a maker that has
    /// a key or a configuration, else of any.
    fn example(&self) -> String {
        let newest = |instance: &Instance| {
            let of_maker = |entry: &&CatalogueEntry| {
                entry.provider == instance.name
                    && !entry.deprecated
                    && self.is_maker(&instance.name, &entry.id)
            };
            let known = self.catalogue().entries().iter().filter(of_maker);
            known.max_by_key(|entry| &entry.released)
        };
        let (at_hand, others): (Vec<_>, Vec<_>) = self
            .instances
            .values()
            .filter(|instance| instance.provider().is_ok())
            .partition(|instance| self.is_at_hand(instance));
        let found = at_hand.into_iter().chain(others).find_map(newest);
        found.map_or_else(|| "echo/echo".to_owned(), CatalogueEntry::full_id)
    }

    /// Ids and mapped names that are like a name, best first. Of those that are
    /// about as near the ones with a key or a configuration come first, then
    /// makers before hosts. Only what this program can resolve is suggested.
    pub fn suggestions(&self, name: &str, limit: usize) -> Vec<String> {
        let mut names: Vec<(String, bool)> = Vec::new();
        let mut hosted: Vec<(String, bool)> = Vec::new();
        for instance in self.instances.values().filter(|one| one.provider().is_ok()) {
            let at_hand = self.is_at_hand(instance);
            let default = instance.settings.default_model.as_deref();
            let models = self.catalogue().models_of(&instance.name);
            for model in models.chain(default) {
                let list = match self.is_maker(&instance.name, model) {
                    true => &mut names,
                    false => &mut hosted,
                };
                list.push((format!("{}/{model}", instance.name), at_hand));
            }
        }
        let own = self.config.models.keys().chain(self.config.routes.keys());
        names.extend(own.map(|name| (name.clone(), true)));
        names.append(&mut hosted);
        let candidates = names.iter().map(|(name, preferred)| Candidate {
            name,
            preferred: *preferred,
        });
        let nearest = suggest(name, candidates, limit);
        nearest.into_iter().map(str::to_owned).collect()
    }
}

/// That a provider's name says nothing of a model.
pub(super) fn names_no_model(name: &str, head: &str) -> Error {
    let message = format!("`{name}` names a provider and no model");
    Error::new(ErrorKind::ModelNotFound, message)
        .with_provider(head)
        .with_help(format!(
            "Name the model as `{head}/model`, or set its `default_model`."
        ))
}
