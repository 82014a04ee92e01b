//! Large pastes, shown as `[pasted 214 lines]` and sent whole.

use std::cmp::Reverse;

/// From so many lines or characters on a paste is shown as a chip.
const LINES: usize = 12;
const CHARACTERS: usize = 1_500;

/// What was pasted: what is large by what stands for it, and what stands for itself,
/// backslashes at the ends of its lines and all.
#[derive(Debug, Default)]
pub(super) struct Chips(Vec<(String, String)>, Vec<String>);

impl Chips {
    /// What stands for a text that is pasted, where it is large.
    pub(super) fn chip(&mut self, pasted: &str) -> Option<String> {
        let lines = pasted.trim_end_matches('\n').lines().count();
        let characters = pasted.chars().count();
        let told = match (lines, characters) {
            (LINES.., _) => format!("pasted {lines} lines"),
            (_, CHARACTERS..) => format!("pasted {characters} characters"),
            _ => return None,
        };
        let named = |chip: &str| self.0.iter().any(|(known, _)| known == chip);
        let chip = (2..).map(|number| format!("[{told} #{number}]"));
        let chip = std::iter::once(format!("[{told}]")).chain(chip);
        let chip = chip.into_iter().find(|chip| !named(chip))?;
        self.0.push((chip.clone(), pasted.to_owned()));
        Some(chip)
    }

    /// This text stands for itself.
    pub(super) fn holds(&mut self, exact: &str) {
        if exact.contains("\\\n") && !self.1.iter().any(|known| known == exact) {
            self.1.push(exact.to_owned());
        }
    }

    /// What was entered: where Enter was typed after a backslash, the line goes on
    /// without it.
    pub(super) fn joined(&self, mut text: &str) -> String {
        let mut joined = String::with_capacity(text.len());
        loop {
            let places = self.1.iter().filter_map(|exact| {
                let at = text.find(exact.as_str())?;
                Some((at, Reverse(exact.len())))
            });
            let Some((at, Reverse(length))) = places.min() else {
                return joined + &text.replace("\\\n", "\n");
            };
            let (before, rest) = text.split_at(at);
            let (exact, rest) = rest.split_at(length);
            joined.push_str(&before.replace("\\\n", "\n"));
            joined.push_str(exact);
            text = rest;
        }
    }

    /// The pieces of a text, and whether each is a chip.
    pub(super) fn pieces<'a>(&self, mut text: &'a str) -> Vec<(&'a str, bool)> {
        let mut pieces = Vec::new();
        loop {
            let places = self.0.iter().filter_map(|(chip, _)| {
                let at = text.find(chip.as_str())?;
                Some((at, chip.len()))
            });
            let Some((at, length)) = places.min() else {
                pieces.push((text, false));
                return pieces;
            };
            let (before, rest) = text.split_at(at);
            let (chip, rest) = rest.split_at(length);
            pieces.extend([(before, false), (chip, true)]);
            text = rest;
        }
    }

    /// The text with what was pasted in the places of its chips.
    pub(super) fn whole(&self, text: &str) -> String {
        let pieces = self.pieces(text).into_iter().map(|(piece, is_chip)| {
            let known = self.0.iter().find(|(chip, _)| is_chip && chip == piece);
            known.map_or(piece, |(_, pasted)| pasted)
        });
        pieces.collect()
    }

    /// How many letters the chip has that a text ends with; none, where it
    /// doesn't.
    pub(super) fn length_at_end(&self, text: &str) -> usize {
        let chips = self
            .0
            .iter()
            .filter(|(chip, _)| text.ends_with(chip.as_str()));
        chips
            .map(|(chip, _)| chip.chars().count())
            .max()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_paste_is_a_chip_and_is_sent_whole() {
        let mut chips = Chips::default();
        let long = "a line\n".repeat(214);
        let wide = "é".repeat(2_000);
        assert_eq!(chips.chip("one\ntwo"), None);
        assert_eq!(chips.chip(&long).as_deref(), Some("[pasted 214 lines]"));
        let other = "b\n".repeat(214);
        assert_eq!(chips.chip(&other).as_deref(), Some("[pasted 214 lines #2]"));
        assert_eq!(
            chips.chip(&wide).as_deref(),
            Some("[pasted 2000 characters]")
        );
        let typed = "see [pasted 214 lines #2] and [pasted 214 lines]: [pasted 3 lines]";
        let whole = chips.whole(typed);
        assert_eq!(whole, format!("see {other} and {long}: [pasted 3 lines]"));
        assert_eq!(chips.length_at_end("see [pasted 214 lines]"), 18);
        assert_eq!(chips.length_at_end("see [pasted 214 lines"), 0);
    }

    #[test]
    fn a_small_paste_keeps_its_backslashes() {
        let mut chips = Chips::default();
        for pasted in ["a \\\nb", "a \\\nb \\\nc", "plain"] {
            chips.holds(pasted);
        }
        assert_eq!(
            chips.joined("typed \\\nand a \\\nb \\\nc \\\nmore"),
            "typed \nand a \\\nb \\\nc \nmore"
        );
    }
}
