//! Ends an exchange that takes too long: to its first event, between events, or in all.
//!
//! - **Place:** the innermost layer, around the model itself, so that every
//!   attempt of a retry has its own time. A model that
//!   [keeps time itself](parlor_core::ModelInfo::keeps_time), as those over
//!   HTTP do, needs no such layer for the limits it was configured with; this
//!   one is for all others, and for limits of your own.
//! - **`info()`:** the inner one's.
//! - **A call:** only `total` bounds it. A call has no events, and a healthy
//!   long answer can't be told from a dead one before its end.
//! - **A stream's opening:** bounded by `first_event` and `total`.
//! - **A stream's middle:** `first_event` runs on until the first event,
//!   `idle` from one event to the next, `total` to the end. The first two
//!   count only the time in which the consumer waits for the inner stream,
//!   so that a slow consumer never causes a timeout; `total` counts all of it.
//!   The error carries the partial response. The inner stream is dropped before
//!   the error is handed out.
//! - **A drop:** drops the inner future or stream at once; no task is spawned.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::timeout::{TimeoutLayer, TimeoutPolicy};
//! use std::time::Duration;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let policy = TimeoutPolicy::default().with_total(Duration::from_secs(60));
//! let model = Echo::new().layer(TimeoutLayer::new(policy));
//! assert_eq!(model.ask("Hi").await?.text(), "Hi");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In the configuration, where a model over HTTP has a limit for its connection
//! too:
//!
//! ```toml
//! [layers.timeout]
//! connect = "5s"
//! first_event = "2m"
//! idle = "off"
//! total = "10m"
//! ```

use async_trait::async_trait;
use futures_core::Stream;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Event, EventStream, Layer,
    ModelInfo, Result, TimeoutKind,
};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

/// How late a poll may come after its timer and still be the one that the
/// timer woke. A consumer that comes back later than that wasn't waiting.
const WOKEN_WITHIN: Duration = Duration::from_secs(1);

/// How long an exchange may take. `None` is no limit.
///
/// The defaults end what is dead and nothing that is alive: models that reason
/// are silent for minutes, so that ten pass before the first event is given up
/// and five between two events. There is no default for the whole.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeoutPolicy {
    /// From the call to a stream's first event, the opening included. Ten
    /// minutes by default. Not for calls that aren't streamed.
    pub first_event: Option<Duration>,
    /// From one event of a stream to the next. Five minutes by default.
    pub idle: Option<Duration>,
    /// From the call to the end of the answer, streamed or not, whatever the
    /// consumer does meanwhile. None by default.
    pub total: Option<Duration>,
}

impl Default for TimeoutPolicy {
    fn default() -> Self {
        Self {
            first_event: Some(Duration::from_secs(600)),
            idle: Some(Duration::from_secs(300)),
            total: None,
        }
    }
}

impl TimeoutPolicy {
    /// No limit at all, to set single ones.
    pub fn none() -> Self {
        Self {
            first_event: None,
            idle: None,
            total: None,
        }
    }

    /// The same policy with this limit on the whole exchange.
    #[must_use]
    pub fn with_total(mut self, total: Duration) -> Self {
        self.total = Some(total);
        self
    }
}

/// Bounds the time of every exchange with a model.
///
/// Errors are [`ErrorKind::Timeout`] with the phase that ran out; those of the
/// first event and of idleness may be retried, a total may not.
#[derive(Debug, Clone, Default)]
pub struct TimeoutLayer {
    policy: TimeoutPolicy,
}

impl TimeoutLayer {
    /// A layer with these limits.
    pub fn new(policy: TimeoutPolicy) -> Self {
        Self { policy }
    }
}

impl Layer for TimeoutLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(TimeoutModel {
            inner,
            policy: self.policy.clone(),
        })
    }
}

#[derive(Debug)]
struct TimeoutModel {
    inner: Arc<dyn ChatModel>,
    policy: TimeoutPolicy,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for TimeoutModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let call = self.inner.chat(request);
        let Some(total) = Limit::new(TimeoutKind::Total, self.policy.total) else {
            return call.await;
        };
        match timeout_at(total.due, call).await {
            Ok(outcome) => outcome,
            Err(_) => Err(total.error(self.inner.info())),
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let called = Instant::now();
        let total = Limit::new(TimeoutKind::Total, self.policy.total);
        let first = Limit::new(TimeoutKind::FirstEvent, self.policy.first_event);
        let opening = self.inner.stream(request);
        let stream = match sooner(first, total) {
            None => opening.await?,
            Some(limit) => match timeout_at(limit.due, opening).await {
                Ok(opened) => opened?,
                Err(_) => return Err(limit.error(self.inner.info())),
            },
        };
        let wait = first.map(|limit| Wait {
            kind: limit.kind,
            limit: limit.allowed,
            left: limit.allowed.saturating_sub(called.elapsed()),
        });
        let (model, idle) = (self.inner.clone(), self.policy.idle);
        Ok(stream.watch_events(|events| TimeoutStream {
            model,
            events: Some(events),
            idle,
            wait,
            total,
            waiting: None,
            timer: None,
        }))
    }
}

