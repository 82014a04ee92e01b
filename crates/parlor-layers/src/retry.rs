//! Tries again what failed before its first event, with backoff and a budget.
//!
//! - **Place:** outside timeout, concurrency and rate limit, so that each
//!   attempt passes them anew; inside fallback, which turns to the next model
//!   when the attempts at this one are used up.
//! - **`info()`:** the inner one's.
//! - **A call:** tried again as a whole; nothing of a failed attempt was shown.
//! - **A stream's opening:** tried again, and still resolves as soon as an
//!   attempt's headers are in.
//! - **A stream's middle:** a failure before the inner stream's first event is
//!   tried again inside the returned stream; since `Started` is held back until
//!   the first content, the consumer has seen nothing by then. For this the
//!   stream keeps a clone of the request until the first event. After it every
//!   item passes untouched, an error with its partial response too: no text is
//!   ever shown twice.
//! - **A drop:** drops the inner future or stream, or the wait, at once; no task
//!   is spawned. A failed attempt is dropped before the wait begins.
//!
//! Only an error that says [`Retry::Later`] is tried again. One that is given
//! up says [`Retry::Exhausted`], so that stacked retries never multiply, and
//! its help how often it was tried.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::retry::{RetryLayer, RetryPolicy};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let layer = RetryLayer::new(RetryPolicy::retries(4)).on_retry(|retry| {
//!     eprintln!("trying again in {:?} ({}/{})", retry.delay, retry.attempt, retry.of);
//! });
//! let model = Echo::new().layer(layer);
//! assert_eq!(model.ask("Hi").await?.text(), "Hi");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In the configuration, around every model unless `attempts` is 1:
//!
//! ```toml
//! [layers.retry]
//! attempts = 5        # 3 where left out
//! base_delay = "1s"
//! max_delay = "20s"
//! max_elapsed = "2m"
//! ```

pub(crate) mod budget;

use crate::attempt::dried_up;
use crate::random::Random;
use async_trait::async_trait;
use budget::Budget;
use futures_core::Stream;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, Event, EventStream, Layer, ModelInfo,
    ResponseMetadata, Result, Retry, Tap,
};
use std::fmt;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// How often, how soon and how long to try again.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How often to try again after the first attempt. 2 by default, which
    /// makes three attempts.
    pub max_retries: u32,
    /// The wait before the nth retry is random between nothing and
    /// `base_delay × 2ⁿ⁻¹` ("full jitter"), so that callers who failed together
    /// don't come back together. Half a second by default.
    pub base_delay: Duration,
    /// The most that this random wait can be. 8 s by default.
    pub max_delay: Duration,
    /// A wait that the provider names is kept, with the random wait on top. If
    /// it is longer than this, the error is given up at once. 120 s by default.
    pub max_delay_from_server: Duration,
    /// No retry begins later than this after the call. It cuts no attempt
    /// short. None by default.
    pub max_elapsed: Option<Duration>,
    /// How many retries the layer's models may make together before their
    /// successes must pay for more; see [`earned_per_success`](Self::earned_per_success).
    /// 100 by default.
    pub budget: u32,
    /// How much of a retry each success pays back into the budget, to a
    /// thousandth. A provider that fails steadily gets, in the long run, no
    /// more retries than this part of its successes. 0.1 by default.
    pub earned_per_success: f64,
    /// Makes the random waits repeat, for tests.
    pub seed: Option<u64>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_retries: 2,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(8),
            max_delay_from_server: Duration::from_secs(120),
            max_elapsed: None,
            budget: 100,
            earned_per_success: 0.1,
            seed: None,
        }
    }
}

impl RetryPolicy {
    /// The default policy with this number of retries.
    pub fn retries(max_retries: u32) -> Self {
        Self {
            max_retries,
            ..Self::default()
        }
    }

    /// The longest random wait before this retry, from 0.
    fn ceiling(&self, retry: u32) -> Duration {
        let factor = 1_u32.checked_shl(retry).unwrap_or(u32::MAX);
        self.base_delay.saturating_mul(factor).min(self.max_delay)
    }
}

