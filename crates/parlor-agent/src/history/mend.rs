//! Makes turns such that any model takes them, whatever happened to them.

use super::{Turn, TurnState};
use parlor_core::{ArgumentsForm, Executor, Message, Part, Role, ToolCall, ToolResult};
use std::collections::HashSet;

impl Turn {
    /// Makes it one that can be sent whatever happened to it: a call that was
    /// cut is gone, every other one of the client has exactly one result, in
    /// the message after it, and nothing else has one. The calls of a pending
    /// turn's last message may wait for theirs. A call whose id is among those
    /// that are `taken` gets another, and so does its result.
    pub(crate) fn mend(&mut self, taken: &mut HashSet<String>) {
        let may_wait = self.state == TurnState::Pending;
        let messages = std::mem::take(&mut self.messages);
        let last = messages.iter().rposition(|m| m.role == Role::Assistant);
        let mut results: Vec<ToolResult> = Vec::new();
        let mut rest = messages.into_iter().enumerate().peekable();
        while let Some((at, mut message)) = rest.next() {
            let role = message.role;
            message.parts.retain(|part| keeps(role, part));
            if role == Role::Tool || message.parts.is_empty() {
                continue;
            }
            while let Some((_, next)) = rest.next_if(|(_, next)| next.role == Role::Tool) {
                results.extend(next.parts.into_iter().filter_map(|part| match part {
                    Part::ToolResult(result) if result.executor == Executor::Client => Some(result),
                    _ => None,
                }));
            }
            let may_wait = may_wait && Some(at) == last;
            let answers = answers_of(&mut message, &mut results, may_wait, taken);
            results.clear();
            self.messages.push(message);
            if !answers.is_empty() {
                self.messages.push(Message::tool_results(answers));
            }
        }
        if may_wait && self.pending_calls().is_empty() {
            self.state = TurnState::Interrupted;
        }
    }
}

/// Whether a part may stand in a message of this role: calls are the model's,
/// and none that was cut; results have messages of their own.
pub(crate) fn keeps(role: Role, part: &Part) -> bool {
    match part {
        Part::ToolCall(call) => {
            role == Role::Assistant && call.arguments.form != ArgumentsForm::Cut
        }
        Part::ToolResult(result) => role == Role::Tool || result.executor == Executor::Provider,
        _ => true,
    }
}

/// The results of a message's calls, in the order of the calls.
fn answers_of(
    message: &mut Message,
    results: &mut Vec<ToolResult>,
    may_wait: bool,
    taken: &mut HashSet<String>,
) -> Vec<ToolResult> {
    let mut answers = Vec::new();
    for part in &mut message.parts {
        let Part::ToolCall(call) = part else { continue };
        let found = results.iter().position(|result| result.call_id == call.id);
        let is_ours = call.executor == Executor::Client;
        tell_apart(call, taken);
        match found.filter(|_| is_ours) {
            Some(at) => {
                let mut answer = results.remove(at);
                answer.call_id.clone_from(&call.id);
                answers.push(answer);
            }
            None if may_wait || !is_ours => {}
            None => answers.push(unanswered(call)),
        }
    }
    answers
}

/// What the model is told of a call that nobody answered.
fn unanswered(call: &ToolCall) -> ToolResult {
    let mut result = ToolResult::error(&*call.id, "The call was interrupted and has no result.");
    result.name = Some(call.name.clone());
    result
}

/// The ids of the calls in these messages.
pub(crate) fn ids_of<'a>(messages: impl Iterator<Item = &'a Message>) -> HashSet<String> {
    let parts = messages.flat_map(|message| &message.parts);
    let ids = parts.filter_map(|part| match part {
        Part::ToolCall(call) => Some(call.id.clone()),
        _ => None,
    });
    ids.collect()
}

/// Gives a call of the client an id of its own where it has none, or one that
/// another call has: a result would answer both.
pub(crate) fn tell_apart(call: &mut ToolCall, taken: &mut HashSet<String>) {
    let is_ours = call.executor == Executor::Client;
    if is_ours && (call.id.is_empty() || taken.contains(&call.id)) {
        let mut free = (taken.len()..).map(|number| format!("call{number:05}"));
        let id = free.find(|id| !taken.contains(id));
        let old = std::mem::replace(&mut call.id, id.unwrap_or_default());
        // The provider's own item must not bring the old one back.
        call.native
            .take_if(|it| !old.is_empty() && it.item.to_string().contains(&old));
    }
    taken.insert(call.id.clone());
}
