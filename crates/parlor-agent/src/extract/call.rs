//! The call that is an answer, as text.

use futures_util::{StreamExt, stream};
use parlor_core::{CallHead, ChatResponse, ChatStream, Event, Executor, Part, PartKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The answer with the tool's arguments as its text.
pub(crate) fn as_text(
    mut response: ChatResponse,
    tool: Option<&str>,
    called: &AtomicBool,
) -> ChatResponse {
    let Some(tool) = tool else { return response };
    for choice in &mut response.choices {
        for part in &mut choice.message.parts {
            if let Part::ToolCall(call) = part
                && call.name == tool
            {
                called.store(true, Ordering::Relaxed);
                *part = Part::text(std::mem::take(&mut call.arguments.text));
            }
        }
        let calls = choice.message.tool_calls().next().is_some();
        choice.finish_reason = choice.finish_reason.take().map(|it| it.with_calls(calls));
    }
    response
}

pub(crate) fn stream_as_text(
    stream: ChatStream,
    tool: String,
    called: Arc<AtomicBool>,
) -> ChatStream {
    let mut reader = CallReader {
        tool,
        called,
        open: Vec::new(),
        others: Vec::new(),
    };
    stream.map_events(|events| {
        events.flat_map(move |event| {
            let events = match event {
                Ok(event) => reader.read(event).map(|it| it.map(Ok)),
                Err(error) => [Some(Err(error)), None],
            };
            stream::iter(events.into_iter().flatten())
        })
    })
}

/// Makes text parts of the calls of a tool.
struct CallReader {
    tool: String,
    called: Arc<AtomicBool>,
    /// The calls that are open, as choice and part, with how much text of each
    /// was given.
    open: Vec<(u32, u32, usize)>,
    /// The choices that call other tools.
    others: Vec<u32>,
}

impl CallReader {
    fn read(&mut self, event: Event) -> [Option<Event>; 2] {
        let one = match event {
            Event::PartStarted {
                choice,
                part,
                kind: PartKind::ToolCall,
                call: Some(call),
                ..
            } if call.name == self.tool => {
                self.called.store(true, Ordering::Relaxed);
                self.open.push((choice, part, 0));
                Event::part_started(choice, part, PartKind::Text)
            }
            Event::PartStarted {
                choice,
                kind: PartKind::ToolCall,
                ref call,
                ..
            } => {
                let runs_there = |it: &CallHead| it.executor == Executor::Provider;
                if !call.as_deref().is_some_and(runs_there) {
                    self.others.push(choice);
                }
                event
            }
            Event::ArgumentsDelta { choice, part, text } => {
                match self
                    .open
                    .iter_mut()
                    .find(|it| (it.0, it.1) == (choice, part))
                {
                    Some((_, _, given)) => {
                        *given += text.len();
                        Event::TextDelta { choice, part, text }
                    }
                    None => Event::ArgumentsDelta { choice, part, text },
                }
            }
            Event::PartFinished {
                choice,
                part,
                ref content,
                ..
            } => {
                let open = self
                    .open
                    .iter()
                    .position(|it| (it.0, it.1) == (choice, part));
                let Some(open) = open else {
                    return [Some(event), None];
                };
                let (_, _, given) = self.open.swap_remove(open);
                let rest = match content.as_deref() {
                    Some(Part::ToolCall(call)) => call.arguments.text.get(given..),
                    _ => None,
                };
                let rest = rest
                    .filter(|it| !it.is_empty())
                    .map(|text| Event::TextDelta {
                        choice,
                        part,
                        text: text.into(),
                    });
                let finished = Event::part_finished(choice, part);
                return match rest {
                    Some(rest) => [Some(rest), Some(finished)],
                    None => [Some(finished), None],
                };
            }
            Event::Finished { choice, reason, .. } => {
                Event::finished(choice, reason.with_calls(self.others.contains(&choice)))
            }
            event => event,
        };
        [Some(one), None]
    }
}
