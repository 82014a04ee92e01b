//! Asks a person whether a call may run.

use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use parlor::Arguments;
use serde_json::Value;

use super::gate::{Answer, Question};
use super::show::{clear, cut};
use crate::prompt::Raw;
use crate::terminal::{Terminal, complain};

/// How much of the arguments is shown at first.
const LINES: usize = 12;
const CHARACTERS: usize = 800;

/// How often it is looked whether the program was told to end meanwhile.
const LOOK: Duration = Duration::from_millis(100);

const CHOICES: &str = "  [y] once  [s] this session  [a] always  [n] no  [d] never  Ctrl-C stops: ";

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
    tell(&indented(&match is_whole {
        true => shown.clone(),
        false => {
            let first: Vec<&str> = shown.lines().take(LINES).collect();
            cut(&first.join("\n"), CHARACTERS)
        }
    }));
    if !is_whole {
        let count = shown.chars().count();
        tell(&format!("  [v] all of it, {count} characters\n"));
    }
    tell(CHOICES);
    let answer = loop {
        match key(&mut interrupted) {
            Some(Key::Answer(answer)) => break answer,
            Some(Key::All) if !is_whole => {
                tell(&format!("v\n{}", indented(&shown)));
                tell(CHOICES);
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

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}
