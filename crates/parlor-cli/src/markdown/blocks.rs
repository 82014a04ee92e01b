//! Where one block of Markdown ends and the next begins, line by line.
//!
//! A block that has ended is laid out by itself, so it must end where CommonMark
//! ends it too (<https://spec.commonmark.org>). Items of a list are blocks of
//! their own, so that a long list doesn't wait for its end.

use super::growing::LONG;
use super::{math, table};

/// A part of the text whose rows are final.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Block {
    /// Anything but code between fences, as Markdown.
    Text {
        source: String,
        /// Whether an empty row stands before it.
        apart: bool,
        share: Share,
    },
    CodeBegins {
        language: String,
        apart: bool,
    },
    CodeLine(String),
    CodeEnds,
}

/// How much of a table a text is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Share {
    /// All of it, or no table.
    #[default]
    Whole,
    /// Its head and first rows; more follow.
    First,
    /// More of its rows, below the head again, which is out already.
    More,
}

/// A table's rows that are final together; it isn't known before whether a column gets
/// wider.
const ROWS: usize = 50;

/// The lines before a table's rows: its head, and the line below.
const HEAD: usize = 2;

/// Cuts lines into blocks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Splitter {
    open: Open,
    /// Whether the open text is more of a table whose first rows are out.
    more: bool,
    /// Whether the open block stands apart from the one before.
    apart: bool,
    /// Whether there was an empty line since the last block.
    blank: bool,
}

#[derive(Debug, Clone, Default)]
enum Open {
    #[default]
    Nothing,
    /// A paragraph, table, quote, or what else ends at an empty line.
    Text(Vec<String>),
    /// An item of a list, whose lines begin at this column, and how many empty
    /// lines it ends with for now.
    Item {
        lines: Vec<String>,
        column: usize,
        blanks: usize,
    },
    /// Code after a fence of this character, this long, this far in.
    Code {
        fence: char,
        length: usize,
        indent: usize,
    },
}

impl Splitter {
    /// Takes a whole line, and gives what has ended by it.
    pub(crate) fn line(&mut self, line: &str) -> Vec<Block> {
        let mut ended = Vec::new();
        match &mut self.open {
            Open::Code {
                fence,
                length,
                indent,
            } => {
                if closes(line, *fence, *length) {
                    self.open = Open::Nothing;
                    // What follows code stands apart from it, empty line or not.
                    self.blank = true;
                    ended.push(Block::CodeEnds);
                } else {
                    let code = line.trim_start_matches(' ');
                    let inside = line.len() - code.len();
                    let from = inside.min(*indent);
                    ended.push(Block::CodeLine(line.get(from..).unwrap_or(code).to_owned()));
                }
                return ended;
            }
            Open::Item {
                lines,
                column,
                blanks,
            } => {
                if line.trim().is_empty() {
                    *blanks += 1;
                    return ended;
                }
                let goes_on = indent(line) >= *column
                    || (*blanks == 0 && !begins_block(line) && item(line).is_none());
                if goes_on {
                    lines.extend(std::iter::repeat_n(String::new(), *blanks));
                    *blanks = 0;
                    lines.push(line.to_owned());
                    return ended;
                }
                self.blank = *blanks > 0;
                ended.extend(self.end());
            }
            Open::Text(lines) => {
                let is_rule_of_table =
                    matches!(lines.as_slice(), [head] if head.contains('|')) && is_table_rule(line);
                let is_underline = is_underline(line) && !is_quote(lines);
                // The first rows of a long paragraph may be out.
                let length: usize = lines.iter().map(|line| line.len() + 1).sum();
                let underlines = is_underline && length < LONG;
                let interrupts = begins_block(line) || (item(line).is_some_and(interrupts));
                let other_quote = is_quote(lines) && line.trim_start().starts_with('>');
                if line.trim().is_empty() {
                    ended.extend(self.end());
                    self.blank = true;
                    return ended;
                }
                // One that never ends may not take code along, nor underline rows that are out.
                let ends_formula = opens(line).is_some() || (is_underline && !underlines);
                if math::is_open(lines) && !ends_formula {
                    lines.push(line.to_owned());
                    return ended;
                }
                let stands_after = is_underline && !underlines;
                let goes_on = !interrupts && !stands_after;
                if is_rule_of_table || underlines || other_quote || goes_on {
                    if goes_on && !underlines && is_full(lines) {
                        let head = lines.iter().take(HEAD).cloned().collect();
                        let rows = std::mem::replace(lines, head);
                        lines.push(line.to_owned());
                        ended.push(self.rows(&rows));
                        return ended;
                    }
                    lines.push(line.to_owned());
                    if underlines && !is_rule_of_table {
                        ended.extend(self.end());
                    }
                    return ended;
                }
                ended.extend(self.end());
            }
            Open::Nothing => {
                if line.trim().is_empty() {
                    self.blank = true;
                    return ended;
                }
            }
        }
        self.begin(line, &mut ended);
        ended
    }

