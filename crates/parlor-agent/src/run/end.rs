//! How a run ends: what has come is committed to the history, or all is as it was.

use super::{Run, RunEvent, State};
use crate::history::TurnState;
use crate::reply::{Outcome, Reply};
use parlor_core::ChatResponse;

impl Run<'_> {
    /// Takes over the results that there are.
    pub(super) fn keep_results(&mut self) {
        if let State::Acting(batch) = self.take_state() {
            self.changed |= batch.has_begun();
            if let Some(at) = self.turn.add_results(batch.into_results()) {
                self.own = self.own.min(at);
            }
        }
    }

    pub(super) fn end(&mut self, outcome: Outcome) {
        self.state = State::Over;
        let state = match outcome {
            Outcome::Finished => TurnState::Complete,
            _ if !self.turn.pending_calls().is_empty() => TurnState::Pending,
            Outcome::StepLimit | Outcome::CostLimit => TurnState::Complete,
            _ => TurnState::Interrupted,
        };
        self.close(outcome, state);
    }

    /// Ends in the middle: what has come is kept. A turn that is asked again, or
    /// goes on, is as it was where nothing has.
    pub(super) fn interrupt(&mut self, outcome: Outcome) {
        match self.take_state() {
            State::Answering(stream) => {
                let partial = stream.stop();
                self.count(&partial);
                self.keep_partial(&partial);
                self.last = partial;
            }
            state => {
                self.state = state;
                self.keep_results();
            }
        }
        self.state = State::Over;
        self.watch = None;
        self.close(outcome, TurnState::Interrupted);
    }

    fn close(&mut self, outcome: Outcome, state: TurnState) {
        let reply = self.reply_with(outcome);
        match self.before.turn.is_some() && !self.changed {
            true => self.roll_back(),
            false => self.commit(state),
        }
        let finished = RunEvent::Finished(Box::new(reply.clone()));
        self.told.push_back(finished);
        self.reply = Some(reply);
    }

    fn keep_partial(&mut self, partial: &ChatResponse) {
        if let Some(message) = partial.message() {
            let mut message = message.clone();
            self.suit(&mut message);
            self.take(message);
        }
    }

    /// Commits what a failure left.
    pub(super) fn commit_partial(&mut self, partial: Option<ChatResponse>) {
        self.keep_results();
        self.state = State::Over;
        if let Some(partial) = partial {
            self.count(&partial);
            self.keep_partial(&partial);
        }
        match self.changed {
            true => self.commit(TurnState::Interrupted),
            false => self.roll_back(),
        }
    }

    pub(super) fn reply_with(&self, outcome: Outcome) -> Reply {
        let own = self.turn.messages.iter().skip(self.own);
        Reply {
            response: self.last.clone(),
            messages: own.cloned().collect(),
            outcome,
            usage: self.usage.clone(),
            cost: self.cost.clone().flatten(),
            steps: self.step,
        }
    }

    fn commit(&mut self, state: TurnState) {
        let mut turn = std::mem::take(&mut self.turn);
        turn.state = state;
        turn.model = Some(self.answers().id());
        turn.usage.add(&self.usage);
        self.conversation.history_mut().push(turn);
    }

    /// Leaves the history as it was before this run.
    fn roll_back(&mut self) {
        let history = self.conversation.history_mut();
        if let Some(system) = self.before.system.take() {
            history.set_system(system);
        }
        if let Some(turn) = self.before.turn.take() {
            history.push(turn);
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        match (&self.state, self.began) {
            (State::Over, _) => {}
            (_, None) => self.roll_back(),
            _ => self.interrupt(Outcome::Stopped),
        }
        if let Some(began) = self.began {
            let took = began.elapsed();
            self.conversation.surroundings_mut().spend(took);
        }
    }
}
