//! One model of the list, for programs and for people.

use std::borrow::Cow;

use parlor::catalogue::Price;
use parlor::{Capabilities, Capability, CatalogueEntry, Support};
use serde::Serialize;

use crate::args::Ability;

/// The abilities with their words, in the order in which they are listed.
const ABILITIES: &[(Ability, Capability, &str)] = &[
    (Ability::Sees, Capability::ImageInput, "sees"),
    (Ability::Hears, Capability::AudioInput, "hears"),
    (Ability::Watches, Capability::VideoInput, "watches"),
    (Ability::Reads, Capability::DocumentInput, "reads"),
    (Ability::Tools, Capability::Tools, "tools"),
    (Ability::Schema, Capability::JsonSchema, "schema"),
    (Ability::Thinks, Capability::Reasoning, "thinks"),
];

/// One model of the list; the JSON form has these fields.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
    pub(super) context_window: Option<u64>,
    pub(super) max_output_tokens: Option<u64>,
    pub(super) price: Option<ListPrice>,
    pub(super) capabilities: Capabilities,
    released: Option<String>,
    /// Whether it has ended, or will on a day that is known.
    deprecated: bool,
    /// Whether it has ended.
    pub(super) retired: bool,
    retires_on: Option<String>,
    /// The model that takes its place.
    successor: Option<String>,
    /// `catalogue`, `live`, `config` or `route`.
    pub(super) source: &'static str,
}

/// What a million tokens cost.
#[derive(Debug, Serialize)]
pub(super) struct ListPrice {
    input: f64,
    output: f64,
    cached_input: Option<f64>,
    currency: String,
    /// The most tokens of input for which it holds.
    max_input: Option<u64>,
    /// The day of the price; `null` where it has none.
    as_of: Option<String>,
}

impl Row {
    pub(super) fn of(
        id: String,
        instance: &str,
        entry: Option<&CatalogueEntry>,
        today: &str,
    ) -> Self {
        let text = |text: Option<&Cow<'static, str>>| text.map(|text| text.clone().into_owned());
        let successor = entry.and_then(|entry| entry.successor.as_ref());
        Self {
            id,
            provider: instance.to_owned(),
            label: None,
            context_window: entry.and_then(|entry| entry.context_window),
            max_output_tokens: entry.and_then(|entry| entry.max_output_tokens),
            price: entry
                .and_then(|entry| entry.price.as_ref())
                .map(ListPrice::of),
            capabilities: entry.map_or(Capabilities::UNKNOWN, |entry| entry.capabilities),
            released: text(entry.and_then(|entry| entry.released.as_ref())),
            deprecated: entry.is_some_and(|entry| entry.deprecated),
            retired: entry.is_some_and(|entry| entry.is_retired(today)),
            retires_on: text(entry.and_then(|entry| entry.retires_on.as_ref())),
            successor: successor.map(|model| format!("{instance}/{model}")),
            source: "catalogue",
        }
    }

    /// Whether the model is known to be able to do all of these.
    pub(super) fn can(&self, all: &[Ability]) -> bool {
        all.iter().all(|wanted| {
            let mut known = ABILITIES.iter().filter(|(one, ..)| one == wanted);
            known.any(|(_, capability, _)| self.capabilities.get(*capability) == Support::Yes)
        })
    }

    /// Whether id and label have all of these words.
    pub(super) fn has(&self, words: &[String]) -> bool {
        let label = self.label.as_deref().unwrap_or_default();
        let text = format!("{} {label}", self.id).to_lowercase();
        words.iter().all(|word| text.contains(&word.to_lowercase()))
    }

    /// The line for a person: id, context window, price and its day, abilities
    /// and end, and where the facts are from.
    pub(super) fn cells(&self) -> [String; 6] {
        let can = |(_, one, word): &(Ability, Capability, &'static str)| {
            (self.capabilities.get(*one) == Support::Yes).then_some(*word)
        };
        let abilities: Vec<&str> = ABILITIES.iter().filter_map(can).collect();
        let mut abilities = abilities.join("·");
        if let ("route", Some(models)) = (self.source, &self.label) {
            abilities.push_str(&format!("→ {models}"));
        }
        if let Some(end) = self.end() {
            abilities.push_str(&format!(" ({end})"));
        }
        let price = self.price.as_ref();
        [
            self.id.clone(),
            self.context_window.map_or_else(|| "?".to_owned(), tokens),
            price.map_or_else(|| "?".to_owned(), ListPrice::short),
            price.and_then(|it| it.as_of.clone()).unwrap_or_default(),
            self.source.to_owned(),
            abilities.trim_start().to_owned(),
        ]
    }

    /// The model's end in words, and what takes its place.
    pub(super) fn end(&self) -> Option<String> {
        let mut told = match (self.retired, self.deprecated, &self.retires_on) {
            (true, _, Some(day)) => format!("retired on {day}"),
            (true, _, None) => "retired".to_owned(),
            (false, true, Some(day)) => format!("retires on {day}"),
            _ => return None,
        };
        if let Some(successor) = &self.successor {
            told.push_str(&format!("; use {successor}"));
        }
        Some(told)
    }
}

impl ListPrice {
    fn of(price: &Price) -> Self {
        Self {
            input: price.input,
            output: price.output,
            cached_input: price.cached_input,
            currency: price.currency.clone().into_owned(),
            max_input: price.max_input,
            as_of: Some(price.as_of.clone().into_owned()).filter(|day| !day.is_empty()),
        }
    }

    fn short(&self) -> String {
        let sign = match self.currency.as_str() {
            "USD" => Cow::Borrowed("$"),
            "CNY" => Cow::Borrowed("¥"),
            "EUR" => Cow::Borrowed("€"),
            other => Cow::Owned(format!("{other} ")),
        };
        let limit = self.max_input.map(|limit| format!(" to {}", tokens(limit)));
        let limit = limit.unwrap_or_default();
        format!("{sign}{} / {sign}{}{limit}", self.input, self.output)
    }
}

/// A number of tokens in thousands or millions.
fn tokens(count: u64) -> String {
    match count {
        1_000_000.. => format!("{:.1}M", count as f64 / 1e6).replace(".0M", "M"),
        1000.. => format!("{}k", count / 1000),
        _ => count.to_string(),
    }
}
