//! Writes the events of a streamed answer.

use super::super::error;
use super::super::response::write::{
    beyond, block_of, call_head, citation, metrics, stop_reason, usage_object,
};
use super::super::wire::{Object, block, keys, split};
use crate::calls::input;
use crate::dialect::{Encoder, FrameWriter};
use crate::sequence::Sequence;
use parlor_core::{
    ArgumentsForm, Error, Event, Executor, Native, Part, PartKind, Result, ToolCall, Usage,
};
use serde::Serialize;
use serde_json::{Value, json};

/// Writes the events of a streamed answer, each as one frame under its name.
///
/// Clients want blocks one after the other; parts begun while another is open
/// wait for their turn. Only the first choice is written. Parts that the
/// dialect can't say (sources, what another dialect's provider ran itself) are
/// left out.
#[derive(Debug, Default)]
pub struct ConverseEncoder {
    sequence: Sequence,
    state: State,
}

/// What was written so far.
#[derive(Debug, Default)]
struct State {
    begun: bool,
    ended: bool,
    /// The index of the block that is open or comes next.
    index: u32,
    /// Whether anything of that block was written.
    opened: bool,
    /// How much of a call's arguments was written.
    written: usize,
    /// Why the answer ended.
    reason: Option<String>,
    beyond: Object,
    usage: Option<Usage>,
    buffer: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BlockDelta<'a> {
    content_block_index: u32,
    delta: Piece<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Piece<'a> {
    Text(&'a str),
    ToolUse {
        input: &'a str,
    },
    ReasoningContent(Thought<'a>),
    Citation(&'a Value),
    #[serde(untagged)]
    Other(&'a Value),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Thought<'a> {
    Text(&'a str),
    Signature(&'a str),
    RedactedContent(&'a str),
}

impl State {
    fn frame(
        &mut self,
        name: &str,
        data: &impl Serialize,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, data)
            .map_err(|error| Error::decode(error.to_string()))?;
        out.frame(Some(name), &self.buffer);
        Ok(())
    }

    fn begin(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        self.frame("messageStart", &json!({ "role": "assistant" }), out)
    }

    fn start(&mut self, start: impl Into<Value>, out: &mut dyn FrameWriter) -> Result<()> {
        self.opened = true;
        let start: Value = start.into();
        let data = json!({ "contentBlockIndex": self.index, "start": start });
        self.frame("contentBlockStart", &data, out)
    }

    fn delta(&mut self, delta: Piece<'_>, out: &mut dyn FrameWriter) -> Result<()> {
        self.opened = true;
        let data = BlockDelta {
            content_block_index: self.index,
            delta,
        };
        self.frame("contentBlockDelta", &data, out)
    }

    /// Ends the open block; one of which nothing was written isn't there.
    fn stop(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        if !std::mem::take(&mut self.opened) {
            return Ok(());
        }
        let data = json!({ "contentBlockIndex": self.index });
        self.index += 1;
        self.frame("contentBlockStop", &data, out)
    }

    /// An event whose turn it is.
    fn event(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        match event {
            Event::PartStarted { kind, call, .. } => {
                self.begin(out)?;
                self.written = 0;
                match (kind, call) {
                    (PartKind::ToolCall, Some(call))
                        if call.executor == Executor::Client
                            && call.form == ArgumentsForm::Json =>
                    {
                        let head = ToolCall::new(&call.id, &call.name, json!({}));
                        self.start(block(keys::TOOL_USE, call_head(&head)), out)
                    }
                    _ => Ok(()),
                }
            }
            Event::TextDelta { text, .. } => self.delta(Piece::Text(text), out),
            Event::ReasoningDelta { text, .. } => {
                self.delta(Piece::ReasoningContent(Thought::Text(text)), out)
            }
            // What a provider ran itself and free text are written whole.
            Event::ArgumentsDelta { text, .. } if self.opened => {
                self.written += text.len();
                self.delta(Piece::ToolUse { input: text }, out)
            }
            Event::Citation { citation: it, .. } => match citation(it) {
                Some(item) => self.delta(Piece::Citation(&item), out),
                None => Ok(()),
            },
            Event::PartFinished {
                content, native, ..
            } => self.finish(content.as_deref(), native.as_deref(), out),
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
            // What goes beside the reason may be told after it.
            Event::Finished { reason, .. } => {
                self.reason = Some(stop_reason(reason));
                self.begin(out)
            }
            Event::Completed { usage, .. } => {
                self.begin(out)?;
                self.ended = true;
                let reason = self.reason.take().unwrap_or("end_turn".to_owned());
                let mut data = block("stopReason", reason);
                let answered = "additionalModelResponseFields";
                if let Some(fields) = self.beyond.shift_remove(answered) {
                    data.insert(answered.to_owned(), fields);
                }
                self.frame("messageStop", &data, out)?;
                let usage = usage.as_deref().or(self.usage.as_ref());
                let mut data = block("usage", usage_object(usage));
                data.insert("metrics".to_owned(), metrics(None));
                data.append(&mut self.beyond);
                self.frame("metadata", &data, out)
            }
            _ => Ok(()),
        }
    }

    /// The open part ends.
    fn finish(
        &mut self,
        content: Option<&Part>,
        native: Option<&Native>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        match content {
            None => {
                for (key, value) in native.map(beyond).unwrap_or_default() {
                    let Value::String(text) = &value else {
                        continue;
                    };
                    let thought = match key.as_str() {
                        "signature" => Thought::Signature(text),
                        "redactedContent" => Thought::RedactedContent(text),
                        _ => continue,
                    };
                    self.delta(Piece::ReasoningContent(thought), out)?;
                }
            }
            // The deltas are for display; this is what counts.
            Some(Part::ToolCall(call)) if self.opened => {
                let text = match call.arguments.parse() {
                    Ok(_) if self.written == 0 => input(&call.arguments).0.to_string(),
                    _ => call.arguments.text.clone(),
                };
                if let Some(rest) = text.get(self.written..)
                    && !rest.is_empty()
                {
                    self.delta(Piece::ToolUse { input: rest }, out)?;
                }
            }
            Some(part) => {
                if let Some((key, inner)) = block_of(part).and_then(split) {
                    self.whole(&key, inner, out)?;
                }
            }
        }
        self.stop(out)
    }

    /// A whole block: its head, then what clients expect as a delta.
    fn whole(&mut self, key: &str, inner: Value, out: &mut dyn FrameWriter) -> Result<()> {
        let Value::Object(mut head) = inner else {
            return self.start(block(key, inner), out);
        };
        let rest = match key {
            keys::TOOL_USE => head.shift_remove("input").map(|it| {
                let text = it.to_string();
                json!({ key: { "input": text } })
            }),
            keys::TOOL_RESULT => head.shift_remove("content").map(|it| json!({ key: it })),
            _ => head
                .shift_remove("source")
                .map(|it| json!({ key: { "source": it } })),
        };
        self.start(block(key, head), out)?;
        match rest {
            Some(rest) => self.delta(Piece::Other(&rest), out),
            None => Ok(()),
        }
    }
}

#[cfg(feature = "server")]
impl Encoder for ConverseEncoder {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        if self.state.ended {
            return Ok(());
        }
        let Self { sequence, state } = self;
        sequence.push(event, |event| state.event(event, out))
    }

    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter) {
        if !self.state.ended {
            self.state.ended = true;
            let (name, data) = error::in_stream(error);
            out.exception(name, &data);
        }
    }
}
