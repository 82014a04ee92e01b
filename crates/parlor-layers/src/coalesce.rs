//! Makes one call of those that are the same and go on at the same time.
//!
//! - **Place:** right inside the cache, outside of everything that spends: a
//!   budget, a limit and a retry see one call.
//! - **`info()`:** the inner one's.
//! - **A call:** joins a call that is the same, or a stream that is; else it asks.
//!   A stream joins no call, since it would get nothing until the end. A call
//!   that wants the [raw](parlor_core::ChatRequest::include_raw) body asks alone.
//! - **A stream's opening:** joins a stream that is the same, opened or not; else
//!   it opens one. A failure goes to all who wait for it.
//! - **A stream's middle:** every reader gets every event from the first, whenever
//!   it joined and at its own pace, and the same end. Each has its own partial.
//! - **A drop:** leaves the others as they are, and to another of them to count
//!   the usage. The last one to leave drops the inner call or stream at once.
//!
//! No task is spawned: whichever reader has read all there is asks for more.
//! What makes requests the same is told in [`key`].
//!
//! An answer that is complete is joined no more; keeping it is the
//! [cache](crate::cache)'s affair. Its usage was paid once, and is counted by
//! whoever gets it first; for the others the answer says [`Reused::Call`].
//!
//! # Who leaves
//! Whoever leaves before the answer, or before the stream is open, leaves no usage
//! uncounted: another gets it first. If a stream's first reader leaves in its
//! middle, the next one that opens it or comes to its end counts the usage, all of
//! it. Who opened it before was told [`Reused::Call`] then, and hears otherwise
//! only from the [metadata](ChatStream::metadata) at the end. Trace, metrics and
//! the agent's statistics go by that; a budget has settled by then, so it belongs
//! inside.
//!
//! # Memory
//! The events of an answer are kept while it can be joined, up to
//! [`max_bytes`](CoalescePolicy::max_bytes). Beyond that nobody joins it any more,
//! and events that all have read are let go. A reader that falls further behind
//! than that gets an error of the kind [`Truncated`](parlor_core::ErrorKind::Truncated) with its partial
//! response: it neither stops the others nor fills the memory.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo, Reused};
//! use parlor_layers::coalesce::{CoalesceLayer, CoalescePolicy};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let model = Echo::new().layer(CoalesceLayer::new(CoalescePolicy::default()));
//! let mut one = model.ask_stream("Why is the sky blue?").await?;
//! one.next().await;
//! let other = model.ask_stream("Why is the sky blue?").await?;
//! assert_eq!(other.metadata().reused, Some(Reused::Call));
//! assert_eq!(other.response().await?.text(), one.response().await?.text());
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! As configuration, where everything has its default:
//!
//! ```toml
//! [layers.coalesce]
//! max_bytes = 4194304
//! only_deterministic = true
//! key = { user = true }
//! ```

mod flight;

use crate::Configurable;
use crate::key::{self, CacheKey, KeyPolicy};
use crate::weight::weight;
use async_trait::async_trait;
use flight::{Entry, Flights, Reader};
use futures_core::Stream;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, Event, EventStream, Layer, ModelInfo,
    ResponseMetadata, Result, Reused,
};
use serde::Deserialize;
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

/// The name of the switch in a request.
const SWITCH: &str = "coalesce";

/// Which calls are made one, and how much of an answer is kept for it. The
/// settings of `[layers.coalesce]` are its fields.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CoalescePolicy {
    /// How many bytes of an answer's events are kept, for each answer that is
    /// going on. 4 MiB by default, which is more than a million tokens of text.
    pub max_bytes: usize,
    /// Whether to leave alone requests that ask for chance: those without
    /// temperature 0 or a seed. False by default. Set it where the same request
    /// is made several times at once to get different answers.
    pub only_deterministic: bool,
    /// What makes requests the same.
    pub key: KeyPolicy,
}

impl Default for CoalescePolicy {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 20,
            only_deterministic: false,
            key: KeyPolicy::default(),
        }
    }
}

