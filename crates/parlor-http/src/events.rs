//! From the bytes of a body to the events of a stream.

mod clock;
mod passing;

use crate::body::{Body, append};
use crate::failure;
use crate::framing::{self, Framer, FramingError};
use crate::headers::{self, Advice};
use crate::model::Shared;
use bytes::Bytes;
use clock::Clock;
use futures_core::Stream;
use http::{Extensions, Response as Parts};
use http_body::Body as _;
use parlor_core::{
    ChatResponse, Collector, Error, ErrorKind, Event, RateLimit, ResponseMetadata, Result, Tap,
    TimeoutKind, Warning,
};
use parlor_dialect::{Decoder, Frame, Framing};
use passing::Passing;
use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Instant;

/// How many pieces of such a body to read at most.
const LINGER_FRAMES: u8 = 16;

/// Reads a body into events, within the time limits.
///
/// Polling it is all that drives it; there is no task and no channel between
/// the socket and whoever reads. Dropping it closes the request.
pub(crate) struct EventReader {
    shared: Arc<Shared>,
    /// Gone when the answer has ended.
    body: Option<reqwest::Body>,
    /// None unless the request may be authorised anew.
    head: Option<Box<HeaderMap>>,
    /// What the head tells, where it tells anything.
    told: Option<Box<Told>>,
    is_json: bool,
    extensions: Extensions,
    status: u16,
    framer: Framer,
    decoder: Box<dyn Decoder>,
    form: Form,
    events: VecDeque<Event>,
    /// Whether the room for what an answer begins with was given back.
    trimmed: bool,
    passing: Option<Box<Passing>>,
    failure: Option<Error>,
    /// Whether the decoder itself refused a frame: then it has no more to say.
    refused: bool,
    warnings: Box<[Warning]>,
    clock: Clock,
    lingered: u8,
    begun: Instant,
    /// How long the first event took.
    first_event: Option<Duration>,
    later: Arc<OnceLock<Box<ResponseMetadata>>>,
}

/// What the head of a response tells.
#[derive(Default, PartialEq)]
struct Told {
    request_id: Option<String>,
    rate_limits: BTreeMap<String, RateLimit>,
    advice: Advice,
}

/// What the body turned out to be.
enum Form {
    /// Nothing but blanks has come.
    Unknown,
    /// Frames.
    Frames,
    /// A whole answer, or an error, in one piece; what has come of it.
    Whole(Vec<u8>),
}

impl Told {
    fn of(head: &HeaderMap) -> Option<Box<Self>> {
        let metadata = headers::metadata(head);
        let told = Self {
            request_id: metadata.request_id,
            rate_limits: metadata.rate_limits,
            advice: Advice::of(head),
        };
        (told != Self::default()).then(|| Box::new(told))
    }
}

impl EventReader {
    pub(crate) fn new(
        shared: Arc<Shared>,
        response: Response,
        begun: Instant,
        warnings: Vec<Warning>,
    ) -> Self {
        let limits = shared.endpoint.timeouts();
        let clock = Clock::new(limits, begun);
        let (head, body) = Parts::<reqwest::Body>::from(response).into_parts();
        let kind = headers::text(&head.headers, CONTENT_TYPE.as_str()).unwrap_or_default();
        Self {
            framer: Framer::new(shared.dialect.framing()),
            decoder: shared.dialect.decoder(&shared.target(true)),
            body: Some(body),
            status: head.status.as_u16(),
            told: Told::of(&head.headers),
            is_json: kind.starts_with("application/json"),
            head: match shared.endpoint.may_renew() {
                true => Some(Box::new(headers::detached(head.headers))),
                false => None,
            },
            extensions: failure::detached(head.extensions),
            form: Form::Unknown,
            events: VecDeque::new(),
            trimmed: false,
            passing: None,
            failure: None,
            refused: false,
            warnings: warnings.into(),
            clock,
            lingered: 0,
            begun,
            first_event: None,
            later: Arc::default(),
            shared,
        }
    }

