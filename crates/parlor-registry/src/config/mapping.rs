//! The JSON mapping of model names, as other programs write it.

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Map, Value};

use super::{Config, ModelSettings};

#[derive(Deserialize)]
struct Mapping {
    models: Vec<Mapped>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mapped {
    id: String,
    name: Option<String>,
    #[serde(alias = "provider")]
    r#type: String,
    #[serde(alias = "env_key")]
    env_key: Option<String>,
    #[serde(alias = "supports_thinking_mode")]
    supports_thinking_mode: Option<bool>,
    #[serde(default)]
    features: Option<Vec<String>>,
    model: Option<String>,
    #[serde(alias = "base_url")]
    base_url: Option<String>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

pub(super) fn read(text: &str) -> Result<Config, serde_json::Error> {
    let mapping: Mapping = match text.trim_start().starts_with('[') {
        // The list alone.
        true => Mapping {
            models: serde_json::from_str(text)?,
            rest: Map::new(),
        },
        false => serde_json::from_str(text)?,
    };
    let mut config = Config::default();
    let mut ignored: Vec<String> = mapping.rest.keys().cloned().collect();
    for mapped in mapping.models {
        for (what, word) in [("id", &mapped.id), ("type", &mapped.r#type)] {
            if word.trim().is_empty() {
                return Err(serde_json::Error::custom(format_args!(
                    "a model with an empty `{what}`"
                )));
            }
        }
        ignored.extend(mapped.rest.keys().map(|key| format!("models[].{key}")));
        let model = mapped.model.unwrap_or_else(|| mapped.id.clone());
        let own = |rest: &str| rest.starts_with('/');
        let target = match model.strip_prefix(&mapped.r#type) {
            Some(rest) if own(rest) => model,
            _ => format!("{}/{model}", mapped.r#type),
        };
        let settings = ModelSettings {
            model: target,
            label: mapped.name,
            api_key_env: mapped
                .env_key
                .into_iter()
                .filter(|key| !key.is_empty())
                .collect(),
            base_url: mapped.base_url,
            supports_thinking: mapped.supports_thinking_mode,
            features: mapped.features.unwrap_or_default(),
            ..ModelSettings::default()
        };
        if config.models.insert(mapped.id.clone(), settings).is_some() {
            return Err(serde_json::Error::custom(format_args!(
                "two models with the id `{}`",
                mapped.id
            )));
        }
    }
    ignored.sort();
    ignored.dedup();
    config.ignored = ignored;
    Ok(config)
}
