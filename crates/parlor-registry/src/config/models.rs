//! Own names for models, and routes over several of them.

use std::fmt;

use parlor_core::Effort;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::scalar::one_or_many;

/// A name for a model: `fast = "acme/quick-1"`, or a table with `model`.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct ModelSettings {
    /// What the name stands for: `provider/model`, or another name. A name that
    /// stands for itself gives that model its parameters.
    pub model: String,
    /// What to call it in lists.
    pub label: Option<String>,
    /// Values for requests that don't set their own.
    pub parameters: Parameters,
    /// Environment variables with the key for this model alone.
    pub api_key_env: Vec<String>,
    /// Address for this model alone.
    pub base_url: Option<String>,
    /// Whether the model can think, when the mapping says so.
    pub supports_thinking: Option<bool>,
    /// What else the mapping says the model can do, in its own words.
    pub features: Vec<String>,
}

/// Values for requests that don't set their own.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Parameters {
    /// Randomness, from 0.
    pub temperature: Option<f64>,
    /// Nucleus sampling, 0 to 1.
    pub top_p: Option<f64>,
    /// The most tokens to answer with.
    pub max_output_tokens: Option<u64>,
    /// For answers that repeat, as far as the provider can.
    pub seed: Option<i64>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How much to think.
    pub reasoning: Option<Effort>,
    /// Instructions, for requests that have no system message.
    pub system: Option<String>,
    /// Fields merged last into the request body.
    pub extra: Map<String, Value>,
}

impl Parameters {
    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These values, completed by others where nothing was said.
    #[must_use]
    pub fn or(mut self, other: &Parameters) -> Self {
        self.temperature = self.temperature.or(other.temperature);
        self.top_p = self.top_p.or(other.top_p);
        self.max_output_tokens = self.max_output_tokens.or(other.max_output_tokens);
        self.seed = self.seed.or(other.seed);
        if self.stop.is_empty() {
            self.stop.clone_from(&other.stop);
        }
        self.reasoning = self.reasoning.or_else(|| other.reasoning.clone());
        self.system = self.system.or_else(|| other.system.clone());
        complete(&mut self.extra, &other.extra);
        self
    }
}

/// Puts in what isn't there, objects within objects too.
pub(crate) fn complete(fields: &mut Map<String, Value>, beneath: &Map<String, Value>) {
    for (name, value) in beneath {
        match (fields.get_mut(name), value) {
            (Some(Value::Object(mine)), Value::Object(theirs)) => complete(mine, theirs),
            (Some(_), _) => {}
            (None, _) => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
}

/// The table form, flat so that a wrong key is met at its place.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    model: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    api_key_env: Vec<String>,
    base_url: Option<String>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    max_output_tokens: Option<u64>,
    seed: Option<i64>,
    #[serde(default, deserialize_with = "one_or_many")]
    stop: Vec<String>,
    reasoning: Option<Effort>,
    system: Option<String>,
    #[serde(default)]
    extra: Map<String, Value>,
}

impl From<Table> for ModelSettings {
    fn from(table: Table) -> Self {
        Self {
            model: table.model,
            label: table.label,
            api_key_env: table.api_key_env,
            base_url: table.base_url,
            parameters: Parameters {
                temperature: table.temperature,
                top_p: table.top_p,
                max_output_tokens: table.max_output_tokens,
                seed: table.seed,
                stop: table.stop,
                reasoning: table.reasoning,
                system: table.system,
                extra: table.extra,
            },
            ..Self::default()
        }
    }
}

impl<'de> Deserialize<'de> for ModelSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = ModelSettings;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`provider/model` or a table with `model`")
            }
            fn visit_str<E: Error>(self, model: &str) -> Result<ModelSettings, E> {
                Ok(ModelSettings {
                    model: model.to_owned(),
                    ..ModelSettings::default()
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ModelSettings, A::Error> {
                Table::deserialize(MapAccessDeserializer::new(map)).map(ModelSettings::from)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// Several models behind one name.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Route {
    /// How one of them is chosen.
    #[serde(default)]
    pub strategy: Strategy,
    /// The models, at least one, in order of preference.
    pub models: Vec<RouteTarget>,
    /// When a model of a balance is left out, and how long: the settings of the
    /// layers' breaker, which reads them.
    #[serde(default)]
    pub breaker: Map<String, Value>,
    /// After which errors a fallback turns besides its usual ones:
    /// `context_too_long`, `unsupported`, `content_filtered`.
    #[serde(default, deserialize_with = "one_or_many")]
    pub turns_after: Vec<String>,
}

/// How a route chooses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Strategy {
    /// The first that works.
    #[default]
    Fallback,
    /// By chance, in proportion to the weights.
    Weighted,
    /// The one that has been answering soonest.
    LeastLatency,
    /// Of two drawn by chance, the one with fewer calls going on.
    LeastBusy,
}

/// One model of a route: its name, or a table with `model` and `weight`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RouteTarget {
    /// `provider/model` or a name from the mapping.
    pub model: String,
    /// Its share among the weights; 1 when not said.
    pub weight: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetTable {
    model: String,
    #[serde(default = "one")]
    weight: f64,
}

fn one() -> f64 {
    1.0
}

impl<'de> Deserialize<'de> for RouteTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = RouteTarget;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`provider/model` or a table with `model` and `weight`")
            }
            fn visit_str<E: Error>(self, model: &str) -> Result<RouteTarget, E> {
                Ok(RouteTarget {
                    model: model.to_owned(),
                    weight: one(),
                })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RouteTarget, A::Error> {
                let TargetTable { model, weight } =
                    TargetTable::deserialize(MapAccessDeserializer::new(map))?;
                Ok(RouteTarget { model, weight })
            }
        }
        deserializer.deserialize_any(Reader)
    }
}