    /// The same for an answer that was asked for in one piece.
    pub(crate) fn of_whole(mut self) -> Self {
        self.form = Form::Whole(Vec::new());
        self
    }

    /// The same for an answer of several choices: that some have finished says
    /// nothing about the others.
    pub(crate) fn of_several(mut self) -> Self {
        self.clock.never_ending();
        self
    }

    /// The same for an answer whose bytes are passed on; whether usage is, in a
    /// frame of its own.
    pub(crate) fn tapped(mut self, tells_usage: bool) -> Self {
        self.passing = Some(Box::new(Passing::new(Tap::default(), tells_usage)));
        self
    }

    /// Where its bytes are passed on.
    pub(crate) fn tap(&self) -> Option<Tap> {
        self.passing.as_ref().map(|it| it.tap())
    }

    /// Where the facts about the exchange stand when it has ended.
    pub(crate) fn later_metadata(&self) -> Arc<OnceLock<Box<ResponseMetadata>>> {
        self.later.clone()
    }

    /// The same that tells them where another one would have.
    pub(crate) fn telling(mut self, later: Arc<OnceLock<Box<ResponseMetadata>>>) -> Self {
        self.later = later;
        self
    }

    /// The head of the response and what stands beside it, for a request that
    /// may be authorised anew.
    pub(crate) fn exchange(&self) -> (HeaderMap, Extensions) {
        (
            self.head.as_deref().cloned().unwrap_or_default(),
            self.extensions.clone(),
        )
    }

    /// What the head of the response tells.
    pub(crate) fn metadata(&self) -> ResponseMetadata {
        let mut metadata = ResponseMetadata::default();
        if let Some(told) = &self.told {
            metadata.request_id.clone_from(&told.request_id);
            metadata.rate_limits.clone_from(&told.rate_limits);
        }
        metadata
    }

    /// Tells how long the exchange took. One without an event tells nothing: it
    /// may be opened anew.
    fn tell(&self) {
        let millis = |it: Duration| u64::try_from(it.as_millis()).ok();
        if let Some(first) = self.first_event {
            let mut metadata = Box::new(self.metadata());
            metadata.latency.first_event_ms = millis(first);
            metadata.latency.total_ms = millis(self.begun.elapsed());
            // It ends once.
            let _ = self.later.set(metadata);
        }
    }

    /// Waits for the beginning of a body that says it is JSON though events
    /// were asked for, so that an error in it is the call's error.
    pub(crate) async fn settle(&mut self) -> Result<()> {
        if !self.is_json || self.shared.dialect.framing() == Framing::Ndjson {
            return Ok(());
        }
        std::future::poll_fn(|cx| self.poll_fill(cx)).await;
        match self.events.is_empty() {
            true => self.failure.take().map_or(Ok(()), Err),
            false => Ok(()),
        }
    }

