//! Commands that take something in beside the words, or hand something out.

use parlor::agent::Turn;

use super::{Slash, slash};
use crate::converse::{Flow, Session};
use crate::failure::Failure;
use crate::terminal;

/// These commands, in the order of the help.
pub(super) const COMMANDS: &[Slash] = &[
    slash(
        "attach",
        "FILE",
        "send a file, folder, URL or !command with the next message",
        attach,
    ),
    slash(
        "paste",
        "",
        "send the picture or the text of the clipboard with the next message",
        paste,
    ),
    slash(
        "copy",
        "[N]",
        "copy the answer, or its Nth piece of code",
        copy,
    ),
];

fn attach(session: &mut Session, what: &str) -> Result<Flow, Failure> {
    if what.is_empty() {
        session.say("Name a file, a folder, a URL, or a command after `!`.");
        return Ok(Flow::Go);
    }
    session.attached.extend(crate::attach::parts(what)?);
    session.say(&format!("{what} goes with the next message."));
    Ok(Flow::Go)
}

fn copy(session: &mut Session, which: &str) -> Result<Flow, Failure> {
    let text = session
        .chat
        .history()
        .turns()
        .last()
        .map(Turn::text)
        .unwrap_or_default();
    let text = match which.parse::<usize>() {
        Ok(number) => crate::markdown::pieces_of_code(&text)
            .into_iter()
            .nth(number.wrapping_sub(1)),
        Err(_) => Some(text).filter(|text| !text.is_empty()),
    };
    let Some(text) = text else {
        session.say("There is nothing to copy.");
        return Ok(Flow::Go);
    };
    terminal::to_clipboard(&text)?;
    session.say(&format!(
        "{} characters are copied, if the terminal allows it.",
        text.chars().count()
    ));
    Ok(Flow::Go)
}

fn paste(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let (part, told) = crate::clipboard::part()?;
    session.attached.push(part);
    session.say(&format!("{told} goes with the next message."));
    Ok(Flow::Go)
}
