//! Plain lines, from a terminal without abilities or from a pipe.

use std::io::{self, BufRead as _};

use super::{Entered, LineEditor};
use crate::terminal;

/// Reads line by line. A line that ends in a backslash goes on in the next.
#[derive(Debug)]
pub(crate) struct Plain {
    /// Whether a person sees the prompt.
    is_terminal: bool,
}

impl Plain {
    pub(crate) fn new(is_terminal: bool) -> Self {
        Self { is_terminal }
    }
}

impl LineEditor for Plain {
    fn read(&mut self, prompt: &str) -> io::Result<Entered> {
        let mut text = String::new();
        loop {
            if self.is_terminal {
                terminal::say(prompt)?;
            }
            let mut line = Vec::new();
            if io::stdin().lock().read_until(b'\n', &mut line)? == 0 {
                return Ok(match text.is_empty() {
                    true => Entered::Ended,
                    false => Entered::Text(text),
                });
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            text.push_str(line);
            if !text.ends_with('\\') {
                return Ok(Entered::Text(text));
            }
            text.pop();
            text.push('\n');
        }
    }
}
