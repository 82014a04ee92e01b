//! Names of a client's tools that only hosts of its dialect take: those of the messages API may be
//! twice as long as elsewhere, those of `generateContent` have dots. They go on as names that every
//! provider takes, and come back as the client has them. A body that passes as it is has its own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use parlor::{ChatRequest, ChatResponse, Event, Part, ToolChoice, ToolDefinition};
use parlor_dialect::function_name;

/// What a client calls the tools that go by another name, by that.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<String, String>);

impl Names {
    /// Gives the tools of a request names that suit everybody.
    pub(crate) fn suit(request: &mut ChatRequest) -> Self {
        let mut names = Self::default();
        for tool in &mut request.tools {
            if let ToolDefinition::Function(function) = tool {
                names.take(&mut function.name);
            }
        }
        match &mut request.tool_choice {
            Some(ToolChoice::Tool(name)) => {
                names.take(name);
            }
            Some(ToolChoice::Allowed { tools, .. }) => {
                for name in tools {
                    names.take(name);
                }
            }
            _ => {}
        }
        for part in request.messages.iter_mut().flat_map(|it| &mut it.parts) {
            let is_new = match part {
                Part::ToolCall(call) => names.take(&mut call.name),
                Part::ToolResult(result) => result.name.as_mut().is_some_and(|it| names.take(it)),
                _ => false,
            };
            // Put on anew, since the part isn't what it was put on.
            if is_new && let Some(native) = part.native().cloned() {
                part.set_native(native);
            }
        }
        names
    }

    /// Puts a name that suits in the place of one that doesn't; whether it did.
    fn take(&mut self, name: &mut String) -> bool {
        let Cow::Owned(new) = function_name(name) else {
            return false;
        };
        let old = std::mem::replace(name, new.clone());
        self.0.insert(new, old);
        true
    }

    /// Gives what an answer calls the client's names.
    pub(crate) fn whole(&self, response: &mut ChatResponse) {
        let choices = response.choices.iter_mut();
        for part in choices.flat_map(|it| &mut it.message.parts) {
            self.part(part);
        }
    }

    /// The same of an event of one.
    pub(crate) fn event(&self, event: &mut Event) {
        match event {
            Event::PartStarted {
                call: Some(call), ..
            } => self.give(&mut call.name),
            Event::PartFinished {
                content: Some(content),
                ..
            } => self.part(content),
            _ => {}
        }
    }

    fn part(&self, part: &mut Part) {
        if let Part::ToolCall(call) = part {
            self.give(&mut call.name);
        }
    }

    fn give(&self, name: &mut String) {
        if let Some(own) = self.0.get(name) {
            name.clone_from(own);
        }
    }
}