/// Makes one call of those that are the same and go on at the same time.
///
/// Clones share the calls that are going on, and so do all models wrapped by
/// them: a key has the model's id in it.
#[derive(Clone)]
pub struct CoalesceLayer(Arc<Shared>);

struct Shared {
    policy: CoalescePolicy,
    streams: Arc<Flights<Step>>,
    calls: Arc<Flights<Answer>>,
}

impl CoalesceLayer {
    /// A layer with this policy.
    pub fn new(policy: CoalescePolicy) -> Self {
        Self(Arc::new(Shared {
            streams: Arc::new(Flights::new(policy.max_bytes)),
            calls: Arc::new(Flights::new(policy.max_bytes)),
            policy,
        }))
    }

    /// The request as one that is asked alone, whatever else is going on.
    ///
    /// It stands in the request as `extra.parlor.coalesce` with `false`; `true`
    /// is the reverse, whatever the policy says. The layer takes it out before it
    /// passes the request on.
    #[must_use]
    pub fn alone(request: ChatRequest) -> ChatRequest {
        key::with_switch(request, SWITCH, false.into())
    }

    /// The key of a request that may be shared.
    fn key(&self, info: &ModelInfo, request: &ChatRequest) -> Result<Option<CacheKey>> {
        let policy = &self.0.policy;
        let shared = match key::switch(request, SWITCH) {
            Some(said) => said
                .as_bool()
                .ok_or_else(|| key::wrong_switch(SWITCH, said, "`true` or `false`"))?,
            None => !policy.only_deterministic || key::is_deterministic(request),
        };
        match shared {
            true => policy.key.key(info, request).map(Some),
            false => Ok(None),
        }
    }
}

impl Default for CoalesceLayer {
    fn default() -> Self {
        Self::new(CoalescePolicy::default())
    }
}

impl fmt::Debug for CoalesceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CoalesceLayer")
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}

impl Configurable for CoalesceLayer {
    type Settings = CoalescePolicy;

    fn configured(policy: CoalescePolicy) -> std::result::Result<Self, String> {
        Ok(Self::new(policy))
    }
}

impl Layer for CoalesceLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(CoalesceModel {
            inner,
            layer: self.clone(),
        })
    }
}

#[derive(Debug)]
struct CoalesceModel {
    inner: Arc<dyn ChatModel>,
    layer: CoalesceLayer,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for CoalesceModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let key = self.layer.key(self.info(), request)?;
        let request = key::without_switch(request, SWITCH);
        let Some(key) = key.filter(|_| !request.include_raw) else {
            return self.inner.chat(&request).await;
        };
        let Shared { streams, calls, .. } = &*self.layer.0;
        if let Some(reader) = calls.join(key) {
            return answered(reader).await;
        }
        if let Some(reader) = streams.join(key) {
            return opened(reader).await?.response().await;
        }
        let reader = calls.join_or_begin(key, || {
            let (inner, request) = (self.inner.clone(), key::owned(request));
            let call = async move { inner.chat(&request).await };
            Box::pin(Call(Some(Box::pin(call))))
        });
        answered(reader).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let key = self.layer.key(self.info(), request)?;
        let request = key::without_switch(request, SWITCH);
        let Some(key) = key else {
            return self.inner.stream(&request).await;
        };
        let reader = self.layer.0.streams.join_or_begin(key, || {
            let (inner, request) = (self.inner.clone(), key::owned(request));
            let opening = async move { inner.stream(&request).await };
            Box::pin(Exchange::Opening(Box::pin(opening)))
        });
        opened(reader).await
    }
}

async fn next<T: Entry>(reader: &mut Reader<T>) -> Result<T> {
    let item = poll_fn(|cx| Pin::new(&mut *reader).poll_next(cx)).await;
    item.unwrap_or_else(|| Err(Error::truncated()))
}

/// The answer of a shared call.
async fn answered(mut reader: Reader<Answer>) -> Result<ChatResponse> {
    let Answer(answer) = next(&mut reader).await?;
    let counts = reader.counts();
    // The last reader to leave lets go of the log's copy, and this is the only one.
    drop(reader);
    let mut answer = Arc::unwrap_or_clone(answer);
    if !counts {
        mark(&mut answer.metadata);
    }
    Ok(answer)
}

