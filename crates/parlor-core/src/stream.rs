//! A stream of events that keeps what has come.

use crate::collect::Collector;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::model::ModelInfo;
use crate::response::{ChatResponse, ResponseMetadata};
use crate::verbatim::Tap;
use futures_core::Stream;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

/// The bare stream inside a [`ChatStream`]: what decorators map over.
pub type EventStream = Pin<Box<dyn Stream<Item = Result<Event>> + Send>>;

/// An answer as a stream of [`Event`]s.
///
/// It ends exactly once: after [`Event::Completed`] or an error it yields
/// nothing, and a source that dries up before either makes an
/// [`Truncated`](crate::ErrorKind::Truncated) error. An error that ends it
/// carries the partial response. Dropping it cancels the request.
pub struct ChatStream {
    events: EventStream,
    collector: Collector,
    metadata: ResponseMetadata,
    later: Option<Arc<OnceLock<Box<ResponseMetadata>>>>,
    info: Arc<ModelInfo>,
    /// Its bytes as they come, where they are to be passed on.
    tap: Option<Tap>,
    /// The first event where [`ready`](ChatStream::ready) has waited for it. The
    /// collector knows it already.
    first: Option<Event>,
    begun: bool,
    ended: bool,
}

impl ChatStream {
    /// A stream of a model's events. `events` must keep the grammar stated at
    /// [`Event`], but need not see to its own end.
    pub fn new(
        info: Arc<ModelInfo>,
        events: impl Stream<Item = Result<Event>> + Send + 'static,
    ) -> Self {
        Self {
            collector: Collector::new(info.provider.clone()),
            events: Box::pin(events),
            metadata: ResponseMetadata::default(),
            later: None,
            info,
            tap: None,
            first: None,
            begun: false,
            ended: false,
        }
    }

    /// A stream that plays an answer which is there already, a part at a time,
    /// with its metadata: for caches, and for models that only answer whole.
    ///
    /// Read to its end it gives the same answer, but for
    /// [`raw`](ChatResponse::raw); one that is marked interrupted ends with
    /// [`Truncated`](crate::ErrorKind::Truncated). `info` is the model that was
    /// asked. Where another provider answered, as behind a fallback, the
    /// stream's [`info`](Self::info) names that one.
    pub fn of_response(info: Arc<ModelInfo>, mut response: ChatResponse) -> Self {
        let other = !response.provider.is_empty() && response.provider != info.provider;
        let info = match other {
            true => Arc::new(ModelInfo::new(
                response.provider.clone(),
                response.model.clone().unwrap_or_default(),
            )),
            false => info,
        };
        let metadata = std::mem::take(&mut response.metadata);
        let events = response.into_events().into_iter();
        Self::new(info, Ready(events)).with_metadata(metadata)
    }

