//! Writes the events of a streamed answer.

use super::super::error;
use super::super::response::scope::Answer;
use super::super::response::whole::{Ids, answered, beyond, complete, finish, head};
use super::super::response::write::Items;
use super::super::wire::{Object, kind_of};
use super::pieces::{Body, Item, ItemKind, PartEvent};
use crate::client_tools::ClientTools;
use crate::dialect::{Encoder, FrameWriter};
use crate::openai_chat;
use parlor_core::{Error, ErrorKind, Event, FinishReason, Part, PartKind, Result, Usage};
use serde::Serialize;
use serde_json::{Value, json};

/// Writes the events of a streamed answer.
///
/// Every part is written as it comes, interleaved where parts are. A text that
/// begins while another is still open is the next content of that one's
/// message, and thoughts likewise. Only the first choice is written. Parts that
/// the dialect can't say (sources, what another dialect's provider ran itself)
/// are left out.
#[derive(Debug, Default)]
pub struct ResponsesEncoder {
    head: Object,
    ids: Ids,
    begun: bool,
    ended: bool,
    sequence: u64,
    pub(super) items: Vec<Item>,
    usage: Option<Usage>,
    reason: Option<FinishReason>,
    beyond: Object,
    /// Calls of the provider's that were written whole.
    told: Items,
    /// Log probabilities of a text that hasn't begun.
    pub(super) early: Vec<Value>,
    buffer: Vec<u8>,
    /// The tools that the client has in forms of its own.
    pub(super) tools: ClientTools,
}

impl ResponsesEncoder {
    /// For a client with these tools.
    pub(in super::super) fn new(tools: ClientTools) -> Self {
        Self {
            tools,
            ..Self::default()
        }
    }

    fn frame(
        &mut self,
        kind: &str,
        data: &impl Serialize,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, data)
            .map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))?;
        out.frame(Some(kind), &self.buffer);
        Ok(())
    }

    /// The number of the next event.
    fn number(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence - 1
    }

    fn event(&mut self, kind: &str, mut data: Value, out: &mut dyn FrameWriter) -> Result<()> {
        data["type"] = kind.into();
        data["sequence_number"] = self.number().into();
        self.frame(kind, &data, out)
    }

    fn begin(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        if self.head.is_empty() {
            self.head = head(None, None, None);
        }
        for kind in ["response.created", "response.in_progress"] {
            let data = json!({ "response": self.head });
            self.event(kind, data, out)?;
        }
        Ok(())
    }

    /// The item of an open part and the part's place in it.
    pub(super) fn find(&self, part: u32) -> Option<(usize, usize)> {
        let of = |item: &Item| item.parts.iter().position(|it| it.part == part && it.open);
        let mut items = self.items.iter().enumerate().rev();
        items.find_map(|(at, item)| Some((at, of(item)?)))
    }

    /// An item begins.
    pub(super) fn add(
        &mut self,
        kind: ItemKind,
        mut item: Object,
        out: &mut dyn FrameWriter,
    ) -> Result<usize> {
        self.begin(out)?;
        let id = self.ids.item(kind_of(&item), self.items.len());
        if kind != ItemKind::Whole {
            item.insert("id".to_owned(), id.as_str().into());
        }
        let data = json!({ "output_index": self.items.len(), "item": item });
        self.event("response.output_item.added", data, out)?;
        self.items.push(Item {
            kind,
            id,
            parts: Vec::new(),
            done: None,
        });
        Ok(self.items.len() - 1)
    }

    /// An event about a part.
    pub(super) fn piece(
        &mut self,
        (at, place): (usize, usize),
        kind: &str,
        body: Body<'_>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let sequence_number = self.number();
        let Some(item) = self.items.get(at) else {
            return Ok(());
        };
        let event = PartEvent {
            kind,
            sequence_number,
            item_id: &item.id,
            output_index: at,
            content_index: (item.kind == ItemKind::Message).then_some(place),
            summary_index: (item.kind == ItemKind::Reasoning).then_some(place),
            body,
        };
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, &event)
            .map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))?;
        out.frame(Some(kind), &self.buffer);
        Ok(())
    }

    /// An item ends.
    pub(super) fn done(
        &mut self,
        at: usize,
        mut item: Object,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        if let Some(known) = self.items.get(at) {
            complete(&mut item, &known.id);
        }
        let data = json!({ "output_index": at, "item": item });
        if let Some(slot) = self.items.get_mut(at) {
            slot.done = Some(item);
        }
        self.event("response.output_item.done", data, out)
    }

    /// An item that is written whole.
    pub(super) fn whole(&mut self, mut item: Object, out: &mut dyn FrameWriter) -> Result<()> {
        let id = self.ids.item(kind_of(&item), self.items.len());
        complete(&mut item, &id);
        let at = self.add(ItemKind::Whole, item.clone(), out)?;
        self.done(at, item, out)
    }

    /// A part that no deltas brought.
    fn part(&mut self, part: &Part, out: &mut dyn FrameWriter) -> Result<()> {
        let restored = answered(part, &self.tools);
        self.told.put(restored.as_ref().unwrap_or(part), &Answer);
        let items = std::mem::take(&mut self.told.items);
        items.into_iter().try_for_each(|item| self.whole(item, out))
    }

    /// The response as it stands at its end.
    fn response(&mut self) -> Object {
        let mut response = self.head.clone();
        let items = self.items.iter_mut().filter_map(|it| it.done.take());
        let items: Vec<Object> = items.collect();
        finish(
            &mut response,
            self.reason.as_ref(),
            items,
            self.usage.as_ref(),
        );
        response.append(&mut self.beyond);
        response
    }

    fn complete(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        self.begin(out)?;
        self.ended = true;
        let response = self.response();
        let kind = match response.get("status").and_then(Value::as_str) {
            Some("incomplete") => "response.incomplete",
            _ => "response.completed",
        };
        self.event(kind, json!({ "response": response }), out)
    }
}

