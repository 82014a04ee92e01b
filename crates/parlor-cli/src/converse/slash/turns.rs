//! Commands about single turns: asked by other means, again, or taken back.

use super::{Slash, first_line, slash};
use crate::converse::{Flow, Session, template};
use crate::failure::Failure;

/// These commands, in the order of the help.
pub(super) const COMMANDS: &[Slash] = &[
    slash(
        "template",
        "[NAME] [KEY=VALUE…] [TEXT]",
        "ask by a template, or list them",
        template::template,
    ),
    slash("retry", "", "ask the last question again", retry),
    slash("undo", "", "take the last turn back", undo),
];

fn retry(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    session.ask_again().map(|()| Flow::Go)
}

fn undo(session: &mut Session, _: &str) -> Result<Flow, Failure> {
    let Some(turn) = session.chat.history_mut().undo() else {
        session.say("There is nothing to take back.");
        return Ok(Flow::Go);
    };
    let left = session.chat.history().turns().len();
    session.keep(|session| session.runtime.block_on(session.keeper.rewind(left)));
    session.say(&format!("Taken back: {}", first_line(&turn)));
    Ok(Flow::Go)
}