    /// The same stream with facts about the exchange.
    #[must_use]
    pub fn with_metadata(mut self, metadata: ResponseMetadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// The same stream with its events mapped, as decorators do. What the
    /// wrapper adds or leaves out is what [`partial`](Self::partial) sees.
    ///
    /// Its bytes are those of the events no more, so it loses its
    /// [tap](Self::tap); one that changes no answer uses
    /// [`watch_events`](Self::watch_events).
    #[must_use]
    pub fn map_events<S>(mut self, wrap: impl FnOnce(EventStream) -> S) -> Self
    where
        S: Stream<Item = Result<Event>> + Send + 'static,
    {
        if let Some(tap) = self.tap.take() {
            tap.turn_off();
        }
        self.watch_events(wrap)
    }

    /// The same for decorators that hand on every event as it is: they watch,
    /// wait, add a warning or end the stream early by an error. The bytes of
    /// the answer may still be passed on in place of its events.
    #[must_use]
    pub fn watch_events<S>(self, wrap: impl FnOnce(EventStream) -> S) -> Self
    where
        S: Stream<Item = Result<Event>> + Send + 'static,
    {
        let (events, collector) = match self.first {
            None => (self.events, self.collector),
            // It comes once more, through `wrap`.
            first => (
                First::and(first, self.events),
                Collector::new(self.info.provider.clone()),
            ),
        };
        Self {
            events: Box::pin(wrap(events)),
            collector,
            first: None,
            ..self
        }
    }

    /// The same stream with a place for the facts that are known only at its
    /// end: once set, they stand in place of those known from the start.
    #[must_use]
    pub fn with_later_metadata(mut self, later: Arc<OnceLock<Box<ResponseMetadata>>>) -> Self {
        self.later = Some(later);
        self
    }

    /// Where a decorator that opens the exchange anew puts the facts about it:
    /// once set, they stand in place of those known from the start.
    pub fn later_metadata(&mut self) -> Arc<OnceLock<Box<ResponseMetadata>>> {
        self.later.get_or_insert_default().clone()
    }

    /// The same stream with its bytes beside the events.
    #[must_use]
    pub fn with_tap(mut self, tap: Tap) -> Self {
        self.tap = Some(tap);
        self
    }

    /// The answer's bytes as they came, if they say what the events say and the
    /// request had [words](crate::Verbatim) in the same dialect.
    pub fn tap(&self) -> Option<&Tap> {
        self.tap.as_ref()
    }

    /// The bare events, for a decorator that goes on with another stream's.
    /// They need not see to their own end.
    pub fn into_events(self) -> EventStream {
        match self.first {
            None => self.events,
            first => First::and(first, self.events),
        }
    }

    /// Waits until the answer has begun, and keeps its first event to be yielded:
    /// for a decorator that may still turn elsewhere until then. Once an event
    /// has been read there is nothing to wait for.
    ///
    /// # Errors
    /// What broke the stream before its first event. It has ended then.
    pub async fn ready(&mut self) -> Result<()> {
        if !self.begun {
            self.first = self.next().await.transpose()?;
        }
        Ok(())
    }

    /// The model that answers.
    pub fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Request id, rate limits, latency. The first two are known from the start,
    /// and change only where the exchange had to be opened anew before its first
    /// event; the latency is known at the end.
    pub fn metadata(&self) -> &ResponseMetadata {
        let later = self.later.as_ref().and_then(|later| later.get());
        later.map_or(&self.metadata, |it| it)
    }

    /// What has come so far, marked interrupted until the stream is complete.
    pub fn partial(&self) -> ChatResponse {
        self.finish(self.collector.partial())
    }

    /// Stops the request and gives up what has come.
    pub fn stop(self) -> ChatResponse {
        let metadata = self.metadata().clone();
        let Self {
            events, collector, ..
        } = self;
        drop(events);
        let mut response = collector.into_response();
        response.metadata = metadata;
        response
    }

    /// The next event; `None` after the end.
    ///
    /// # Errors
    /// Whatever broke the stream; the error carries the partial response.
    pub async fn next(&mut self) -> Option<Result<Event>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Reads the stream to its end and gives the response it amounts to.
    ///
    /// # Errors
    /// Whatever broke the stream; the error carries the partial response.
    pub async fn response(mut self) -> Result<ChatResponse> {
        while let Some(event) = self.next().await {
            event?;
        }
        Ok(self.stop())
    }

    /// The text alone, piece by piece.
    pub fn text(self) -> impl Stream<Item = Result<String>> + Send + Unpin {
        TextStream(self)
    }

    fn finish(&self, mut response: ChatResponse) -> ChatResponse {
        response.metadata = self.metadata().clone();
        response
    }
}

impl Stream for ChatStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(first)));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let item = ready!(self.events.as_mut().poll_next(cx));
        let item = item.unwrap_or_else(|| {
            Err(Error::truncated()
                .with_provider(self.info.provider.clone())
                .with_model(self.info.model.clone()))
        });
        Poll::Ready(Some(match item {
            Ok(event) => {
                self.collector.push(&event);
                self.begun = true;
                self.ended = event.is_terminal();
                Ok(event)
            }
            Err(error) => {
                self.ended = true;
                Err(match error.partial() {
                    Some(_) => error,
                    None => error.with_partial(self.partial()),
                })
            }
        }))
    }
}

impl fmt::Debug for ChatStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChatStream")
            .field("model", &self.info.id())
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

/// Events that are all there.
pub(crate) struct Ready(pub(crate) std::vec::IntoIter<Event>);

impl Stream for Ready {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next().map(Ok))
    }
}

/// An event, and then a stream's.
struct First {
    first: Option<Event>,
    rest: EventStream,
}

impl First {
    fn and(first: Option<Event>, rest: EventStream) -> EventStream {
        Box::pin(Self { first, rest })
    }
}

impl Stream for First {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => self.rest.as_mut().poll_next(cx),
        }
    }
}

struct TextStream(ChatStream);

impl Stream for TextStream {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_next(cx)) {
                Some(Ok(Event::TextDelta { text, .. })) => {
                    return Poll::Ready(Some(Ok(text.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}
