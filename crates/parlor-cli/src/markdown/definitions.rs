//! Definitions of links, which Markdown doesn't show: `[1]: https://example.org`.
//!
//! A block is laid out before the next one is known, so most references to a definition
//! are in rows already when it comes, and can't become links. The definition is shown
//! instead, as it was written.

use pulldown_cmark::{Event, Tag};
use std::ops::Range;

/// Finds definitions by what no event covers; the parser names only the first of those
/// with one label.
pub(super) struct Definitions<'a> {
    source: &'a str,
    /// How much of the source is covered.
    seen: usize,
}

impl<'a> Definitions<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self { source, seen: 0 }
    }

    /// The lines of the definitions that stand before an event.
    pub(super) fn before(&mut self, event: &Event<'_>, range: &Range<usize>) -> Vec<&'a str> {
        let (from, to) = match event {
            // What is in them has events of its own.
            Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::Item) => {
                (range.start, range.start)
            }
            // Its name is covered by nothing.
            Event::Start(Tag::FootnoteDefinition(name)) => {
                (range.start, range.start + "[^]:".len() + name.len())
            }
            Event::End(_) => (range.end, range.end),
            _ => (range.start, range.end),
        };
        let lines = self.lines(from);
        self.seen = self.seen.max(to);
        lines
    }

    /// The lines of those after the last event.
    pub(super) fn rest(&self) -> Vec<&'a str> {
        self.lines(self.source.len())
    }

    fn lines(&self, to: usize) -> Vec<&'a str> {
        let gap = self.source.get(self.seen..to).unwrap_or_default();
        // The marks of quotes and items are covered by nothing either.
        let is_mark = |it: char| " \t>-+*.)".contains(it) || it.is_ascii_digit();
        let unmarked = gap.trim_start_matches(|it| it == '\n' || is_mark(it));
        if !unmarked.starts_with('[') {
            return Vec::new();
        }
        let within = unmarked.lines().map(|line| {
            let line = line.trim_start_matches([' ', '\t', '>']);
            line.trim_end()
        });
        within.filter(|line| !line.is_empty()).collect()
    }
}
