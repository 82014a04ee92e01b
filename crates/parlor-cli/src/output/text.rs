//! The text alone, as it comes; thoughts go to stderr.

use std::io::{self, Write};

use parlor::agent::RunEvent;
use parlor::{ChatResponse, Event, Message};

use super::Output;
use crate::terminal::{Terminal, complain, printable, steers};
use crate::tools::Calls;
use crate::waiting;

const DIM: &str = "\u{1b}[2m";
const RESET: &str = "\u{1b}[0m";

#[derive(Debug)]
pub(crate) struct TextOutput {
    terminal: Terminal,
    /// Whether thoughts are shown.
    thoughts: bool,
    /// Whether stderr ends within a line of thoughts.
    thinking: bool,
    /// Whether stdout ends within a line.
    open_line: bool,
    calls: Calls,
    /// Whether calls are run, and were told of.
    ran_tools: bool,
}

impl TextOutput {
    pub(crate) fn new(terminal: Terminal, thoughts: bool) -> Self {
        Self {
            terminal,
            thoughts,
            thinking: false,
            open_line: false,
            calls: Calls::default(),
            ran_tools: false,
        }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        waiting::end();
        self.end_thoughts();
        let mut out = io::stdout().lock();
        // A pipe gets the bytes as they are; a terminal isn't to be steered.
        match self.terminal.stdout && text.contains(steers) {
            true => out.write_all(printable(text).as_bytes())?,
            false => out.write_all(text.as_bytes())?,
        }
        self.open_line = !text.ends_with('\n');
        out.flush()
    }

    fn thought(&mut self, text: &str) {
        waiting::end();
        let text = printable(text);
        match self.terminal.colour {
            true => complain(&format!("{DIM}{text}{RESET}")),
            false => complain(&text),
        }
        self.thinking = !text.ends_with('\n');
    }

    fn end_thoughts(&mut self) {
        if std::mem::take(&mut self.thinking) {
            complain("\n");
        }
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.end_thoughts();
        match std::mem::take(&mut self.open_line) {
            true => crate::terminal::say("\n"),
            false => Ok(()),
        }
    }
}

impl Output for TextOutput {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::TextDelta {
                choice: 0, text, ..
            } => self.text(text),
            Event::ReasoningDelta {
                choice: 0, text, ..
            } if self.thoughts => {
                self.thought(text);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tool(&mut self, event: &RunEvent) -> io::Result<()> {
        let Some(line) = self.calls.line(event) else {
            return Ok(());
        };
        waiting::end();
        self.end_line()?;
        if !self.terminal.quiet {
            complain(&match self.terminal.colour {
                true => format!("{DIM}{line}{RESET}\n"),
                false => format!("{line}\n"),
            });
        }
        Ok(())
    }

    fn pause(&mut self) -> io::Result<()> {
        waiting::end();
        self.end_line()
    }

    fn turn(&mut self, _: &[Message]) {
        self.ran_tools = true;
    }

    fn end(&mut self, response: &ChatResponse) -> io::Result<()> {
        self.end_line()?;
        tell(&self.terminal, response, self.ran_tools);
        Ok(())
    }

    fn fail(&mut self) -> io::Result<()> {
        self.end_line()
    }
}

/// Says what an answer has beside its text: calls that nobody runs here, and warnings.
pub(super) fn tell(terminal: &Terminal, response: &ChatResponse, ran_tools: bool) {
    for call in response.tool_calls().filter(|_| !ran_tools) {
        let (name, arguments) = (&call.name, &call.arguments.text);
        terminal.notice(format!("the model calls {name} {arguments}"));
    }
    for warning in &response.warnings {
        terminal.notice(format!("warning: {}: {}", warning.setting, warning.message));
    }
}
