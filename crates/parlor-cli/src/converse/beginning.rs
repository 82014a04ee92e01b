//! Where a conversation begins: anew, or with what was kept.

use parlor::agent::{Kept, Turn, TurnState};

use super::slash::first_line;
use super::{Session, status};
use crate::failure;
use crate::keeper::Keeper;

impl Session {
    /// Says who answers, and what a person should know of that.
    pub(super) fn greet(&mut self, is_new: bool) {
        let model = self.chosen.resolved.id();
        let version = concat!(
            env!("CARGO_PKG_VERSION_MAJOR"),
            ".",
            env!("CARGO_PKG_VERSION_MINOR")
        );
        let new = match self.keeper.name().filter(|_| is_new) {
            Some(id) => format!(" · new chat {id}"),
            None => String::new(),
        };
        self.tell(&format!(
            "parlor {version} · {model}{new}      /help  /model  Ctrl-D quits"
        ));
        if let Some(notice) = self.chosen.notice() {
            self.tell(&notice);
        }
        let retired = self.chosen.targets().filter_map(failure::retired);
        let warnings: Vec<String> = self.chosen.warnings().chain(retired).collect();
        warnings.iter().for_each(|warning| self.say(warning));
    }

    /// Goes on with a conversation that is kept, and shows its end.
    pub(super) fn go_on(&mut self, kept: &Kept) {
        *self.chat.history_mut() = kept.history.clone();
        self.keeper = Keeper::of(self.shelf.clone(), kept, self.keeps);
        self.unkept = false;
        self.count_anew();
        let used = (kept.info.usage.clone(), kept.info.cost.clone());
        self.earlier = Some(used).filter(|(usage, _)| usage.total_tokens().is_some());
        let (id, title) = (&kept.info.id, &kept.info.title);
        let turns = kept.history.turns();
        self.tell(&format!("{id} · {title} · {}", status::turns(turns.len())));
        for turn in turns.iter().skip(turns.len().saturating_sub(self.replay)) {
            self.say(&format!("› {}", first_line(turn)));
            for line in crate::tools::of_turn(turn) {
                self.tell(&line);
            }
            self.show(&turn.text());
            if turn.state == TurnState::Interrupted {
                self.say("[interrupted]");
            }
        }
        let now = self.chosen.resolved.id();
        let before = kept.info.model.as_deref();
        // A host may answer in a longer name, with a date.
        if let Some(before) = before.filter(|before| !before.starts_with(&now)) {
            self.tell(&format!(
                "{before} answered before, {now} does now: /model {before} goes back."
            ));
        }
    }

    /// Adds turns that were there before, and keeps them.
    pub(super) fn bring(&mut self, turns: &[Turn]) {
        let said = turns.iter().flat_map(|turn| turn.messages.clone());
        said.for_each(|message| self.chat.history_mut().add(message));
        self.keep(|session| {
            let system = session.chat.history().system();
            let brought = session.keeper.bring(system, turns);
            session.runtime.block_on(brought)
        });
    }

    /// Counts tokens and costs of another conversation from here on.
    fn count_anew(&mut self) {
        self.chat.reset_stats();
        (self.figures, self.earlier) = (None, None);
    }

    /// Forgets what was said, and keeps what follows as another conversation.
    pub(super) fn begin_anew(&mut self, system: Option<String>) {
        self.chat.history_mut().clear_all();
        self.chat.history_mut().set_system(system);
        self.keeper = Keeper::new(self.shelf.clone(), self.keeps);
        self.unkept = false;
        self.leave_behind();
        self.count_anew();
    }

    /// What waited for the next message was for the conversation that is left.
    pub(super) fn leave_behind(&mut self) {
        let attached = (!self.attached.is_empty()).then_some("what was attached");
        let shape = self.schema.is_some().then_some("/schema");
        let left: Vec<&str> = attached.into_iter().chain(shape).collect();
        if !left.is_empty() {
            self.say(&format!("Left behind: {}.", left.join(" and ")));
        }
        self.attached.clear();
        self.schema = None;
    }
}
