//! Where a line or a sentence ends, found a character at a time.
//!
//! What is found doesn't depend on how the text was cut on its way, since no
//! more than a character is ever looked at.

use std::collections::VecDeque;

/// The longest piece where nothing else is said, in bytes.
const LIMIT: usize = 16 * 1024;

/// Words whose full stop ends nothing, most of the time.
const ABBREVIATIONS: &[&str] = &[
    "approx", "bzw", "ca", "cf", "dr", "eq", "fig", "gen", "hr", "inkl", "mr", "mrs", "ms", "mt",
    "mme", "nr", "prof", "rev", "sec", "sen", "sr", "st", "usw", "vgl", "vol", "vs",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cut {
    Lines,
    Sentences,
}

/// What the last character makes of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// Nothing special.
    Word,
    /// The sentence ends here, if white space follows.
    Mark,
    /// The sentence ends here, but for closing marks.
    WideMark,
}

#[derive(Debug)]
pub(super) struct Cutter {
    cut: Cut,
    limit: usize,
    piece: String,
    after: After,
}

impl Cutter {
    pub(super) fn new(cut: Cut) -> Self {
        Self {
            cut,
            limit: LIMIT,
            piece: String::new(),
            after: After::Word,
        }
    }

    /// No piece is shorter than a character.
    pub(super) fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes.max(4);
    }

    pub(super) fn push(&mut self, text: &str, ready: &mut VecDeque<String>) {
        for character in text.chars() {
            match self.cut {
                Cut::Lines => self.line(character, ready),
                Cut::Sentences => self.sentence(character, ready),
            }
        }
    }

    /// Gives what has come as a piece.
    pub(super) fn flush(&mut self, ready: &mut VecDeque<String>) {
        if !self.piece.is_empty() {
            self.end(ready);
        }
    }

    fn line(&mut self, character: char, ready: &mut VecDeque<String>) {
        if character == '\n' {
            if self.piece.ends_with('\r') {
                self.piece.pop();
            }
            self.end(ready);
        } else {
            self.make_room(character, ready);
            self.piece.push(character);
        }
    }

    fn sentence(&mut self, character: char, ready: &mut VecDeque<String>) {
        let closes = match self.after {
            After::Word => false,
            After::Mark => closes(character) || matches!(character, '*' | '_'),
            After::WideMark => closes(character),
        };
        let mark = mark(character);
        let ends = match self.after {
            After::Word => false,
            After::Mark => character.is_whitespace(),
            After::WideMark => !closes && mark == After::Word,
        };
        if ends || character == '\n' {
            self.end(ready);
        }
        if character.is_whitespace() && self.piece.is_empty() {
            return;
        }
        self.make_room(character, ready);
        self.after = match mark {
            After::Word if closes => self.after,
            After::Mark if character == '.' && self.is_abbreviated() => After::Word,
            // What ended already isn't undone by a mark that needs more.
            After::Mark if self.after == After::WideMark => After::WideMark,
            mark => mark,
        };
        self.piece.push(character);
    }

    /// Whether a full stop behind what has come ends no sentence.
    fn is_abbreviated(&self) -> bool {
        let word = self.piece.rsplit(char::is_whitespace).next();
        let word = word.unwrap_or_default();
        if word.len() == self.piece.len() && word.chars().all(|it| it.is_ascii_digit()) {
            // The number of a list's item, or nothing at all.
            return !word.is_empty();
        }
        let last = word.rsplit(|it: char| !it.is_alphanumeric()).next();
        let last = last.unwrap_or_default();
        let mut letters = last.chars();
        match (letters.next(), letters.next()) {
            (Some('I'), None) => false,
            (Some(letter), None) => letter.is_alphabetic() && letter.is_ascii(),
            _ => {
                let known = |known: &&&str| known.eq_ignore_ascii_case(last);
                ABBREVIATIONS.iter().any(|it| known(&it))
            }
        }
    }

    /// Gives up what the next character would make too long.
    fn make_room(&mut self, character: char, ready: &mut VecDeque<String>) {
        while self.piece.len() + character.len_utf8() > self.limit {
            let space = match self.cut {
                Cut::Lines => None,
                Cut::Sentences => self.piece.rfind(char::is_whitespace),
            };
            let rest = space.map(|at| self.piece.split_off(at));
            let after = self.after;
            self.end(ready);
            if let Some(rest) = rest {
                (self.piece, self.after) = (rest.trim_start().to_owned(), after);
            }
        }
    }

    fn end(&mut self, ready: &mut VecDeque<String>) {
        self.after = After::Word;
        let mut piece = std::mem::take(&mut self.piece);
        if self.cut == Cut::Sentences {
            piece.truncate(piece.trim_end().len());
            if piece.is_empty() {
                return;
            }
        }
        ready.push_back(piece);
    }
}

fn mark(character: char) -> After {
    match character {
        '.' | '!' | '?' | '…' | '؟' | '۔' => After::Mark,
        '。' | '！' | '？' | '｡' | '।' => After::WideMark,
        _ => After::Word,
    }
}

fn closes(character: char) -> bool {
    matches!(
        character,
        '"' | '\'' | ')' | ']' | '}' | '”' | '’' | '»' | '」' | '』' | '）' | '》' | '】' | '〉'
    )
}
