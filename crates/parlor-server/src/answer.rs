//! A streamed answer as the body of a response, made from the model's events as it is read.

mod bell;
mod frames;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream as _;
use http_body::Frame;
use parlor::{ChatStream, Event, Result, Tap};
use parlor_dialect::{ClientTools, Encoder, Framing};
use tokio::runtime::Handle;

use crate::account::Asked;
use crate::gateway::{self, Stream};
use crate::names::Names;
use crate::responses::Keeping;
use crate::seal::Sealer;
use bell::Bell;
use frames::{Frames, Nowhere};

/// How many bytes are gathered at most before they are sent, where more events are at hand.
const PIECE: usize = 16 * 1024;

/// How many events are read at most before what came with them is sent.
const AT_ONCE: usize = 64;

/// How the frames of an answer are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// As the dialect's framing says.
    Frames(Framing),
    /// As the items of one array.
    Array,
}

impl Form {
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Frames(Framing::Ndjson) => "application/x-ndjson",
            Self::Frames(_) => "text/event-stream",
            Self::Array => "application/json",
        }
    }
}

/// The body of an answer. Dropping it drops the model's stream, which ends the call, unless the
/// answer is to be finished without its client.
pub(crate) struct Answer {
    /// Gone when it is over.
    going: Option<Box<Going>>,
    stays: bool,
}

impl Answer {
    /// The answer that begins so; `stays` says that it goes on without its client.
    pub(crate) fn new(
        opened: Stream,
        encoder: Box<dyn Encoder>,
        sealer: Sealer,
        form: Form,
        stays: bool,
        asked: Asked,
    ) -> Self {
        let going = Going::new(opened, encoder, sealer, form, asked);
        Self {
            going: Some(Box::new(going)),
            stays,
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
        let Some(going) = &mut self.going else {
            return Poll::Ready(None);
        };
        let polled = going.poll(cx);
        if matches!(polled, Poll::Ready(None)) {
            self.going = None;
        }
        polled
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        let left = self.going.take().filter(|it| self.stays && !it.is_over);
        // Without a runtime there is nobody to go on.
        if let (Some(mut going), Ok(runtime)) = (left, Handle::try_current()) {
            runtime.spawn(async move { while poll_fn(|cx| going.poll(cx)).await.is_some() {} });
        }
    }
}

/// The frames of an answer on their way.
///
/// Where the provider speaks the client's dialect, its own bytes are sent and the events are only
/// watched; else frames are written from the events.
struct Going {
    begun: VecDeque<Result<Event>>,
    /// The first event of an answer that passes.
    first: Option<Event>,
    events: ChatStream,
    /// Rung by the events.
    bell: Bell,
    tap: Option<Tap>,
    encoder: Box<dyn Encoder>,
    names: Names,
    sealer: Sealer,
    out: Frames,
    tells_usage: bool,
    asked: Asked,
    /// What keeps it once it is whole, and the id that it goes by where the provider gave none.
    keeping: Option<(Keeping, Option<String>)>,
    /// The client's tools.
    tools: ClientTools,
    opening: Opening,
    is_over: bool,
}

/// How far the beginning of an answer is. A connection writes what it is given only once there is no
/// more for now, so that the first event would wait for the reading of all that came along with it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// Nothing was given yet.
    Begun,
    /// It was given, and is to be written.
    Given,
    Written,
}

impl Going {
    fn new(
        opened: Stream,
        encoder: Box<dyn Encoder>,
        sealer: Sealer,
        form: Form,
        mut asked: Asked,
    ) -> Self {
        let Stream {
            mut begun,
            events,
            tells_usage,
            keeping,
            ids,
            names,
            tools,
        } = opened;
        let tap = events.tap().filter(|tap| !tap.is_off()).cloned();
        // An array is asked of nobody.
        let tap = tap.filter(|_| form != Form::Array);
        if let (Some(_), Some(Ok(first))) = (&tap, begun.front()) {
            asked.event(first);
        }
        let mut given = None;
        if let Some(Ok(Event::Started { id, created, .. })) = begun.front_mut()
            && (tap.is_none() || keeping.is_some())
        {
            created.get_or_insert_with(gateway::now);
            if id.is_none() {
                given = ids.map(gateway::new_id);
                id.clone_from(&given);
            }
        }
        Self {
            begun,
            first: None,
            tap,
            events,
            bell: Bell::new(),
            encoder,
            names,
            sealer,
            out: Frames {
                form,
                bytes: Vec::new(),
                is_begun: false,
            },
            tells_usage,
            asked,
            keeping: keeping.map(|it| (it, given)),
            tools,
            opening: Opening::Begun,
            is_over: false,
        }
    }

    /// Takes note of an event that came.
    fn note(&mut self, event: &Event) {
        self.asked.event(event);
        if event.is_terminal()
            && let Some((keeping, given)) = self.keeping.take()
        {
            let mut response = self.events.partial();
            self.names.whole(&mut response);
            response.id = response.id.or(given);
            keeping.streamed(response, &self.tools);
        }
    }