/// What is told before the wait for a retry.
#[derive(Debug)]
#[non_exhaustive]
pub struct RetryNotice<'a> {
    /// Which retry comes, from 1.
    pub attempt: u32,
    /// How many there may be.
    pub of: u32,
    /// How long it waits first.
    pub delay: Duration,
    /// What failed.
    pub error: &'a Error,
}

type Hook = dyn Fn(&RetryNotice<'_>) + Send + Sync;

/// Tries again what failed before its first event.
///
/// Clones share one budget, and so do all models wrapped by them: take a layer
/// of its own for each provider whose failures shouldn't count for another.
#[derive(Clone)]
pub struct RetryLayer {
    shared: Arc<Shared>,
    hook: Option<Arc<Hook>>,
}

struct Shared {
    policy: RetryPolicy,
    budget: Budget,
    random: Random,
}

impl RetryLayer {
    /// A layer with this policy and a full budget.
    pub fn new(policy: RetryPolicy) -> Self {
        Self {
            shared: Arc::new(Shared {
                budget: Budget::new(policy.budget, policy.earned_per_success),
                random: Random::new(policy.seed),
                policy,
            }),
            hook: None,
        }
    }

    /// The same layer, the budget still shared, that tells `hook` of each retry
    /// before its wait: "trying again in 2 s (1/4)". The hook runs within the
    /// call and must not block.
    #[must_use]
    pub fn on_retry(mut self, hook: impl Fn(&RetryNotice<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    fn begin(&self) -> Attempts {
        Attempts {
            layer: self.clone(),
            retries: 0,
            called: Instant::now(),
        }
    }
}

impl Default for RetryLayer {
    fn default() -> Self {
        Self::new(RetryPolicy::default())
    }
}

impl fmt::Debug for RetryLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer")
            .field("policy", &self.shared.policy)
            .finish_non_exhaustive()
    }
}

impl Layer for RetryLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(RetryModel {
            inner,
            layer: self.clone(),
        })
    }
}

/// The attempts at one call.
struct Attempts {
    layer: RetryLayer,
    retries: u32,
    called: Instant,
}

impl Attempts {
    /// The wait before the next attempt, or the error where there is none.
    fn after(&mut self, error: Error) -> Result<Duration> {
        let Retry::Later(named) = error.retry() else {
            return Err(error);
        };
        let Shared {
            policy,
            budget,
            random,
        } = &*self.layer.shared;
        if self.retries >= policy.max_retries {
            let reason = match named {
                Some(named) => format!(" and the provider asks to wait {named:?}"),
                None => String::new(),
            };
            return Err(self.give_up(error, &reason));
        }
        let named = named.unwrap_or_default();
        if named > policy.max_delay_from_server {
            let reason = format!(" and the provider asks to wait {named:?}");
            return Err(self.give_up(error, &reason));
        }
        let ceiling = policy.ceiling(self.retries);
        let delay = named.saturating_add(ceiling.mul_f64(random.share()));
        let late = |allowed| self.called.elapsed().saturating_add(delay) > allowed;
        if policy.max_elapsed.is_some_and(late) {
            return Err(self.give_up(error, " and the time for retries is over"));
        }
        if !budget.spend() {
            return Err(self.give_up(error, " and too many other calls were tried again"));
        }
        self.retries += 1;
        if let Some(hook) = &self.layer.hook {
            hook(&RetryNotice {
                attempt: self.retries,
                of: policy.max_retries,
                delay,
                error: &error,
            });
        }
        Ok(delay)
    }

    fn give_up(&self, error: Error, reason: &str) -> Error {
        let times = match self.retries {
            0 => "once".to_owned(),
            retries => {
                let took = self.called.elapsed().as_secs_f64();
                format!("{} times over {took:.1} s", retries + 1)
            }
        };
        let help = format!("{} It was tried {times}{reason}.", error.help());
        error.with_retry(Retry::Exhausted).with_help(help)
    }

    fn succeed(&self) {
        self.layer.shared.budget.earn();
    }
}