#[cfg(feature = "server")]
impl Encoder for ResponsesEncoder {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        match event {
            Event::Started {
                id, model, created, ..
            } => {
                self.head = head(id.as_deref(), model.as_deref(), *created);
                self.ids = Ids::of(id.as_deref(), *created);
                self.begin(out)
            }
            Event::PartStarted {
                choice,
                part,
                kind,
                call,
                ..
            } if *choice == 0 => match (kind, call) {
                (PartKind::Text | PartKind::Refusal | PartKind::Reasoning, _) => {
                    self.start_text(*part, *kind, out)
                }
                (PartKind::ToolCall, Some(call)) => self.start_call(*part, call, out),
                _ => Ok(()),
            },
            Event::TextDelta { choice, part, text }
            | Event::ReasoningDelta { choice, part, text }
                if *choice == 0 =>
            {
                self.text(*part, text, out)
            }
            Event::ArgumentsDelta { choice, part, text } if *choice == 0 => {
                self.arguments(*part, text, out)
            }
            Event::Citation {
                choice,
                part,
                citation,
            } if *choice == 0 => self.citation(*part, citation, out),
            Event::Logprobs {
                choice,
                refusal: false,
                tokens,
            } if *choice == 0 => match openai_chat::tokens(tokens) {
                Value::Array(tokens) => self.logprobs(tokens, out),
                _ => Ok(()),
            },
            Event::PartFinished {
                choice,
                part,
                content,
                native,
                ..
            } if *choice == 0 => match (self.find(*part), content) {
                (Some(place), None) => self.end_text(place, native.as_deref(), out),
                (Some(place), Some(part)) => self.end_call(place, part, out),
                (None, Some(part)) => self.part(part, out),
                (None, None) => Ok(()),
            },
            Event::Usage { usage } => {
                match &mut self.usage {
                    Some(mine) => mine.merge(usage),
                    none => *none = Some((**usage).clone()),
                }
                Ok(())
            }
            Event::Unknown { native } => {
                self.beyond.append(&mut beyond(native));
                Ok(())
            }
            Event::Finished { choice, reason, .. } if *choice == 0 => {
                self.reason = Some(reason.clone());
                self.begin(out)
            }
            Event::Completed { usage, .. } => {
                if let Some(usage) = usage {
                    self.usage = Some((**usage).clone());
                }
                self.complete(out)
            }
            _ => Ok(()),
        }
    }

    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter) {
        if self.ended {
            return;
        }
        self.ended = true;
        // Clients take it from either: the fields on top, or the object.
        let (_, body) = error::write(error);
        let inner = body.get("error").cloned().unwrap_or_default();
        let data = json!({
            "code": inner["code"],
            "message": inner["message"],
            "param": null,
            "error": inner,
        });
        // Writing JSON to memory doesn't fail.
        let _ = self.event("error", data, out);
        let mut response = match self.head.is_empty() {
            true => head(None, None, None),
            false => self.response(),
        };
        response.insert("status".to_owned(), "failed".into());
        // Here it has one always.
        let code = inner["code"].as_str().unwrap_or("server_error");
        let told = json!({ "code": code, "message": inner["message"] });
        response.insert("error".to_owned(), told);
        let _ = self.event("response.failed", json!({ "response": response }), out);
    }
}
