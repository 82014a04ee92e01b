//! Tables, fitted into the width there is.

use super::layout::OPTIONS;
use super::rows::{Span, Style, width, wrap};
use pulldown_cmark::{Alignment, Event, Parser, Tag, TagEnd};

/// Between two columns.
const GAP: &str = " │ ";

/// Whether a text is a table and nothing else.
pub(super) fn is_one(source: &str) -> bool {
    let mut events = Parser::new_ext(source, OPTIONS);
    let begins = matches!(events.next(), Some(Event::Start(Tag::Table(_))));
    begins && matches!(events.last(), Some(Event::End(TagEnd::Table)))
}

/// A table while it is read: all of it is needed to know how wide a column is.
pub(crate) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Vec<Span>>>,
    row: Vec<Vec<Span>>,
}

impl Table {
    pub(crate) fn new(alignments: Vec<Alignment>) -> Self {
        Self {
            alignments,
            rows: Vec::new(),
            row: Vec::new(),
        }
    }

    pub(crate) fn cell(&mut self, spans: Vec<Span>) {
        self.row.push(spans);
    }

    pub(crate) fn end_row(&mut self) {
        self.rows.push(std::mem::take(&mut self.row));
    }

    /// The rows of the table in so many cells: the head, a line, the rest; and how wide
    /// its columns would be with room enough. Where rows before have said that, they are
    /// out, and so is the head.
    pub(crate) fn rows(
        mut self,
        room: usize,
        before: Option<Vec<usize>>,
    ) -> (Vec<Vec<Span>>, Vec<usize>) {
        for cell in self.rows.first_mut().into_iter().flatten().flatten() {
            cell.style.bold = true;
        }
        let is_more = before.is_some();
        let columns = before.unwrap_or_else(|| self.columns());
        let widths = fitted(columns.clone(), room);
        let mut laid = Vec::new();
        let rows = self.rows.iter().enumerate();
        for (index, row) in rows.skip(usize::from(is_more)) {
            let cells = widths.iter().enumerate().map(|(column, width)| {
                let cell = row.get(column).map(Vec::as_slice).unwrap_or_default();
                wrap(cell, *width)
            });
            let cells: Vec<Vec<Vec<Span>>> = cells.collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            laid.extend((0..height).map(|line| self.line(&cells, &widths, line)));
            if index == 0 {
                let across = widths.iter().map(|width| "─".repeat(*width));
                let across: Vec<String> = across.collect();
                laid.push(vec![dim(across.join("─┼─"))]);
            }
        }
        (laid, columns)
    }

    fn line(&self, cells: &[Vec<Vec<Span>>], widths: &[usize], line: usize) -> Vec<Span> {
        let mut spans = Vec::new();
        let last = widths.len().saturating_sub(1);
        for (column, (cell, most)) in cells.iter().zip(widths).enumerate() {
            let text = cell.get(line).cloned().unwrap_or_default();
            let used: usize = text.iter().map(|span| width(&span.text)).sum();
            let free = most.saturating_sub(used);
            let before = match self.alignments.get(column) {
                Some(Alignment::Right) => free,
                Some(Alignment::Center) => free / 2,
                _ => 0,
            };
            spans.push(plain(" ".repeat(before)));
            spans.extend(text);
            if column < last {
                spans.push(plain(" ".repeat(free - before)));
                spans.push(dim(GAP.to_owned()));
            }
        }
        spans
    }

    /// The columns as wide as their texts.
    fn columns(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut widths = vec![1; columns];
        for (column, cell) in self.rows.iter().flat_map(|row| row.iter().enumerate()) {
            let cells: usize = cell.iter().map(|span| width(&span.text)).sum();
            if let Some(widest) = widths.get_mut(column) {
                *widest = (*widest).max(cells);
            }
        }
        widths
    }
}

/// The widths with the widest made narrower until all fit.
fn fitted(mut widths: Vec<usize>, room: usize) -> Vec<usize> {
    let columns = widths.len();
    let gaps = columns.saturating_sub(1) * width(GAP);
    let room = room.saturating_sub(gaps).max(columns);
    while widths.iter().sum::<usize>() > room {
        let over = widths.iter().sum::<usize>() - room;
        let widest = widths.iter().copied().max().unwrap_or(1);
        let next = widths
            .iter()
            .copied()
            .filter(|it| *it < widest)
            .max()
            .unwrap_or(1);
        let many = widths.iter().filter(|it| **it == widest).count();
        // All of the widest become alike, at most as narrow as the next one.
        let less = (over / many).clamp(1, (widest - next).max(1));
        let mut over = over;
        for width in widths.iter_mut().filter(|it| **it == widest) {
            if over > 0 {
                let less = less.min(over).min(widest.saturating_sub(1));
                *width -= less;
                over -= less;
            }
        }
    }
    widths
}

fn plain(text: String) -> Span {
    Span {
        text,
        ..Span::default()
    }
}

fn dim(text: String) -> Span {
    let style = Style {
        dim: true,
        ..Style::default()
    };
    Span {
        text,
        style,
        link: None,
    }
}
