//! What the program talks to: terminals or pipes, colours or none, and how to say things there.

mod hush;
mod settings;

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use base64::Engine as _;

use crate::markdown::cells;
use crate::waiting;
pub(crate) use hush::{Hush, speak, typed};
pub(crate) use settings::{Keys, TerminalSettings};

/// What stdin, stdout and stderr are, and how much may be said there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) stdin: bool,
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
    /// Whether stderr takes colours.
    pub(crate) colour: bool,
    /// Whether the terminal understands nothing but text.
    pub(crate) dumb: bool,
    /// Whether notices are left out.
    pub(crate) quiet: bool,
    /// Whether answers in words are laid out.
    pub(crate) lays_out: bool,
}

/// When answers in words are laid out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Render {
    /// Where they go to a terminal that understands more than text
    #[default]
    Auto,
    /// In a pipe and a file too
    Always,
    /// Nowhere: the text as it comes
    Never,
}

impl Terminal {
    pub(crate) fn find(plain: bool, quiet: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        // A console of Windows reads no escape sequences before it is told to.
        #[cfg(windows)]
        let dumb = dumb || !crossterm::ansi_support::supports_ansi();
        let stderr = io::stderr().is_terminal();
        let stdout = io::stdout().is_terminal();
        let forced = set("CLICOLOR_FORCE");
        Self {
            stdin: io::stdin().is_terminal(),
            stdout,
            stderr,
            lays_out: stdout && !plain && !dumb,
            dumb: plain || dumb,
            colour: !plain && !set("NO_COLOR") && (forced || (stderr && !dumb)),
            quiet,
        }
    }

    /// The same where answers are laid out as somebody said.
    pub(crate) fn rendering(mut self, render: Render) -> Self {
        match render {
            Render::Auto => {}
            Render::Always => self.lays_out = true,
            Render::Never => self.lays_out = false,
        }
        self
    }

    /// A text in rows that fit this terminal, where it is one.
    pub(crate) fn fits(&self, text: &str) -> String {
        match self.stderr {
            true => folded(text, crate::screen::size().0),
            false => text.to_owned(),
        }
    }

    /// Says something beside the answer, unless nothing is to be said.
    pub(crate) fn notice(&self, text: impl Display) {
        if !self.quiet {
            complain(&format!("{}\n", self.fits(&printable(&text.to_string()))));
        }
    }
}

/// Prints to stdout.
pub(crate) fn say(text: &str) -> io::Result<()> {
    waiting::clear();
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints to stderr. Where that is closed, nobody can be told.
pub(crate) fn complain(text: &str) {
    waiting::clear();
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Hands a text to the terminal's clipboard (OSC 52), which works from afar too.
/// Whether it takes it isn't said.
pub(crate) fn to_clipboard(text: &str) -> io::Result<()> {
    let coded = base64::engine::general_purpose::STANDARD.encode(text);
    say(&format!("\u{1b}]52;c;{coded}\u{7}"))
}

/// Whether a character could steer a terminal: escape, bell and their like, of
/// both control blocks. Line breaks and tabs are only layout.
pub(crate) fn steers(c: char) -> bool {
    c.is_control() && c != '\n' && c != '\t'
}

/// The text without what could steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars().filter(|c| !steers(*c)).collect()
}

/// The text in rows of at most so many cells, broken between words. What stands in a
/// second column goes on there; a word that is longer is left whole.
pub(crate) fn folded(text: &str, columns: usize) -> String {
    let mut folded = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = match line.strip_suffix('\n') {
            Some(line) => (line, "\n"),
            None => (line, ""),
        };
        let hang = hang(line, columns);
        let mut rest = line.to_owned();
        while cells(&rest) > columns {
            let from = rest.len() - rest.trim_start_matches(' ').len();
            let from = from.max(if folded.ends_with('\n') || folded.is_empty() {
                hang
            } else {
                0
            });
            let Some(at) = last_blank(&rest, from, columns) else {
                break;
            };
            folded.push_str(rest[..at].trim_end_matches(' '));
            folded.push('\n');
            rest = format!("{:hang$}{}", "", rest[at..].trim_start_matches(' '));
        }
        folded.push_str(&rest);
        folded.push_str(end);
    }
    folded
}

/// Where the rows after a line's first begin.
fn hang(line: &str, columns: usize) -> usize {
    let text = line.trim_start_matches(' ');
    let indent = line.len() - text.len();
    let second = match text.find("  ") {
        Some(gap) => {
            let column = &text[gap..];
            indent + cells(&text[..gap]) + column.len() - column.trim_start_matches(' ').len()
        }
        None if text.starts_with("help: ") => indent + "help: ".len(),
        None => indent,
    };
    if second * 2 <= columns {
        second
    } else {
        indent.min(columns / 2)
    }
}

/// The last blank that a row of so many cells can be broken at, else the first that
/// there is; none before this byte.
fn last_blank(line: &str, from: usize, columns: usize) -> Option<usize> {
    let blanks = line.match_indices(' ').map(|(at, _)| at);
    let mut blanks = blanks.filter(|at| *at > from).peekable();
    let first = blanks.peek().copied();
    let fitting = blanks.take_while(|at| cells(&line[..*at]) <= columns);
    fitting.last().or(first)
}

/// A span of time as people write it.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        0.0..0.095 => format!("{} ms", time.as_millis()),
        0.0..10.0 => format!("{:.1} s", seconds).replace(".0 s", " s"),
        10.0..120.0 => format!("{seconds:.0} s"),
        120.0..7200.0 => format!("{:.0} min", seconds / 60.0),
        _ => format!("{:.0} h", seconds / 3600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_steers_the_terminal() {
        let evil = "a\u{1b}]52;c;eA==\u{7}b\u{9b}31mc\u{8}\r\nd\te\u{7f}";
        assert_eq!(printable(evil), "a]52;c;eA==b31mc\nd\te");
    }

    #[test]
    fn long_lines_are_broken_between_words() {
        assert_eq!(folded("one two three\nfour", 8), "one two\nthree\nfour");
        assert_eq!(
            folded("  /set [NAME]  what it is set to now", 26),
            "  /set [NAME]  what it is\n               set to now".replace("               ", "  ")
        );
        assert_eq!(
            folded("  /set  what it is set to now", 20),
            "  /set  what it is\n        set to now"
        );
        assert_eq!(
            folded("  help: say what is meant", 20),
            "  help: say what is\n        meant"
        );
        let long = "see https://example.org/a/very/long/path now";
        assert_eq!(
            folded(long, 12),
            "see\nhttps://example.org/a/very/long/path\nnow"
        );
        assert_eq!(folded("東京 東京 東京", 9), "東京 東京\n東京");
    }

    #[test]
    fn spans_are_short() {
        let of = |ms| span(Duration::from_millis(ms));
        assert_eq!(
            [of(0), of(7), of(94), of(95)],
            ["0 ms", "7 ms", "94 ms", "0.1 s"]
        );
        assert_eq!([of(300), of(2000), of(20_400)], ["0.3 s", "2 s", "20 s"]);
        assert_eq!([of(180_000), of(36_000_000)], ["3 min", "10 h"]);
    }
}
