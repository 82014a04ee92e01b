//! The compact table that the built-in catalogue is kept in; its form is in `data/README.md`.

use std::borrow::Cow;
use std::fmt::Write as _;

use parlor_core::{Capabilities, Capability, Support};

use super::{Catalogue, CatalogueEntry, Price};

/// The letter of each capability that the table tells of.
const LETTERS: [(char, Capability); 9] = [
    ('t', Capability::Tools),
    ('j', Capability::JsonSchema),
    ('r', Capability::Reasoning),
    ('i', Capability::ImageInput),
    ('a', Capability::AudioInput),
    ('v', Capability::VideoInput),
    ('d', Capability::DocumentInput),
    ('I', Capability::ImageOutput),
    ('A', Capability::AudioOutput),
];

/// Reads the table in one pass. A line that can't be read is left out.
pub(super) fn read(text: &'static str) -> Catalogue {
    let mut as_of = "";
    let mut provider = "";
    let mut entries = Vec::with_capacity(text.len() / 72);
    for line in text.lines() {
        if let Some(date) = line.strip_prefix("as_of ") {
            as_of = date;
        } else if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            provider = name;
        } else if !line.is_empty() && !line.starts_with('#') {
            entries.extend(read_line(provider, as_of, line));
        }
    }
    Catalogue::from_entries(Cow::Borrowed(as_of), entries)
}

/// The line of one model, read alone: by its id, or else by an alias.
pub(super) fn find(text: &'static str, provider: &str, model: &str) -> Option<CatalogueEntry> {
    let as_of = text.lines().find_map(|line| line.strip_prefix("as_of "))?;
    let head = format!("\n[{provider}]\n");
    let start = text.find(&head)? + 1;
    let mut lines = text.get(start..)?.lines();
    let provider = lines.next()?.strip_prefix('[')?.strip_suffix(']')?;
    let section = || {
        let lines = text.get(start..).unwrap_or_default().lines().skip(1);
        lines.take_while(|line| !line.starts_with('['))
    };
    let id = |line: &&str| line.split('\t').next() == Some(model);
    let alias = |line: &&str| {
        let aliases = line.split('\t').nth(1).unwrap_or_default();
        aliases.split_ascii_whitespace().any(|it| it == model)
    };
    let line = section().find(id).or_else(|| section().find(alias))?;
    read_line(provider, as_of, line)
}

fn read_line(
    provider: &'static str,
    as_of: &'static str,
    line: &'static str,
) -> Option<CatalogueEntry> {
    let mut columns = line.split('\t');
    let mut entry = CatalogueEntry::new(provider, columns.next().filter(|id| !id.is_empty())?);
    let mut next = || columns.next().unwrap_or_default();
    entry.aliases = next().split_ascii_whitespace().map(Cow::Borrowed).collect();
    entry.context_window = number(next())?;
    entry.max_output_tokens = number(next())?;
    entry.capabilities = read_capabilities(next());
    entry.price = match next() {
        "" => None,
        text => Some(read_price(text, as_of)?),
    };
    entry.released = text(next());
    entry.retires_on = text(next());
    entry.deprecated = next() == "deprecated";
    entry.successor = text(next());
    Some(entry)
}

/// Letters of what the model has, then `-` and letters of what it lacks.
fn read_capabilities(text: &str) -> Capabilities {
    let (has, lacks) = text.split_once('-').unwrap_or((text, ""));
    let set = |all: Capabilities, letters: &str, support| {
        letters.chars().fold(all, |all, letter| {
            match LETTERS.iter().find(|(one, _)| *one == letter) {
                Some((_, capability)) => all.with(*capability, support),
                None => all,
            }
        })
    };
    let all = set(Capabilities::UNKNOWN, has, Support::Yes);
    set(all, lacks, Support::No)
}

/// `Some(None)` for an empty cell, `None` for one that isn't a number.
fn number(text: &str) -> Option<Option<u64>> {
    match text {
        "" => Some(None),
        text => text.parse().ok().map(Some),
    }
}

fn text(cell: &'static str) -> Option<Cow<'static, str>> {
    (!cell.is_empty()).then_some(Cow::Borrowed(cell))
}

fn read_price(text: &'static str, as_of: &'static str) -> Option<Price> {
    let mut words = text.split(' ');
    let mut amounts = words.next()?.split('/');
    let mut amount = || match amounts.next() {
        None | Some("") => Some(None),
        Some(text) => text.parse::<f64>().ok().map(Some),
    };
    let mut price = Price::usd(amount()??, amount()??);
    price.cached_input = amount()?;
    price.cache_write = amount()?;
    price.as_of = Cow::Borrowed(as_of);
    for word in words {
        match word.strip_prefix("<=") {
            Some(limit) => price.max_input = Some(limit.parse().ok()?),
            None => price.currency = Cow::Borrowed(word),
        }
    }
    Some(price)
}

/// Writes the table, providers and models in order.
pub(super) fn write(catalogue: &Catalogue) -> String {
    let mut out = String::from(
        "# Model catalogue, one model a line; the columns are described in README.md beside it.\n",
    );
    // Writing to a String never fails.
    let _ = writeln!(out, "as_of {}", catalogue.as_of());
    let mut provider = "";
    for entry in catalogue.entries() {
        if entry.provider != provider {
            provider = &entry.provider;
            let _ = writeln!(out, "\n[{provider}]");
        }
        let columns = [
            entry.id.to_string(),
            entry.aliases.join(" "),
            entry
                .context_window
                .map_or(String::new(), |n| n.to_string()),
            entry
                .max_output_tokens
                .map_or(String::new(), |n| n.to_string()),
            write_capabilities(entry.capabilities),
            entry.price.as_ref().map_or(String::new(), write_price),
            entry.released.as_deref().unwrap_or_default().to_owned(),
            entry.retires_on.as_deref().unwrap_or_default().to_owned(),
            if entry.deprecated { "deprecated" } else { "" }.to_owned(),
            entry.successor.as_deref().unwrap_or_default().to_owned(),
        ];
        out.push_str(columns.join("\t").trim_end_matches('\t'));
        out.push('\n');
    }
    out
}

fn write_capabilities(all: Capabilities) -> String {
    let letters = |support| -> String {
        let those = LETTERS.iter().filter(|(_, one)| all.get(*one) == support);
        those.map(|(letter, _)| *letter).collect()
    };
    let (has, lacks) = (letters(Support::Yes), letters(Support::No));
    match lacks.is_empty() {
        true => has,
        false => format!("{has}-{lacks}"),
    }
}

fn write_price(price: &Price) -> String {
    let mut out = format!("{}/{}", price.input, price.output);
    if price.cached_input.is_some() || price.cache_write.is_some() {
        out.push('/');
        out.push_str(&price.cached_input.map_or(String::new(), |n| n.to_string()));
    }
    if let Some(write) = price.cache_write {
        let _ = write!(out, "/{write}");
    }
    if price.currency != "USD" {
        let _ = write!(out, " {}", price.currency);
    }
    if let Some(limit) = price.max_input {
        let _ = write!(out, " <={limit}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::TABLE;

    #[test]
    fn a_line_read_alone_says_what_it_says_among_all() {
        for entry in read(TABLE).entries() {
            for name in std::iter::once(&entry.id).chain(&entry.aliases) {
                assert_eq!(find(TABLE, &entry.provider, name).as_ref(), Some(entry));
            }
        }
        for (provider, model) in [("anthropic", "claude"), ("anthropic", ""), ("", "gpt-4o")] {
            assert_eq!(find(TABLE, provider, model), None);
        }
    }
}
