//! Which model is meant when none is named, and by which rule.

use super::{Registry, builtin};

/// The model to use, and the rule that chose it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The id to resolve.
    pub id: String,
    /// Why this one.
    pub rule: Rule,
}

/// The rules, in the order in which they are tried.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The caller named it.
    Explicit,
    /// The variable `PARLOR_MODEL` names it.
    Variable,
    /// The configuration's `default_model`.
    Config,
    /// One provider alone has a key.
    OnlyKey {
        /// The instance with the key.
        instance: String,
        /// Where the key is, such as the variable's name.
        key: String,
    },
    /// Nothing else decided, so it is the built-in model. A program may look
    /// for a local server before it takes this.
    BuiltIn {
        /// Instances that have a key, but were too many or have no default model.
        with_key: Vec<String>,
    },
}

impl Registry {
    /// The variable that names the model to use.
    pub const MODEL_VARIABLE: &'static str = "PARLOR_MODEL";

    /// The model to use when the caller may have named one: the caller's, else
    /// that of `PARLOR_MODEL`, else the configuration's, else the default model
    /// of the one provider that has a key, else the built-in one.
    ///
    /// Nothing is resolved, opened or sent.
    pub fn default_model(&self, explicit: Option<&str>) -> Choice {
        let choice = |id: String, rule: Rule| Choice { id, rule };
        if let Some(id) = explicit {
            return choice(id.to_owned(), Rule::Explicit);
        }
        if let Some(id) = self.env.get(Self::MODEL_VARIABLE) {
            return choice(id, Rule::Variable);
        }
        if let Some(id) = &self.config.default_model {
            return choice(id.clone(), Rule::Config);
        }
        let with_key: Vec<_> = self
            .instances
            .values()
            .filter(|instance| {
                let provider = instance.provider();
                provider.is_ok_and(|provider| provider.descriptor().chosen_by_key)
            })
            .filter_map(|instance| Some((instance, self.key_at_hand(instance)?)))
            .collect();
        if let [(instance, key)] = with_key.as_slice()
            && let Some(model) = self.default_of(instance)
        {
            let rule = Rule::OnlyKey {
                instance: instance.name.clone(),
                key: key.clone(),
            };
            return choice(format!("{}/{model}", instance.name), rule);
        }
        let with_key = with_key.iter().map(|(instance, _)| instance.name.clone());
        let rule = Rule::BuiltIn {
            with_key: with_key.collect(),
        };
        choice(builtin::DEFAULT.to_owned(), rule)
    }
}