    fn take(&mut self, item: Option<Result<Event>>) {
        let Some(item) = item else {
            self.end();
            return;
        };
        if let Ok(event) = &item {
            self.note(event);
        }
        let event = match item {
            Ok(Event::Usage { .. }) if !self.tells_usage => return,
            Ok(Event::Completed { .. }) if !self.tells_usage => Ok(Event::completed(None)),
            item => item,
        };
        let written = event.and_then(|event| self.write(Some(event)));
        if let Err(error) = written {
            // What the failure cut short had begun.
            let _ = self.write(None);
            self.asked.failed(&error);
            // Nothing may follow a failure.
            self.encoder.fail(&error, &mut self.out);
            self.end();
        }
    }

    /// Writes an event, or without one what waited for the next.
    fn write(&mut self, event: Option<Event>) -> Result<()> {
        let (encoder, out) = (&mut self.encoder, &mut self.out);
        let mut written = Ok(());
        let mut write = |event: Event| {
            if written.is_ok() {
                written = encoder.encode(&event, out);
            }
        };
        match event {
            Some(mut event) => {
                self.names.event(&mut event);
                self.sealer.event(event, &mut write);
            }
            None => self.sealer.flush(&mut write),
        }
        written
    }

    fn end(&mut self) {
        self.out.end();
        self.is_over = true;
    }

    /// Watches what was read before the head was sent, but for the first event, which was.
    fn watch_begun(&mut self, tap: &Tap) {
        if self.first.is_some() {
            return;
        }
        self.first = self.begun.pop_front().and_then(Result::ok);
        while let Some(item) = self.begun.pop_front() {
            self.watch(tap, Some(item));
        }
    }

    /// Watches what passes.
    fn watch(&mut self, tap: &Tap, item: Option<Result<Event>>) {
        match item {
            None => self.is_over = true,
            Some(Ok(event)) => self.note(&event),
            Some(Err(error)) => {
                self.asked.failed(&error);
                if !tap.has_told() {
                    // A failure may name the answer, which has begun in other hands.
                    if let Some(first) = self.first.take() {
                        let _ = self.encoder.encode(&first, &mut Nowhere);
                    }
                    self.encoder.fail(&error, &mut self.out);
                }
                self.is_over = true;
            }
        }
    }

    fn poll_passed(
        &mut self,
        tap: &Tap,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        self.watch_begun(tap);
        // All that passed goes before more is read: a slow reader slows the provider down.
        if let Some(bytes) = tap.take() {
            return Poll::Ready(Some(Ok(self.given(bytes))));
        }
        if self.pauses(cx) || !(self.is_over || self.bell.rang(cx)) {
            return Poll::Pending;
        }
        let mut count = 0;
        let mut more = true;
        while !self.is_over && more && count < AT_ONCE {
            match self.next() {
                Poll::Ready(item) => self.watch(tap, item),
                Poll::Pending => more = false,
            }
            count += 1;
        }
        if let Some(bytes) = tap.take() {
            return Poll::Ready(Some(Ok(self.given(bytes))));
        }
        match self.is_over {
            true if self.out.bytes.is_empty() => Poll::Ready(None),
            true => Poll::Ready(Some(Ok(Frame::data(self.out.take())))),
            false => {
                if more {
                    // Nothing was passed of so many events, and more are at hand.
                    cx.waker().wake_by_ref();
                }
                Poll::Pending
            }
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        if let Some(tap) = self.tap.take() {
            let polled = self.poll_passed(&tap, cx);
            self.tap = Some(tap);
            return polled;
        }
        if self.pauses(cx) {
            return Poll::Pending;
        }
        while let Some(item) = self.begun.pop_front() {
            self.take(Some(item));
        }
        let is_idle = self.out.bytes.is_empty() && !self.is_over;
        if is_idle && !self.bell.rang(cx) {
            return Poll::Pending;
        }
        let piece = match self.opening {
            Opening::Written => PIECE,
            _ => 1,
        };
        while !self.is_over && self.out.bytes.len() < piece {
            match self.next() {
                Poll::Ready(item) => self.take(item),
                Poll::Pending => {
                    match self.write(None) {
                        Ok(()) => self.encoder.idle(&mut self.out),
                        Err(error) => self.take(Some(Err(error))),
                    }
                    if self.out.bytes.is_empty() {
                        return Poll::Pending;
                    }
                    break;
                }
            }
        }
        if self.out.bytes.is_empty() {
            return Poll::Ready(None);
        }
        let bytes = self.out.take();
        Poll::Ready(Some(Ok(self.given(bytes))))
    }

    fn next(&mut self) -> Poll<Option<Result<Event>>> {
        let events = Pin::new(&mut self.events);
        self.bell.answer(|cx| events.poll_next(cx))
    }

    /// What goes out next.
    fn given(&mut self, bytes: Bytes) -> Frame<Bytes> {
        if self.opening == Opening::Begun {
            self.opening = Opening::Given;
        }
        Frame::data(bytes)
    }

    /// Whether nothing is given this once, so that what was is written.
    fn pauses(&mut self, cx: &Context<'_>) -> bool {
        let pauses = self.opening == Opening::Given;
        if pauses {
            self.opening = Opening::Written;
            cx.waker().wake_by_ref();
        }
        pauses
    }
}
