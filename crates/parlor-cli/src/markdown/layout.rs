//! One block of Markdown laid out in rows.

use super::Looks;
use super::clean::is_obeyed;
use super::code::Highlighter;
use super::definitions::Definitions;
use super::math;
use super::rows::{Colour, Span, Style, can_be_clicked, width, wrap, write};
use super::table::Table;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};
use std::rc::Rc;

/// What is understood beside CommonMark.
pub(super) const OPTIONS: Options = Options::ENABLE_TABLES
    .union(Options::ENABLE_STRIKETHROUGH)
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_TASKLISTS);

/// No text is laid out for fewer cells.
pub(super) const NARROWEST: usize = 8;

/// The rows of a block, of whose table the rows before had these columns; and the columns of
/// the table in it.
pub(crate) fn layout(
    source: &str,
    width: usize,
    looks: Looks,
    before: Option<Vec<usize>>,
) -> (Vec<String>, Vec<usize>) {
    let mut page = Page::new(width, looks);
    page.before = before;
    let source = math::escaped(source);
    let mut definitions = Definitions::new(&source);
    for (event, range) in Parser::new_ext(&source, OPTIONS).into_offset_iter() {
        page.define(definitions.before(&event, &range));
        page.take(event);
    }
    page.flush();
    page.define(definitions.rest());
    (page.rows, page.columns)
}

/// What every row within a quote or an item begins with.
struct Margin {
    /// For the first row; taken when it was used.
    first: Option<String>,
    rest: String,
}

pub(super) struct Page {
    width: usize,
    looks: Looks,
    rows: Vec<String>,
    margins: Vec<Margin>,
    /// The numbers of the lists that are open; none for bullets.
    lists: Vec<Option<u64>>,
    pub(super) spans: Vec<Span>,
    styles: Vec<Style>,
    links: Vec<(Rc<str>, String)>,
    /// The code that is open, and its text so far: a piece of that needn't be a line.
    code: Option<(Highlighter, String)>,
    table: Option<Table>,
    /// How wide the columns of the first table are, if rows of it are out.
    before: Option<Vec<usize>>,
    /// How wide the columns of the last table are.
    columns: Vec<usize>,
    /// Whether a paragraph has ended, after which another stands apart.
    after_paragraph: bool,
}

impl Page {
    pub(super) fn new(width: usize, looks: Looks) -> Self {
        Self {
            width,
            looks,
            rows: Vec::new(),
            margins: Vec::new(),
            lists: Vec::new(),
            spans: Vec::new(),
            styles: vec![Style::default()],
            links: Vec::new(),
            code: None,
            table: None,
            before: None,
            columns: Vec::new(),
            after_paragraph: false,
        }
    }

