//! Asks a person for a line that nobody sees.

use std::io;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

use crate::terminal::complain;

/// Reads a line from the terminal without showing it; `None` when the person
/// would rather not (Ctrl-C, Ctrl-D, Escape).
pub(crate) fn hidden(question: &str) -> io::Result<Option<String>> {
    // Nothing that is typed from here on is shown.
    let raw = Raw::enter()?;
    complain(question);
    let line = line();
    drop(raw);
    complain("\n");
    line
}

fn line() -> io::Result<Option<String>> {
    let mut line = String::new();
    loop {
        let Event::Key(key) = event::read()? else {
            continue;
        };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            // A line break that was pasted comes as Ctrl-J.
            KeyCode::Enter => return Ok(Some(line)),
            KeyCode::Char('j' | 'm') if is_control => return Ok(Some(line)),
            KeyCode::Char('c' | 'd') if is_control => return Ok(None),
            KeyCode::Esc => return Ok(None),
            KeyCode::Char('u') if is_control => line.clear(),
            KeyCode::Backspace => {
                line.pop();
            }
            KeyCode::Char(c) if !is_control => line.push(c),
            _ => {}
        }
    }
}

/// The terminal as it hands over every key, until this is dropped.
pub(crate) struct Raw;

impl Raw {
    pub(crate) fn enter() -> io::Result<Self> {
        enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs no care.
        let _ = disable_raw_mode();
    }
}
