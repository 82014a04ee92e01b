//! `parlor models`: which models there are, with window, price and abilities.

use std::borrow::Cow;

use parlor::catalogue::Price;
use parlor::{Capabilities, Capability, CatalogueEntry, ErrorKind, ModelEntry, Registry, Support};
use serde::Serialize;

use super::table::table;
use crate::args::{ListForm, ModelsArgs};
use crate::failure::{Context, Failure};
use crate::setup;
use crate::terminal::{self, Terminal};

/// What a model can do, in a word each.
const ABILITIES: &[(Capability, &str)] = &[
    (Capability::ImageInput, "sees"),
    (Capability::AudioInput, "hears"),
    (Capability::VideoInput, "watches"),
    (Capability::DocumentInput, "reads"),
    (Capability::Tools, "tools"),
    (Capability::Reasoning, "thinks"),
];

/// One model of the list; the JSON form has these fields.
#[derive(Debug, Serialize)]
struct Row {
    id: String,
    provider: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    context_window: Option<u64>,
    max_output_tokens: Option<u64>,
    price: Option<ListPrice>,
    capabilities: Capabilities,
    deprecated: bool,
    /// `catalogue`, `live` or `config`.
    source: &'static str,
}

#[derive(Debug, Serialize)]
struct ListPrice {
    input: f64,
    output: f64,
    currency: String,
    as_of: String,
}

/// Lists the models.
pub(crate) fn models(args: &ModelsArgs) -> Result<(), Failure> {
    let terminal = Terminal::find(true, args.output == ListForm::Json);
    let registry = setup::registry(args.config.as_deref())?;
    let mut rows = match &args.provider {
        Some(provider) => of_provider(&registry, provider, &terminal)?,
        None => listed(&registry, args.all),
    };
    let total = rows.len();
    rows.retain(|row| has_words(row, &args.words));
    match args.output {
        ListForm::Json => {
            let text = serde_json::to_string(&rows).map_err(std::io::Error::from)?;
            terminal::say(&format!("{text}\n"))?;
        }
        ListForm::Text => {
            let cells: Vec<[String; 5]> = rows.iter().map(Row::cells).collect();
            terminal::say(&terminal::printable(&table(&cells)))?;
            tell(args, &registry, &rows, total, &terminal);
        }
    }
    Ok(())
}

/// Says what the table doesn't.
fn tell(args: &ModelsArgs, registry: &Registry, rows: &[Row], total: usize, to: &Terminal) {
    let names_all = args.all || args.provider.is_some();
    let more = registry.catalogue().entries().len().saturating_sub(total);
    if rows.is_empty() && !args.words.is_empty() {
        let near = registry.suggestions(&args.words.join(" "), 3);
        let near = match near.as_slice() {
            [] => String::new(),
            near => format!(" Did you mean {}?", near.join(", ")),
        };
        to.notice(format!("No model here has these words.{near}"));
    }
    if rows.iter().any(|row| row.price.is_some()) {
        to.notice("Prices are for a million tokens, input / output, as listed by the providers.");
    }
    if !names_all && more > 0 {
        to.notice(format!(
            "{more} more are retired or of providers without a key: parlor models --all"
        ));
    }
}

/// The models of the configuration and of the catalogue.
fn listed(registry: &Registry, all: bool) -> Vec<Row> {
    let named = registry.config().models.keys();
    let mut rows: Vec<Row> = named
        .filter_map(|name| {
            let resolved = registry.resolve(name).ok()?;
            let mut row = Row::of(name.clone(), &resolved.id(), resolved.entry.as_ref());
            row.label = resolved.label.clone();
            row.source = "config";
            Some(row)
        })
        .collect();
    for instance in registry.instances() {
        if !all && !is_in_use(registry, instance) {
            continue;
        }
        rows.extend(catalogued(registry, instance).filter(|row| all || !row.deprecated));
    }
    rows
}

/// Whether an instance is built in, configured, or has a key. What needs no key
/// and isn't configured may not be there at all.
fn is_in_use(registry: &Registry, instance: &str) -> bool {
    let is_configured = registry.config().providers.contains_key(instance);
    let needs = |instance| {
        registry
            .descriptor(instance)
            .is_ok_and(|it| it.needs_key || it.base_url.is_none())
    };
    registry.is_ready(instance) && (is_configured || needs(instance))
}

