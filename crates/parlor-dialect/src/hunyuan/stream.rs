//! Streams, both ways: names, and an end without a mark.

use super::error;
use super::response::unwrapped;
use super::wire::{to_pascal, to_snake};
use crate::dialect::{Decoder, Encoder, Frame, FrameWriter};
use crate::openai_chat::{ChatDecoder, ChatEncoder};
use parlor_core::{Error, Event, Result};
use std::borrow::Cow;
use std::collections::VecDeque;

/// Reads the chunks of a streamed answer.
#[derive(Debug)]
pub struct HunyuanDecoder {
    words: ChatDecoder,
    /// A chunk with other names; kept for the next one.
    renamed: Vec<u8>,
}

impl HunyuanDecoder {
    pub(super) fn new(words: ChatDecoder) -> Self {
        Self {
            words,
            renamed: Vec::new(),
        }
    }
}

impl Decoder for HunyuanDecoder {
    fn decode(&mut self, frame: Frame<'_>, events: &mut VecDeque<Event>) -> Result<()> {
        self.renamed.clear();
        to_snake(frame.data, &mut self.renamed);
        // A failure comes wrapped, as in whole answers.
        let data = match is_wrapped(&self.renamed) {
            true => unwrapped(&self.renamed),
            false => Cow::Borrowed(self.renamed.as_slice()),
        };
        self.words.decode(frame.with_data(&data), events)
    }

    fn is_over(&self) -> bool {
        self.words.is_over()
    }

    fn finish(&mut self, events: &mut VecDeque<Event>) -> Result<()> {
        self.words.finish(events)
    }
}

/// Whether a chunk's first field is what whole answers are wrapped in.
fn is_wrapped(data: &[u8]) -> bool {
    let inside = data.trim_ascii_start().strip_prefix(b"{");
    inside.is_some_and(|it| it.trim_ascii_start().starts_with(b"\"response\""))
}

/// Writes the chunks of a streamed answer.
#[derive(Debug)]
pub struct HunyuanEncoder {
    words: ChatEncoder,
    renamed: Vec<u8>,
}

impl HunyuanEncoder {
    pub(super) fn new(words: ChatEncoder) -> Self {
        Self {
            words,
            renamed: Vec::new(),
        }
    }
}

/// Takes the other dialect's frames and passes on the API's.
struct Renaming<'a> {
    renamed: &'a mut Vec<u8>,
    out: &'a mut dyn FrameWriter,
}

impl FrameWriter for Renaming<'_> {
    fn frame(&mut self, event: Option<&str>, data: &[u8]) {
        if data.starts_with(b"[DONE]") {
            return;
        }
        self.renamed.clear();
        to_pascal(data, self.renamed);
        self.out.frame(event, self.renamed);
    }
}

#[cfg(feature = "server")]
impl Encoder for HunyuanEncoder {
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()> {
        let mut out = Renaming {
            renamed: &mut self.renamed,
            out,
        };
        self.words.encode(event, &mut out)
    }

    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter) {
        out.frame(None, &error::in_stream(error));
    }
}