    pub(super) fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => match &mut self.code {
                Some((_, code)) => code.push_str(&text),
                None => self.say(&text),
            },
            Event::Code(text) => {
                let style = Style {
                    colour: Some(Colour::Cyan),
                    ..self.style()
                };
                // Without colours nothing else tells code from words.
                match self.looks.colours {
                    true => self.say_as(&text, style),
                    false => self.say_as(&format!("`{text}`"), style),
                }
            }
            Event::Html(text) | Event::InlineHtml(text) => {
                match text.trim().to_ascii_lowercase().as_str() {
                    "<br>" | "<br/>" | "<br />" => self.say("\n"),
                    _ => self.say(&text),
                }
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => self.say(&text),
            Event::FootnoteReference(name) => self.say(&format!("[^{name}]")),
            Event::SoftBreak => self.say(" "),
            Event::HardBreak => self.say("\n"),
            Event::Rule => {
                let cells = self.room().min(40);
                let line = Span {
                    text: "─".repeat(cells),
                    style: dim(),
                    link: None,
                };
                self.write_row(&[line]);
            }
            Event::TaskListMarker(is_done) => self.say(if is_done { "☑ " } else { "☐ " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph => self.part(),
            Tag::Heading { level, .. } => {
                self.part();
                let underlined = level as u8 == 1;
                self.styles.push(Style {
                    bold: true,
                    underlined,
                    ..Style::default()
                });
                if !self.looks.colours {
                    self.say(&format!("{} ", "#".repeat(level as usize)));
                }
            }
            Tag::BlockQuote(_) => {
                self.flush();
                self.part();
                let bar = self.painted("│ ", dim());
                self.margins.push(Margin {
                    first: None,
                    rest: bar,
                });
                self.after_paragraph = false;
            }
            Tag::CodeBlock(kind) => {
                self.flush();
                self.part();
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([' ', ',']).next().unwrap_or_default()
                    }
                    CodeBlockKind::Indented => "",
                };
                self.code = Some((Highlighter::new(language, self.looks), String::new()));
            }
            Tag::List(number) => {
                self.flush();
                self.lists.push(number);
                self.after_paragraph = false;
            }
            Tag::Item => {
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        let marker = format!("{number}. ");
                        *number += 1;
                        marker
                    }
                    _ => "• ".to_owned(),
                };
                let rest = " ".repeat(width(&marker));
                self.margins.push(Margin {
                    first: Some(marker),
                    rest,
                });
                self.after_paragraph = false;
            }
            Tag::FootnoteDefinition(name) => {
                self.flush();
                self.part();
                self.margins.push(Margin {
                    first: Some(format!("[^{name}]: ")),
                    rest: "  ".to_owned(),
                });
            }
            Tag::Table(alignments) => {
                self.flush();
                self.part();
                self.table = Some(Table::new(alignments));
            }
            Tag::Emphasis => self.push_style(|style| style.italic = true),
            Tag::Strong => self.push_style(|style| style.bold = true),
            Tag::Strikethrough => self.push_style(|style| style.struck = true),
            Tag::Link { dest_url, .. } => {
                self.links.push((Rc::from(&*dest_url), String::new()));
                self.push_style(|style| style.underlined = true);
            }
            Tag::Image { dest_url, .. } => {
                self.say("[image: ");
                self.links.push((Rc::from(&*dest_url), String::new()));
                self.push_style(|_| {});
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph => {
                self.flush();
                self.after_paragraph = true;
            }
            TagEnd::Heading(_) => {
                self.flush();
                self.styles.pop();
                self.after_paragraph = true;
            }
            TagEnd::BlockQuote(_) => {
                self.flush();
                self.margins.pop();
                self.after_paragraph = true;
            }
            TagEnd::CodeBlock => {
                if let Some((mut colours, code)) = self.code.take() {
                    code.lines().for_each(|line| self.row(colours.line(line)));
                }
                self.after_paragraph = true;
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Item => {
                self.flush();
                let margin = self.margins.pop();
                if let Some(Margin {
                    first: Some(marker),
                    ..
                }) = margin
                {
                    // Nothing was in it.
                    self.row(marker.trim_end().to_owned());
                }
            }
            TagEnd::FootnoteDefinition => {
                self.flush();
                self.margins.pop();
                self.after_paragraph = false;
            }
            TagEnd::TableCell => {
                let cell = std::mem::take(&mut self.spans);
                if let Some(table) = &mut self.table {
                    table.cell(cell);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                if let Some(table) = &mut self.table {
                    table.end_row();
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    let room = self.room();
                    let (rows, columns) = table.rows(room, self.before.take());
                    self.columns = columns;
                    for row in rows {
                        self.write_row(&row);
                    }
                }
                self.after_paragraph = true;
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => {
                self.styles.pop();
            }
            TagEnd::Link => {
                self.styles.pop();
                self.end_link("");
            }
            TagEnd::Image => {
                self.styles.pop();
                self.end_link("]");
            }
            _ => {}
        }
    }

    /// Shows the lines of definitions as they are.
    fn define(&mut self, lines: Vec<&str>) {
        if lines.is_empty() {
            return;
        }
        self.flush();
        self.part();
        for line in lines {
            self.say(line);
            self.flush();
        }
        self.after_paragraph = true;
    }

    /// After a link that can't be clicked, its address is told, unless it is what
    /// the link says.
    fn end_link(&mut self, after: &str) {
        if let Some((target, said)) = self.links.pop() {
            let bare = target.trim_start_matches("mailto:");
            let is_told = self.looks.links && can_be_clicked(&target);
            if !is_told && said != *target && said != bare && !target.starts_with('#') {
                self.say(&format!(" ({target})"));
            }
        }
        self.say(after);
    }

    /// Begins a part that stands apart from a paragraph before it.
    fn part(&mut self) {
        if std::mem::take(&mut self.after_paragraph) {
            self.row(String::new());
        }
    }

    fn push_style(&mut self, change: impl FnOnce(&mut Style)) {
        let mut style = self.style();
        change(&mut style);
        self.styles.push(style);
    }

    fn style(&self) -> Style {
        self.styles.last().copied().unwrap_or_default()
    }

    fn say(&mut self, text: &str) {
        self.say_as(text, self.style());
    }

    fn say_as(&mut self, text: &str, style: Style) {
        // Entities bring back what was taken out of the source.
        let obeyed = |letter: char| letter != '\n' && is_obeyed(letter);
        let text: String = text.chars().filter(|letter| !obeyed(*letter)).collect();
        let link = self.links.last_mut().map(|(target, said)| {
            said.push_str(&text);
            Rc::clone(target)
        });
        self.spans.push(Span { text, style, link });
    }

    /// The cells that are left of the margins; never so few that nothing fits.
    fn room(&self) -> usize {
        let margins = self.margins.iter().map(|margin| match &margin.first {
            Some(first) => width(first),
            None if margin.rest.contains('│') => 2,
            None => width(&margin.rest),
        });
        self.width.saturating_sub(margins.sum()).max(NARROWEST)
    }

    /// Writes the words so far as rows.
    fn flush(&mut self) {
        let mut spans = std::mem::take(&mut self.spans);
        if let Some(last) = spans.last_mut() {
            last.text.truncate(last.text.trim_end().len());
        }
        if spans.iter().all(|span| span.text.is_empty()) {
            return;
        }
        for row in wrap(&spans, self.room()) {
            self.write_row(&row);
        }
    }

    fn write_row(&mut self, spans: &[Span]) {
        let mut row = String::new();
        write(spans, self.looks, &mut row);
        self.row(row);
    }

    /// Adds a row behind its margins.
    fn row(&mut self, row: String) {
        let mut whole = String::new();
        for margin in &mut self.margins {
            let first = if row.is_empty() {
                None
            } else {
                margin.first.take()
            };
            whole.push_str(&first.unwrap_or_else(|| margin.rest.clone()));
        }
        whole.push_str(&row);
        if row.is_empty() {
            whole.truncate(whole.trim_end().len());
        }
        self.rows.push(whole);
    }

    fn painted(&self, text: &str, style: Style) -> String {
        let mut painted = String::new();
        write(
            &[Span {
                text: text.to_owned(),
                style,
                link: None,
            }],
            self.looks,
            &mut painted,
        );
        painted
    }
}

fn dim() -> Style {
    Style {
        dim: true,
        ..Style::default()
    }
}
