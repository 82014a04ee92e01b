//! What the checks told, as tables of the page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// What the upstreams do otherwise: client, upstream, check, and why. Empty words fit all.
const DEPARTURES: &[(&str, &str, &str, &str)] = &[
    (
        "openai, responses",
        "OpenAI responses",
        "streaming",
        "aimock numbers no events, and they pass through as they come",
    ),
    (
        "openai, responses",
        "OpenAI responses",
        "usage",
        "aimock numbers no events, and they pass through as they come",
    ),
    (
        "",
        "Ollama",
        "thinking",
        "aimock says no thoughts in Ollama's dialect",
    ),
    (
        "LangChain, Anthropic",
        "Anthropic",
        "usage",
        "aimock doesn't repeat input tokens at the end of Anthropic's stream, where this client reads them",
    ),
    (
        "aichat, Gemini",
        "Gemini",
        "tool",
        "aimock takes no result in a message of the role `function`, as Gemini does",
    ),
    (
        "aichat, Gemini",
        "Gemini",
        "parallel tools",
        "aimock takes no result in a message of the role `function`, as Gemini does",
    ),
    (
        "aichat, Gemini",
        "Gemini",
        "streamed tools",
        "aimock takes no result in a message of the role `function`, as Gemini does",
    ),
    (
        "Codex CLI, its own model",
        "OpenAI responses",
        "tool",
        "aimock knows no tools that take a text",
    ),
    (
        "Codex CLI, its own model",
        "OpenAI responses",
        "parallel tools",
        "aimock knows no tools that take a text",
    ),
    (
        "Codex CLI, its own model",
        "OpenAI responses",
        "streamed tools",
        "aimock knows no tools that take a text",
    ),
    (
        "openai, responses",
        "LiteLLM, OpenAI responses",
        "streaming",
        "LiteLLM numbers no events, and they pass through as they come",
    ),
    (
        "openai, responses",
        "LiteLLM, OpenAI responses",
        "usage",
        "LiteLLM numbers no events, and they pass through as they come",
    ),
    (
        "openai, chat",
        "LiteLLM, OpenAI chat",
        "streaming",
        "LiteLLM's chunk that tells the usage has a choice in it, and passes through as it comes",
    ),
    (
        "openai, chat",
        "LiteLLM, OpenAI chat",
        "usage",
        "LiteLLM's chunk that tells the usage has a choice in it, and passes through as it comes",
    ),
    (
        "AI SDK, Anthropic",
        "Ollama",
        "structured output",
        "this client has a tool called for it, and Ollama can't be told which one to call",
    ),
];

/// One check, as a script tells of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    pub(super) client: String,
    pub(super) upstream: String,
    pub(super) check: String,
    pub(super) problem: Option<String>,
    /// Why it wasn't done.
    pub(super) left_out: Option<String>,
}

impl Told {
    /// Why a problem is the upstream's, where it is known.
    pub(super) fn departure(&self) -> Option<&'static str> {
        let fits = |(client, upstream, check, _): &&(&str, &str, &str, &str)| {
            self.client.contains(client)
                && self.upstream == upstream_or(upstream, &self.upstream)
                && self.check == *check
        };
        DEPARTURES.iter().find(fits).map(|it| it.3)
    }

    fn is_good(&self) -> bool {
        self.problem.is_none() && self.left_out.is_none()
    }
}

fn upstream_or<'a>(wanted: &'a str, told: &'a str) -> &'a str {
    match wanted {
        "" => told,
        wanted => wanted,
    }
}

/// What stands in a cell.
#[derive(Default)]
struct Cell {
    good: usize,
    /// Done, whatever came of it.
    done: usize,
    unknown: usize,
    notes: Vec<usize>,
}

