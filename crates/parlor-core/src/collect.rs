//! From events to a response, and back.

use crate::event::{CallHead, Event, PartKind};
use crate::message::{Message, Role};
use crate::part::{Citation, Native, Part, Reasoning, Refusal, Text};
use crate::response::{ChatResponse, Choice, FinishReason, Logprobs, Warning};
use crate::tool::{Arguments, ToolCall};
use crate::usage::KeptUsage;
use compact_str::CompactString;

/// Collects the events of a stream into the response it amounts to.
///
/// Parts are keyed by choice and index, so that interleaved parts and choices
/// can't mix. At any time [`partial`](Self::partial) gives what has come.
#[derive(Debug, Clone, Default)]
pub struct Collector {
    id: Option<String>,
    model: Option<String>,
    provider: String,
    created: Option<u64>,
    usage: Option<KeptUsage>,
    warnings: Vec<Warning>,
    native: Vec<Native>,
    choices: Vec<CollectedChoice>,
    completed: bool,
}

#[derive(Debug, Clone)]
struct CollectedChoice {
    index: u32,
    parts: Vec<CollectedPart>,
    finish_reason: Option<FinishReason>,
    logprobs: Option<Box<Logprobs>>,
}

#[derive(Debug, Clone)]
struct CollectedPart {
    index: u32,
    kind: PartKind,
    text: String,
    citations: Vec<Citation>,
    call: Option<Box<CallHead>>,
    content: Option<Box<Part>>,
    native: Option<Box<Native>>,
    finished: bool,
}

impl Collector {
    /// A collector for the answer of this provider.
    pub fn new(provider: impl Into<String>) -> Self {
        Self {
            provider: provider.into(),
            ..Self::default()
        }
    }

    /// Takes the next event. Events that break the grammar (a delta for a part
    /// that isn't open) are passed over.
    pub fn push(&mut self, event: &Event) {
        match event {
            Event::TextDelta { choice, part, text }
            | Event::ReasoningDelta { choice, part, text }
            | Event::ArgumentsDelta { choice, part, text } => {
                if let Some(part) = self.part(*choice, *part) {
                    part.text.push_str(text);
                }
            }
            Event::Started { id, model, created } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                self.created = *created;
            }
            Event::PartStarted {
                choice,
                part,
                kind,
                call,
            } => {
                // Whoever tells usage before the content has no more of it until the end.
                if let Some(usage) = &mut self.usage {
                    usage.pack();
                }
                self.choice(*choice).parts.push(CollectedPart {
                    index: *part,
                    kind: *kind,
                    text: String::new(),
                    citations: Vec::new(),
                    call: call.clone(),
                    content: None,
                    native: None,
                    finished: false,
                });
            }
            Event::Citation {
                choice,
                part,
                citation,
            } => {
                if let Some(part) = self.part(*choice, *part) {
                    part.citations.push((**citation).clone());
                }
            }
            Event::PartFinished {
                choice,
                part,
                content,
                native,
            } => {
                if let Some(part) = self.part(*choice, *part) {
                    part.content.clone_from(content);
                    part.native.clone_from(native);
                    part.finished = true;
                }
            }
            Event::Logprobs {
                choice,
                refusal,
                tokens,
            } => {
                let logprobs = self.choice(*choice).logprobs.get_or_insert_default();
                let list = match refusal {
                    true => &mut logprobs.refusal,
                    false => &mut logprobs.content,
                };
                list.extend_from_slice(tokens);
            }
            Event::Usage { usage } => match &mut self.usage {
                Some(mine) => mine.get().merge(usage),
                none => *none = Some(KeptUsage::new(usage.clone())),
            },
            Event::Warning { warning } => self.warnings.push((**warning).clone()),
            Event::Unknown { native } => self.native.push((**native).clone()),
            Event::Finished { choice, reason } => {
                self.choice(*choice).finish_reason = Some(reason.clone());
            }
            Event::Completed { usage } => {
                // It mostly repeats what was said.
                let known = self.usage.as_mut().map(|it| &*it.get());
                if let Some(usage) = usage
                    && known != Some(usage)
                {
                    self.usage = Some(KeptUsage::new(usage.clone()));
                }
                self.completed = true;
            }
        }
    }

    /// Takes the next event as [`push`](Self::push) does, without copying what is
    /// in it: for whoever has no other use of it.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::TextDelta { choice, part, text }
            | Event::ReasoningDelta { choice, part, text }
            | Event::ArgumentsDelta { choice, part, text } => {
                if let Some(part) = self.part(choice, part) {
                    match part.text.is_empty() {
                        true => part.text = text.into(),
                        false => part.text.push_str(&text),
                    }
                }
            }
            Event::PartFinished {
                choice,
                part,
                content,
                native,
            } => {
                if let Some(part) = self.part(choice, part) {
                    part.content = content;
                    part.native = native;
                    part.finished = true;
                }
            }
            Event::Started { id, model, created } => {
                self.id = id;
                self.model = model;
                self.created = created;
            }
            Event::Usage { usage } if self.usage.is_none() => {
                self.usage = Some(KeptUsage::new(usage));
            }
            Event::Warning { warning } => self.warnings.push(*warning),
            Event::Unknown { native } => self.native.push(*native),
            Event::Finished { choice, reason } => {
                self.choice(choice).finish_reason = Some(reason);
            }
            Event::Completed { usage: Some(usage) } => {
                self.usage = Some(KeptUsage::new(usage));
                self.completed = true;
            }
            other => self.push(&other),
        }
    }

    /// Whether any content has come.
    pub fn has_content(&self) -> bool {
        self.choices.iter().any(|choice| !choice.parts.is_empty())
    }

    /// What has come so far. Until the stream is complete it is marked
    /// interrupted, and an open tool call in it is cut: invalid, never to be
    /// executed.
    pub fn partial(&self) -> ChatResponse {
        self.clone().into_response()
    }

    /// The response; marked interrupted if the stream was not complete.
    pub fn into_response(mut self) -> ChatResponse {
        self.choices.sort_by_key(|choice| choice.index);
        let choices = self.choices.into_iter().map(CollectedChoice::build);
        ChatResponse {
            id: self.id,
            model: self.model,
            provider: self.provider,
            created: self.created,
            choices: choices.collect(),
            usage: self.usage.map(|usage| *usage.into_usage()),
            warnings: self.warnings,
            native: self.native,
            interrupted: !self.completed,
            ..ChatResponse::default()
        }
    }

    fn choice(&mut self, index: u32) -> &mut CollectedChoice {
        let found = self.choices.iter().position(|it| it.index == index);
        let at = found.unwrap_or_else(|| {
            // Nearly always there is one, and it is a large thing.
            self.choices.reserve_exact(1);
            self.choices.push(CollectedChoice {
                index,
                parts: Vec::with_capacity(1),
                finish_reason: None,
                logprobs: None,
            });
            self.choices.len() - 1
        });
        &mut self.choices[at]
    }

    /// The open part of this index; the newest parts are looked at first.
    fn part(&mut self, choice: u32, part: u32) -> Option<&mut CollectedPart> {
        let choice = self.choices.iter_mut().find(|it| it.index == choice)?;
        let mut parts = choice.parts.iter_mut().rev();
        parts.find(|it| it.index == part && !it.finished)
    }
}

