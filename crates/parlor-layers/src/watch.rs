//! Sees every exchange to its one end: what trace, metrics and hooks share.

use futures_core::Stream;
use parlor_core::{
    ChatResponse, ChatStream, Error, Event, EventStream, ResponseMetadata, Result, Usage,
};
use serde::{Deserialize, Serialize};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

/// How an exchange ended.
pub(crate) enum End<'a> {
    /// With a whole answer.
    Completed,
    /// With an error, at the opening or in the middle.
    Failed(&'a Error),
    /// Its future or stream was dropped before that.
    Dropped,
}

/// Follows one exchange.
pub(crate) trait Watcher: Send + Unpin + 'static {
    /// The whole answer of a call. For a stream there are [`event`](Self::event)s.
    fn answer(&mut self, response: &mut ChatResponse) -> Result<()>;

    /// The next event of a stream. An error ends the stream in its place.
    fn event(&mut self, event: &mut Event) -> Result<()>;

    /// The answer was made before, and its usage is counted elsewhere. It is told
    /// no later than right before the end.
    fn reused(&mut self) {}

    /// The end, told exactly once.
    fn end(self, end: End<'_>);

    /// Polls the inner stream, in whatever surroundings it needs.
    fn poll(
        &mut self,
        events: &mut EventStream,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Event>>> {
        events.as_mut().poll_next(cx)
    }

    /// Drops the inner stream before its end, in the same surroundings.
    fn release(&mut self, events: EventStream) {
        drop(events);
    }
}

/// A watcher that is told the end whatever happens.
pub(crate) struct Watch<W: Watcher> {
    watcher: Option<W>,
    /// Of a stream that was reused when it opened: what is known of it at the end.
    later: Option<Arc<OnceLock<Box<ResponseMetadata>>>>,
}

impl<W: Watcher> Watch<W> {
    pub(crate) fn new(watcher: W) -> Self {
        Self {
            watcher: Some(watcher),
            later: None,
        }
    }

    /// The outcome of a call, which ends the exchange.
    pub(crate) fn called(mut self, outcome: Result<ChatResponse>) -> Result<ChatResponse> {
        let outcome = outcome.and_then(|mut response| {
            if let Some(watcher) = &mut self.watcher {
                if response.metadata.reused.is_some() {
                    watcher.reused();
                }
                watcher.answer(&mut response)?;
            }
            Ok(response)
        });
        self.end(match &outcome {
            Ok(_) => End::Completed,
            Err(error) => End::Failed(error),
        });
        outcome
    }

    /// The failure of an opening, which ends the exchange.
    pub(crate) fn failed(mut self, error: Error) -> Error {
        self.end(End::Failed(&error));
        error
    }

    /// The opened stream, watched.
    pub(crate) fn opened(mut self, mut stream: ChatStream) -> ChatStream {
        if stream.metadata().reused.is_some() {
            self.later = Some(stream.later_metadata());
        }
        stream.watch_events(|events| Watched {
            events: Some(events),
            watch: self,
        })
    }

    fn end(&mut self, end: End<'_>) {
        if let Some(mut watcher) = self.watcher.take() {
            if let Some(later) = self.later.take()
                && later.get().is_none_or(|known| known.reused.is_some())
            {
                watcher.reused();
            }
            watcher.end(end);
        }
    }
}

impl<W: Watcher> Drop for Watch<W> {
    fn drop(&mut self) {
        self.end(End::Dropped);
    }
}

/// A stream that is watched to its end.
pub(crate) struct Watched<W: Watcher> {
    /// `None` only after a watcher has ended the stream.
    events: Option<EventStream>,
    watch: Watch<W>,
}

impl<W: Watcher> Stream for Watched<W> {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(events) = &mut this.events else {
            return Poll::Ready(None);
        };
        let Some(watcher) = &mut this.watch.watcher else {
            return events.as_mut().poll_next(cx);
        };
        let item = match watcher.poll(events, cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(None) => {
                // The stream around this one makes the same error of it.
                this.watch.end(End::Failed(&Error::truncated()));
                return Poll::Ready(None);
            }
            Poll::Ready(Some(Ok(mut event))) => match watcher.event(&mut event) {
                Ok(()) => Ok(event),
                Err(error) => {
                    if let Some(events) = this.events.take() {
                        watcher.release(events);
                    }
                    Err(error)
                }
            },
            Poll::Ready(Some(Err(error))) => Err(error),
        };
        match &item {
            Ok(event) if !event.is_terminal() => {}
            Ok(_) => this.watch.end(End::Completed),
            Err(error) => this.watch.end(End::Failed(error)),
        }
        Poll::Ready(Some(item))
    }
}

impl<W: Watcher> Drop for Watched<W> {
    fn drop(&mut self) {
        if let (Some(watcher), Some(events)) = (&mut self.watch.watcher, self.events.take()) {
            watcher.release(events);
        }
    }
}

/// The figures of a [`Usage`], by the same rule: input is all of the input and
/// output all of the output, the others are parts of these two. What the
/// provider didn't tell is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Tokens {
    /// All input tokens, cached ones included.
    pub input: Option<u64>,
    /// All output tokens, reasoning included.
    pub output: Option<u64>,
    /// The part of the input that was read from a prompt cache.
    pub cached_input: Option<u64>,
    /// The part of the input that was written to a prompt cache.
    pub cache_write: Option<u64>,
    /// The part of the output that was reasoning.
    pub reasoning: Option<u64>,
    /// The part of the input that was audio.
    pub input_audio: Option<u64>,
    /// The part of the output that was audio.
    pub output_audio: Option<u64>,
}

impl Tokens {
    /// Takes a later snapshot: the last known figure wins, as in
    /// [`Usage::merge`].
    pub(crate) fn merge(&mut self, later: &Usage) {
        self.input = later.input_tokens.or(self.input);
        self.output = later.output_tokens.or(self.output);
        self.cached_input = later.cached_input_tokens.or(self.cached_input);
        self.cache_write = later.cache_write_tokens.or(self.cache_write);
        self.reasoning = later.reasoning_tokens.or(self.reasoning);
        self.input_audio = later.input_audio_tokens.or(self.input_audio);
        self.output_audio = later.output_audio_tokens.or(self.output_audio);
    }

    /// What an event says of them, if it does.
    pub(crate) fn see(&mut self, event: &Event) {
        match event {
            Event::Usage { usage }
            | Event::Completed {
                usage: Some(usage), ..
            } => self.merge(usage),
            _ => {}
        }
    }
}