/// A line for each of what `row` names, a column for each check: how often it went well. Below stand
/// the reasons why not always.
pub(super) fn table(told: &[Told], row: fn(&Told) -> &str) -> String {
    let (mut rows, mut checks, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    let mut cells: BTreeMap<(&str, &str), Cell> = BTreeMap::new();
    for it in told {
        place(&mut rows, row(it));
        place(&mut checks, it.check.as_str());
        let cell = cells.entry((row(it), &it.check)).or_default();
        cell.done += usize::from(it.left_out.is_none());
        cell.good += usize::from(it.is_good());
        let why = match &it.problem {
            Some(_) => it.departure(),
            None => it.left_out.as_deref(),
        };
        cell.unknown += usize::from(it.problem.is_some() && why.is_none());
        if let Some(why) = why {
            let note = place(&mut notes, why);
            place(&mut cell.notes, note);
        }
    }
    let mut table = format!("| | {} |\n|---|", checks.join(" | "));
    table += &":---:|".repeat(checks.len());
    for row in rows {
        let _ = write!(table, "\n| {row} |");
        for check in &checks {
            let cell = cells.get(&(row, *check));
            let _ = write!(table, " {} |", cell.map_or("–".to_owned(), Cell::shown));
        }
    }
    let good = told.iter().filter(|it| it.is_good()).count();
    let done = told.iter().filter(|it| it.left_out.is_none()).count();
    let _ = write!(table, "\n\n{good} of {done} checks.");
    for (at, note) in notes.iter().enumerate() {
        let mark = match at {
            0 => "\n\n",
            _ => "\n",
        };
        let _ = write!(table, "{mark}{}. {note}", at + 1);
    }
    table + "\n"
}

impl Cell {
    fn shown(&self) -> String {
        let Self { good, done, .. } = self;
        let shown = match (done, good == done) {
            (0, _) => "–".to_owned(),
            (_, true) => "✓".to_owned(),
            _ if self.unknown > 0 => format!("**{good}/{done}**"),
            _ => format!("{good}/{done}"),
        };
        let notes: Vec<String> = self.notes.iter().map(|it| (it + 1).to_string()).collect();
        match notes.is_empty() {
            true => shown,
            false => format!("{shown}<sup>{}</sup>", notes.join(",")),
        }
    }
}

/// Where an item is in a list, being put at its end if it isn't.
fn place<T: PartialEq>(list: &mut Vec<T>, item: T) -> usize {
    list.iter().position(|it| *it == item).unwrap_or_else(|| {
        list.push(item);
        list.len() - 1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(upstream: &str, problem: Option<&str>) -> Told {
        Told {
            client: "openai, responses (Python)".to_owned(),
            upstream: upstream.to_owned(),
            check: "streaming".to_owned(),
            problem: problem.map(str::to_owned),
            left_out: None,
        }
    }

    fn by_client(all: &[Told]) -> String {
        table(all, |it| &it.client)
    }

    #[test]
    fn a_cell_tells_whose_the_problems_are() {
        let all = [
            told("OpenAI responses", Some("no numbers")),
            told("Gemini", None),
        ];
        let shown = by_client(&all);
        assert!(
            shown.contains("| openai, responses (Python) | 1/2<sup>1</sup> |"),
            "{shown}"
        );
        assert!(shown.contains("\n1. aimock numbers no events"), "{shown}");
        let all = [told("Anthropic", Some("no text")), told("Gemini", None)];
        let shown = by_client(&all);
        assert!(shown.contains("| **1/2** |"), "{shown}");
        assert!(shown.contains("\n1 of 2 checks.\n"), "{shown}");
    }

    #[test]
    fn what_is_left_out_is_no_success_and_says_why() {
        let left_out = Told {
            left_out: Some("it can't".to_owned()),
            ..told("Ollama", None)
        };
        let shown = by_client(&[left_out, told("Gemini", None)]);
        assert!(shown.contains("| ✓<sup>1</sup> |"), "{shown}");
        assert!(
            shown.ends_with("\n1 of 1 checks.\n\n1. it can't\n"),
            "{shown}"
        );
    }
}