/// A reader's own stream of a shared one, once that is open.
async fn opened(mut reader: Reader<Step>) -> Result<ChatStream> {
    let facts = loop {
        if let Step::Opened(facts) = next(&mut reader).await? {
            break facts;
        }
    };
    let mut metadata = facts.metadata.clone();
    let (later, marked) = match reader.counts() {
        true => (facts.later.clone(), None),
        false => {
            mark(&mut metadata);
            let later = Arc::new(OnceLock::new());
            (later.clone(), Some((facts.clone(), later)))
        }
    };
    Ok(
        ChatStream::new(facts.info.clone(), SharedStream { reader, marked })
            .with_metadata(metadata)
            .with_later_metadata(later),
    )
}

fn mark(metadata: &mut ResponseMetadata) {
    metadata.reused.get_or_insert(Reused::Call);
}

/// A whole answer; the only entry of its log.
#[derive(Clone)]
struct Answer(Arc<ChatResponse>);

impl Entry for Answer {
    fn weight(&self) -> usize {
        0
    }
    fn is_last(&self) -> bool {
        true
    }
}

type Pending<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// A call as a stream of its answer.
struct Call(Option<Pending<ChatResponse>>);

impl Stream for Call {
    type Item = Result<Answer>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(call) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let answer = ready!(call.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(Some(answer.map(|it| Answer(Arc::new(it)))))
    }
}

/// What a shared stream's log is made of: first the opening, then its events.
#[derive(Clone)]
enum Step {
    Opened(Arc<Facts>),
    Event(Event),
}

struct Facts {
    info: Arc<ModelInfo>,
    metadata: ResponseMetadata,
    later: Arc<OnceLock<Box<ResponseMetadata>>>,
}

impl Entry for Step {
    fn weight(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Opened(_) => 0,
                Self::Event(event) => weight(event),
            }
    }
    fn is_last(&self) -> bool {
        matches!(self, Self::Event(event) if event.is_terminal())
    }
}

/// A stream from its call on.
enum Exchange {
    Opening(Pending<ChatStream>),
    Flowing(EventStream),
}

impl Stream for Exchange {
    type Item = Result<Step>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match &mut *self {
            Self::Opening(opening) => {
                let mut stream = ready!(opening.as_mut().poll(cx))?;
                let facts = Facts {
                    info: Arc::new(stream.info().clone()),
                    metadata: stream.metadata().clone(),
                    later: stream.later_metadata(),
                };
                *self = Self::Flowing(stream.into_events());
                Poll::Ready(Some(Ok(Step::Opened(Arc::new(facts)))))
            }
            Self::Flowing(events) => {
                let item = ready!(events.as_mut().poll_next(cx));
                Poll::Ready(item.map(|it| it.map(Step::Event)))
            }
        }
    }
}

/// The facts of a stream, and where those that are known at its end go.
type Marked = (Arc<Facts>, Arc<OnceLock<Box<ResponseMetadata>>>);

/// The events of a shared stream for one reader.
struct SharedStream {
    reader: Reader<Step>,
    /// For one that wasn't the first: where the facts that are known at the end
    /// go, with the mark that they are another's if they are.
    marked: Option<Marked>,
}

impl Stream for SharedStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = loop {
            match ready!(Pin::new(&mut self.reader).poll_next(cx)) {
                Some(Ok(Step::Opened(_))) => {}
                Some(Ok(Step::Event(event))) => break Some(Ok(event)),
                Some(Err(error)) => break Some(Err(error)),
                None => break None,
            }
        };
        let goes_on = matches!(&item, Some(Ok(event)) if !event.is_terminal());
        if !goes_on && let Some((facts, later)) = self.marked.take() {
            let mut known = facts.later.get().map_or(&facts.metadata, |it| it).clone();
            if !self.reader.counts() {
                mark(&mut known);
            }
            // Its only other holder reads it.
            let _ = later.set(Box::new(known));
        }
        Poll::Ready(item)
    }
}
