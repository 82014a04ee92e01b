//! `/keys`: what keys do here, and what this terminal delivers when one is pressed.

use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossterm::event::{
    self, Event, KeyCode, KeyEventKind, KeyModifiers, KeyboardEnhancementFlags,
    PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::execute;

use super::editor::{bindings, name};
use super::{Flow, Session};
use crate::failure::Failure;
use crate::terminal::{self, Keys, printable};

/// How often it is looked whether the program is to end.
const LOOK: Duration = Duration::from_millis(100);

const APART: &str = "\
This terminal speaks the kitty keyboard protocol:
Shift-Enter and Alt-Enter are told from Enter.";
const NOT_APART: &str = "\
This terminal doesn't offer the kitty keyboard protocol, by which Shift-Enter is told from Enter.
Alt-Enter, Ctrl-J or a \\ at the end of a line begin a new line all the same.";
const PRESS: &str = "Press keys to see what comes of them; Esc or Ctrl-C ends it.";

/// Lists what keys do, then shows those that are pressed.
pub(super) fn keys(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    if !session.takes_keys {
        session.say("Whole lines are read here: Enter sends, a \\ at the end begins a new line.");
        return Ok(Flow::Go);
    }
    for (names, does) in bindings(session.keys) {
        session.say(&row(&names.join(", "), does));
    }
    session.say(match session.keys {
        Keys::Emacs => "The others are emacs'; `[terminal] keys = \"vi\"` or PARLOR_KEYS=vi takes vi's.",
        Keys::Vi => "Esc leaves for vi's commands, i comes back; `[terminal] keys` says whose keys there are.",
    });
    let is_apart = crossterm::terminal::supports_keyboard_enhancement().unwrap_or(false);
    session.say(if is_apart { APART } else { NOT_APART });
    pressed(session, is_apart)?;
    Ok(Flow::Go)
}

/// Shows keys until one ends it.
fn pressed(session: &Session, is_apart: bool) -> io::Result<()> {
    crossterm::terminal::enable_raw_mode()?;
    // As the line editor asks for them.
    let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES;
    let asked = match is_apart {
        true => execute!(io::stdout(), PushKeyboardEnhancementFlags(flags)),
        false => Ok(()),
    };
    // From here on keys are read one by one, and not before.
    let press = session.terminal.fits(PRESS).replace('\n', "\r\n");
    terminal::complain(&format!("{press}\r\n"));
    let shown = asked.and_then(|()| show(session));
    if is_apart {
        // The terminal is gone where this fails.
        let _ = execute!(io::stdout(), PopKeyboardEnhancementFlags);
    }
    let restored = crossterm::terminal::disable_raw_mode();
    shown.and(restored)
}

fn show(session: &Session) -> io::Result<()> {
    let ended = session.interrupts.ended();
    while !ended.load(Ordering::Acquire) {
        if !event::poll(LOOK)? {
            continue;
        }
        let Event::Key(key) = event::read()? else {
            continue;
        };
        if key.kind == KeyEventKind::Release {
            continue;
        }
        let is_end = key.code == KeyCode::Esc
            || (key.code == KeyCode::Char('c') && key.modifiers == KeyModifiers::CONTROL);
        if is_end {
            break;
        }
        let name = printable(&name(&key));
        let does = bindings(session.keys).find(|(names, _)| names.contains(&name.as_str()));
        let does = does.map_or("", |(_, does)| does);
        terminal::complain(&format!("{}\r\n", row(&name, does)));
    }
    Ok(())
}

fn row(names: &str, does: &str) -> String {
    format!("  {names:<30} {does}").trim_end().to_owned()
}
