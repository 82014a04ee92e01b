//! A paragraph that is still written: which of its rows are final before it ends.
//!
//! Its first rows are, once nothing in it is open that later text could close: marks of
//! emphasis and code, brackets, and whatever else reaches back. Where that isn't sure,
//! the rows wait for the paragraph's end.

use super::Looks;
use super::layout::{NARROWEST, OPTIONS, Page};
use super::math;
use super::rows::{Span, wrap, write};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use std::ops::Range;

/// A paragraph of so many bytes is no heading, whatever line follows it.
pub(super) const LONG: usize = 240;

/// What share of its length a paragraph grows by at least before it is read again, so
/// that the reading of a very long one doesn't grow with the square of its length.
pub(super) const SHARE: usize = 32;

/// The last rows, which more text may change.
const OPEN_ROWS: usize = 2;

/// The rows of a growing paragraph that are final, and where in its source the rest begins,
/// which is a paragraph as well.
pub(super) fn settled(source: &str, width: usize, looks: Looks) -> Option<(Vec<String>, usize)> {
    // A formula reaches back, too.
    if math::may_be_in(source) {
        return None;
    }
    let read = Read::new(source, looks)?;
    if !is_closed(&read.words) || read.spans.iter().any(|span| span.text.contains('\n')) {
        return None;
    }
    let rows = wrap(&read.spans, width.max(NARROWEST));
    let count = rows.len().saturating_sub(OPEN_ROWS);
    let (mut letters, mut last) = (0, None);
    for (at, row) in rows.iter().take(count).enumerate() {
        letters += row.iter().map(|span| letters_of(&span.text)).sum::<usize>();
        last = read
            .place(source, letters)
            .map(|place| (at + 1, place))
            .or(last);
    }
    let (count, place) = last?;
    let written = rows.iter().take(count).map(|row| {
        let mut written = String::new();
        write(row, looks, &mut written);
        written
    });
    Some((written.collect(), place))
}

/// How many letters a text has; blanks are none, since a row's end takes them.
fn letters_of(text: &str) -> usize {
    text.chars().filter(|letter| *letter != ' ').count()
}

/// A paragraph as it is read.
struct Read {
    /// Its words with their looks.
    spans: Vec<Span>,
    /// The same plain, with a point for each mark that was understood.
    words: String,
    /// Its stretches that stand in the source as they are, within no mark: how many letters
    /// are before, and where.
    plain: Vec<(usize, Range<usize>)>,
}

impl Read {
    /// `None` where there is anything else, definitions of links before it as well.
    fn new(source: &str, looks: Looks) -> Option<Self> {
        let mut events = Parser::new_ext(source, OPTIONS).into_offset_iter();
        let (first, range) = events.next()?;
        let is_first = source.get(..range.start)?.trim().is_empty();
        if !is_first || !matches!(first, Event::Start(Tag::Paragraph)) {
            return None;
        }
        let (mut page, mut words) = (Page::new(usize::MAX, looks), String::new());
        let (mut plain, mut letters, mut within) = (Vec::new(), 0, 0_usize);
        let mut is_over = false;
        for (event, range) in events {
            match &event {
                _ if is_over => return None,
                Event::End(TagEnd::Paragraph) => is_over = true,
                Event::Text(text) => {
                    words.push_str(text);
                    if within == 0 && source.get(range.clone()) == Some(&**text) {
                        plain.push((letters, range));
                    }
                }
                Event::SoftBreak => words.push(' '),
                Event::Start(_) => {
                    words.push('.');
                    within += 1;
                }
                Event::End(_) => {
                    words.push('.');
                    within = within.saturating_sub(1);
                }
                _ => words.push('.'),
            }
            if !is_over {
                let before = page.spans.len();
                page.take(event);
                let new = page.spans.iter().skip(before);
                letters += new.map(|span| letters_of(&span.text)).sum::<usize>();
            }
        }
        Some(Self {
            spans: page.spans,
            words,
            plain,
        })
    }

    /// Where in the source so many letters are over, if what follows them there begins a
    /// paragraph just as it goes on with this one.
    fn place(&self, source: &str, letters: usize) -> Option<usize> {
        let at = self.plain.partition_point(|(before, _)| *before <= letters);
        let (before, range) = self.plain.get(at.checked_sub(1)?)?;
        let text = source.get(range.clone())?;
        let mut all = text.char_indices().filter(|(_, letter)| *letter != ' ');
        let (within, letter) = all.nth(letters - before)?;
        letter.is_alphabetic().then_some(range.start + within)
    }
}

/// Whether no mark in the words could still become one with a later one. What stood
/// for marks that were understood is a point in them.
fn is_closed(words: &str) -> bool {
    let letters: Vec<char> = words.chars().collect();
    let mut brackets = 0_usize;
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let stands_alone = before.is_none_or(|it| it.is_whitespace())
            && after.is_some_and(|it| it.is_whitespace());
        let is_within = before.is_some_and(|it| it.is_alphanumeric())
            && after.is_some_and(|it| it.is_alphanumeric());
        let is_open = match letter {
            '*' | '~' => !stands_alone,
            '_' => !stands_alone && !is_within,
            '`' | '<' | '\\' | '|' => true,
            '&' => !letters.iter().skip(at).any(|it| it.is_whitespace()),
            '[' => {
                brackets += 1;
                false
            }
            ']' => {
                let was_open = brackets > 0;
                brackets = brackets.saturating_sub(1);
                was_open && after.is_none_or(|it| matches!(it, '(' | '[' | ':'))
            }
            _ => false,
        };
        if is_open {
            return false;
        }
    }
    brackets == 0
}
