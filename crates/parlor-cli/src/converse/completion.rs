//! How a line that begins with a slash may go on.

use std::cell::OnceCell;
use std::sync::Arc;

use parlor::Registry;

use super::editor::{Completer, Word};
use super::{fuzzy, slash};
use crate::commands::known_models;
use crate::{args, template};

/// The most models that a menu has.
const SUGGESTED: usize = 200;

/// Completes commands by their beginnings, and what some of them take.
pub(super) fn completer(registry: Arc<Registry>) -> Box<Completer> {
    // The catalogue is read when a model is first looked for.
    let ids = OnceCell::new();
    Box::new(move |line| completions(line, || ids.get_or_init(|| known_models(&registry))))
}

fn completions<'a>(line: &str, ids: impl FnOnce() -> &'a Vec<Word>) -> (usize, Vec<Word>) {
    let Some(rest) = line.strip_prefix('/') else {
        return (line.len(), Vec::new());
    };
    let Some((command, typed)) = rest.split_once(char::is_whitespace) else {
        let commands = slash::all().filter(|slash| slash.name.starts_with(rest));
        return (1, commands.map(word).collect());
    };
    let wanted = typed.to_lowercase();
    let words: Vec<Word> = match command {
        "model" => {
            let found = fuzzy::ranked(typed, ids(), |word| &word.text);
            found.into_iter().cloned().collect()
        }
        "tools" => begun(&wanted, slash::TOOL_WORDS),
        "think" => begun(&wanted, args::EFFORTS),
        "schema" => begun(&wanted, &[slash::OFF]),
        "set" => begun(&wanted, slash::SETTINGS),
        "template" => {
            let names = template::names();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            begun(&wanted, &names)
        }
        _ => Vec::new(),
    };
    let is_whole = words.iter().any(|word| word.text == typed);
    let words = if is_whole { Vec::new() } else { words };
    (
        line.len() - typed.len(),
        words.into_iter().take(SUGGESTED).collect(),
    )
}

fn word(slash: &slash::Slash) -> Word {
    Word {
        text: slash.name.to_owned(),
        label: format!("/{} {}", slash.name, slash.takes),
        about: slash.about.to_owned(),
        goes_on: !slash.takes.is_empty(),
    }
}

fn begun(wanted: &str, words: &[&str]) -> Vec<Word> {
    let words = words.iter().filter(|word| word.starts_with(wanted));
    words.map(|word| Word::bare(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> (usize, Vec<String>) {
        let ids = ["acme/quick-1", "acme/deep-1"].map(Word::bare).to_vec();
        let (from, words) = completions(line, || &ids);
        (from, words.into_iter().map(|word| word.text).collect())
    }

    #[test]
    fn commands_and_what_they_take_are_completed() {
        assert_eq!(of("/und"), (1, vec!["undo".to_owned()]));
        assert_eq!(of("/model deep"), (7, vec!["acme/deep-1".to_owned()]));
        assert_eq!(of("/model dp1").1, ["acme/deep-1"]);
        assert_eq!(of("/model acme/deep-1").1, [""; 0]);
        assert_eq!(of("/set t").1, ["temperature", "top_p"]);
        assert_eq!(of("/think hi").1, ["high"]);
        for none in ["", "hi", "//", "/help me", "a /und"] {
            assert_eq!(of(none).1, [""; 0], "{none}");
        }
    }
}