/// What the catalogue lists for an instance, and its default model.
fn catalogued<'a>(registry: &'a Registry, instance: &'a str) -> impl Iterator<Item = Row> + 'a {
    let catalogue = registry.catalogue();
    let default = registry
        .descriptor(instance)
        .ok()
        .and_then(|descriptor| descriptor.default_model)
        .filter(|model| catalogue.lookup(instance, model).is_none());
    default
        .into_iter()
        .chain(catalogue.models_of(instance))
        .map(move |model| {
            let entry = catalogue.lookup(instance, model);
            Row::of(format!("{instance}/{model}"), instance, entry)
        })
}

/// The live list of one provider, or the catalogue's where it has none.
fn of_provider(
    registry: &Registry,
    provider: &str,
    terminal: &Terminal,
) -> Result<Vec<Row>, Failure> {
    let descriptor = registry
        .descriptor(provider)
        .map_err(|error| Failure::of(error, &Context::default()))?;
    let instance = match registry.instances().any(|name| name == provider) {
        true => provider,
        false => descriptor.id,
    };
    let listed = setup::runtime()?.block_on(registry.models_of(instance));
    match listed {
        Ok(models) => {
            let row = |model: ModelEntry| live(registry, instance, descriptor.id, model);
            Ok(models.into_iter().map(row).collect())
        }
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            terminal.notice(format!(
                "{instance} has no list to ask for; this is what the catalogue knows."
            ));
            Ok(catalogued(registry, instance).collect())
        }
        Err(error) => {
            let any = registry.resolve(&format!("{instance}/any"));
            let context = any.map(|any| Context::new(&any)).unwrap_or_default();
            Err(Failure::of(error, &context))
        }
    }
}

/// A model that the provider lists, completed by the catalogue.
fn live(registry: &Registry, instance: &str, provider: &str, model: ModelEntry) -> Row {
    let entry = registry.catalogue().lookup(provider, &model.id);
    let mut row = Row::of(format!("{instance}/{}", model.id), instance, entry);
    row.label = model.label;
    row.context_window = model.context_window.or(row.context_window);
    row.max_output_tokens = model.max_output_tokens.or(row.max_output_tokens);
    row.capabilities = model.capabilities.or(row.capabilities);
    row.source = "live";
    row
}

fn has_words(row: &Row, words: &[String]) -> bool {
    let label = row.label.as_deref().unwrap_or_default();
    let text = format!("{} {label}", row.id).to_lowercase();
    words.iter().all(|word| text.contains(&word.to_lowercase()))
}

impl Row {
    fn of(id: String, provider: &str, entry: Option<&CatalogueEntry>) -> Self {
        Self {
            id,
            provider: provider.to_owned(),
            label: None,
            context_window: entry.and_then(|entry| entry.context_window),
            max_output_tokens: entry.and_then(|entry| entry.max_output_tokens),
            price: entry
                .and_then(|entry| entry.price.as_ref())
                .map(ListPrice::of),
            capabilities: entry.map_or(Capabilities::UNKNOWN, |entry| entry.capabilities),
            deprecated: entry.is_some_and(|entry| entry.deprecated),
            source: "catalogue",
        }
    }

    fn cells(&self) -> [String; 5] {
        let can = |(one, word): &(Capability, &'static str)| {
            (self.capabilities.get(*one) == Support::Yes).then_some(*word)
        };
        let abilities: Vec<&str> = ABILITIES.iter().filter_map(can).collect();
        let mut abilities = abilities.join("·");
        if self.deprecated {
            abilities.push_str(" (retired or retiring)");
        }
        [
            self.id.clone(),
            self.context_window.map_or_else(|| "?".to_owned(), tokens),
            self.price
                .as_ref()
                .map_or_else(|| "?".to_owned(), ListPrice::short),
            abilities.trim_start().to_owned(),
            self.provider.clone(),
        ]
    }
}

impl ListPrice {
    fn of(price: &Price) -> Self {
        Self {
            input: price.input,
            output: price.output,
            currency: price.currency.clone().into_owned(),
            as_of: price.as_of.clone().into_owned(),
        }
    }

    fn short(&self) -> String {
        let sign = match self.currency.as_str() {
            "USD" => Cow::Borrowed("$"),
            "CNY" => Cow::Borrowed("¥"),
            "EUR" => Cow::Borrowed("€"),
            other => Cow::Owned(format!("{other} ")),
        };
        format!("{sign}{} / {sign}{}", self.input, self.output)
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
