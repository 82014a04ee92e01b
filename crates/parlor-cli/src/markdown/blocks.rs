//! Where one block of Markdown ends and the next begins, line by line.
//!
//! A block that has ended is laid out by itself, so it must end where CommonMark
//! ends it too (<https://spec.commonmark.org>). Items of a list are blocks of
//! their own, so that a long list doesn't wait for its end.

use super::growing::LONG;
use super::lines::{
    begins_block, closes, heading, indent, interrupts, is_rule, is_table_rule, is_underline, item,
    opens,
};
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
    /// Whether the open text is the rest of a paragraph whose first rows are out.
    rest: bool,
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
                let is_underline = is_underline(line) && !is_quote(lines);
                // The first rows of a long paragraph may be out.
                let length: usize = lines.iter().map(|line| line.len() + 1).sum();
                let is_short = !self.rest && length < LONG;
                let underlines = is_underline && is_short;
                let is_rule_of_table = matches!(lines.as_slice(), [head] if head.contains('|'))
                    && is_table_rule(line)
                    && (is_short || !is_underline);
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

    /// The paragraph that is open so far, or what may be one, where it is so long that rows of
    /// it may be out before it ends; and whether it stands apart from what is before it.
    pub(crate) fn long_paragraph(&self) -> Option<(String, bool)> {
        let source = self.paragraph()?.join("\n");
        let is_long = self.rest || source.len() >= LONG;
        is_long.then_some((source, self.apart))
    }

    /// Whether a paragraph is open, or what may be one.
    pub(crate) fn is_in_paragraph(&self) -> bool {
        self.paragraph().is_some()
    }

    fn paragraph(&self) -> Option<&[String]> {
        match &self.open {
            Open::Text(lines) if !is_quote(lines) => Some(lines),
            _ => None,
        }
    }

    /// So much of the paragraph is in rows that are out: what is open is its rest. Gives how
    /// much of that was in the line that isn't here yet.
    pub(crate) fn out(&mut self, length: usize) -> usize {
        let mut left = length;
        let mut lines = match std::mem::take(&mut self.open) {
            Open::Text(lines) => lines,
            _ => Vec::new(),
        };
        lines.retain_mut(|line| {
            let whole = line.len() + 1;
            let is_out = left >= whole;
            if is_out {
                left -= whole;
            } else {
                line.drain(..std::mem::take(&mut left));
            }
            !is_out
        });
        self.open = Open::Text(lines);
        (self.rest, self.apart, self.blank) = (true, false, false);
        left
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
        self.rest = false;
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

fn is_quote(lines: &[String]) -> bool {
    lines
        .first()
        .is_some_and(|line| line.trim_start().starts_with('>'))
}
