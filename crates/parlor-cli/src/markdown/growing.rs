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

/// A paragraph of so many bytes is no heading, whatever line follows it.
pub(super) const LONG: usize = 240;

/// What share of its length a paragraph grows by at least before it is read again, so
/// that the reading of a very long one doesn't grow with the square of its length.
pub(super) const SHARE: usize = 32;

/// The last rows, which more text may change.
const OPEN_ROWS: usize = 2;

/// The rows of a growing paragraph that are final, after so many letters that were in
/// rows before, and how many letters they have.
pub(super) fn settled(
    source: &str,
    width: usize,
    looks: Looks,
    said: usize,
) -> Option<(Vec<String>, usize)> {
    // A formula reaches back, too.
    if math::may_be_in(source) {
        return None;
    }
    let (spans, words) = words_of(source, looks)?;
    if !is_closed(&words) || spans.iter().any(|span| span.text.contains('\n')) {
        return None;
    }
    let rows = wrap(&without(spans, said), width.max(NARROWEST));
    let count = rows
        .len()
        .checked_sub(OPEN_ROWS)
        .filter(|count| *count > 0)?;
    let mut letters = 0;
    let written = rows.iter().take(count).map(|row| {
        let text = row.iter().flat_map(|span| span.text.chars());
        letters += text.filter(|letter| *letter != ' ').count();
        let mut written = String::new();
        write(row, looks, &mut written);
        written
    });
    Some((written.collect(), letters))
}

/// The words of a paragraph with their looks, and the same plain, with a point for each
/// mark that was understood; `None` where there is anything else, definitions of links
/// before it as well.
fn words_of(source: &str, looks: Looks) -> Option<(Vec<Span>, String)> {
    let mut events = Parser::new_ext(source, OPTIONS).into_offset_iter();
    let (first, range) = events.next()?;
    let is_first = source.get(..range.start)?.trim().is_empty();
    if !is_first || !matches!(first, Event::Start(Tag::Paragraph)) {
        return None;
    }
    let (mut page, mut words) = (Page::new(usize::MAX, looks), String::new());
    let mut is_over = false;
    for (event, _) in events {
        match &event {
            _ if is_over => return None,
            Event::End(TagEnd::Paragraph) => is_over = true,
            Event::Text(text) => words.push_str(text),
            Event::SoftBreak => words.push(' '),
            _ => words.push('.'),
        }
        if !is_over {
            page.take(event);
        }
    }
    Some((page.spans, words))
}

/// The spans after so many letters, which are in rows already. Blanks are none.
pub(super) fn without(mut spans: Vec<Span>, mut said: usize) -> Vec<Span> {
    if said == 0 {
        return spans;
    }
    for span in &mut spans {
        let rest = span.text.char_indices().find(|(_, letter)| {
            let is_said = said > 0 || *letter == ' ';
            said = said.saturating_sub(usize::from(*letter != ' '));
            !is_said
        });
        let Some((at, _)) = rest else {
            span.text.clear();
            continue;
        };
        span.text.drain(..at);
        break;
    }
    spans
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
