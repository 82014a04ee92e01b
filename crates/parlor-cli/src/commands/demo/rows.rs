//! Rows of spans, one column or two.

use parlor::PartKind;

use crate::markdown::{Colour, Looks, Span, Style, cells, cut, wrap, write};

pub(super) type Row = Vec<Span>;

/// From how many columns on there are two.
const TWO: usize = 100;

/// The most columns that are used: longer lines are hard to read.
const MOST: usize = 150;

/// The cells that the names of events and parts take.
const NAME: usize = 12;

/// What stands between two columns.
const BETWEEN: &str = " │ ";

pub(super) fn plain(text: impl Into<String>) -> Span {
    styled(text, Style::default())
}

pub(super) fn dim(text: impl Into<String>) -> Span {
    let style = Style {
        dim: true,
        ..Style::default()
    };
    styled(text, style)
}

pub(super) fn bold(text: impl Into<String>) -> Span {
    let style = Style {
        bold: true,
        ..Style::default()
    };
    styled(text, style)
}

pub(super) fn coloured(text: impl Into<String>, colour: Colour) -> Span {
    let style = Style {
        colour: Some(colour),
        ..Style::default()
    };
    styled(text, style)
}

fn styled(text: impl Into<String>, style: Style) -> Span {
    Span {
        text: text.into(),
        style,
        link: None,
    }
}

/// How wide things are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widths {
    pub(super) all: usize,
    /// The column of the wire, and that of the program where it stands beside.
    pub(super) wire: usize,
    pub(super) program: usize,
    is_two: bool,
}

impl Widths {
    pub(super) fn of(columns: usize) -> Self {
        // A terminal breaks a row that reaches its last column, or not; nobody knows.
        let all = columns.saturating_sub(1).clamp(20, MOST);
        if columns < TWO {
            return Self {
                all,
                wire: all,
                program: all,
                is_two: false,
            };
        }
        let rest = all - BETWEEN.chars().count();
        let wire = rest * 11 / 20;
        Self {
            all,
            wire,
            program: rest - wire,
            is_two: true,
        }
    }

    /// What went over the wire and what the program saw, each before the answer and in it: beside
    /// each other, or below.
    pub(super) fn both(
        &self,
        names: [&str; 2],
        wire: [Vec<Row>; 2],
        program: [Vec<Row>; 2],
    ) -> Vec<Row> {
        let [wire_name, program_name] = names.map(|it| vec![coloured(it, Colour::Cyan)]);
        let [request, response] = wire;
        let [mut asked, came] = program;
        if !self.is_two {
            let names = [vec![wire_name], vec![Row::new(), program_name]];
            let [wire_name, program_name] = names;
            return [wire_name, request, response, program_name, asked, came].concat();
        }
        // What came stands beside what it came in.
        asked.resize_with(asked.len().max(request.len()), Row::new);
        let wire = [vec![wire_name], request, response].concat();
        let program = [vec![program_name], asked, came].concat();
        let count = wire.len().max(program.len());
        let (mut wire, mut program) = (wire.into_iter(), program.into_iter());
        let pair = |_| {
            let mut row = wire.next().unwrap_or_default();
            let used: usize = row.iter().map(|it| cells(&it.text)).sum();
            row.push(plain(" ".repeat(self.wire.saturating_sub(used))));
            let beside = program.next().unwrap_or_default();
            let between = if beside.is_empty() {
                BETWEEN.trim_end()
            } else {
                BETWEEN
            };
            row.push(dim(between));
            row.extend(beside);
            row
        };
        (0..count).map(pair).collect()
    }

    /// A line with a title in it.
    pub(super) fn title(&self, title: &str) -> Row {
        let title = cut(title, self.all.saturating_sub(8));
        let rest = self.all.saturating_sub(cells(&title) + 4);
        vec![
            dim("── "),
            bold(title),
            dim(format!(" {}", "─".repeat(rest))),
        ]
    }

    /// Text in rows of this width.
    pub(super) fn text(&self, text: &str, span: fn(String) -> Span) -> Vec<Row> {
        wrap(&[span(text.to_owned())], self.all)
    }
}

/// Rows of what has a name.
#[derive(Debug)]
pub(super) struct Rows {
    rows: Vec<Row>,
    width: usize,
    /// What the part is that is open.
    pub(super) kind: PartKind,
}

impl Rows {
    pub(super) fn new(width: usize) -> Self {
        Self {
            rows: Vec::new(),
            width,
            kind: PartKind::Text,
        }
    }

    /// A name, and what there is to tell under it.
    pub(super) fn told(&mut self, name: &str, text: &str) {
        let mut name = Some(name);
        for row in wrap(&[plain(text)], self.width.saturating_sub(NAME)) {
            let name = coloured(
                format!("{:NAME$}", name.take().unwrap_or_default()),
                Colour::Green,
            );
            self.rows.push([vec![name], row].concat());
        }
    }

    /// What is to be known of what was told last.
    pub(super) fn note(&mut self, text: &str) {
        for row in wrap(&[dim(text)], self.width.saturating_sub(NAME)) {
            self.rows
                .push([vec![plain(" ".repeat(NAME))], row].concat());
        }
    }

    pub(super) fn done(self) -> Vec<Row> {
        self.rows
    }
}

/// The rows as a terminal, or what is none, reads them.
pub(super) fn written(rows: &[Row], looks: Looks) -> String {
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        write(row, looks, &mut line);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
