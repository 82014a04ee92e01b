//! Where a person types: a line editor with menus, or plain lines where a
//! terminal can't have one.

mod bindings;
mod chips;
mod keys;
mod memory;
mod plain;
mod popup;
mod rich;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::interrupt;
use crate::terminal::{Keys, Terminal};

pub(super) use bindings::{bindings, name};

/// What stands before a line.
pub(crate) const PROMPT: &str = "› ";

/// What a person entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entered {
    /// Text, of one line or several.
    Text(String),
    /// The key for an editor of the person's own.
    Outside,
    /// Ctrl-C; the text that it cleared.
    Interrupted(String),
    /// Ctrl-D, or the end of what was piped in.
    Ended,
}

/// Reads what a person enters.
pub(crate) trait LineEditor {
    /// Has the next entry begin with what was typed before its prompt.
    fn begin_with(&mut self, typed: &str);

    /// The next entry, after a prompt.
    fn read(&mut self, prompt: &str) -> io::Result<Entered>;

    /// Has what is entered changed in the person's own editor.
    fn edit(&mut self);

    /// Whether it sees each key, not lines alone.
    fn takes_keys(&self) -> bool;
}

/// A word that can be completed, with what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    /// How a menu shows it.
    pub(crate) label: String,
    pub(crate) about: String,
    /// Whether something follows it.
    pub(crate) goes_on: bool,
}

impl Word {
    /// A word of which nothing else is known.
    pub(crate) fn bare(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            label: text.to_owned(),
            about: String::new(),
            goes_on: false,
        }
    }
}

/// Tells how an entry that begins so may go on: from which byte on, and how.
pub(crate) type Completer = dyn Fn(&str) -> (usize, Vec<Word>) + Send;

/// Whether the terminal tells Shift-Enter from Enter; `None` where it doesn't say.
/// `answers` is whether it says anything, where that is known.
pub(crate) fn tells_apart(terminal: &Terminal, answers: Option<bool>) -> Option<bool> {
    let may_be_rich = || terminal.stdin && terminal.stdout && !terminal.dumb;
    let answers = answers.unwrap_or_else(|| may_be_rich() && rich::answers().0);
    answers.then(|| crossterm::terminal::supports_keyboard_enhancement().unwrap_or(false))
}

/// The editor for this terminal. `ended` makes it give up what it reads, and `going` tells
/// it what was taken back.
pub(crate) fn of(
    terminal: &Terminal,
    completer: Box<Completer>,
    keys: Keys,
    ended: Arc<AtomicBool>,
    going: Arc<interrupt::State>,
) -> Box<dyn LineEditor> {
    let may_be_rich = terminal.stdin && terminal.stdout && !terminal.dumb;
    let (is_rich, typed) = match may_be_rich {
        true => rich::answers(),
        false => (false, String::new()),
    };
    match is_rich {
        true => {
            let colour = terminal.colour;
            Box::new(rich::Rich::new(completer, keys, colour, ended, &typed))
        }
        false => Box::new(plain::Plain::new(terminal.stdin, typed, going)),
    }
}
