//! The text laid out, as a conversation shows it.

use std::io;

use parlor::agent::RunEvent;
use parlor::{ChatResponse, Event, Message};

use super::Output;
use super::text::tell;
use crate::converse::View;
use crate::terminal::{Hush, Terminal};
use crate::waiting;

#[derive(Debug)]
pub(crate) struct PageOutput {
    terminal: Terminal,
    view: View,
    /// Whether calls are run, and were told of.
    ran_tools: bool,
    _hush: Option<Hush>,
}

impl PageOutput {
    pub(crate) fn new(terminal: Terminal, thoughts: bool) -> Self {
        Self {
            terminal,
            view: View::new(&terminal, thoughts).still(),
            ran_tools: false,
            _hush: (terminal.stdin && terminal.stdout && !terminal.dumb).then(Hush::begin),
        }
    }
}

impl Output for PageOutput {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        if !matches!(event, Event::Started { .. }) {
            waiting::end();
        }
        self.view.model(event)
    }

    fn tool(&mut self, event: &RunEvent) -> io::Result<()> {
        waiting::end();
        self.view.event(event)
    }

    fn tick(&mut self) -> io::Result<()> {
        self.view.tick()
    }

    fn moves(&self) -> bool {
        true
    }

    fn pause(&mut self) -> io::Result<()> {
        waiting::end();
        self.view.pause()
    }

    fn turn(&mut self, _: &[Message]) {
        self.ran_tools = true;
    }

    fn end(&mut self, response: &ChatResponse) -> io::Result<()> {
        self.view.end()?;
        tell(&self.terminal, response, self.ran_tools);
        Ok(())
    }

    fn fail(&mut self) -> io::Result<()> {
        self.view.end()
    }
}
