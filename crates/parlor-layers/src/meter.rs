//! Tells what an exchange used: once, however it ends.

use crate::estimate;
use futures_core::Stream;
use parlor_core::{
    ChatResponse, ChatStream, Error, ErrorKind, Event, EventStream, Result, TimeoutKind, Usage,
};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What an exchange used.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Spent {
    /// Nothing: no answer began.
    Nothing,
    /// This, with input and output known or else estimated. `whole` is of an
    /// answer that came to its end.
    Used { usage: Usage, whole: bool },
    /// Nobody knows: the request was out, and nobody stayed for its answer.
    Unknown,
}

/// What is settled by what an exchange used.
pub(crate) trait Bill: Send + Unpin + 'static {
    fn settle(self, spent: Spent);
}

/// Follows an exchange, and settles its bill when it ends or is dropped.
pub(crate) struct Meter<B: Bill> {
    bill: Option<B>,
    /// The estimate.
    input: u64,
    /// Whether anything of an answer came.
    began: bool,
    /// Thousandths of a token that came, by estimate.
    received: u64,
    /// The latest figures.
    usage: Usage,
    streaming: bool,
}

impl<B: Bill> Meter<B> {
    /// Follows an exchange whose request is about to be handed on.
    pub(crate) fn new(bill: B, input: u64) -> Self {
        Self {
            bill: Some(bill),
            input,
            began: false,
            received: 0,
            usage: Usage::default(),
            streaming: false,
        }
    }

    /// The call gave a whole answer.
    pub(crate) fn answered(mut self, response: &ChatResponse) {
        if response.metadata.reused.is_some() {
            return self.settle(Spent::Nothing);
        }
        self.read(response);
        self.settle_used(true);
    }

    /// The call, or the stream's opening, failed.
    pub(crate) fn failed(mut self, error: &Error) {
        self.settle_failed(error);
    }

    /// The stream opened.
    pub(crate) fn opened(mut self, stream: ChatStream) -> ChatStream {
        if stream.metadata().reused.is_some() {
            self.settle(Spent::Nothing);
            return stream;
        }
        self.streaming = true;
        stream.watch_events(|events| Metered {
            events,
            meter: self,
        })
    }

    fn settle(&mut self, spent: Spent) {
        if let Some(bill) = self.bill.take() {
            bill.settle(spent);
        }
    }

    fn settle_failed(&mut self, error: &Error) {
        if let Some(partial) = error.partial().filter(|_| !self.streaming) {
            self.read(partial);
        }
        match (self.began, may_have_worked(error.kind())) {
            (true, _) => self.settle_used(false),
            (false, true) if self.streaming => self.settle_used(false),
            (false, true) => self.settle(Spent::Unknown),
            (false, false) => self.settle(Spent::Nothing),
        }
    }

    fn settle_used(&mut self, whole: bool) {
        let mut usage = std::mem::take(&mut self.usage);
        usage.input_tokens.get_or_insert(self.input);
        let received = estimate::whole(self.received);
        // The figures of an answer that broke off may be those of its beginning.
        usage.output_tokens = Some(match usage.output_tokens {
            Some(known) if whole => known,
            Some(known) => known.max(received),
            None => received,
        });
        self.settle(Spent::Used { usage, whole });
    }

    fn read(&mut self, response: &ChatResponse) {
        self.began = response.usage.is_some() || !response.choices.is_empty();
        self.received = estimate::answer_weight(response);
        if let Some(usage) = &response.usage {
            self.count(usage);
        }
    }

    /// Takes the figures, and not the provider's own object.
    fn count(&mut self, usage: &Usage) {
        let mine = &mut self.usage;
        let figures = [
            (&mut mine.input_tokens, usage.input_tokens),
            (&mut mine.output_tokens, usage.output_tokens),
            (&mut mine.cached_input_tokens, usage.cached_input_tokens),
            (&mut mine.cache_write_tokens, usage.cache_write_tokens),
            (&mut mine.reasoning_tokens, usage.reasoning_tokens),
            (&mut mine.input_audio_tokens, usage.input_audio_tokens),
            (&mut mine.output_audio_tokens, usage.output_audio_tokens),
        ];
        for (mine, later) in figures {
            *mine = later.or(*mine);
        }
    }

    fn see(&mut self, item: &Result<Event>) {
        self.began |= item.is_ok();
        match item {
            Ok(
                Event::TextDelta { text, .. }
                | Event::ReasoningDelta { text, .. }
                | Event::ArgumentsDelta { text, .. },
            ) => self.received += estimate::weight(text),
            Ok(Event::Usage { usage }) => self.count(usage),
            Ok(Event::Completed { usage, .. }) => {
                if let Some(usage) = usage {
                    self.count(usage);
                }
                self.settle_used(true);
            }
            Ok(_) => {}
            Err(error) => self.settle_failed(error),
        }
    }
}

/// Whether a provider may have been at work when an exchange failed without an
/// answer. After any other failure it wasn't, or doesn't charge for it.
fn may_have_worked(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Timeout(phase) => phase != TimeoutKind::Connect,
        ErrorKind::Truncated | ErrorKind::Decode | ErrorKind::Cancelled => true,
        _ => false,
    }
}

impl<B: Bill> Drop for Meter<B> {
    fn drop(&mut self) {
        match self.streaming {
            true if self.bill.is_some() => self.settle_used(false),
            _ => self.settle(Spent::Unknown),
        }
    }
}

/// A stream that is followed. The events stand first: a dropped request is
/// closed before it is settled.
struct Metered<B: Bill> {
    events: EventStream,
    meter: Meter<B>,
}

impl<B: Bill> Stream for Metered<B> {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.events.as_mut().poll_next(cx));
        match &item {
            Some(item) => self.meter.see(item),
            None if self.meter.bill.is_some() => self.meter.settle_used(false),
            None => {}
        }
        Poll::Ready(item)
    }
}
