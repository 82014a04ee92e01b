//! The model catalogue: what is known of each model, built in and overridable by a file.
//!
//! The facts come from public price and model lists; `data/README.md` names
//! them. The built-in part is read on first use.

mod entry;
mod file;
mod nearest;
mod table;

use std::borrow::Cow;
use std::sync::OnceLock;

pub use entry::CatalogueEntry;
pub(crate) use file::{FileEntry, capability};
pub use parlor_core::{Cost, Price};

use crate::problem::Problems;

const TABLE: &str = include_str!("../../data/models.tsv");

static BUILTIN: OnceLock<Catalogue> = OnceLock::new();

/// Models and their facts, found by provider and id or by name alone.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    as_of: Cow<'static, str>,
    /// In order of provider and id.
    entries: Vec<CatalogueEntry>,
    /// Every id and alias with the entry it names, in order.
    names: Vec<(Cow<'static, str>, u32)>,
}

impl Catalogue {
    /// A catalogue that knows nothing.
    pub fn empty() -> Self {
        Self::default()
    }

    /// The catalogue that ships with the crate. The first call reads it, in a
    /// millisecond or two; later calls cost nothing.
    pub fn builtin() -> &'static Self {
        BUILTIN.get_or_init(|| table::read(TABLE))
    }

    /// What [`lookup`](Self::lookup) finds in the built-in catalogue, without
    /// reading the rest of it: most programs start to ask for one model.
    pub(crate) fn builtin_entry(provider: &str, model: &str) -> Option<CatalogueEntry> {
        match BUILTIN.get() {
            Some(catalogue) => catalogue.lookup(provider, model).cloned(),
            None => table::find(TABLE, provider, model),
        }
    }

    /// Reads a catalogue file in JSON: `{"as_of": "…", "models": [{"provider", "id", …}]}`.
    ///
    /// Of each model `provider` and `id` are needed, all else is optional:
    /// `aliases`, `context_window`, `max_output_tokens`, `input_modalities` and
    /// `output_modalities` (complete lists of `text image audio video pdf`),
    /// `features` and `lacks` (names of capabilities), `price` (`input`,
    /// `output`, `cached_input`, `cache_write`, `currency`, `max_input`,
    /// `as_of`), `released`, `retires_on`, `deprecated`, `successor`, and for people `source`
    /// and `notes`.
    ///
    /// # Errors
    /// Where the text isn't such a document, with line and column.
    pub fn from_json(text: &str) -> Result<Self, Problems> {
        file::from_json(text)
    }

    /// Reads a catalogue file in TOML: the same keys, with `[[models]]` for each model.
    ///
    /// # Errors
    /// Where the text isn't such a document, with line and column.
    pub fn from_toml(text: &str) -> Result<Self, Problems> {
        file::from_toml(text)
    }

    /// Builds a catalogue from entries; of two with the same provider and id the later stays.
    pub fn from_entries(as_of: impl Into<Cow<'static, str>>, entries: Vec<CatalogueEntry>) -> Self {
        let mut catalogue = Self {
            as_of: as_of.into(),
            entries,
            names: Vec::new(),
        };
        catalogue.index();
        catalogue
    }

    /// Lays another catalogue over this one: its entries replace those of the
    /// same provider and id, and the others are added.
    #[must_use]
    pub fn overlaid(mut self, other: Catalogue) -> Self {
        self.entries.extend(other.entries);
        self.index();
        self
    }

    fn index(&mut self) {
        // Stable, so the later of two equals stands last and is the one kept.
        self.entries
            .sort_by(|a, b| (&a.provider, &a.id).cmp(&(&b.provider, &b.id)));
        self.entries.dedup_by(|later, earlier| {
            let same = later.provider == earlier.provider && later.id == earlier.id;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        self.names.clear();
        self.names.reserve(self.entries.len() * 5 / 4);
        for (at, entry) in (0u32..).zip(&self.entries) {
            self.names.push((entry.id.clone(), at));
            self.names
                .extend(entry.aliases.iter().map(|alias| (alias.clone(), at)));
        }
        self.names.sort_unstable();
    }

    /// The entry of a provider's model, by id or alias. An id wins over another
    /// model's alias.
    pub fn lookup(&self, provider: &str, model: &str) -> Option<&CatalogueEntry> {
        let mut found = None;
        for entry in self.find(model).filter(|entry| entry.provider == provider) {
            if entry.id == model {
                return Some(entry);
            }
            found = found.or(Some(entry));
        }
        found
    }

    /// Every entry that has this id or alias, at whatever provider, in order of provider.
    pub fn find(&self, name: &str) -> impl Iterator<Item = &CatalogueEntry> {
        let start = self
            .names
            .partition_point(|(known, _)| known.as_ref() < name);
        self.names
            .iter()
            .skip(start)
            .take_while(move |(known, _)| known == name)
            .filter_map(|(_, at)| self.entries.get(*at as usize))
    }

    /// The ids of a provider's models, in order.
    pub fn models_of(&self, provider: &str) -> impl Iterator<Item = &str> {
        self.entries_of(provider).map(|entry| &*entry.id)
    }

    fn entries_of(&self, provider: &str) -> impl Iterator<Item = &CatalogueEntry> {
        let start = self
            .entries
            .partition_point(|entry| &*entry.provider < provider);
        let entries = self.entries.iter().skip(start);
        entries.take_while(move |entry| entry.provider == provider)
    }

    /// All entries, in order of provider and id.
    pub fn entries(&self) -> &[CatalogueEntry] {
        &self.entries
    }

    /// The day on which the facts were read, `YYYY-MM-DD`; empty when unknown.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// The catalogue as the table that `data/models.tsv` holds, to regenerate it.
    pub fn to_table(&self) -> String {
        table::write(self)
    }
}