/// A limit and when it runs out.
#[derive(Clone, Copy)]
struct Limit {
    kind: TimeoutKind,
    allowed: Duration,
    due: Instant,
}

impl Limit {
    /// A limit from now on; `None` where there is none, or none within the
    /// reach of the clock.
    fn new(kind: TimeoutKind, allowed: Option<Duration>) -> Option<Self> {
        let allowed = allowed?;
        let due = Instant::now().checked_add(allowed)?;
        Some(Self { kind, allowed, due })
    }

    fn error(&self, info: &ModelInfo) -> Error {
        let allowed = self.allowed;
        let message = match self.kind {
            TimeoutKind::FirstEvent => format!("no event came within {allowed:?} of the call"),
            TimeoutKind::Idle => format!("no further event came within {allowed:?}"),
            _ => format!("the answer was not complete within {allowed:?}"),
        };
        Error::new(ErrorKind::Timeout(self.kind), message)
            .with_provider(info.provider.clone())
            .with_model(info.model.clone())
    }
}

fn sooner(one: Option<Limit>, other: Option<Limit>) -> Option<Limit> {
    match (one, other) {
        (Some(one), Some(other)) if other.due < one.due => Some(other),
        (one, other) => one.or(other),
    }
}

/// How long the consumer may wait for the next event.
#[derive(Clone, Copy)]
struct Wait {
    kind: TimeoutKind,
    /// The limit as configured, for the error.
    limit: Duration,
    /// What the opening left of it.
    left: Duration,
}

struct TimeoutStream {
    model: Arc<dyn ChatModel>,
    /// `None` after a timeout.
    events: Option<EventStream>,
    idle: Option<Duration>,
    wait: Option<Wait>,
    total: Option<Limit>,
    /// The limit that the consumer waits against; `None` while it doesn't wait.
    waiting: Option<Limit>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl TimeoutStream {
    fn arm(&mut self, limit: Limit) {
        self.waiting = Some(limit);
        match &mut self.timer {
            Some(timer) => timer.as_mut().reset(limit.due),
            none => *none = Some(Box::pin(sleep_until(limit.due))),
        }
    }

    /// The limit of a wait that begins now.
    fn limit(&self) -> Option<Limit> {
        let wait = self.wait.and_then(|wait| {
            let limit = Limit::new(wait.kind, Some(wait.left))?;
            Some(Limit {
                allowed: wait.limit,
                ..limit
            })
        });
        sooner(wait, self.total)
    }

    fn run_out(&mut self, limit: &Limit) -> Poll<Option<Result<Event>>> {
        self.events = None;
        Poll::Ready(Some(Err(limit.error(self.model.info()))))
    }
}

impl Stream for TimeoutStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(events) = &mut this.events else {
            return Poll::Ready(None);
        };
        // Asked first, since a stream that always has an event ready must end too.
        if let Some(total) = this.total
            && Instant::now() >= total.due
        {
            return this.run_out(&total);
        }
        if let Poll::Ready(item) = events.as_mut().poll_next(cx) {
            this.waiting = None;
            this.wait = this.idle.map(|idle| Wait {
                kind: TimeoutKind::Idle,
                limit: idle,
                left: idle,
            });
            return Poll::Ready(item);
        }
        loop {
            let limit = match this.waiting.or_else(|| this.limit()) {
                Some(limit) => limit,
                None => return Poll::Pending,
            };
            if this.waiting.is_none() {
                this.arm(limit);
            }
            if let Some(timer) = &mut this.timer {
                ready!(timer.as_mut().poll(cx));
            }
            let away = limit.due.elapsed() > WOKEN_WITHIN;
            if away && limit.kind != TimeoutKind::Total {
                this.waiting = None;
            } else {
                return this.run_out(&limit);
            }
        }
    }
}
