//! Streams, both ways: the chunk that says `is_end` is the last.

use super::error;
use super::response::{End, head, word};
use super::wire::Answer;
use crate::dialect::{Decoder, Encoder, Frame, FrameWriter};
use crate::openai_chat::ChatDecoder;
use parlor_core::{Error, Event, Result};
use serde_json::Value;
use std::collections::VecDeque;

/// Reads the chunks of a streamed answer.
#[derive(Debug)]
pub struct QianfanV1Decoder {
    words: ChatDecoder,
    /// A chunk in the other dialect's places; kept for the next one.
    chunk: Vec<u8>,
    /// What was used up to an end that hasn't come, as a chunk of the other
    /// dialect.
    usage: Vec<u8>,
    /// Takes a chunk that must be repaired.
    scratch: String,
}

impl QianfanV1Decoder {
    pub(super) fn new(words: ChatDecoder) -> Self {
        Self {
            words,
            chunk: Vec::new(),
            usage: Vec::new(),
            scratch: String::new(),
        }
    }
}

impl Decoder for QianfanV1Decoder {
    fn decode(&mut self, frame: Frame<'_>, events: &mut VecDeque<Event>) -> Result<()> {
        let data = frame.data.trim_ascii();
        self.chunk.clear();
        let answer = match data.contains(&b'{') {
            true => Answer::read(data, &mut self.scratch),
            false => None,
        };
        let mut ended = false;
        let frame = match answer {
            Some(answer) => {
                ended = answer.is_end();
                answer.write(ended, &mut self.chunk);
                // Every chunk tells it, and the last that does counts.
                if let Some(usage) = answer.usage {
                    self.usage.clear();
                    if !ended {
                        self.usage.extend_from_slice(b"{\"choices\":[],\"usage\":");
                        self.usage.extend_from_slice(usage.get().as_bytes());
                        self.usage.push(b'}');
                    }
                }
                Frame {
                    data: &self.chunk,
                    ..frame
                }
            }
            None => frame,
        };
        if !ended {
            return self.words.decode(frame, events).map_err(error::refined);
        }
        if !self.usage.is_empty() {
            self.words.decode(Frame::data(&self.usage), events)?;
            self.usage.clear();
        }
        self.words.decode(frame, events).map_err(error::refined)?;
        self.words.decode(Frame::data(b"[DONE]"), events)
    }

    fn finish(&mut self, events: &mut VecDeque<Event>) -> Result<()> {
        if !self.usage.is_empty() {
            self.words.decode(Frame::data(&self.usage), events)?;
            self.usage.clear();
        }
        self.words.finish(events)
    }

    fn is_over(&self) -> bool {
        self.words.is_over()
    }
}

/// Writes the chunks of a streamed answer.
#[derive(Debug, Default)]
pub struct QianfanV1Encoder {
    id: Option<String>,
    created: Option<u64>,
    sentence: u32,
    end: End,
}

impl QianfanV1Encoder {
    /// A chunk up to its end.
    fn chunk(&mut self, text: &str, is_end: bool) -> serde_json::Map<String, Value> {
        let mut body = head(self.id.as_deref(), self.created, text);
        body.insert("sentence_id".to_owned(), self.sentence.into());
        body.insert("is_end".to_owned(), is_end.into());
        self.sentence += 1;
        body
    }
}

#[cfg(feature = "server")]
impl Encoder for QianfanV1Encoder {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        match event {
            Event::Started { id, created, .. } => {
                self.id.clone_from(id);
                self.created = *created;
            }
            Event::TextDelta {
                choice: 0, text, ..
            } => {
                let body = self.chunk(text, false);
                out.frame(None, Value::Object(body).to_string().as_bytes());
            }
            Event::ReasoningDelta {
                choice: 0, text, ..
            } => self.end.think(text),
            Event::PartFinished {
                choice: 0,
                content: Some(part),
                ..
            } => self.end.take(part),
            Event::Finished {
                choice: 0, reason, ..
            } => self.end.reason = word(reason),
            Event::Completed { usage, .. } => {
                let mut body = self.chunk("", true);
                std::mem::take(&mut self.end).write(usage.as_deref(), &mut body);
                out.frame(None, Value::Object(body).to_string().as_bytes());
            }
            _ => {}
        }
        Ok(())
    }

    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter) {
        out.frame(None, &error::write(error));
    }
}
