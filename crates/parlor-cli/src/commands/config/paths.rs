//! The paths of settings, as a shell completes them.

use serde_json::Value as Schema;
use toml_edit::{DocumentMut, Item, Key};

use super::{SCHEMA, SECRETS};
use crate::environment::env;
use crate::setup;

/// What can be set, with what it is for: what the schema knows, under the names that tables
/// have in the file, or in what is typed.
pub(crate) fn settable(typed: &str) -> Vec<(String, String)> {
    let whole: Schema = serde_json::from_str(SCHEMA).unwrap_or_default();
    let document = document();
    let names = Names {
        whole: &whole,
        typed: Key::parse(typed).unwrap_or_default(),
    };
    let mut found = Vec::new();
    let item = document.as_ref().map(DocumentMut::as_item);
    names.below(&whole, item, &[], &mut found);
    let is_key = |(path, _): &(String, String)| {
        let last = path.rsplit('.').next();
        last.is_some_and(|last| SECRETS.contains(&last))
    };
    found.retain(|setting| !is_key(setting));
    found
}

/// What is set, tables before what is in them.
pub(crate) fn set() -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Some(document) = document() {
        under(document.as_item(), &[], &mut found);
    }
    found
}

/// The names of profiles.
pub(crate) fn profiles() -> Vec<(String, String)> {
    let document = document();
    let profiles = document.as_ref().and_then(|it| it.get("profiles"));
    let profiles = profiles.and_then(Item::as_table_like).into_iter();
    let profiles = profiles.flat_map(|table| table.iter());
    let about = |item: &Item| item.get("default_model")?.as_str().map(str::to_owned);
    profiles
        .map(|(name, item)| (name.to_owned(), about(item).unwrap_or_default()))
        .collect()
}

fn document() -> Option<DocumentMut> {
    let (_, text) = setup::configuration_text(None, &env())?;
    text.parse().ok()
}

fn under(item: &Item, path: &[Key], found: &mut Vec<(String, String)>) {
    let table = item.as_table_like().into_iter();
    for (name, item) in table.flat_map(|table| table.iter()) {
        let path = [path, &[Key::new(name)]].concat();
        found.push((written(&path), String::new()));
        under(item, &path, found);
    }
}

/// What the schema of a configuration names.
struct Names<'a> {
    whole: &'a Schema,
    /// The path that is begun, key by key.
    typed: Vec<Key>,
}

impl Names<'_> {
    /// The settings below a place, where this stands in the file.
    fn below(
        &self,
        schema: &Schema,
        item: Option<&Item>,
        path: &[Key],
        found: &mut Vec<(String, String)>,
    ) {
        let about = schema["description"].as_str();
        let place = schema["$ref"].as_str();
        let place = place.and_then(|place| self.whole.pointer(place.trim_start_matches('#')));
        let schema = place.unwrap_or(schema);
        for other in schema["anyOf"].as_array().into_iter().flatten() {
            if other["$ref"].is_string() {
                self.below(other, item, path, found);
            }
        }
        let listed = schema["properties"].as_object();
        let named = &schema["additionalProperties"];
        let within = |name: &str| item.and_then(|item| item.get(name));
        for (name, inner) in listed.into_iter().flatten() {
            let path = [path, &[Key::new(name)]].concat();
            self.below(inner, within(name), &path, found);
        }
        if named.is_object() {
            for name in self.named(item, path) {
                let inner = [path, &[Key::new(&name)]].concat();
                self.below(named, within(&name), &inner, found);
            }
        } else if listed.is_none() && !path.is_empty() && schema["type"] != "object" {
            let about = about.or_else(|| schema["description"].as_str());
            found.push((written(path), about.unwrap_or_default().to_owned()));
        }
    }

    /// The names of a table's own: in the file, and in what is typed, once it is whole there.
    fn named(&self, item: Option<&Item>, path: &[Key]) -> Vec<String> {
        let table = item.and_then(Item::as_table_like).into_iter();
        let table = table.flat_map(|table| table.iter());
        let mut names: Vec<String> = table.map(|(name, _)| name.to_owned()).collect();
        let is_here = |(one, other): (&Key, &Key)| one.get() == other.get();
        let begins = self.typed.iter().zip(path).all(is_here);
        if let Some([name, _, ..]) = self.typed.get(path.len()..).filter(|_| begins)
            && !names.iter().any(|known| known == name.get())
        {
            names.push(name.get().to_owned());
        }
        names
    }
}

fn written(path: &[Key]) -> String {
    let keys: Vec<_> = path.iter().map(Key::display_repr).collect();
    keys.join(".")
}
