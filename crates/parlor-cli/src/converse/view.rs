//! An answer as a person sees it come.

use std::io::{self, Stdout};
use std::time::{Duration, Instant};

use parlor::Event;
use parlor::agent::RunEvent;
use serde_json::Value;

use super::ahead;
use crate::markdown::{Looks, Renderer};
use crate::screen::{self, Screen};
use crate::terminal::{self, Terminal, printable, span};
use crate::tools::Calls;

/// The shortest time between two paintings of what may still change.
pub(crate) const FRAME: Duration = Duration::from_millis(33);

const WAITING: [char; 8] = ['⠋', '⠙', '⠸', '⠴', '⠦', '⠇', '⠏', '⠛'];
const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

/// Shows one turn: laid out where there is a terminal, else as the text comes.
#[derive(Debug)]
pub(crate) struct View {
    page: Option<Page>,
    colour: bool,
    /// Whether thoughts are shown whole.
    thoughts: bool,
    began: Instant,
    /// When the model began to think.
    thinking: Option<Instant>,
    /// Whether the text ends within a line.
    open_line: bool,
    calls: Calls,
    /// Whether nothing is told of but the answer.
    quiet: bool,
    /// Whether a sign moves while nothing comes.
    waits: bool,
    /// What is typed meanwhile.
    typed: String,
}

#[derive(Debug)]
struct Page {
    /// Whether it is a terminal's, where notes and thoughts have rows too.
    is_live: bool,
    renderer: Renderer,
    screen: Screen<Stdout>,
    looks: Looks,
    /// Rows that are final and not yet written.
    rows: Vec<String>,
    /// The thoughts' last line, which isn't whole.
    thought: String,
    painted: Option<Instant>,
    /// Whether anything of an answer has come since the last step.
    has_text: bool,
    /// Whether something else was said above, which the next row keeps a distance from.
    is_lifted: bool,
}

impl View {
    pub(crate) fn new(terminal: &Terminal, thoughts: bool) -> Self {
        let looks = Looks {
            colours: terminal.colour,
            links: terminal.colour && terminal.stdout,
        };
        let is_live = terminal.stdout && !terminal.dumb;
        Self {
            page: terminal.lays_out.then(|| Page {
                is_live,
                renderer: Renderer::new(size(is_live).0, looks),
                screen: match is_live {
                    true => Screen::new(io::stdout()),
                    false => Screen::beside(io::stdout()),
                },
                looks,
                rows: Vec::new(),
                thought: String::new(),
                painted: None,
                has_text: false,
                is_lifted: false,
            }),
            colour: terminal.colour,
            thoughts,
            began: Instant::now(),
            thinking: None,
            open_line: false,
            calls: Calls::default(),
            quiet: terminal.quiet,
            waits: true,
            typed: String::new(),
        }
    }

    /// The same without a sign that moves while nothing comes.
    pub(crate) fn still(mut self) -> Self {
        self.waits = false;
        self
    }

    /// One more step of the run.
    pub(crate) fn event(&mut self, event: &RunEvent) -> io::Result<()> {
        if let RunEvent::Model(event) = event {
            self.model(event)?;
        }
        match self.calls.line(event).filter(|_| !self.quiet) {
            Some(line) => self.note(&line),
            None => Ok(()),
        }
    }