    /// Ends the text, and gives what was open.
    pub(crate) fn finish(&mut self) -> Vec<Block> {
        let mut ended: Vec<Block> = self.end().into_iter().collect();
        if matches!(self.open, Open::Code { .. }) {
            self.open = Open::Nothing;
            ended.push(Block::CodeEnds);
        }
        ended
    }

    /// The paragraph that is open so far, or what may be one, and whether it stands
    /// apart from what is before it.
    pub(crate) fn paragraph(&self) -> Option<(String, bool)> {
        match &self.open {
            Open::Text(lines) if !is_quote(lines) => Some((lines.join("\n"), self.apart)),
            _ => None,
        }
    }

    fn begin(&mut self, line: &str, ended: &mut Vec<Block>) {
        let apart = std::mem::take(&mut self.blank);
        if let Some((fence, length, language)) = opens(line) {
            self.open = Open::Code {
                fence,
                length,
                indent: indent(line),
            };
            let language = language.to_owned();
            ended.push(Block::CodeBegins {
                language,
                apart: true,
            });
            return;
        }
        self.apart = apart;
        let lines = vec![line.to_owned()];
        if let Some(marker) = item(line) {
            self.open = Open::Item {
                lines,
                column: marker.column,
                blanks: 0,
            };
            return;
        }
        let ends_at_once = heading(line).is_some() || is_rule(line);
        self.apart |= heading(line).is_some();
        self.open = Open::Text(lines);
        if ends_at_once {
            ended.extend(self.end());
            // What follows a heading stands apart from it only if the text says so.
        }
    }

    fn end(&mut self) -> Option<Block> {
        let lines = match &mut self.open {
            Open::Text(lines) | Open::Item { lines, .. } => std::mem::take(lines),
            Open::Nothing | Open::Code { .. } => return None,
        };
        self.open = Open::Nothing;
        Some(Block::Text {
            source: joined(&lines),
            apart: std::mem::take(&mut self.apart),
            share: match std::mem::take(&mut self.more) {
                true => Share::More,
                false => Share::Whole,
            },
        })
    }

    /// A table's rows that are enough, which more follow.
    fn rows(&mut self, lines: &[String]) -> Block {
        Block::Text {
            source: joined(lines),
            apart: std::mem::take(&mut self.apart),
            share: match std::mem::replace(&mut self.more, true) {
                true => Share::More,
                false => Share::First,
            },
        }
    }
}

fn joined(lines: &[String]) -> String {
    let mut source = lines.join("\n");
    source.push('\n');
    source
}

/// Whether lines are a table of so many rows that no more are waited for.
fn is_full(lines: &[String]) -> bool {
    let is_long = lines.len() == HEAD + ROWS;
    let has_rule = || lines.get(1).is_some_and(|line| is_table_rule(line));
    is_long && has_rule() && table::is_one(&joined(lines))
}

