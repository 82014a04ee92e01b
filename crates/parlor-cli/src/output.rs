//! How an answer is printed.

mod events;
mod json;
mod page;
mod text;

use std::io;

use parlor::agent::RunEvent;
use parlor::{ChatResponse, Event, Message, Warning, WarningKind};

use crate::args::{ChatArgs, Form};
use crate::choose::Chosen;
use crate::failure;
use crate::terminal::Terminal;

pub(crate) use json::JsonOutput;

/// Prints an answer as it comes.
pub(crate) trait Output {
    /// One more step of the answer.
    fn event(&mut self, event: &Event) -> io::Result<()>;

    /// A call runs, or has its result.
    fn tool(&mut self, event: &RunEvent) -> io::Result<()>;

    /// Whether it wants to be told that time has passed.
    fn moves(&self) -> bool {
        false
    }

    /// Time has passed since something came.
    fn tick(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// A person is asked something: what was said stands on a line of its own.
    fn pause(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// All that a turn with tools came to, before its end.
    fn turn(&mut self, _: &[Message]) {}

    /// The answer is whole, or was interrupted.
    fn end(&mut self, response: &ChatResponse) -> io::Result<()>;

    /// The answer broke off by a failure, which is told elsewhere.
    fn fail(&mut self) -> io::Result<()>;
}

/// JSON that steers no terminal: what it leaves as it is beyond ASCII's own control
/// characters stands only inside strings, and is escaped there.
pub(crate) fn escaped(json: String) -> String {
    let steers = |c: char| matches!(c, '\u{7f}'..='\u{9f}');
    if !json.contains(steers) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match steers(c) {
            true => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            false => escaped.push(c),
        }
    }
    escaped
}

/// What is shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shown {
    /// A value, which isn't laid out.
    pub(crate) is_value: bool,
    /// What is thought through: with its thoughts, unless the command line says otherwise.
    pub(crate) thinks: bool,
}

/// The output that the command line asks for.
pub(crate) fn of(
    args: &ChatArgs,
    terminal: &Terminal,
    chosen: &Chosen,
    shown: Shown,
) -> Box<dyn Output> {
    let show = args.reasoning.as_ref().map_or(shown.thinks, |it| it.show);
    let show = show && !args.common.quiet;
    // What a person reads beside the answer, a program reads in it.
    let retired = failure::retired(&chosen.resolved);
    let retired = retired.map(|message| Warning::new(WarningKind::Notice, "model", message));
    match args.form() {
        Form::Text if terminal.lays_out && !shown.is_value => {
            Box::new(page::PageOutput::new(*terminal, show))
        }
        Form::Text => Box::new(text::TextOutput::new(*terminal, show)),
        Form::Json => Box::new(JsonOutput::new(chosen, retired, terminal.stdout)),
        Form::Events => Box::new(events::EventsOutput::new(retired)),
    }
}
