//! A streamed answer as the body of a response, made from the model's events as it is read.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use http_body::Frame;
use parlor::{ChatStream, Event, Result};
use parlor_dialect::{Encoder, FrameWriter, Framing};

use crate::account::Asked;

/// How many bytes are gathered at most before they are sent, where more events are at hand.
const PIECE: usize = 16 * 1024;

/// The frames of an answer. Dropping it drops the model's stream, which ends the call.
pub(crate) struct Answer {
    first: Option<Event>,
    events: ChatStream,
    encoder: Box<dyn Encoder>,
    out: Frames,
    tells_usage: bool,
    asked: Asked,
    is_over: bool,
}

impl Answer {
    /// The answer that begins with this event.
    pub(crate) fn new(
        first: Event,
        events: ChatStream,
        encoder: Box<dyn Encoder>,
        framing: Framing,
        tells_usage: bool,
        asked: Asked,
    ) -> Self {
        Self {
            first: Some(first),
            events,
            encoder,
            out: Frames {
                framing,
                bytes: Vec::new(),
            },
            tells_usage,
            asked,
            is_over: false,
        }
    }

    fn take(&mut self, item: Option<Result<Event>>) {
        let Some(item) = item else {
            self.is_over = true;
            return;
        };
        if let Ok(event) = &item {
            self.asked.event(event);
        }
        let event = match item {
            Ok(Event::Usage { .. }) if !self.tells_usage => return,
            Ok(Event::Completed { .. }) if !self.tells_usage => Ok(Event::completed(None)),
            item => item,
        };
        let written = event.and_then(|event| self.encoder.encode(&event, &mut self.out));
        if let Err(error) = written {
            self.asked.failed(&error);
            // Nothing may follow a failure.
            self.encoder.fail(&error, &mut self.out);
            self.is_over = true;
        }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        if let Some(first) = this.first.take() {
            this.take(Some(Ok(first)));
        }
        while !this.is_over && this.out.bytes.len() < PIECE {
            match Pin::new(&mut this.events).poll_next(cx) {
                Poll::Ready(item) => this.take(item),
                Poll::Pending if this.out.bytes.is_empty() => return Poll::Pending,
                Poll::Pending => break,
            }
        }
        match this.out.bytes.is_empty() {
            true => Poll::Ready(None),
            false => Poll::Ready(Some(Ok(Frame::data(
                std::mem::take(&mut this.out.bytes).into(),
            )))),
        }
    }
}

/// Frames as bytes.
struct Frames {
    framing: Framing,
    bytes: Vec<u8>,
}

impl FrameWriter for Frames {
    fn frame(&mut self, event: Option<&str>, data: &[u8]) {
        self.framing.put(event, data, &mut self.bytes);
    }
}
