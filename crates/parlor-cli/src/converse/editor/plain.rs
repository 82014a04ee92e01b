//! Plain lines, from a terminal without abilities or from a pipe.

use std::io::{self, BufRead as _};
use std::sync::Arc;

use super::{Entered, LineEditor};
use crate::interrupt::State;
use crate::terminal;

/// Reads line by line. A line that ends in a backslash goes on in the next.
#[derive(Debug)]
pub(crate) struct Plain {
    /// Whether a person sees the prompt.
    is_terminal: bool,
    /// What was typed before the first prompt.
    typed: String,
    /// Knows whether what was typed is taken back.
    going: Arc<State>,
}

/// Ctrl-D, as a terminal that edits no lines gives it.
const END: char = '\u{4}';

impl Plain {
    pub(crate) fn new(is_terminal: bool, typed: String, going: Arc<State>) -> Self {
        Self {
            is_terminal,
            typed,
            going,
        }
    }

    /// The next line with its end; empty where nothing more comes.
    fn line(&mut self) -> io::Result<String> {
        if self.typed.starts_with(END) {
            self.typed.remove(0);
            return Ok(String::new());
        }
        let mut line = match self.typed.find('\n') {
            Some(end) => {
                let rest = self.typed.split_off(end + 1);
                return Ok(std::mem::replace(&mut self.typed, rest));
            }
            None => std::mem::take(&mut self.typed).into_bytes(),
        };
        io::stdin().lock().read_until(b'\n', &mut line)?;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

impl LineEditor for Plain {
    fn begin_with(&mut self, typed: &str) {
        self.typed.push_str(typed);
    }

    fn read(&mut self, prompt: &str) -> io::Result<Entered> {
        let mut text = String::new();
        loop {
            if self.is_terminal {
                terminal::say(prompt)?;
            }
            let line = self.line()?;
            if self.going.took_back() {
                text.clear();
            }
            if line.is_empty() {
                return Ok(match text.is_empty() {
                    true => Entered::Ended,
                    false => Entered::Text(text),
                });
            }
            let line = line.trim_end_matches(['\n', '\r']);
            text.push_str(line);
            if !text.ends_with('\\') {
                return Ok(Entered::Text(text));
            }
            text.pop();
            text.push('\n');
        }
    }

    fn edit(&mut self) {}

    fn takes_keys(&self) -> bool {
        false
    }
}
