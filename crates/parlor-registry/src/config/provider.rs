//! One provider instance: where it is, how to get in, and what is particular about it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use parlor_core::{MediaLimits, Secret};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use serde_json::{Map, Value};

use super::Timeouts;
use super::scalar::one_or_many;
use crate::catalogue::FileEntry;
use crate::key::KeySource;

/// What is configured of one provider instance. What is left out keeps the
/// provider's default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ProviderSettings {
    /// Id of the provider that this is an instance of, also written `dialect`;
    /// by default the instance's name when that is a known provider, else
    /// the provider for compatible hosts.
    #[serde(rename = "type", alias = "dialect")]
    pub provider: Option<String>,
    /// Address that the dialect's paths are appended to, with `http` or `https`.
    pub base_url: Option<String>,
    /// The key itself. Better kept out of the file: see the three fields below.
    #[serde(deserialize_with = "secret")]
    pub api_key: Option<Secret>,
    /// Environment variables that may hold the key, the first set one wins.
    #[serde(deserialize_with = "one_or_many")]
    pub api_key_env: Vec<String>,
    /// A program and its arguments; it prints the key. No shell is involved.
    pub key_command: Vec<String>,
    /// A file that holds nothing but the key, from the configuration's folder on. A leading
    /// `~/` is the home folder.
    pub key_file: Option<PathBuf>,
    /// The model used when only the instance is named.
    pub default_model: Option<String>,
    /// Headers sent with every request.
    #[serde(deserialize_with = "secrets")]
    pub headers: BTreeMap<String, Secret>,
    /// Query parameters sent with every request.
    #[serde(deserialize_with = "secrets")]
    pub query: BTreeMap<String, Secret>,
    /// Time limits; they win over `[layers.timeout]`.
    pub timeouts: Timeouts,
    /// Layers around this instance's models alone, as `[layers]` has them for
    /// all; what is set here stands in place of that, and `false` removes it.
    pub layers: BTreeMap<String, Value>,
    /// Whether the host's certificate must be valid; the default is yes.
    pub verify_tls: Option<bool>,
    /// What this host does differently, in the words of its dialect.
    pub quirks: Option<Value>,
    /// What media it takes, over what is known of the provider.
    pub media: MediaLimits,
    /// Models that the instance offers, by id or with facts.
    pub models: Vec<OfferedModel>,
    /// Fields merged last into every request body.
    pub extra: Map<String, Value>,
}

/// A model that an instance offers: its id, or the keys of a catalogue entry.
#[derive(Debug, Clone)]
pub struct OfferedModel(pub(crate) FileEntry);

impl OfferedModel {
    /// The model's id.
    pub fn id(&self) -> &str {
        &self.0.id
    }
}

impl ProviderSettings {
    /// Where the key comes from, as far as it is configured.
    pub fn key_source(&self) -> Option<KeySource> {
        if let Some(key) = &self.api_key {
            Some(KeySource::Explicit(key.clone()))
        } else if !self.api_key_env.is_empty() {
            Some(KeySource::Env(self.api_key_env.clone()))
        } else if !self.key_command.is_empty() {
            Some(KeySource::Command(self.key_command.clone()))
        } else {
            self.key_file.clone().map(KeySource::File)
        }
    }
}

impl<'de> Deserialize<'de> for OfferedModel {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = OfferedModel;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a model id or a table with `id`")
            }
            fn visit_str<E: Error>(self, id: &str) -> Result<OfferedModel, E> {
                Ok(OfferedModel(FileEntry::named(id)))
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(
                self,
                map: A,
            ) -> Result<OfferedModel, A::Error> {
                FileEntry::deserialize(serde::de::value::MapAccessDeserializer::new(map))
                    .map(OfferedModel)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// A secret read so that no message can repeat it.
struct Hidden(Secret);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Hidden;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Hidden, E> {
                Ok(Hidden(Secret::new(text)))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

/// For serde's `deserialize_with` on an optional secret, which no message
/// repeats.
///
/// # Errors
/// That a string was expected.
pub fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Hidden::deserialize(deserializer).map(|Hidden(secret)| Some(secret))
}

fn secrets<'de, D>(deserializer: D) -> Result<BTreeMap<String, Secret>, D::Error>
where
    D: Deserializer<'de>,
{
    let all = BTreeMap::<String, Hidden>::deserialize(deserializer)?;
    Ok(all
        .into_iter()
        .map(|(name, Hidden(value))| (name, value))
        .collect())
}
