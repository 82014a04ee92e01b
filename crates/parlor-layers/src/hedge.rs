//! Asks a second time when the first event is late, and takes the answer that begins first.
//!
//! - **Place:** where fallback and balance stand, innermost of the three:
//!   outside retry, so that the second call is tried again like the first. Over
//!   a balance the second call most likely goes to another target; a program may
//!   name [another model](HedgeLayer::with_model) for it.
//! - **`info()`:** the inner one's.
//! - **A call:** asked a second time only where [`HedgePolicy::call_delay`] is
//!   set, since nothing tells a call that is slow from one with much to say.
//! - **A stream's opening:** resolves with the first event. When none has come
//!   after the delay, the same request is sent again. The first event of either
//!   decides; the other is dropped at once. One that fails leaves it to the
//!   other; when both fail, the error is the first one's.
//! - **A stream's middle:** passes untouched.
//! - **A drop:** drops both.
//!
//! A provider may charge for an answer that was cancelled, and nobody says how
//! many tokens that was. So the second calls are bounded, to a share of all
//! calls, and counted: see [`HedgePolicy::share`] and [`HedgeStats`].
//!
//! ```
//! use parlor_core::{ChatModel, ChatModelExt, Echo};
//! use parlor_layers::hedge::{HedgeLayer, HedgePolicy};
//! use std::time::Duration;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let hedge = HedgeLayer::new(HedgePolicy::after(Duration::from_secs(3)));
//! let model = Echo::new().layer(hedge.clone());
//! let stream = model.ask_stream("Hi").await?;
//! assert_eq!(stream.response().await?.text(), "Hi");
//! assert_eq!(hedge.stats().hedges, 0);
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In the configuration:
//!
//! ```toml
//! [layers.hedge]
//! delay = "3s"
//! share = 0.05
//! ```

mod policy;
mod times;

pub use policy::{HedgePolicy, HedgeSettings};

use crate::attempt::begun;
use crate::retry::budget::Budget;
use async_trait::async_trait;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, Layer, ModelInfo, Result,
};
use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;
use times::Times;
use tokio::time::{Instant, timeout};

/// What is told when a request is sent a second time.
#[derive(Debug)]
#[non_exhaustive]
pub struct HedgeNotice<'a> {
    /// The model that is late.
    pub model: &'a ModelInfo,
    /// The model that is asked now; the same one unless another was
    /// [named](HedgeLayer::with_model).
    pub second: &'a ModelInfo,
    /// How long it was waited for.
    pub after: Duration,
}

/// What hedging has cost and brought. The tokens of a cancelled answer are
/// known to nobody but the provider: what can be counted is calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HedgeStats {
    /// Calls and streams that were asked for.
    pub calls: u64,
    /// Second calls that were made.
    pub hedges: u64,
    /// Second calls that answered first.
    pub won: u64,
    /// Calls, of either, that were dropped because the other answered first.
    pub cancelled: u64,
    /// Late calls that got no second one, because the share was used up.
    pub refused: u64,
}

type Hook = dyn Fn(&HedgeNotice<'_>) + Send + Sync;

/// Asks a second time when the first event is late.
///
/// Clones share the budget, the statistics and the times seen, and so do all
/// models wrapped by them.
#[derive(Clone)]
pub struct HedgeLayer {
    state: Arc<State>,
    hook: Option<Arc<Hook>>,
    second: Option<Arc<dyn ChatModel>>,
}

struct State {
    policy: HedgePolicy,
    budget: Budget,
    times: Mutex<Times>,
    calls: AtomicU64,
    hedges: AtomicU64,
    won: AtomicU64,
    cancelled: AtomicU64,
    refused: AtomicU64,
}

/// The figures stand alone: nothing else is read by their order.
fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl HedgeLayer {
    /// A layer with this policy.
    pub fn new(policy: HedgePolicy) -> Self {
        Self {
            state: Arc::new(State {
                budget: Budget::new(policy.burst, policy.share),
                policy,
                times: Mutex::default(),
                calls: AtomicU64::new(0),
                hedges: AtomicU64::new(0),
                won: AtomicU64::new(0),
                cancelled: AtomicU64::new(0),
                refused: AtomicU64::new(0),
            }),
            hook: None,
            second: None,
        }
    }

    /// The same layer, its state still shared, that tells `hook` of each second
    /// call. The hook runs within the call and must not block.
    #[must_use]
    pub fn on_hedge(mut self, hook: impl Fn(&HedgeNotice<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// The same layer, its state still shared, that sends the second request to
    /// this model, not to the late one again.
    ///
    /// It gets the request as it is, so it must be able to do what is asked of the
    /// first; the answer says which of the two gave it. Wrap it in layers of its own
    /// where it needs any: those inside this layer are the first one's.
    #[must_use]
    pub fn with_model(mut self, second: Arc<dyn ChatModel>) -> Self {
        self.second = Some(second);
        self
    }

    /// What hedging has cost and brought so far.
    pub fn stats(&self) -> HedgeStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let state = &self.state;
        HedgeStats {
            calls: read(&state.calls),
            hedges: read(&state.hedges),
            won: read(&state.won),
            cancelled: read(&state.cancelled),
            refused: read(&state.refused),
        }
    }
}

impl Default for HedgeLayer {
    fn default() -> Self {
        Self::new(HedgePolicy::default())
    }
}

impl fmt::Debug for HedgeLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeLayer")
            .field("policy", &self.state.policy)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

impl Layer for HedgeLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(HedgeModel {
            inner,
            layer: self.clone(),
        })
    }
}

