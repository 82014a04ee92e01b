//! `parlor providers`: who there is, and whether there is a key.

use parlor::{KNOWN, KeySource, KnownProvider, Registry};
use serde::Serialize;

use super::table::table;
use crate::args::{ListForm, ProvidersArgs};
use crate::failure::Failure;
use crate::scrub::without_secrets;
use crate::{setup, terminal};

/// One provider of the list; the JSON form has these fields.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    name: &'static str,
    aliases: &'static [&'static str],
    /// Whether this build has it.
    compiled_in: bool,
    /// The cargo feature that compiles it in, where there is one.
    feature: Option<&'static str>,
    pub(super) key: KeyState,
    pub(super) base_url: Option<String>,
    default_model: Option<&'static str>,
    docs: &'static str,
}

/// Whether there is a key; never the key.
#[derive(Debug, Serialize)]
pub(super) struct KeyState {
    pub(super) needed: bool,
    /// Where the key is.
    pub(super) source: Option<String>,
    /// Where it is looked for.
    places: Vec<String>,
}

/// Lists the providers.
pub(crate) fn providers(args: &ProvidersArgs) -> Result<(), Failure> {
    let registry = setup::registry(args.common.config.as_deref())?;
    let mut rows = rows(&registry);
    let absent = KNOWN
        .iter()
        .filter(|known| registry.provider(known.id).is_none());
    rows.extend(absent.map(Row::absent));
    let text = match args.listing.form() {
        ListForm::Json => {
            let text = serde_json::to_string(&rows).map_err(std::io::Error::from)?;
            format!("{text}\n")
        }
        ListForm::Text => {
            let cells: Vec<[String; 4]> = rows.iter().map(Row::cells).collect();
            terminal::printable(&table(&cells))
        }
    };
    Ok(terminal::say(&text)?)
}

/// Every provider that is compiled in or configured.
pub(super) fn rows(registry: &Registry) -> Vec<Row> {
    let rows = registry.instances().filter_map(|instance| {
        let descriptor = registry.descriptor(instance).ok()?;
        // Any model will do: key and address are the instance's.
        let config = registry.resolve(&format!("{instance}/any")).ok()?.config;
        let sources = config.keys.sources();
        let set = |source: &KeySource| source.at_hand(instance, registry.env());
        Some(Row {
            id: instance.to_owned(),
            name: descriptor.name,
            aliases: match instance == descriptor.id {
                true => descriptor.aliases,
                false => &[],
            },
            compiled_in: true,
            feature: feature(descriptor.feature),
            key: KeyState {
                needed: descriptor.needs_key || config.key_is_configured,
                source: sources.iter().find_map(set),
                places: sources.iter().map(KeySource::describe).collect(),
            },
            base_url: config.base_url.as_deref().map(without_secrets),
            default_model: descriptor.default_model,
            docs: descriptor.docs_url,
        })
    });
    rows.collect()
}

fn feature(name: &'static str) -> Option<&'static str> {
    (!name.is_empty()).then_some(name)
}

impl Row {
    /// A provider of the product that this build hasn't got.
    fn absent(known: &KnownProvider) -> Self {
        Self {
            id: known.id.to_owned(),
            name: known.id,
            aliases: known.aliases,
            compiled_in: false,
            feature: feature(known.feature),
            key: KeyState {
                needed: true,
                source: None,
                places: Vec::new(),
            },
            base_url: None,
            default_model: None,
            docs: "",
        }
    }

    fn cells(&self) -> [String; 4] {
        let mut id = self.id.clone();
        if !self.aliases.is_empty() {
            id.push_str(&format!(" ({})", self.aliases.join(", ")));
        }
        let state = match self.feature {
            Some(feature) if !self.compiled_in => {
                format!("not compiled in (cargo feature `{feature}`)")
            }
            _ => self.key.told(),
        };
        let address = self.base_url.clone().unwrap_or_else(|| "–".to_owned());
        [id, state, address, self.docs.to_owned()]
    }
}

impl KeyState {
    /// The state in words.
    pub(super) fn told(&self) -> String {
        match (&self.source, self.needed, self.places.first()) {
            (Some(source), ..) => format!("key in {source}"),
            (None, true, Some(place)) => {
                // The first of several variables is enough to go by.
                let first = place.split(", ").next().unwrap_or(place);
                format!("no key (set {first})")
            }
            (None, true, None) => "no key".to_owned(),
            (None, false, _) => "needs no key".to_owned(),
        }
    }
}
