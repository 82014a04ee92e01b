//! Catalogue files in JSON and TOML.

use std::borrow::Cow;

use parlor_core::{Capabilities, Capability};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny};

use super::{Catalogue, CatalogueEntry, Price};
use crate::problem::{Problems, from_json_error, from_toml_error};

pub(super) fn from_json(text: &str) -> Result<Catalogue, Problems> {
    serde_json::from_str::<File>(text)
        .map(File::into_catalogue)
        .map_err(|error| from_json_error(&error))
}

pub(super) fn from_toml(text: &str) -> Result<Catalogue, Problems> {
    toml::from_str::<File>(text)
        .map(File::into_catalogue)
        .map_err(|error| from_toml_error(text, &error, &[]))
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    as_of: Option<String>,
    #[serde(default)]
    models: Vec<Listed>,
}

/// An entry of a file, which must name its provider.
struct Listed(FileEntry);

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entry = FileEntry::deserialize(deserializer)?;
        match entry.provider.is_empty() {
            true => Err(D::Error::missing_field("provider")),
            false => Ok(Self(entry)),
        }
    }
}

/// A model as files describe it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    #[serde(default)]
    provider: String,
    pub(crate) id: String,
    #[serde(default)]
    aliases: Vec<String>,
    context_window: Option<u64>,
    #[serde(alias = "max_output")]
    max_output_tokens: Option<u64>,
    #[serde(default, deserialize_with = "input")]
    input_modalities: Capabilities,
    #[serde(default, deserialize_with = "output")]
    output_modalities: Capabilities,
    #[serde(default, deserialize_with = "features")]
    features: Vec<Capability>,
    #[serde(default, deserialize_with = "features")]
    lacks: Vec<Capability>,
    price: Option<FilePrice>,
    released: Option<String>,
    retires_on: Option<String>,
    #[serde(default)]
    deprecated: bool,
    successor: Option<String>,
    /// Where the facts are from; for people, not kept.
    #[serde(default, rename = "source")]
    _source: Option<IgnoredAny>,
    /// Remarks, for people, not kept.
    #[serde(default, rename = "notes")]
    _notes: Option<IgnoredAny>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilePrice {
    input: f64,
    output: f64,
    cached_input: Option<f64>,
    cache_write: Option<f64>,
    #[serde(default = "dollars")]
    currency: String,
    max_input: Option<u64>,
    as_of: Option<String>,
}

fn dollars() -> String {
    "USD".to_owned()
}

/// The words for what goes in or comes out, with the capability each stands for.
type Words = &'static [(&'static str, Option<Capability>)];

const INPUT: Words = &[
    ("text", None),
    ("image", Some(Capability::ImageInput)),
    ("audio", Some(Capability::AudioInput)),
    ("video", Some(Capability::VideoInput)),
    ("pdf", Some(Capability::DocumentInput)),
];

const OUTPUT: Words = &[
    ("text", None),
    ("image", Some(Capability::ImageOutput)),
    ("audio", Some(Capability::AudioOutput)),
    ("video", None),
];

/// Short words for features, beside the capabilities' own names.
const FEATURES: Words = &[
    ("vision", Some(Capability::ImageInput)),
    ("audio", Some(Capability::AudioInput)),
    ("video", Some(Capability::VideoInput)),
    ("pdf", Some(Capability::DocumentInput)),
    // That the provider caches by itself is told by the price.
    ("cache", None),
];

/// The capability that a feature's word stands for, if it is known.
pub(crate) fn capability(word: &str) -> Option<Capability> {
    let own = Capability::ALL.iter().find(|one| one.as_str() == word);
    own.copied().or_else(|| {
        let short = FEATURES.iter().find(|(short, _)| *short == word);
        short.and_then(|(_, capability)| *capability)
    })
}

/// A list of modalities is complete: what it leaves out, the model lacks.
fn modalities<'de, D>(deserializer: D, known: Words) -> Result<Capabilities, D::Error>
where
    D: Deserializer<'de>,
{
    let Some(words) = Option::<Vec<Cow<'de, str>>>::deserialize(deserializer)? else {
        return Ok(Capabilities::UNKNOWN);
    };
    let all = known.iter().filter_map(|(_, capability)| *capability);
    let mut found = Capabilities::UNKNOWN.lacking(&all.collect::<Vec<_>>());
    for word in &words {
        match known.iter().find(|(one, _)| one == word) {
            Some((_, capability)) => found = found.having(capability.as_slice()),
            None => {
                let names: Vec<&str> = known.iter().map(|(one, _)| *one).collect();
                return Err(unknown("modality", word, &names));
            }
        }
    }
    Ok(found)
}

fn input<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Capabilities, D::Error> {
    modalities(deserializer, INPUT)
}

fn output<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Capabilities, D::Error> {
    modalities(deserializer, OUTPUT)
}

fn features<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Capability>, D::Error> {
    let words = Option::<Vec<Cow<'de, str>>>::deserialize(deserializer)?.unwrap_or_default();
    let mut found = Vec::with_capacity(words.len());
    for word in &words {
        match capability(word) {
            Some(capability) => found.push(capability),
            None if FEATURES.iter().any(|(short, _)| short == word) => {}
            None => {
                let own = Capability::ALL.iter().map(|one| one.as_str());
                let names: Vec<&str> = own.chain(FEATURES.iter().map(|(one, _)| *one)).collect();
                return Err(unknown("feature", word, &names));
            }
        }
    }
    Ok(found)
}

fn unknown<E: serde::de::Error>(what: &str, word: &str, known: &[&str]) -> E {
    let known = known.join(", ");
    E::custom(format_args!(
        "unknown {what} `{word}`, expected one of {known}"
    ))
}

impl File {
    fn into_catalogue(self) -> Catalogue {
        let as_of = self.as_of.unwrap_or_default();
        let entries = self.models.into_iter().map(|Listed(model)| {
            let provider = model.provider.clone();
            model.into_entry(provider, &as_of)
        });
        let entries = entries.collect();
        Catalogue::from_entries(as_of, entries)
    }
}

impl FileEntry {
    /// A model of which only the id is known.
    pub(crate) fn named(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            ..Self::default()
        }
    }

    /// The entry under a provider or an instance.
    pub(crate) fn into_entry(self, provider: String, as_of: &str) -> CatalogueEntry {
        let mut entry = CatalogueEntry::new(provider, self.id);
        entry.aliases = self.aliases.into_iter().map(Cow::Owned).collect();
        entry.context_window = self.context_window;
        entry.max_output_tokens = self.max_output_tokens;
        entry.capabilities = self
            .input_modalities
            .or(self.output_modalities)
            .having(&self.features)
            .lacking(&self.lacks);
        entry.price = self.price.map(|price| price.into_price(as_of));
        entry.released = self.released.map(Cow::Owned);
        entry.retires_on = self.retires_on.map(Cow::Owned);
        entry.deprecated = self.deprecated;
        entry.successor = self.successor.map(Cow::Owned);
        entry
    }
}

impl FilePrice {
    fn into_price(self, as_of: &str) -> Price {
        let mut price = Price::usd(self.input, self.output);
        price.cached_input = self.cached_input;
        price.cache_write = self.cache_write;
        price.currency = Cow::Owned(self.currency);
        price.max_input = self.max_input;
        price.as_of = Cow::Owned(self.as_of.unwrap_or_else(|| as_of.to_owned()));
        price
    }
}
