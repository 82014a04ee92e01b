//! What becomes of a model's answer: it is counted, kept, and its calls are run or wait.

use super::{Run, State};
use crate::execute::Batch;
use crate::history::{ids_of, keeps, tell_apart};
use crate::reply::Outcome;
use crate::stats::Ended;
use parlor_core::{
    ChatResponse, Event, FinishKind, Message, ModelInfo, Part, Price, Role, ToolCall,
};
use std::collections::HashSet;

/// What a call is called that came without a name.
const NAMELESS: &str = "unnamed";

impl Run<'_> {
    /// Takes a whole answer.
    pub(super) fn answered(&mut self, mut response: ChatResponse) {
        self.count(&response);
        self.end_watch(Ended::Completed);
        let mut calls: Vec<ToolCall> = Vec::new();
        if let Some(choice) = response.choices.first_mut() {
            self.suit(&mut choice.message);
            let mut message = choice.message.clone();
            message.parts.retain(|part| keeps(Role::Assistant, part));
            calls.extend(message.tool_calls().cloned());
            self.take(message);
        }
        let paused = response.finish_reason().map(|reason| reason.kind) == Some(FinishKind::Pause);
        self.last = response;
        let limits = &self.conversation.shop().limits;
        let spent = self.cost.as_ref().and_then(Option::as_ref);
        let broke = spent.is_some_and(|spent| limits.cost.is_some_and(|most| spent.amount >= most));
        if calls.is_empty() && !paused {
            self.end(Outcome::Finished);
        } else if !calls.is_empty() && !self.conversation.runs_tools() {
            self.end(Outcome::Pending);
        } else if self.step >= limits.steps {
            self.end(Outcome::StepLimit);
        } else if broke {
            self.end(Outcome::CostLimit);
        } else if calls.is_empty() {
            self.state = State::Next;
        } else {
            let batch = Batch::new(self.conversation.shop().clone(), calls);
            self.state = State::Acting(Box::new(batch));
        }
    }

    /// Takes note of who answers.
    pub(super) fn answered_by(&mut self, info: &ModelInfo) {
        let own = self.conversation.model().info();
        let is_own = (&own.provider, &own.model) == (&info.provider, &info.model);
        self.other = (!is_own).then(|| Box::new(info.clone()));
        if let (Some(watch), Some(other)) = (&mut self.watch, &self.other) {
            watch.answered_by(other);
        }
    }

    /// Adds up what an answer consumed. One that was made before counts nothing.
    pub(super) fn count(&mut self, response: &ChatResponse) {
        let price = self.answers().price.clone();
        self.count_at(price.as_ref(), response);
    }

    /// The same at a price.
    pub(super) fn count_at(&mut self, price: Option<&Price>, response: &ChatResponse) {
        if let Some(watch) = &mut self.watch {
            watch.answer(response);
        }
        let Some(usage) = &response.usage else {
            self.cost = Some(None);
            return;
        };
        if response.metadata.reused.is_some() {
            return;
        }
        self.usage.add(usage);
        let cost = price.and_then(|price| price.cost(usage));
        self.cost = Some(match (self.cost.take(), cost) {
            (None, cost) => cost,
            (Some(Some(mut sum)), Some(cost)) if sum.currency == cost.currency => {
                sum.amount += cost.amount;
                Some(sum)
            }
            _ => None,
        });
    }

    /// Keeps a message of the model, if there is anything in it.
    pub(super) fn take(&mut self, message: Message) {
        if !message.parts.is_empty() {
            self.changed = true;
            self.turn.messages.push(message);
        }
    }

    /// Makes calls such that every provider takes them back: with an id that no
    /// other call has, and a name in the letters that names are made of.
    pub(super) fn suit(&self, message: &mut Message) {
        let mut taken = self.taken();
        for part in &mut message.parts {
            let Part::ToolCall(call) = part else { continue };
            self.suit_call(call, &mut taken);
        }
    }

    /// Makes a call that comes the same that will be kept of it.
    pub(super) fn suit_event(&mut self, event: &mut Event) {
        if let Event::PartFinished {
            content: Some(part),
            choice: 0,
            ..
        } = event
            && let Part::ToolCall(call) = &mut **part
        {
            let mut taken = self.taken();
            taken.extend(self.called.iter().cloned());
            self.suit_call(call, &mut taken);
            self.called.push(call.id.clone());
        }
    }

    /// The ids of all calls before this answer.
    fn taken(&self) -> HashSet<String> {
        let turns = self.conversation.history().turns().iter();
        let said = turns.flat_map(|turn| &turn.messages);
        ids_of(said.chain(&self.turn.messages))
    }

    fn suit_call(&self, call: &mut ToolCall, taken: &mut HashSet<String>) {
        tell_apart(call, taken);
        if self.conversation.tools().get(&call.name).is_none() {
            suit_name(&mut call.name);
        }
    }
}

/// Letters, digits, `_` and `-`, at most 64.
fn suit_name(name: &mut String) {
    let fits = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    if name.is_empty() {
        NAMELESS.clone_into(name);
    } else if name.len() > 64 || !name.chars().all(fits) {
        let suited = name.chars().map(|it| if fits(it) { it } else { '_' });
        *name = suited.take(64).collect();
    }
}