    /// Reads until there is an event or the end.
    ///
    /// Frames that have come are read one at a time: the first event needn't wait for what came
    /// along with it, and what isn't asked for yet is held as bytes.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.events.is_empty() && self.failure.is_none() && self.body.is_some() {
            match self.read_frame() {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => {
                    self.fail(error);
                    break;
                }
            }
            // Asked first, since a body that always has bytes must end too.
            if self.clock.is_over() {
                self.fail(failure::of_timeout(
                    TimeoutKind::Total,
                    &self.shared.endpoint,
                ));
                break;
            }
            if let Err(error) = ready!(self.poll_read(cx)) {
                self.fail(error);
            }
        }
        if !self.events.is_empty() {
            self.clock.progress();
        }
        Poll::Ready(())
    }

    /// Takes one chunk of the body apart.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(Ok(()));
        };
        let frame = match Pin::new(body).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                self.clock.ending(self.decoder.is_over());
                let kind = ready!(self.clock.poll_alarm(cx));
                return Poll::Ready(Err(failure::of_timeout(kind, &self.shared.endpoint)));
            }
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => frame.into_data().map_or(Ok(()), |chunk| self.take(chunk)),
            Some(Err(error)) => {
                let error = failure::of_read(error);
                Err(match (self.clock.begun, error.kind()) {
                    // Nothing of the answer had come: as good as no answer.
                    (false, ErrorKind::Truncated) => error.with_kind(ErrorKind::Connection),
                    _ => error,
                })
            }
            None => self.finish(),
        })
    }

    fn take(&mut self, chunk: Bytes) -> Result<()> {
        if let Form::Unknown = self.form {
            let text = chunk.trim_ascii_start();
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            self.form = match (text.first(), self.shared.dialect.framing()) {
                (None, _) => Form::Unknown,
                // A message of an event stream can't begin so: it would be
                // longer than any frame may be.
                (Some(b'{' | b'[' | b'<'), Framing::Sse | Framing::EventStream) => {
                    Form::Whole(Vec::new())
                }
                (Some(b'<'), Framing::Ndjson) => Form::Whole(Vec::new()),
                _ => Form::Frames,
            };
        }
        if let Form::Whole(whole) = &mut self.form {
            if let Some(passing) = self.passing.take() {
                passing.tap().turn_off();
            }
            return append(whole, &chunk);
        }
        if let Some(passing) = &mut self.passing {
            passing.came(chunk.clone());
        }
        self.framer.push(chunk);
        Ok(())
    }

    /// Reads the next frame of those that have come; false where there is none.
    fn read_frame(&mut self) -> Result<bool> {
        let Some(frame) = self.framer.next_frame().map_err(of_framing)? else {
            // Keep-alives are no frames.
            if let Some(passing) = &mut self.passing {
                passing.pass(self.framer.buffered());
            }
            return Ok(false);
        };
        let read = decode(&mut *self.decoder, &frame, &mut self.events);
        self.refused = read.is_err();
        if let Some(passing) = &mut self.passing {
            let hides = passing.hides(frame.data);
            passing.read(&read, hides, self.framer.buffered());
        }
        read.map(|()| true)
    }

    /// Reads what little follows a complete answer, so that the connection can
    /// be used again; a server that goes on is left after a moment.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.clock.linger();
        while let Some(body) = &mut self.body {
            let more = match Pin::new(body).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let (Some(passing), Ok(rest)) = (&mut self.passing, frame.into_data()) {
                        passing.came(rest);
                        passing.pass(0);
                    }
                    true
                }
                Poll::Ready(_) => false,
                Poll::Pending => {
                    ready!(self.clock.poll_alarm(cx));
                    false
                }
            };
            self.lingered += u8::from(more);
            if !more || self.lingered > LINGER_FRAMES {
                self.body = None;
            }
        }
        Poll::Ready(())
    }

    fn finish(&mut self) -> Result<()> {
        self.body = None;
        if let Form::Whole(whole) = &mut self.form {
            let mut whole = Body::Joined(mem::take(whole));
            let told = self.told.as_deref();
            let advice = |known| told.map_or(known, |it| it.advice.retry(known));
            let response = self.shared.take(&mut whole, self.status, advice)?;
            self.events.extend(response.into_events());
            return Ok(());
        }
        while let Some(frame) = self.framer.finish().map_err(of_framing)? {
            let read = decode(&mut *self.decoder, &frame, &mut self.events);
            let read = read.map_err(|error| of_last_frame(error, frame.data));
            self.refused = read.is_err();
            if let Some(passing) = &mut self.passing {
                let hides = passing.hides(frame.data);
                passing.read(&read, hides, self.framer.buffered());
            }
            read?;
        }
        if self.is_complete() {
            return Ok(());
        }
        self.decoder.finish(&mut self.events)
    }

    fn is_complete(&self) -> bool {
        self.events.back().is_some_and(Event::is_terminal)
    }

    /// Ends the stream, for a reason that may not matter any more: what breaks
    /// off after the protocol's end was seen, but for its last flourish, is
    /// complete. The decoder knows.
    fn fail(&mut self, error: Error) {
        self.body = None;
        let decides = !self.refused && matches!(self.form, Form::Frames);
        if decides && self.decoder.finish(&mut self.events).is_ok() && self.is_complete() {
            return;
        }
        let told = self.told.as_deref();
        let id = told.and_then(|it| it.request_id.as_deref());
        let error = failure::named(error, &self.shared.info, id);
        let scrub = failure::scrub(&self.extensions, &self.shared.endpoint);
        self.failure = Some(error.scrubbed(&scrub));
    }
}

