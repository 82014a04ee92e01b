//! Reasoning and solution in a text that comes piece by piece.

use super::sections::{REASONING, SOLUTION};

/// Splits a streamed text by the tags around reasoning and solution.
///
/// An opening tag counts at the beginning of a line, since a text may speak of
/// tags; the first closing tag ends what it opened. White space beside a tag is
/// dropped. What stands before all tags is text, and so is what follows the
/// reasoning; what follows the solution is no part of it, and counts as
/// reasoning. What may yet become a tag is held back, and so is white space
/// that may stand before one.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    state: State,
    /// The beginning of what may be a tag.
    held: String,
    /// White space that is dropped if a tag follows.
    blank: String,
    /// Whether nothing but blanks has come of the line, without what is held back.
    fresh: bool,
    /// Counts the sections: two of a kind may follow each other.
    section: u32,
}

#[derive(Debug, Clone, Copy, Default)]
enum State {
    /// Nothing has come.
    #[default]
    Start,
    /// Reasoning was closed, and nothing has come after it.
    Between,
    /// Text outside of tags.
    Bare,
    /// Nothing but white space has come of what a tag opened.
    Begins(Kind, Option<&'static str>),
    /// Inside of a tag of this name, or after the solution.
    Inside(Kind, Option<&'static str>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Reasoning,
    Solution,
}

/// A piece of a split text; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) kind: Kind,
    /// Which section it is of.
    pub(super) section: u32,
    pub(super) text: &'a str,
}

/// What stands at a `<`.
enum Found<T> {
    /// A tag of so many bytes.
    Tag(T, usize),
    /// What may become one.
    Begun,
    Nothing,
}

impl Splitter {
    /// Takes more of the text and gives what is certain, in order.
    pub(super) fn push(&mut self, text: &str, mut each: impl FnMut(Piece<'_>)) {
        let rest = match self.held.is_empty() {
            true => self.step(text, &mut each).to_owned(),
            false => {
                let joined = std::mem::take(&mut self.held) + text;
                self.step(&joined, &mut each).to_owned()
            }
        };
        self.held = rest;
    }

    /// Whether a tag of reasoning is open.
    pub(super) fn is_reasoning(&self) -> bool {
        let (State::Begins(kind, name) | State::Inside(kind, name)) = self.state else {
            return false;
        };
        kind == Kind::Reasoning && name.is_some()
    }

    /// Gives what was held back: the text, or a part of it, ended.
    pub(super) fn flush(&mut self, mut each: impl FnMut(Piece<'_>)) {
        let text = std::mem::take(&mut self.blank) + &std::mem::take(&mut self.held);
        if text.is_empty() {
            return;
        }
        let kind = match self.state {
            State::Start | State::Between | State::Bare => Kind::Solution,
            State::Begins(kind, _) | State::Inside(kind, _) => kind,
        };
        self.state = match self.state {
            // What was held back has more than white space in it.
            State::Start | State::Between if !text.trim_ascii().is_empty() => State::Bare,
            State::Begins(kind, name) => State::Inside(kind, name),
            state => state,
        };
        self.fresh = is_fresh(self.fresh, &text);
        self.give(kind, &text, &mut each);
    }

    /// Gives what is certain in `text` and returns what may be a tag.
    fn step<'a>(&mut self, mut text: &'a str, each: &mut impl FnMut(Piece<'_>)) -> &'a str {
        while !text.is_empty() {
            let rest = match self.state {
                State::Start | State::Between => self.begin(text),
                State::Bare => self.bare(text, each),
                State::Begins(kind, name) => {
                    let rest = text.trim_ascii_start();
                    if !rest.is_empty() {
                        self.state = State::Inside(kind, name);
                    }
                    Ok(rest)
                }
                State::Inside(kind, name) => self.inside(kind, name, text, each),
            };
            match rest {
                Ok(rest) => text = rest,
                Err(held) => return held,
            }
        }
        text
    }

    /// Nothing but white space was before: what is left, or what is held back.
    fn begin<'a>(&mut self, text: &'a str) -> Result<&'a str, &'a str> {
        let rest = text.trim_ascii_start();
        if matches!(self.state, State::Start) {
            self.blank.push_str(&text[..text.len() - rest.len()]);
        }
        match opening(rest, &[REASONING, SOLUTION]) {
            _ if rest.is_empty() => Ok(rest),
            Found::Tag((kind, name), length) => {
                self.opens(kind, Some(name));
                Ok(&rest[length..])
            }
            Found::Begun => Err(rest),
            Found::Nothing => {
                self.state = State::Bare;
                self.section += 1;
                self.fresh = false;
                Ok(rest)
            }
        }
    }

    fn bare<'a>(
        &mut self,
        text: &'a str,
        each: &mut impl FnMut(Piece<'_>),
    ) -> Result<&'a str, &'a str> {
        let mut from = 0;
        for (at, _) in text.match_indices('<') {
            self.fresh = is_fresh(self.fresh, &text[from..at]);
            from = at;
            if !self.fresh {
                continue;
            }
            match opening(&text[at..], &[REASONING, SOLUTION]) {
                Found::Nothing => {}
                Found::Begun => {
                    self.give(Kind::Solution, &text[..at], each);
                    return Err(&text[at..]);
                }
                Found::Tag((kind, name), length) => {
                    self.give(Kind::Solution, &text[..at], each);
                    self.opens(kind, Some(name));
                    return Ok(&text[at + length..]);
                }
            }
        }
        self.fresh = is_fresh(self.fresh, &text[from..]);
        self.give(Kind::Solution, text, each);
        Ok("")
    }

    fn inside<'a>(
        &mut self,
        kind: Kind,
        name: Option<&'static str>,
        text: &'a str,
        each: &mut impl FnMut(Piece<'_>),
    ) -> Result<&'a str, &'a str> {
        let mut from = 0;
        for (at, _) in text.match_indices('<') {
            self.fresh = is_fresh(self.fresh, &text[from..at]);
            from = at;
            let found = match (closing(&text[at..], name), kind) {
                (Found::Tag((), length), Kind::Reasoning) => Found::Tag(None, length),
                // What follows the solution is no part of it.
                (Found::Tag((), length), Kind::Solution) => {
                    Found::Tag(Some((Kind::Reasoning, None)), length)
                }
                (Found::Begun, _) => Found::Begun,
                // Reasoning that was never closed ends where the solution begins.
                (Found::Nothing, Kind::Reasoning) if self.fresh && name.is_some() => {
                    match opening(&text[at..], &[SOLUTION]) {
                        Found::Tag((kind, name), length) => {
                            Found::Tag(Some((kind, Some(name))), length)
                        }
                        Found::Begun => Found::Begun,
                        Found::Nothing => Found::Nothing,
                    }
                }
                (Found::Nothing, _) => Found::Nothing,
            };
            match found {
                Found::Nothing => {}
                Found::Begun => {
                    self.give_but_blanks(kind, &text[..at], each);
                    return Err(&text[at..]);
                }
                Found::Tag(next, length) => {
                    self.give_but_blanks(kind, &text[..at], each);
                    self.blank.clear();
                    match next {
                        Some((kind, name)) => self.opens(kind, name),
                        None => self.state = State::Between,
                    }
                    return Ok(&text[at + length..]);
                }
            }
        }
        self.fresh = is_fresh(self.fresh, &text[from..]);
        self.give_but_blanks(kind, text, each);
        Ok("")
    }

    fn opens(&mut self, kind: Kind, name: Option<&'static str>) {
        self.state = State::Begins(kind, name);
        self.blank.clear();
        self.section += 1;
        self.fresh = true;
    }

    /// Gives a text, but for the white space at its end, which is held back.
    fn give_but_blanks(&mut self, kind: Kind, text: &str, each: &mut impl FnMut(Piece<'_>)) {
        let certain = text.trim_ascii_end();
        if !certain.is_empty() {
            self.give(kind, certain, each);
        }
        self.blank.push_str(&text[certain.len()..]);
    }

    /// Gives a text, with the white space that was held back.
    fn give(&mut self, kind: Kind, text: &str, each: &mut impl FnMut(Piece<'_>)) {
        let section = self.section;
        let mut give = |text| {
            each(Piece {
                kind,
                section,
                text,
            })
        };
        match (self.blank.is_empty(), text.is_empty()) {
            (true, true) => {}
            (true, false) => give(text),
            (false, _) => give(&(std::mem::take(&mut self.blank) + text)),
        }
    }
}

/// Whether nothing but blanks has come of the line after this text too.
fn is_fresh(fresh: bool, text: &str) -> bool {
    let (fresh, line) = match text.rfind('\n') {
        Some(at) => (true, &text[at + 1..]),
        None => (fresh, text),
    };
    fresh && line.trim_ascii().is_empty()
}

/// The opening tag that a text begins with.
fn opening(text: &str, names: &[&[&'static str]]) -> Found<(Kind, &'static str)> {
    let mut found = Found::Nothing;
    for name in names.iter().copied().flatten() {
        match tag(text, "<", name) {
            Found::Tag((), length) => {
                let kind = match REASONING.contains(name) {
                    true => Kind::Reasoning,
                    false => Kind::Solution,
                };
                return Found::Tag((kind, *name), length);
            }
            Found::Begun => found = Found::Begun,
            Found::Nothing => {}
        }
    }
    found
}

/// The closing tag of this name that a text begins with.
fn closing(text: &str, name: Option<&str>) -> Found<()> {
    name.map_or(Found::Nothing, |name| tag(text, "</", name))
}

fn tag(text: &str, mark: &str, name: &str) -> Found<()> {
    let mut left = text.bytes();
    for wanted in mark.bytes().chain(name.bytes()).chain([b'>']) {
        match left.next() {
            None => return Found::Begun,
            Some(byte) if byte.eq_ignore_ascii_case(&wanted) => {}
            Some(_) => return Found::Nothing,
        }
    }
    Found::Tag((), text.len() - left.len())
}
