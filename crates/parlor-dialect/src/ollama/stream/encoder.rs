//! Streamed answers as they are written.

use super::super::error;
use super::super::response::{
    done_reason, image, write_call, write_logprobs, write_unknown, write_usage,
};
use super::super::wire::{WriteLine, WriteMessage};
use crate::dialect::{Encoder, FrameWriter};
use crate::lane::Lane;
use crate::time;
use parlor_core::{
    Error, Event, Executor, FinishKind, FinishReason, Part, PartKind, Result, Usage,
};
use serde_json::{Map, Value};

/// Writes the lines of a streamed answer.
#[derive(Debug, Default)]
pub struct OllamaEncoder {
    model: String,
    created_at: String,
    content: Lane,
    thinking: Lane,
    calls: u32,
    left_out: bool,
    reason: Option<FinishReason>,
    usage: Usage,
    rest: Map<String, Value>,
    message_rest: Map<String, Value>,
    buffer: Vec<u8>,
}

impl OllamaEncoder {
    fn message(&mut self, message: WriteMessage<'_>, out: &mut dyn FrameWriter) -> Result<()> {
        let line = WriteLine {
            model: &self.model,
            created_at: &self.created_at,
            message,
            ..WriteLine::default()
        };
        write_line(&line, &mut self.buffer, out)
    }

    fn text(&mut self, content: &str, out: &mut dyn FrameWriter) -> Result<()> {
        let message = WriteMessage {
            content,
            ..WriteMessage::default()
        };
        self.message(message, out)
    }

    fn thoughts(&mut self, thinking: &str, out: &mut dyn FrameWriter) -> Result<()> {
        let message = WriteMessage {
            thinking,
            ..WriteMessage::default()
        };
        self.message(message, out)
    }

    fn part_finished(
        &mut self,
        part: u32,
        content: Option<&Part>,
        out: &mut dyn FrameWriter,
    ) -> Result<()> {
        for text in self.content.finish(part) {
            self.text(&text, out)?;
        }
        for text in self.thinking.finish(part) {
            self.thoughts(&text, out)?;
        }
        let mut message = WriteMessage::default();
        let (images, calls);
        match content {
            Some(Part::ToolCall(call)) if call.executor == Executor::Client => {
                let Some(call) = write_call(call, self.calls) else {
                    self.left_out = true;
                    return Ok(());
                };
                self.calls += 1;
                calls = [call];
                message.tool_calls = &calls;
            }
            Some(Part::Media(media)) => {
                let Some(image) = image(media) else {
                    return Ok(());
                };
                images = [image];
                message.images = &images;
            }
            _ => return Ok(()),
        }
        self.message(message, out)
    }

    fn done(&mut self, out: &mut dyn FrameWriter) -> Result<()> {
        write_usage(&self.usage, &mut self.rest);
        let stop = FinishReason::from(FinishKind::Stop);
        let reason = self.reason.as_ref().unwrap_or(&stop);
        let line = WriteLine {
            model: &self.model,
            created_at: &self.created_at,
            message: WriteMessage {
                rest: Some(&self.message_rest),
                ..WriteMessage::default()
            },
            done: true,
            done_reason: Some(done_reason(Some(reason), self.left_out)),
            rest: Some(&self.rest),
            ..WriteLine::default()
        };
        write_line(&line, &mut self.buffer, out)
    }
}

#[cfg(feature = "server")]
impl Encoder for OllamaEncoder {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        match event {
            Event::Started { model, created, .. } => {
                self.model = model.clone().unwrap_or_default();
                self.created_at = time::rfc3339(created.unwrap_or_default());
                Ok(())
            }
            Event::PartStarted {
                choice: 0,
                part,
                kind,
                ..
            } => {
                match kind {
                    PartKind::Text | PartKind::Refusal => self.content.open(*part),
                    PartKind::Reasoning => self.thinking.open(*part),
                    _ => {}
                }
                Ok(())
            }
            Event::TextDelta {
                choice: 0,
                part,
                text,
            } => match self.content.passes(*part, text) {
                true => self.text(text, out),
                false => Ok(()),
            },
            Event::ReasoningDelta {
                choice: 0,
                part,
                text,
            } => match self.thinking.passes(*part, text) {
                true => self.thoughts(text, out),
                false => Ok(()),
            },
            Event::PartFinished {
                choice: 0,
                part,
                content,
                ..
            } => self.part_finished(*part, content.as_deref(), out),
            Event::Logprobs {
                choice: 0, tokens, ..
            } => {
                let line = WriteLine {
                    model: &self.model,
                    created_at: &self.created_at,
                    logprobs: &write_logprobs(tokens),
                    ..WriteLine::default()
                };
                write_line(&line, &mut self.buffer, out)
            }
            Event::Usage { usage } => {
                self.usage.merge(usage);
                Ok(())
            }
            Event::Unknown { native } => {
                write_unknown(native, &mut self.rest, &mut self.message_rest);
                Ok(())
            }
            Event::Finished {
                choice: 0, reason, ..
            } => {
                self.reason = Some(reason.clone());
                Ok(())
            }
            Event::Completed { usage, .. } => {
                if let Some(usage) = usage {
                    self.usage.merge(usage);
                }
                self.done(out)
            }
            _ => Ok(()),
        }
    }

    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter) {
        out.frame(None, &error::write_line(error));
    }
}

fn write_line(line: &WriteLine<'_>, buffer: &mut Vec<u8>, out: &mut dyn FrameWriter) -> Result<()> {
    buffer.clear();
    serde_json::to_writer(&mut *buffer, line).map_err(|error| Error::decode(error.to_string()))?;
    out.frame(None, buffer);
    Ok(())
}
