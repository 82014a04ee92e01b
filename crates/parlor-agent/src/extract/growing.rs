//! A value that grows while its answer comes.

use super::Extracted;
use super::find::unwrapped;
use crate::partial_json::PartialJson;
use futures_util::future::BoxFuture;
use futures_util::stream::Stream;
use parlor_core::{Error, ErrorKind, Event, Result};
use serde::de::DeserializeOwned;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// A value while it grows, and once it is whole.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Partial<T, P = T> {
    /// What can be read of it so far. Nothing in it is checked yet.
    Growing(P),
    /// All of it.
    Whole(Box<Extracted<T>>),
}

impl<T> Partial<T> {
    /// The value as far as it has come.
    pub fn value(&self) -> &T {
        match self {
            Self::Growing(value) => value,
            Self::Whole(extracted) => &extracted.value,
        }
    }

    /// The value as far as it has come.
    pub fn into_value(self) -> T {
        match self {
            Self::Growing(value) => value,
            Self::Whole(extracted) => extracted.value,
        }
    }
}

/// A value that grows: a stream that ends with the whole of it, or an error.
///
/// - Nothing is sent before it is polled; dropping it stops the request.
/// - What has come is completed to JSON as [`PartialJson`] says, and read. Where
///   it can't be, it is read without the piece that is on its way: a text, an
///   item, the object around it. So a list of structs grows by whole structs,
///   and a struct is seen once its required fields are there; fields that are
///   optional or have a default let it be seen sooner.
/// - Reading costs as much as what has come is long. A value is read when it has
///   grown by a 256th, so that all readings together cost at most 256 times the
///   answer's length, not its square.
/// - After a correction, or where a model calls tools in between, it begins to
///   grow again.
#[must_use = "nothing is sent before it is polled"]
pub struct Partials<'a, T, P = T> {
    work: Option<BoxFuture<'a, Result<Extracted<T>>>>,
    slot: Arc<Mutex<Option<P>>>,
}

impl<'a, T, P: DeserializeOwned + Send + 'a> Partials<'a, T, P> {
    pub(crate) fn new<F>(work: impl FnOnce(Outlet<'a>) -> F) -> Self
    where
        F: Future<Output = Result<Extracted<T>>> + Send + 'a,
    {
        let slot = Arc::new(Mutex::new(None));
        let filled = slot.clone();
        let outlet = Outlet(Arc::new(move |json, wrapped| {
            let read = json.read_with(|value| P::deserialize(unwrapped(value, wrapped)).ok());
            let put = read.is_some();
            if put {
                *filled.lock().unwrap_or_else(PoisonError::into_inner) = read;
            }
            put
        }));
        Self {
            work: Some(Box::pin(work(outlet))),
            slot,
        }
    }

    /// What has come, once there is more of it; `None` after the end. Dropping
    /// the future loses nothing.
    ///
    /// # Errors
    /// As [`Extractor::extract`](super::Extractor::extract) and
    /// [`extract_in`](super::Extractor::extract_in); it is over then.
    pub async fn next(&mut self) -> Option<Result<Partial<T, P>>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Waits for the whole value.
    ///
    /// # Errors
    /// As [`next`](Self::next); and [`Cancelled`](ErrorKind::Cancelled) where
    /// it was over before.
    pub async fn finish(mut self) -> Result<Extracted<T>> {
        while let Some(partial) = self.next().await {
            if let Partial::Whole(extracted) = partial? {
                return Ok(*extracted);
            }
        }
        let message = "the value was given, or had failed, before";
        Err(Error::new(ErrorKind::Cancelled, message))
    }
}

impl<T, P> Stream for Partials<'_, T, P> {
    type Item = Result<Partial<T, P>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(work) = &mut self.work else {
            return Poll::Ready(None);
        };
        let done = match work.as_mut().poll(cx) {
            Poll::Ready(done) => done,
            Poll::Pending => {
                let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
                return match slot.take() {
                    Some(value) => Poll::Ready(Some(Ok(Partial::Growing(value)))),
                    None => Poll::Pending,
                };
            }
        };
        self.work = None;
        Poll::Ready(Some(done.map(|it| Partial::Whole(Box::new(it)))))
    }
}

impl<T, P> fmt::Debug for Partials<'_, T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partials")
            .field("over", &self.work.is_none())
            .finish_non_exhaustive()
    }
}

type Read<'a> = dyn Fn(&mut PartialJson, bool) -> bool + Send + Sync + 'a;

/// Where those who hear an answer put what has grown.
pub(crate) struct Outlet<'a>(Arc<Read<'a>>);

impl Outlet<'_> {
    /// Hears one answer.
    pub(crate) fn hearing(&self, wrapped: bool) -> Hearing<'_> {
        Hearing {
            read: &*self.0,
            wrapped,
            json: PartialJson::new(),
            begun: false,
            seen: 0,
            length: 0,
            due: 0,
        }
    }
}

/// One answer on its way.
pub(crate) struct Hearing<'a> {
    read: &'a Read<'a>,
    wrapped: bool,
    json: PartialJson,
    /// Whether the JSON has begun; words may stand before it.
    begun: bool,
    /// What was there when it was read last.
    seen: u64,
    length: usize,
    due: usize,
}

impl Hearing<'_> {
    /// Takes what an event adds, and waits until what came of it is taken.
    pub(crate) async fn hear(&mut self, event: &Event) {
        let Event::TextDelta {
            choice: 0, text, ..
        } = event
        else {
            return;
        };
        let text = match (self.begun, text.find('{')) {
            (true, _) => text.as_str(),
            (false, Some(at)) => text.get(at..).unwrap_or_default(),
            (false, None) => return,
        };
        self.begun = true;
        self.length += text.len();
        if !self.json.push(text) {
            // A bracket among the words. There may be another.
            self.json = PartialJson::new();
            self.begun = false;
            return;
        }
        if self.json.changes() == self.seen || self.length < self.due {
            return;
        }
        self.seen = self.json.changes();
        self.due = self.length + (self.length / 256).max(1);
        if (self.read)(&mut self.json, self.wrapped) {
            taken().await;
        }
    }
}

/// Gives way once: whoever polls looks whether something was put down.
async fn taken() {
    let mut gave_way = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut gave_way, true) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await;
}