/// Where an item's text begins, and whether it may interrupt a paragraph.
#[derive(Debug, Clone, Copy)]
struct Marker {
    column: usize,
    is_first: bool,
    is_empty: bool,
}

fn interrupts(marker: Marker) -> bool {
    marker.is_first && !marker.is_empty
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// The marker of a list's item at the beginning of a line.
fn item(line: &str) -> Option<Marker> {
    let before = indent(line);
    let rest = &line[before..];
    if before > 3 || is_rule(line) {
        return None;
    }
    let (length, is_first) = match rest.chars().next()? {
        '-' | '*' | '+' => (1, true),
        _ => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let end = rest.as_bytes().get(digits)?;
            if !(1..=9).contains(&digits) || !matches!(end, b'.' | b')') {
                return None;
            }
            (digits + 1, &rest[..digits] == "1")
        }
    };
    let text = &rest[length..];
    let spaces = indent(text);
    if spaces == 0 && !text.is_empty() {
        return None;
    }
    let is_empty = text.trim().is_empty();
    // More than four spaces are code within the item.
    let spaces = if is_empty || spaces > 4 { 1 } else { spaces };
    Some(Marker {
        column: before + length + spaces,
        is_first,
        is_empty,
    })
}

/// Whether a line begins a block of its own even right after a paragraph; items
/// apart.
fn begins_block(line: &str) -> bool {
    opens(line).is_some()
        || heading(line).is_some()
        || is_rule(line)
        || (indent(line) <= 3 && line.trim_start().starts_with('>'))
}

fn is_quote(lines: &[String]) -> bool {
    lines
        .first()
        .is_some_and(|line| line.trim_start().starts_with('>'))
}

fn heading(line: &str) -> Option<()> {
    let text = line.trim_start_matches(' ');
    let marks = text.bytes().take_while(|byte| *byte == b'#').count();
    let after = text.as_bytes().get(marks);
    let is_heading = (1..=6).contains(&marks) && matches!(after, None | Some(b' '));
    (is_heading && indent(line) <= 3).then_some(())
}

/// A line across: three or more of one mark, and nothing else.
fn is_rule(line: &str) -> bool {
    let mut marks = line.chars().filter(|it| *it != ' ');
    let Some(first) = marks.next().filter(|it| matches!(it, '-' | '*' | '_')) else {
        return false;
    };
    let mut count = 1;
    let alike = marks.all(|it| {
        count += 1;
        it == first
    });
    alike && count >= 3 && indent(line) <= 3
}

/// What makes a heading of the paragraph before it.
fn is_underline(line: &str) -> bool {
    let marks = line.trim();
    let is_one = |mark: char| marks.chars().all(|it| it == mark);
    !marks.is_empty() && indent(line) <= 3 && (is_one('=') || is_one('-'))
}

/// The second line of a table.
pub(super) fn is_table_rule(line: &str) -> bool {
    let marks = line.trim();
    marks.contains('-') && marks.chars().all(|it| matches!(it, '-' | ':' | '|' | ' '))
}

/// The fence that code begins with, and its language.
fn opens(line: &str) -> Option<(char, usize, &str)> {
    let text = line.trim_start_matches(' ');
    let fence = text.chars().next().filter(|it| matches!(it, '`' | '~'))?;
    let length = text.chars().take_while(|it| *it == fence).count();
    let info = text[length..].trim();
    let is_fence = length >= 3 && indent(line) <= 3 && !(fence == '`' && info.contains('`'));
    let language = info.split([' ', ',', '{']).next().unwrap_or_default();
    is_fence.then_some((fence, length, language))
}

fn closes(line: &str, fence: char, length: usize) -> bool {
    let marks = line.trim();
    indent(line) <= 3 && marks.chars().count() >= length && marks.chars().all(|it| it == fence)
}