impl CollectedChoice {
    fn build(mut self) -> Choice {
        self.parts.sort_by_key(|part| part.index);
        let parts = self.parts.into_iter().filter_map(CollectedPart::build);
        Choice {
            index: self.index,
            message: Message::new(Role::Assistant, parts.collect()),
            finish_reason: self.finish_reason,
            logprobs: self.logprobs.map(|it| *it),
        }
    }
}

impl CollectedPart {
    fn build(self) -> Option<Part> {
        if let Some(content) = self.content {
            return Some(*content);
        }
        let mut part = match self.kind {
            PartKind::Text => {
                let mut text = Text::new(self.text);
                text.citations = self.citations;
                Part::Text(text)
            }
            PartKind::Reasoning => Part::Reasoning(Reasoning::new(self.text)),
            PartKind::Refusal => Part::Refusal(Refusal::new(self.text)),
            PartKind::ToolCall => {
                let head = self.call.map(|call| *call).unwrap_or_default();
                let mut call = ToolCall::new(head.id, head.name, Arguments::cut(self.text));
                call.executor = head.executor;
                Part::ToolCall(call)
            }
            _ => return None,
        };
        if let Some(native) = self.native {
            part.set_native(*native);
        }
        Some(part)
    }
}

/// The events of a stream that gives this response.
pub(crate) fn replay(response: ChatResponse) -> Vec<Event> {
    let mut events = vec![Event::Started {
        id: response.id,
        model: response.model,
        created: response.created,
    }];
    let boxed = |warning| Event::Warning {
        warning: Box::new(warning),
    };
    events.extend(response.warnings.into_iter().map(boxed));
    for choice in response.choices {
        for (index, part) in (0..).zip(choice.message.parts) {
            replay_part(choice.index, index, part, &mut events);
        }
        let logprobs = choice.logprobs.unwrap_or_default();
        for (refusal, tokens) in [(false, logprobs.content), (true, logprobs.refusal)] {
            if !tokens.is_empty() {
                events.push(Event::Logprobs {
                    choice: choice.index,
                    refusal,
                    tokens,
                });
            }
        }
        if let Some(reason) = choice.finish_reason {
            events.push(Event::Finished {
                choice: choice.index,
                reason,
            });
        }
    }
    events.extend(response.native.into_iter().map(|native| Event::Unknown {
        native: Box::new(native),
    }));
    let usage = response.usage.map(Box::new);
    events.extend(usage.clone().map(|usage| Event::Usage { usage }));
    if !response.interrupted {
        events.push(Event::Completed { usage });
    }
    events
}

fn replay_part(choice: u32, index: u32, part: Part, events: &mut Vec<Event>) {
    let kind = PartKind::of(&part);
    events.push(match &part {
        Part::ToolCall(call) => Event::call_started(choice, index, call.into()),
        _ => Event::part_started(choice, index, kind),
    });
    let delta = |text: &str| (!text.is_empty()).then(|| CompactString::from(text));
    let mut finish = (None, None);
    match part {
        Part::Text(Text {
            text,
            citations,
            native,
            ..
        }) => {
            events.extend(delta(&text).map(|text| Event::TextDelta {
                choice,
                part: index,
                text,
            }));
            events.extend(citations.into_iter().map(|citation| Event::Citation {
                choice,
                part: index,
                citation: Box::new(citation),
            }));
            finish.1 = native;
        }
        Part::Refusal(Refusal { text, native }) => {
            events.extend(delta(&text).map(|text| Event::TextDelta {
                choice,
                part: index,
                text,
            }));
            finish.1 = native;
        }
        Part::Reasoning(Reasoning { text, native }) => {
            events.extend(delta(&text).map(|text| Event::ReasoningDelta {
                choice,
                part: index,
                text,
            }));
            finish.1 = native;
        }
        other => {
            if let Part::ToolCall(call) = &other {
                events.extend(
                    delta(&call.arguments.text).map(|text| Event::ArgumentsDelta {
                        choice,
                        part: index,
                        text,
                    }),
                );
            }
            finish.0 = Some(Box::new(other));
        }
    }
    events.push(Event::PartFinished {
        choice,
        part: index,
        content: finish.0,
        native: finish.1,
    });
}
