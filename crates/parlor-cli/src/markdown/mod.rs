//! Markdown as it streams in, laid out for a terminal.
//!
//! A [`Renderer`] does no I/O: text goes in, rows come out. A row that is out is
//! final; what may still change is the tail, which is laid out anew each time it
//! is shown. Rows depend on the text alone, never on how it was cut.

mod blocks;
mod clean;
mod code;
mod definitions;
mod growing;
mod layout;
mod lines;
mod math;
mod rows;
mod table;

use blocks::{Block, Share, Splitter};
use clean::Cleaner;
use code::Highlighter;
use layout::layout;

pub(crate) use code::warm_up;
pub(crate) use rows::{Colour, Span, Style, cells, cut, last_lines, lines_of, wrap, write};

/// What a terminal can show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Looks {
    /// Colours and weights.
    pub(crate) colours: bool,
    /// Links that can be clicked (OSC 8).
    pub(crate) links: bool,
}

/// Lays out one answer.
#[derive(Debug)]
pub(crate) struct Renderer {
    width: usize,
    looks: Looks,
    cleaner: Cleaner,
    /// The line that isn't whole yet.
    line: String,
    splitter: Splitter,
    /// The colours of the code that is open.
    code: Option<Highlighter>,
    /// Whether there is a row before the next one, to keep a distance from.
    has_rows: bool,
    /// How wide the columns of a table are whose first rows are out.
    columns: Vec<usize>,
    /// What came since it was last looked whether more of its rows are final.
    grown: usize,
    /// How long the open paragraph was then, without what is out.
    read: usize,
}

impl Renderer {
    /// A renderer for rows of so many cells.
    pub(crate) fn new(width: usize, looks: Looks) -> Self {
        Self {
            width: width.max(1),
            looks,
            cleaner: Cleaner::default(),
            line: String::new(),
            splitter: Splitter::default(),
            code: None,
            has_rows: false,
            columns: Vec::new(),
            grown: 0,
            read: 0,
        }
    }

    /// Changes the width of rows to come.
    pub(crate) fn resize(&mut self, width: usize) {
        self.width = width.max(1);
    }

    /// Takes more of the text, and gives the rows that are final now.
    pub(crate) fn push(&mut self, text: &str) -> Vec<String> {
        let mut rows = Vec::new();
        let text = self.cleaner.clean(text);
        for piece in text.split_inclusive('\n') {
            self.line.push_str(piece);
            self.grown += piece.len();
            if piece.ends_with('\n') {
                let line = std::mem::take(&mut self.line);
                self.take_line(line.trim_end_matches('\n'), &mut rows);
            }
        }
        if self.grown >= self.width.max(self.read / growing::SHARE) {
            self.grown = 0;
            self.settle(&mut rows);
        }
        rows
    }

    /// Gives the rows of a long paragraph that are final before it ends.
    fn settle(&mut self, rows: &mut Vec<String>) {
        let mut open = self.splitter.clone();
        let goes_on = |line: &str| line.trim_start().starts_with(char::is_alphabetic);
        // The beginning of a line may be the beginning of another block.
        let is_sure = !open.is_in_paragraph() || self.line.is_empty() || goes_on(&self.line);
        if !is_sure || (!self.line.is_empty() && !open.line(&self.line).is_empty()) {
            return;
        }
        let Some((source, apart)) = open.long_paragraph() else {
            return;
        };
        self.read = source.len();
        if let Some((laid, place)) = growing::settled(&source, self.width, self.looks) {
            self.keep_apart(apart, rows);
            rows.extend(laid);
            self.has_rows = true;
            self.read -= place;
            let in_line = self.splitter.out(place);
            self.line.drain(..in_line);
        }
    }

    /// Ends the text, and gives the rows that were still open.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        let mut rows = Vec::new();
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.take_line(&line, &mut rows);
        }
        let blocks = self.splitter.finish();
        self.lay_out(blocks, &mut rows);
        self.code = None;
        rows
    }

    /// The rows of what may still change.
    pub(crate) fn tail(&self) -> Vec<String> {
        let mut rest = Self {
            width: self.width,
            looks: self.looks,
            cleaner: Cleaner::default(),
            line: self.line.clone(),
            splitter: self.splitter.clone(),
            code: self.code.clone(),
            has_rows: self.has_rows,
            columns: self.columns.clone(),
            grown: 0,
            read: 0,
        };
        rest.finish()
    }

    fn take_line(&mut self, line: &str, rows: &mut Vec<String>) {
        let blocks = self.splitter.line(line);
        self.lay_out(blocks, rows);
    }

    fn lay_out(&mut self, blocks: Vec<Block>, rows: &mut Vec<String>) {
        for block in blocks {
            match block {
                Block::Text {
                    source,
                    apart,
                    share,
                } => {
                    self.read = 0;
                    let before = std::mem::take(&mut self.columns);
                    let before = (share == Share::More).then_some(before);
                    let (laid, columns) = layout(&source, self.width, self.looks, before);
                    self.columns = columns;
                    if !laid.is_empty() {
                        self.keep_apart(apart, rows);
                        rows.extend(laid);
                        self.has_rows = true;
                    }
                }
                Block::CodeBegins { language, apart } => {
                    self.keep_apart(apart, rows);
                    self.code = Some(Highlighter::new(&language, self.looks));
                }
                Block::CodeLine(line) => {
                    let code = self
                        .code
                        .get_or_insert_with(|| Highlighter::new("", self.looks));
                    rows.push(code.line(&line));
                    self.has_rows = true;
                }
                Block::CodeEnds => self.code = None,
            }
        }
    }

    fn keep_apart(&self, apart: bool, rows: &mut Vec<String>) {
        if apart && self.has_rows {
            rows.push(String::new());
        }
    }
}

/// The pieces of code that stand between fences, in order, in items and quotes too.
pub(crate) fn pieces_of_code(text: &str) -> Vec<String> {
    let mut splitter = Splitter::default();
    let mut blocks: Vec<Block> = text.lines().flat_map(|line| splitter.line(line)).collect();
    blocks.extend(splitter.finish());
    let mut pieces: Vec<String> = Vec::new();
    for block in blocks {
        match (block, pieces.last_mut()) {
            (Block::Text { source, .. }, _) => pieces.extend(code::within(&source)),
            (Block::CodeBegins { .. }, _) => pieces.push(String::new()),
            (Block::CodeLine(line), Some(piece)) => {
                piece.push_str(&line);
                piece.push('\n');
            }
            _ => {}
        }
    }
    pieces
}

#[cfg(test)]
mod tests;
