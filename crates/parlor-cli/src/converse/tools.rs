//! Tools of a conversation: made ready before each turn.

use parlor::Capability;

use super::Session;
use crate::failure::Failure;
use crate::interrupt;

impl Session {
    /// Gives the model the tools that are on, before anything is taken back or asked.
    /// It fails where a person stops waiting for a server.
    pub(super) fn ready_tools(&mut self) -> Result<(), Failure> {
        // Before anybody is told that there is something to stop.
        self.interrupts.busy();
        for told in self.kit.waiting() {
            self.tell(&told);
        }
        let Some(notices) = self.interrupts.wait(&self.runtime, self.kit.prepare()) else {
            return Err(interrupt::stopped().into());
        };
        for notice in notices {
            self.say(&notice);
        }
        self.kit.hand_over(&mut self.chat);
        let info = self.chat.model().info();
        let lacks = info.capabilities.lacks(Capability::Tools);
        if lacks && self.chat.tools().names().next().is_some() {
            let id = info.id();
            self.chat.tools_mut().clear();
            if self.toolless.as_ref() != Some(&id) {
                self.tell(&format!("{id} takes no tools; it is asked without."));
                self.toolless = Some(id);
            }
        }
        Ok(())
    }
}
