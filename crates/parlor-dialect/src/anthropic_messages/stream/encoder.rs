//! Writes the events of a streamed answer.

use super::super::error;
use super::super::response::write::{
    beyond, block_of, citation, head, is_cut, stop_reason, usage_object,
};
use super::super::wire::CHUNK;
use super::super::wire::{Object, block, text_block};
use super::pieces::{Borrowed, DeltaBody, DeltaEvent, End, Pending};
use crate::dialect::{Encoder, FrameWriter};
use crate::exceptions;
use crate::media::encode;
use parlor_core::{
    ArgumentsForm, Error, Event, Executor, FinishKind, FinishReason, Native, Part, PartKind,
    Result, Usage,
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// Writes the events of a streamed answer.
///
/// Clients want blocks one after the other, each delta inside its block. The
/// oldest part that isn't finished is written as it comes; parts begun later
/// wait for their turn. Only the first choice is written. Parts that the
/// dialect can't say (media, sources, what another dialect's provider ran
/// itself) are left out.
#[derive(Debug, Default)]
pub struct MessagesEncoder {
    id: Option<String>,
    model: Option<String>,
    begun: bool,
    ended: bool,
    /// The parts that aren't written to their end, oldest first.
    queue: VecDeque<Pending>,
    /// The index of the next block.
    next: u32,
    usage: Option<Usage>,
    reason: Option<FinishReason>,
    /// Whether a call broke off: clients mend its arguments, and run it unless
    /// they are told that the answer was too long.
    was_cut: bool,
    beyond: Object,
    buffer: Vec<u8>,
    /// Whether events go in base64 in chunks of an event stream.
    chunks: bool,
}

impl MessagesEncoder {
    pub(in super::super) fn new(chunks: bool) -> Self {
        Self {
            chunks,
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
            .map_err(|error| Error::decode(error.to_string()))?;
        if self.chunks {
            let chunk = json!({ "bytes": encode(&self.buffer) }).to_string();
            out.frame(Some(CHUNK), chunk.as_bytes());
            return Ok(());
        }
        out.frame(Some(kind), &self.buffer);
        Ok(())
    }

    fn begin(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let mut message = head(self.id.as_deref(), self.model.as_deref());
        message.insert("content".to_owned(), json!([]));
        message.insert("stop_reason".to_owned(), Value::Null);
        message.insert("stop_sequence".to_owned(), Value::Null);
        let usage = usage_object(self.usage.as_ref());
        message.insert("usage".to_owned(), Value::Object(usage));
        let data = json!({ "type": "message_start", "message": message });
        self.frame("message_start", &data, out)
    }

    fn pending(&mut self, part: u32) -> Option<usize> {
        self.queue
            .iter()
            .position(|it| it.part == part && it.finished.is_none())
    }

    /// A piece of a part: written if it is the part's turn, else kept.
    fn piece(&mut self, part: u32, piece: Borrowed<'_>, out: &mut dyn FrameWriter) -> Result<()> {
        match self.pending(part) {
            Some(0) => self.write(piece, out),
            Some(at) => {
                if let Some(pending) = self.queue.get_mut(at) {
                    pending.waiting.push(piece.to_owned());
                }
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Opens the block of the front part, if it isn't open.
    fn open(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        let index = self.next;
        let Some(front) = self.queue.front_mut() else {
            return Ok(());
        };
        if front.opened {
            return Ok(());
        }
        front.opened = true;
        let start = front.start.take().unwrap_or_else(|| text_block(""));
        self.start(index, start, out)
    }

    fn start(&mut self, index: u32, start: Object, out: &mut dyn FrameWriter) -> Result<()> {
        let data = json!({ "type": "content_block_start", "index": index, "content_block": start });
        self.frame("content_block_start", &data, out)
    }

    fn stop(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        let data = json!({ "type": "content_block_stop", "index": self.next });
        self.next += 1;
        self.frame("content_block_stop", &data, out)
    }

    /// Writes a piece of the front part.
    fn write(&mut self, piece: Borrowed<'_>, out: &mut dyn FrameWriter) -> Result<()> {
        let Some(front) = self.queue.front_mut() else {
            return Ok(());
        };
        // What a provider ran itself and free text are written whole.
        if front.start.is_none() && !front.opened {
            return Ok(());
        }
        if let Borrowed::Arguments(text) = piece {
            front.written += text.len();
        }
        self.open(out)?;
        self.delta(piece, out)
    }

    fn delta(&mut self, piece: Borrowed<'_>, out: &mut dyn FrameWriter) -> Result<()> {
        let delta = match piece {
            Borrowed::Text(text) => DeltaBody::Text { text },
            Borrowed::Thinking(thinking) => DeltaBody::Thinking { thinking },
            Borrowed::Signature(signature) => DeltaBody::Signature { signature },
            Borrowed::Arguments(partial_json) => DeltaBody::InputJson { partial_json },
            Borrowed::Citation(citation) => DeltaBody::Citations { citation },
        };
        let kind = "content_block_delta";
        let event = DeltaEvent {
            kind,
            index: self.next,
            delta,
        };
        self.frame(kind, &event, out)
    }

    /// Writes what can be written: finished parts at the front, and what waits
    /// of the first that isn't.
    fn advance(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        while let Some(front) = self.queue.front_mut() {
            for piece in std::mem::take(&mut front.waiting) {
                self.write(piece.borrow(), out)?;
            }
            let Some(front) = self.queue.front_mut() else {
                break;
            };
            let Some(end) = front.finished.take() else {
                break;
            };
            self.end(end.content.as_deref(), end.native.as_deref(), out)?;
            self.queue.pop_front();
        }
        Ok(())
    }

    /// Ends the front part.
    fn end(
        &mut self,
        content: Option<&Part>,
        native: Option<&Native>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        let Some(front) = self.queue.front() else {
            return Ok(());
        };
        self.was_cut |= content.is_some_and(is_cut);
        let (kind, opened, written) = (front.kind, front.opened, front.written);
        let started = opened || front.start.is_some();
        match (kind, content) {
            (PartKind::Reasoning, _) => {
                let native = native.map(beyond).unwrap_or_default();
                if native.contains_key("type") && !opened {
                    return self.whole(native, "", out);
                }
                self.open(out)?;
                if let Some(Value::String(signature)) = native.get("signature")
                    && !signature.is_empty()
                {
                    self.delta(Borrowed::Signature(signature), out)?;
                }
                self.stop(out)
            }
            (_, Some(content)) => match content {
                Part::ToolCall(call) if call.executor == Executor::Client && started => {
                    self.open(out)?;
                    // The deltas are for display; this is what counts.
                    if let Some(rest) = call.arguments.text.get(written..)
                        && !rest.is_empty()
                    {
                        self.delta(Borrowed::Arguments(rest), out)?;
                    }
                    self.stop(out)
                }
                part => {
                    let Some(block) = block_of(part) else {
                        return Ok(());
                    };
                    let input = match part {
                        Part::ToolCall(call) if call.executor == Executor::Client => {
                            block.get("input").map(Value::to_string)
                        }
                        Part::ToolCall(call) => Some(call.arguments.text.clone()),
                        _ => None,
                    };
                    self.whole(block, input.as_deref().unwrap_or_default(), out)
                }
            },
            // A text that said nothing has no block: clients would send it
            // back, and no server takes an empty one.
            _ if !opened => Ok(()),
            _ => self.stop(out),
        }
    }

    /// A whole block. Input goes by delta, as clients expect it.
    fn whole(&mut self, mut block: Object, input: &str, out: &mut dyn FrameWriter) -> Result<()> {
        if !input.is_empty() {
            block.insert("input".to_owned(), json!({}));
        }
        self.start(self.next, block, out)?;
        if !input.is_empty() {
            self.delta(Borrowed::Arguments(input), out)?;
        }
        self.stop(out)
    }

    fn complete(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        self.begin(out)?;
        let reason = match (self.was_cut, &self.reason) {
            (true, _) => stop_reason(&FinishKind::Length.into()),
            (false, Some(reason)) => stop_reason(reason),
            (false, None) => "end_turn".to_owned(),
        };
        let mut delta = Object::new();
        delta.insert("stop_reason".to_owned(), reason.into());
        delta.insert("stop_sequence".to_owned(), Value::Null);
        delta.append(&mut self.beyond);
        let usage = usage_object(self.usage.as_ref());
        let data = json!({ "type": "message_delta", "delta": delta, "usage": usage });
        self.frame("message_delta", &data, out)?;
        self.ended = true;
        self.frame("message_stop", &block("message_stop"), out)
    }
}

#[cfg(feature = "server")]
impl Encoder for MessagesEncoder {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        if self.ended {
            return Ok(());
        }
        match event {
            Event::Started { id, model, .. } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                Ok(())
            }
            Event::PartStarted {
                choice,
                part,
                kind,
                call,
                ..
            } if *choice == 0 => {
                self.begin(out)?;
                let start = match (kind, call) {
                    (PartKind::Text | PartKind::Refusal, _) => Some(text_block("")),
                    (PartKind::Reasoning, _) => {
                        let mut start = block("thinking");
                        start.insert("thinking".to_owned(), "".into());
                        start.insert("signature".to_owned(), "".into());
                        Some(start)
                    }
                    (PartKind::ToolCall, Some(call))
                        if call.executor == Executor::Client
                            && call.form == ArgumentsForm::Json =>
                    {
                        let mut start = block("tool_use");
                        start.insert("id".to_owned(), call.id.as_str().into());
                        start.insert("name".to_owned(), call.name.as_str().into());
                        start.insert("input".to_owned(), json!({}));
                        Some(start)
                    }
                    _ => None,
                };
                // A call is shown at once, before its arguments.
                let at_once = *kind == PartKind::ToolCall && start.is_some();
                self.queue.push_back(Pending {
                    part: *part,
                    kind: *kind,
                    start,
                    opened: false,
                    waiting: Vec::new(),
                    written: 0,
                    finished: None,
                });
                match at_once && self.queue.len() == 1 {
                    true => self.open(out),
                    false => Ok(()),
                }
            }
            Event::TextDelta { choice, part, text } if *choice == 0 => {
                self.piece(*part, Borrowed::Text(text), out)
            }
            Event::ReasoningDelta { choice, part, text } if *choice == 0 => {
                self.piece(*part, Borrowed::Thinking(text), out)
            }
            Event::ArgumentsDelta { choice, part, text } if *choice == 0 => {
                self.piece(*part, Borrowed::Arguments(text), out)
            }
            Event::Citation {
                choice,
                part,
                citation: it,
            } if *choice == 0 => match citation(it) {
                Some(item) => self.piece(*part, Borrowed::Citation(&item), out),
                None => Ok(()),
            },
            Event::PartFinished {
                choice,
                part,
                content,
                native,
                ..
            } if *choice == 0 => match self.pending(*part) {
                Some(0) => {
                    self.end(content.as_deref(), native.as_deref(), out)?;
                    self.queue.pop_front();
                    self.advance(out)
                }
                Some(at) => {
                    if let Some(pending) = self.queue.get_mut(at) {
                        pending.finished = Some(End {
                            content: content.clone(),
                            native: native.clone(),
                        });
                    }
                    Ok(())
                }
                None => Ok(()),
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
        if !self.ended {
            self.ended = true;
            if self.chunks {
                let (name, data) = exceptions::in_stream(error);
                return out.exception(name, &data);
            }
            // Writing JSON to memory doesn't fail.
            let _ = self.frame("error", &error::object(error), out);
        }
    }
}
