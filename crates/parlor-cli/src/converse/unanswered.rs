//! What becomes of a question to which nothing came.

use parlor::agent::{History, Turn, TurnState};
use parlor::{Error, ErrorKind, Message};

use super::Session;
use crate::choose::Chosen;

impl Session {
    /// Nothing came to a question, which the history lacks, and which may be kept.
    pub(super) fn nothing_came(
        &mut self,
        question: Vec<Message>,
        error: Option<&Error>,
        chosen: &Chosen,
    ) {
        match error.is_some_and(is_of_question) {
            // Every question after it would fail for it.
            true => self.rewind(self.chat.history().turns().len()),
            false => self.leave_unanswered(question, chosen),
        }
    }

    /// Leaves a question in the history to which nothing came, as it is kept: it can be
    /// asked again, changed, or taken back.
    fn leave_unanswered(&mut self, question: Vec<Message>, chosen: &Chosen) {
        let mut turn = Turn::new(question);
        turn.state = TurnState::Interrupted;
        turn.model = Some(chosen.resolved.id());
        let history = self.chat.history_mut();
        let system = history.system().map(str::to_owned);
        let turns = history.turns().iter().cloned().chain([turn]).collect();
        *history = History::of(system, turns, history.summary().cloned());
    }
}

/// Whether it failed for what was asked, so that asking again is of no use.
fn is_of_question(error: &Error) -> bool {
    use ErrorKind::{ContentFiltered, ContextTooLong, InvalidRequest, Media, Unsupported};
    let kind = error.kind();
    matches!(
        kind,
        ContentFiltered | ContextTooLong | InvalidRequest | Media | Unsupported
    )
}