impl State {
    fn times(&self) -> MutexGuard<'_, Times> {
        self.times.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long to wait for the first event of a stream.
    fn delay(&self) -> Option<Duration> {
        let policy = &self.policy;
        policy.delay.or_else(|| self.times().percentile(policy))
    }
}

#[derive(Debug)]
struct HedgeModel {
    inner: Arc<dyn ChatModel>,
    layer: HedgeLayer,
}

type Attempt<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

/// An answer, and the times to it that are worth remembering.
struct Raced<T> {
    answer: T,
    times: [Option<Duration>; 2],
}

impl HedgeModel {
    /// The answer of the first attempt, or of a second one where it is late.
    async fn race<'a, T>(
        &'a self,
        delay: Option<Duration>,
        attempt: impl Fn(&'a dyn ChatModel) -> Attempt<'a, T>,
    ) -> Result<Raced<T>> {
        let state = &*self.layer.state;
        count(&state.calls);
        state.budget.earn();
        let began = Instant::now();
        let alone = |answer| Raced {
            answer,
            times: [Some(began.elapsed()), None],
        };
        let mut first = attempt(&*self.inner);
        let Some(delay) = delay else {
            return first.await.map(alone);
        };
        if let Ok(outcome) = timeout(delay, &mut first).await {
            return outcome.map(alone);
        }
        if !state.budget.spend() {
            count(&state.refused);
            return first.await.map(alone);
        }
        count(&state.hedges);
        let second = self.layer.second.as_ref();
        let second_model = &**second.unwrap_or(&self.inner);
        if let Some(hook) = &self.layer.hook {
            hook(&HedgeNotice {
                model: self.inner.info(),
                second: second_model.info(),
                after: delay,
            });
        }
        let second_began = Instant::now();
        let (answer, won) = self.both(first, attempt(second_model)).await?;
        if won {
            count(&state.won);
        }
        // Another model's time tells nothing of when this one is late.
        let own_time = second.is_none().then(|| second_began.elapsed());
        Ok(Raced {
            answer,
            times: match won {
                // How long the first would have taken is not known, but that
                // it is longer than this.
                true => [own_time, Some(began.elapsed())],
                false => [Some(began.elapsed()), None],
            },
        })
    }

    /// The answer of one of two attempts, and whether it is the second's. The
    /// other is dropped.
    async fn both<T>(&self, first: Attempt<'_, T>, second: Attempt<'_, T>) -> Result<(T, bool)> {
        let mut running = [Some(first), Some(second)];
        let mut error: Option<Error> = None;
        let outcome = poll_fn(|cx| {
            for (at, attempt) in running.iter_mut().enumerate() {
                let Some(future) = attempt else { continue };
                let Poll::Ready(outcome) = future.as_mut().poll(cx) else {
                    continue;
                };
                *attempt = None;
                match outcome {
                    Ok(answer) => return Poll::Ready(Ok((answer, at == 1))),
                    Err(failed) if at == 1 => error = error.take().or(Some(failed)),
                    Err(failed) => error = Some(failed),
                }
            }
            let is_over = running.iter().all(Option::is_none);
            match error.take_if(|_| is_over) {
                Some(failed) => Poll::Ready(Err(failed)),
                None => Poll::Pending,
            }
        })
        .await;
        if running.iter().any(Option::is_some) {
            count(&self.layer.state.cancelled);
        }
        outcome
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for HedgeModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let delay = self.layer.state.policy.call_delay;
        let raced = self.race(delay, |model| model.chat(request)).await?;
        Ok(raced.answer)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let state = &self.layer.state;
        let raced = self
            .race(state.delay(), |model| Box::pin(begun(model, request)))
            .await?;
        let mut times = state.times();
        for time in raced.times.into_iter().flatten() {
            times.add(time);
        }
        drop(times);
        Ok(raced.answer)
    }
}
