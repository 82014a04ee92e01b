//! Formulas, which are shown as they were written: `\(x^*\)`, `\[…\]`, `$x_1$` and `$$…$$`.
//!
//! Markdown knows none of them: it takes their backslashes away, and what is between for marks
//! of its own. So whatever it could take for one is escaped before it is read.

use std::borrow::Cow;

use super::lines::is_table_rule;

/// The most bytes of a formula within a line, and of one that stands apart.
const INLINE: usize = 500;
const APART: usize = 4_000;

/// The marks of formulas that stand apart.
const BRACKETS: (&str, &str) = ("\\[", "\\]");
const DOLLARS: (&str, &str) = ("$$", "$$");

/// Whether a text may have a formula, or a part of one.
pub(super) fn may_be_in(source: &str) -> bool {
    source.contains('$') || source.contains("\\(") || source.contains("\\[")
}

/// Whether a formula that stands apart goes on after these lines.
pub(super) fn is_open(lines: &[String]) -> bool {
    let begins = |open: &str| {
        let mut lines = lines.iter();
        lines.rposition(|line| line.trim_start().starts_with(open))
    };
    let from = |at: usize| lines.iter().skip(at);
    let (open, close) = BRACKETS;
    let in_brackets = begins(open).is_some_and(|at| !from(at).any(|it| it.contains(close)));
    let (open, _) = DOLLARS;
    let marks: usize = lines.iter().map(|line| line.matches(open).count()).sum();
    in_brackets || (begins(open).is_some() && !marks.is_multiple_of(2))
}

/// One block with its formulas escaped.
pub(super) fn escaped(source: &str) -> Cow<'_, str> {
    // Nothing is escaped in code and HTML.
    let is_other = source.starts_with("    ") || source.trim_start().starts_with('<');
    if is_other || !may_be_in(source) {
        return Cow::Borrowed(source);
    }
    let is_row = |line: &str| line.contains('|') && is_table_rule(line);
    let is_table = source.lines().any(is_row);
    let mut out = String::with_capacity(source.len() * 2);
    let mut rest = source;
    while let Some(at) = rest.find(['`', '~', '\\', '$']) {
        let (plain, from) = rest.split_at(at);
        out.push_str(plain);
        let line = out.rsplit('\n').next().unwrap_or_default();
        let is_mark = |c: char| " >-+*.)".contains(c) || c.is_ascii_digit();
        let begins = line.chars().all(is_mark);
        let formula = formula(from, begins).filter(|it| !(is_table && it.contains('|')));
        let length = match formula {
            Some(formula) => {
                escape(formula, &mut out);
                formula.len()
            }
            None => {
                let length = other(from, begins);
                out.push_str(from.get(..length).unwrap_or(from));
                length
            }
        };
        rest = from.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The formula that a text begins with, marks and all.
fn formula(text: &str, begins_line: bool) -> Option<&str> {
    let between = |(open, close): (&str, &str), most: usize| {
        let inner = text.strip_prefix(open)?;
        let length = inner.find(close).filter(|length| *length <= most)?;
        let inner = inner.get(..length)?;
        let is_one = !inner.trim().is_empty() && !inner.contains("\n\n");
        is_one.then_some(open.len() + length + close.len())
    };
    let length = between(("\\(", "\\)"), INLINE)
        .or_else(|| begins_line.then(|| between(BRACKETS, APART)).flatten())
        .or_else(|| between(DOLLARS, APART))
        .or_else(|| by_dollars(text))?;
    text.get(..length)
}

/// The length of `$x$` on one line: nothing blank within at its marks, so that amounts of
/// money are none.
fn by_dollars(text: &str) -> Option<usize> {
    // Code goes before formulas.
    let inner = text.strip_prefix('$')?.split(['\n', '`']).next()?;
    if inner.starts_with(|c: char| c.is_whitespace() || c == '$') {
        return None;
    }
    let closes = |at: &usize| {
        let before = inner.get(..*at).and_then(|it| it.chars().next_back());
        let after = inner.get(at + 1..).and_then(|it| it.chars().next());
        before.is_some_and(|it| !it.is_whitespace() && it != '\\')
            && !after.is_some_and(|it| it.is_ascii_digit() || it == '$')
    };
    let mut marks = inner.match_indices('$').map(|(at, _)| at);
    let length = marks.find(closes).filter(|length| *length <= INLINE)?;
    Some(length + 2)
}

/// The length of what a text begins with and is no formula: code whole, else a mark.
fn other(text: &str, begins_line: bool) -> usize {
    let Some(mark) = text.chars().next() else {
        return 0;
    };
    if mark == '\\' {
        return 1 + text.chars().nth(1).map_or(0, char::len_utf8);
    }
    let run = |text: &str| text.chars().take_while(|it| *it == mark).count();
    let length = run(text);
    let rest = text.get(length..).unwrap_or_default();
    if begins_line && length >= 3 && mark != '$' {
        let mut end = length;
        for line in rest.split_inclusive('\n') {
            end += line.len();
            let marks = line.trim_matches([' ', '>', '\n']);
            if run(marks) >= length && run(marks) == marks.len() {
                break;
            }
        }
        return end;
    }
    if mark != '`' {
        return 1;
    }
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|it| it.find('`')) {
        at += found;
        let closing = run(rest.get(at..).unwrap_or_default());
        at += closing;
        if closing == length {
            return length + at;
        }
    }
    length
}

/// Adds a formula so that Markdown takes nothing of it for a mark; its lines stay lines.
fn escape(formula: &str, out: &mut String) {
    let mut begins_line = false;
    for letter in formula.chars() {
        match letter {
            '\n' => {
                out.push('\\');
                begins_line = true;
            }
            // The marks of a quote.
            ' ' | '>' if begins_line => {}
            letter => {
                begins_line = false;
                out.push_str(if letter.is_ascii_punctuation() {
                    "\\"
                } else {
                    ""
                });
            }
        }
        out.push(letter);
    }
}