    /// One more step of one answer.
    pub(crate) fn model(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::TextDelta {
                choice: 0, text, ..
            } => self.text(text)?,
            Event::ReasoningDelta {
                choice: 0, text, ..
            } => self.thought(text),
            _ => {}
        }
        self.paint(false)
    }

    /// Whether what may still change can be shown and painted anew.
    pub(super) fn is_live(&self) -> bool {
        self.page.as_ref().is_some_and(|page| page.is_live)
    }

    /// Shows this beneath all else from the next painting on, as it is typed.
    pub(super) fn typed(&mut self, text: &str) {
        if self.typed != text {
            text.clone_into(&mut self.typed);
        }
    }

    /// Takes what may still change off the screen, so that something else can be said
    /// where it began; the next painting shows it again below.
    pub(super) fn lift(&mut self) -> io::Result<()> {
        let Some(page) = &mut self.page else {
            return self.end_line();
        };
        page.painted = None;
        page.settle()?;
        page.is_lifted = !self.quiet;
        Ok(())
    }

    /// The page, where it is a terminal's.
    fn live(&mut self) -> Option<&mut Page> {
        self.page.as_mut().filter(|page| page.is_live)
    }

    /// Says something in between, on a row of its own.
    pub(crate) fn note(&mut self, text: &str) -> io::Result<()> {
        let text: String = printable(text).replace('\n', " ");
        let colour = self.colour;
        if let Some(page) = &mut self.page {
            let rest = page.renderer.finish();
            page.rows.extend(rest);
            page.has_text = false;
        }
        match self.live() {
            Some(page) => {
                let rows = terminal::folded(&text, screen::size().0);
                page.rows
                    .extend(rows.lines().map(|row| dimmed(row, colour)));
                self.paint(true)
            }
            None => {
                self.paint(true)?;
                self.end_line()?;
                terminal::complain(&format!("{text}\n"));
                Ok(())
            }
        }
    }

    /// A person is asked something: what was said stands, and nothing moves below it.
    pub(crate) fn pause(&mut self) -> io::Result<()> {
        let Some(page) = &mut self.page else {
            return self.end_line();
        };
        page.rows.extend(page.renderer.finish());
        page.has_text = false;
        page.settle()
    }

    /// Time has passed: what moves by itself is painted.
    pub(crate) fn tick(&mut self) -> io::Result<()> {
        self.paint(false)
    }

    /// Nothing more comes; the cursor stands on a new row.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        self.end_thoughts();
        let Some(page) = &mut self.page else {
            return self.end_line();
        };
        let rest = page.renderer.finish();
        page.rows.extend(rest);
        page.settle()
    }

    /// More of the answer's text.
    pub(crate) fn text(&mut self, text: &str) -> io::Result<()> {
        self.end_thoughts();
        match &mut self.page {
            Some(page) => {
                page.has_text = true;
                let rows = page.renderer.push(text);
                page.rows.extend(rows);
                Ok(())
            }
            None => {
                self.open_line = !text.ends_with('\n');
                terminal::say(&printable(text))
            }
        }
    }

    /// The answer where it is a value: as code where there is a page.
    pub(crate) fn value(&mut self, value: &Value) -> io::Result<()> {
        match self.page {
            Some(_) => self.text(&format!("```json\n{value:#}\n```\n")),
            None => self.text(&format!("{value}\n")),
        }
    }

    fn thought(&mut self, text: &str) {
        self.thinking.get_or_insert_with(Instant::now);
        if !self.thoughts {
            return;
        }
        let text = printable(text);
        let colour = self.colour;
        let Some(page) = self.live() else {
            terminal::complain(&dimmed(&text, colour));
            return;
        };
        for piece in text.split_inclusive('\n') {
            page.thought.push_str(piece);
            let rows = terminal::folded(&page.thought, screen::size().0);
            // More words change the last row alone.
            let (rows, last) = rows.rsplit_once('\n').unwrap_or(("", &rows));
            let rows = rows.lines().map(|row| dimmed(row, colour));
            page.rows.extend(rows);
            page.thought = last.to_owned();
        }
    }

    /// Says how long was thought, once something else comes.
    fn end_thoughts(&mut self) {
        let Some(since) = self.thinking.take() else {
            return;
        };
        let (colour, thoughts, quiet) = (self.colour, self.thoughts, self.quiet);
        let Some(page) = self.live() else {
            if thoughts {
                terminal::complain("\n");
            }
            return;
        };
        let line = std::mem::take(&mut page.thought);
        if !line.is_empty() {
            page.rows.push(dimmed(&line, colour));
        }
        if !quiet {
            let told = format!("thought for {}", span(since.elapsed()));
            page.rows.push(dimmed(&told, colour));
            page.rows.push(String::new());
        }
    }

    fn end_line(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.open_line) {
            true => terminal::say("\n"),
            false => Ok(()),
        }
    }

    fn paint(&mut self, now: bool) -> io::Result<()> {
        let Some(page) = &mut self.page else {
            return Ok(());
        };
        let is_due = page.painted.is_none_or(|at| at.elapsed() >= FRAME);
        if !now && !is_due {
            return Ok(());
        }
        page.painted = Some(Instant::now());
        if !page.is_live {
            return page.settle();
        }
        let size = screen::size();
        page.renderer.resize(size.0);
        let mut tail = match page.has_text {
            true => page.renderer.tail(),
            false => Vec::new(),
        };
        if !page.has_text && (self.waits || self.thinking.is_some()) {
            let doing = match self.thinking {
                Some(_) => "thinking ",
                None => "",
            };
            if !page.thought.is_empty() {
                tail.push(dimmed(&page.thought, self.colour));
            }
            let sign = moving_sign(self.began.elapsed(), doing);
            tail.push(dimmed(&sign, self.colour));
        }
        tail.extend(ahead::rows(&self.typed, size.0));
        page.show(tail, size)
    }

    /// What can be shown here.
    pub(crate) fn looks(&self) -> Looks {
        self.page
            .as_ref()
            .map(|page| page.looks)
            .unwrap_or_default()
    }
}

impl Page {
    /// Shows the final rows, and nothing that may still change.
    fn settle(&mut self) -> io::Result<()> {
        self.show(Vec::new(), size(self.is_live))
    }

    /// Shows the final rows, and what may still change below them.
    fn show(&mut self, mut tail: Vec<String>, size: (usize, usize)) -> io::Result<()> {
        let mut rows = std::mem::take(&mut self.rows);
        if self.is_lifted {
            self.is_lifted = rows.is_empty();
            let next = if rows.is_empty() {
                &mut tail
            } else {
                &mut rows
            };
            if next.first().is_some_and(|row| !row.is_empty()) {
                next.insert(0, String::new());
            }
        }
        self.screen.paint(&rows, tail, size)
    }
}

/// A sign that something goes on, and for how long by now.
pub(crate) fn moving_sign(passed: Duration, doing: &str) -> String {
    let frame = (passed.as_millis() / 120) as usize % WAITING.len();
    let sign = WAITING.get(frame).copied().unwrap_or(' ');
    format!("{sign} {doing}{:.1} s", passed.as_secs_f64())
}

fn size(is_live: bool) -> (usize, usize) {
    match is_live {
        true => screen::size(),
        false => screen::size_beside(),
    }
}

/// A text that stands back.
pub(crate) fn dimmed(text: &str, colour: bool) -> String {
    match colour && !text.is_empty() {
        true => format!("{DIM}{text}{RESET}"),
        false => text.to_owned(),
    }
}
