//! Asks a person whether a call may run.

use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use parlor::Arguments;
use serde_json::Value;
use unicode_width::UnicodeWidthChar as _;

use super::gate::{Answer, Question};
use super::show::{clear, cut};
use crate::prompt::Raw;
use crate::terminal::{Terminal, complain};

/// How much of the arguments is shown at first.
const LINES: usize = 12;
const CHARACTERS: usize = 800;

/// How often it is looked whether the program was told to end meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// The answers; none is broken in two.
const CHOICES: &[&str] = &[
    "[y] once",
    "[s] this session",
    "[a] always",
    "[n] no",
    "[d] never",
    "Ctrl-C stops:",
];

/// The cells of what is answered, after the last of them.
const ANSWER: usize = 18;

const INDENT: &str = "  ";

const BOLD: &str = "\u{1b}[1m";
const RESET: &str = "\u{1b}[0m";

/// What came while a person was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interruption {
    None,
    /// The program was told to end, or its terminal is closed.
    End,
}

/// Asks at the terminal. Nothing that was typed before counts.
pub(crate) fn ask(
    question: &Question,
    terminal: &Terminal,
    mut interrupted: impl FnMut() -> Interruption,
) -> Answer {
    let Ok(_raw) = Raw::enter() else {
        return Answer::Later;
    };
    if drain().is_none() {
        return Answer::Later;
    }
    let columns = crate::screen::size().0;
    let shown = shown(&question.call.arguments);
    let is_whole = shown.lines().count() <= LINES && shown.chars().count() <= CHARACTERS;
    let (bold, reset) = match terminal.colour {
        true => (BOLD, RESET),
        false => ("", ""),
    };
    let (name, source) = (clear(&question.shown), clear(&question.source));
    tell(&format!(
        "{bold}{name}{reset} ({source}) wants to run with\n"
    ));
    let first = match is_whole {
        true => shown.clone(),
        false => {
            let first: Vec<&str> = shown.lines().take(LINES).collect();
            cut(&first.join("\n"), CHARACTERS)
        }
    };
    tell(&indented(&first, columns));
    if !is_whole {
        let count = shown.chars().count();
        tell(&format!("  [v] all of it, {count} characters\n"));
    }
    let choices = choices(columns);
    tell(&choices);
    let answer = loop {
        match key(&mut interrupted) {
            Some(Key::Answer(answer)) => break answer,
            Some(Key::All) if !is_whole => {
                tell(&format!("v\n{}", indented(&shown, columns)));
                tell(&choices);
            }
            Some(Key::All) => {}
            // The terminal is gone.
            None => break Answer::Later,
        }
    };
    tell(match answer {
        Answer::Once => "yes\n",
        Answer::Session => "yes, this session\n",
        Answer::Always => "always\n",
        Answer::No => "no\n",
        Answer::Never => "never\n",
        Answer::Stop => "stopped\n",
        Answer::Later => "\n",
    });
    answer
}

/// What was typed before the question doesn't answer it.
fn drain() -> Option<()> {
    while event::poll(Duration::ZERO).ok()? {
        event::read().ok()?;
    }
    Some(())
}

/// The terminal takes line breaks as they are while it hands over every key.
fn tell(text: &str) {
    complain(&text.replace('\n', "\r\n"));
}

enum Key {
    Answer(Answer),
    All,
}

/// The next key that says something.
fn key(interrupted: &mut impl FnMut() -> Interruption) -> Option<Key> {
    loop {
        if interrupted() == Interruption::End {
            return Some(Key::Answer(Answer::Later));
        }
        if !event::poll(LOOK).ok()? {
            continue;
        }
        let Event::Key(key) = event::read().ok()? else {
            continue;
        };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        let answer = match key.code {
            KeyCode::Char('c') if is_control => Answer::Stop,
            KeyCode::Char('d') if is_control => Answer::No,
            _ if is_control => continue,
            KeyCode::Esc => Answer::No,
            KeyCode::Char('y' | 'Y') => Answer::Once,
            KeyCode::Char('s' | 'S') => Answer::Session,
            KeyCode::Char('a' | 'A') => Answer::Always,
            KeyCode::Char('n' | 'N') => Answer::No,
            KeyCode::Char('d' | 'D') => Answer::Never,
            KeyCode::Char('v' | 'V' | '?') => return Some(Key::All),
            _ => continue,
        };
        return Some(Key::Answer(answer));
    }
}

/// The arguments, laid out.
fn shown(arguments: &Arguments) -> String {
    let laid_out = match arguments.parse() {
        Ok(Value::Object(fields)) if fields.is_empty() => return "no arguments".to_owned(),
        Ok(value) => serde_json::to_string_pretty(&value).ok(),
        Err(_) => None,
    };
    clear(&laid_out.unwrap_or_else(|| arguments.text.clone()))
}

/// The answers on as many rows as they need, with room for what is answered.
fn choices(columns: usize) -> String {
    let mut rows = String::new();
    let mut used = 0;
    for (at, choice) in CHOICES.iter().enumerate() {
        let needed = INDENT.len() + choice.len();
        let is_last = at + 1 == CHOICES.len();
        let room = columns.saturating_sub(if is_last { ANSWER } else { 0 });
        if used > 0 && used + needed >= room {
            rows.push('\n');
            used = 0;
        }
        rows.push_str(INDENT);
        rows.push_str(choice);
        used += needed;
    }
    rows.push(' ');
    rows
}

/// Every row stands in from the edge, so that none can be taken for the program's
/// own words.
fn indented(text: &str, columns: usize) -> String {
    let room = columns.saturating_sub(INDENT.len() + 1).max(10);
    let mut rows = String::new();
    for line in text.lines() {
        let mut used = 0;
        rows.push_str(INDENT);
        for c in line.chars() {
            // A tab is at most this wide.
            let width = if c == '\t' { 8 } else { c.width().unwrap_or(0) };
            if used + width > room {
                rows.push('\n');
                rows.push_str(INDENT);
                used = 0;
            }
            rows.push(c);
            used += width;
        }
        rows.push('\n');
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::{choices, indented};

    #[test]
    fn no_answer_is_broken_in_two() {
        assert_eq!(choices(100).lines().count(), 1);
        // The answer isn't either.
        assert_eq!(choices(80).lines().count(), 2);
        assert_eq!(
            choices(40),
            "  [y] once  [s] this session\n  [a] always  [n] no  [d] never\n  Ctrl-C stops: "
        );
        assert_eq!(choices(1).lines().count(), 6);
    }

    #[test]
    fn no_row_begins_at_the_edge() {
        let text = format!("{}\nshort\n{}", "x".repeat(100), "世".repeat(40));
        let rows = indented(&text, 40);
        assert!(rows.lines().all(|row| row.starts_with("  ")), "{rows}");
        let longest = rows
            .lines()
            .map(unicode_width::UnicodeWidthStr::width)
            .max();
        assert!(longest <= Some(39), "{rows}");
        assert_eq!(rows.matches('x').count(), 100);
    }
}