#[derive(Debug)]
struct RetryModel {
    inner: Arc<dyn ChatModel>,
    layer: RetryLayer,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for RetryModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let mut attempts = self.layer.begin();
        loop {
            // An answer is large, so it isn't moved about.
            let error = match self.inner.chat(request).await {
                Err(error) => error,
                answer => {
                    attempts.succeed();
                    return answer;
                }
            };
            Box::pin(sleep(attempts.after(error)?)).await;
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let mut attempts = self.layer.begin();
        let mut opened = loop {
            match self.inner.stream(request).await {
                Ok(stream) => break stream,
                Err(error) => Box::pin(sleep(attempts.after(error)?)).await,
            }
        };
        let again = Box::new(Again {
            attempts,
            model: self.inner.clone(),
            request: Arc::new(request.same()),
            metadata: opened.later_metadata(),
            tap: opened.tap().cloned(),
            reopened: None,
        });
        Ok(opened.watch_events(|events| RetryStream::Opened(events, again)))
    }
}

/// What it takes to open the stream again.
struct Again {
    attempts: Attempts,
    model: Arc<dyn ChatModel>,
    request: Arc<ChatRequest>,
    /// Facts about the present exchange, when it is not the first one.
    reopened: Option<ResponseMetadata>,
    /// Where they go once it is the one that counts.
    metadata: Arc<OnceLock<Box<ResponseMetadata>>>,
    /// Where the bytes of the first exchange pass, in its place the present one's.
    tap: Option<Tap>,
}

type Opening = Pin<Box<dyn Future<Output = Result<ChatStream>> + Send>>;

/// A stream that opens itself again until its first event.
enum RetryStream {
    /// An attempt is open and nothing has come of it.
    Opened(EventStream, Box<Again>),
    /// The wait before the next attempt.
    Waiting(Pin<Box<Sleep>>, Box<Again>),
    /// The next attempt is on its way.
    Opening(Opening, Box<Again>),
    /// The first event has come.
    Flowing(EventStream),
    Ended,
}

impl Again {
    /// The state after a failed attempt, or the error where it is the last one.
    fn after(mut self: Box<Self>, error: Error) -> Result<RetryStream> {
        let delay = self.attempts.after(error)?;
        Ok(RetryStream::Waiting(Box::pin(sleep(delay)), self))
    }

    fn open(&self) -> Opening {
        let (model, request) = (self.model.clone(), self.request.clone());
        Box::pin(async move { model.stream(&request).await })
    }

    fn succeed(self) {
        self.attempts.succeed();
        if let Some(metadata) = self.reopened {
            // Unset until now: the first event comes once, whichever attempt's.
            let _ = self.metadata.set(Box::new(metadata));
        }
    }
}

impl Stream for RetryStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let RetryStream::Flowing(events) = &mut *self {
            return events.as_mut().poll_next(cx);
        }
        loop {
            // What is taken out here is dropped unless it is put back: a failed
            // attempt ends before the wait begins.
            let (pending, next) = match mem::replace(&mut *self, RetryStream::Ended) {
                RetryStream::Opened(mut events, again) => match events.as_mut().poll_next(cx) {
                    Poll::Pending => (true, RetryStream::Opened(events, again)),
                    Poll::Ready(Some(Ok(event))) => {
                        again.succeed();
                        *self = RetryStream::Flowing(events);
                        return Poll::Ready(Some(Ok(event)));
                    }
                    Poll::Ready(failed) => {
                        drop(events);
                        let error = match failed {
                            Some(Err(error)) => error,
                            _ => dried_up(again.model.info()),
                        };
                        (false, again.after(error)?)
                    }
                },
                RetryStream::Waiting(mut wait, again) => match wait.as_mut().poll(cx) {
                    Poll::Pending => (true, RetryStream::Waiting(wait, again)),
                    Poll::Ready(()) => (false, RetryStream::Opening(again.open(), again)),
                },
                RetryStream::Opening(mut opening, mut again) => match opening.as_mut().poll(cx) {
                    Poll::Pending => (true, RetryStream::Opening(opening, again)),
                    Poll::Ready(Ok(stream)) => {
                        again.reopened = Some(stream.metadata().clone());
                        if let Some(tap) = &again.tap {
                            tap.follow(stream.tap().cloned());
                        }
                        (false, RetryStream::Opened(stream.into_events(), again))
                    }
                    Poll::Ready(Err(error)) => (false, again.after(error)?),
                },
                RetryStream::Flowing(_) | RetryStream::Ended => return Poll::Ready(None),
            };
            *self = next;
            if pending {
                return Poll::Pending;
            }
        }
    }
}