impl Stream for EventReader {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.events.is_empty() {
            ready!(this.poll_fill(cx));
        }
        if this.events.front().is_some_and(Event::is_terminal) {
            if let Some(passing) = &mut this.passing {
                // What came behind the end belongs to it, as it does for who asks the provider.
                passing.pass(0);
            }
            ready!(this.poll_linger(cx));
            this.tell();
        }
        let Some(event) = this.events.pop_front() else {
            this.tell();
            return Poll::Ready(this.failure.take().map(Err));
        };
        if this.events.is_empty() && !this.trimmed {
            // A frame says one thing from now on, mostly.
            this.trimmed = true;
            this.events.shrink_to(1);
        }
        if this.first_event.is_none() {
            this.first_event = Some(this.begun.elapsed());
        }
        if matches!(event, Event::Started { .. }) {
            for warning in mem::take(&mut this.warnings).into_iter().rev() {
                let warning = Box::new(warning);
                this.events.push_front(Event::Warning { warning });
            }
        }
        Poll::Ready(Some(Ok(event)))
    }
}

/// Reads a whole body as a stream.
pub(crate) fn read_stream(shared: &Shared, body: &[u8]) -> Result<ChatResponse> {
    let mut framer = Framer::new(shared.dialect.framing());
    let mut decoder = shared.dialect.decoder(&shared.target(true));
    let mut events = VecDeque::new();
    let mut collector = Collector::new(&shared.info.provider);
    let outcome = (|| {
        framer.push(Bytes::copy_from_slice(body));
        while let Some(frame) = framer.next_frame().map_err(of_framing)? {
            decode(&mut *decoder, &frame, &mut events)?;
            // What follows a complete answer doesn't belong to it.
            if events.back().is_some_and(Event::is_terminal) {
                return Ok(());
            }
        }
        while let Some(frame) = framer.finish().map_err(of_framing)? {
            decode(&mut *decoder, &frame, &mut events)
                .map_err(|error| of_last_frame(error, frame.data))?;
            if events.back().is_some_and(Event::is_terminal) {
                return Ok(());
            }
        }
        decoder.finish(&mut events)
    })();
    events.into_iter().for_each(|event| collector.take(event));
    let response = collector.into_response();
    match outcome {
        Ok(()) => Ok(response),
        Err(error) => Err(error.with_partial(response)),
    }
}

/// Bare lines in a body of events are JSON, most often an error, or they are
/// nothing that a dialect knows.
fn decode(
    decoder: &mut dyn Decoder,
    frame: &framing::Frame<'_>,
    events: &mut VecDeque<Event>,
) -> Result<()> {
    if frame.stray && frame.data.trim_ascii_start().starts_with(b"<") {
        return Err(Error::decode("a web page in the middle of the answer").with_body(frame.data));
    }
    let mut read = Frame::data(frame.data);
    read.event = frame.event;
    if let Some(exception) = frame.exception() {
        read.exception = Some(exception.code.unwrap_or_default());
        read.message = exception.message;
    }
    decoder.decode(read, events)
}

fn of_framing(error: FramingError) -> Error {
    let kind = match error {
        FramingError::Truncated => ErrorKind::Truncated,
        _ => ErrorKind::Decode,
    };
    Error::new(kind, error.to_string()).with_source(error)
}

/// A frame without its end was cut, if it can't be read and could be up to there.
fn of_last_frame(error: Error, data: &[u8]) -> Error {
    match error.kind() {
        ErrorKind::Decode if is_cut(data) => error.with_kind(ErrorKind::Truncated),
        _ => error,
    }
}

/// Whether JSON ends before its value does.
pub(crate) fn is_cut(body: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(body).is_err_and(|error| error.is_eof())
}
