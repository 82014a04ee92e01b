//! Keeps requests and tokens within limits per window of time; what is beyond them waits or fails.
//!
//! - **Place:** inside retry, so that every attempt counts; outside concurrency,
//!   so that a call that waits here holds no permit.
//! - **`info()`:** the inner one's.
//! - **A call:** first reserves what it may use: one request, an
//!   [estimate] of its input, and of its output what it allows
//!   or the [mean](RateLimitPolicy::output) of the answers so far. Its answer's
//!   usage then takes the place of that.
//! - **A stream's opening:** reserves as a call does.
//! - **A stream's middle:** passes untouched. The reservation is settled at the
//!   end by the usage that the provider told, or where the stream breaks by an
//!   estimate of what had come.
//! - **A drop:** leaves the line. A stream that is dropped is settled as one that
//!   breaks; a call that is dropped keeps its reservation for the window, since
//!   its model may answer on. No task is spawned.
//!
//! A failure before an answer gives the reserved tokens back. The request counts
//! whatever comes of it: providers count failures too.
//!
//! No window has more in it than its limit, wherever it is laid, as long as calls
//! use no more than was reserved for them: a limit here is as strict as any way
//! in which a provider may count it. What a call uses beyond its reservation is
//! added at its end, and later calls wait for it. A call that by estimate needs
//! more tokens than a limit allows at all takes the whole of it.
//!
//! Each [scope](RateLimitPolicy::scope) has a line of its own, first come, first
//! served: a large call is not overtaken by small ones. A call that is refused,
//! or waited for too long, fails with [`ErrorKind::RateLimited`] and says when
//! there will be room; nothing was sent.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::rate_limit::{Counts, RateLimitLayer, RateLimitPolicy};
//! use std::time::Duration;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let policy = RateLimitPolicy::requests_per_minute(60)
//!     .with(Counts::Tokens, 100_000, Duration::from_secs(60));
//! let model = Echo::new().layer(RateLimitLayer::new(policy));
//! assert_eq!(model.ask("Hello").await?.text(), "Hello");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In the configuration:
//!
//! ```toml
//! [layers.rate_limit]
//! requests_per_minute = 60
//! tokens_per_minute = "100k"
//! scope = "user"        # each user of its own; "all" where left out
//! max_wait = "30s"      # or on_limit = "refuse"
//! ```

mod line;
mod policy;
mod reservation;

pub use policy::{Counts, Limit, OnLimit, RateLimitPolicy, RateLimitSettings};

use crate::estimate::{self, Estimator, InputEstimate};
use crate::limits::{Claim, LimitStore, MemoryStore, Reserved, Window};
use crate::meter::Meter;
use async_trait::async_trait;
use line::Lines;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Layer, ModelInfo,
    RateLimit, Result, Retry,
};
use reservation::Reservation;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// The window of the accounts that follow the provider. It matters only for how
/// long a figure of the provider's is remembered as spent.
const LEARNT: Window = Window::Rolling(Duration::from_secs(60));

/// The limit of such an account, which the provider's are well below. With a claim on top of it a
/// store can still add exactly that reckons in floating point.
const FULL: u64 = 1 << 52;

/// Keeps requests and tokens within limits.
///
/// Clones share the accounts and the lines, and so do all models wrapped by
/// them: take a layer of its own for each provider that has limits of its own.
#[derive(Debug, Clone)]
pub struct RateLimitLayer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    policy: RateLimitPolicy,
    store: Arc<dyn LimitStore>,
    estimator: Estimator,
    lines: Lines,
    /// Places to wait, in all lines together.
    places: Semaphore,
}

impl RateLimitLayer {
    /// A layer with this policy and accounts of its own.
    pub fn new(mut policy: RateLimitPolicy) -> Self {
        let mut limits: Vec<Limit> = Vec::new();
        for mut limit in policy.limits {
            limit.amount = limit.amount.max(1);
            let same = |it: &&mut Limit| (it.counts, it.per) == (limit.counts, limit.per);
            match limits.iter_mut().find(same) {
                Some(other) => other.amount = other.amount.min(limit.amount),
                None => limits.push(limit),
            }
        }
        policy.limits = limits;
        let store = Arc::new(MemoryStore::new());
        Self::build(policy, store, Arc::new(estimate::input_tokens))
    }

    /// A layer of the same policy whose accounts are in this store.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn LimitStore>) -> Self {
        let shared = &self.shared;
        Self::build(shared.policy.clone(), store, shared.estimator.input())
    }

    /// A layer of the same policy and store that estimates the tokens which a
    /// request takes in by a function of your own.
    #[must_use]
    pub fn with_estimate(
        self,
        estimate: impl Fn(&ChatRequest) -> u64 + Send + Sync + 'static,
    ) -> Self {
        let shared = &self.shared;
        let estimate = Arc::new(estimate);
        Self::build(shared.policy.clone(), shared.store.clone(), estimate)
    }

    fn build(
        policy: RateLimitPolicy,
        store: Arc<dyn LimitStore>,
        estimate: Arc<InputEstimate>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared {
                store,
                estimator: Estimator::new(estimate, policy.output),
                lines: Lines::default(),
                places: Semaphore::new(policy.max_waiting.min(Semaphore::MAX_PERMITS)),
                policy,
            }),
        }
    }

    /// How much of each limit is used or reserved: by this user, or by all calls
    /// where they share the limits.
    ///
    /// # Errors
    /// Where the store can't be reached.
    pub async fn used(&self, user: Option<&str>) -> Result<Vec<(Limit, u64)>> {
        let shared = &self.shared;
        let mut request = ChatRequest::default();
        request.user = user.map(str::to_owned);
        let key = shared.policy.scope.key(&request);
        let mut used = Vec::new();
        for limit in &shared.policy.limits {
            let account = shared.account(limit, key);
            let (amount, _) = shared.store.used(&account, limit.window()).await?;
            used.push((*limit, amount));
        }
        Ok(used)
    }

    /// How many calls wait, as of now.
    pub fn waiting(&self) -> usize {
        let places = self.shared.policy.max_waiting.min(Semaphore::MAX_PERMITS);
        places.saturating_sub(self.shared.places.available_permits())
    }

    /// Waits for room, and takes it.
    async fn admit(&self, request: &ChatRequest, info: &ModelInfo) -> Result<Meter<Reservation>> {
        let shared = &self.shared;
        let (input, output) = shared.estimator.estimate(request);
        let key = shared.policy.scope.key(request);
        let line = shared.lines.of(key);
        let (counts, claims) = shared.claims(key, input, output);
        let (refuse, deadline) = match shared.policy.on_limit {
            OnLimit::Refuse => (true, None),
            OnLimit::Wait { at_most } => {
                let now = Instant::now();
                (false, at_most.and_then(|it| now.checked_add(it)))
            }
        };
        let mut place = None;
        let _turn = match line.turn.try_acquire() {
            Ok(turn) => turn,
            Err(_) => {
                place = Some(shared.place(info)?);
                let turn = line.turn.acquire();
                let turn = match deadline {
                    None => Ok(turn.await),
                    Some(deadline) => timeout_at(deadline, turn).await,
                };
                // Nobody closes the semaphore: it is the time that ran out.
                let turn = turn.ok().and_then(|turn| turn.ok());
                turn.ok_or_else(|| shared.overdue(info))?
            }
        };
        loop {
            let (claim, after) = match shared.store.reserve(&claims).await? {
                Reserved::Granted(receipts) => {
                    let reservation = Reservation::new(shared, &line, counts, receipts);
                    return Ok(Meter::new(reservation, input));
                }
                Reserved::Full { claim, after, .. } => (claim, after),
            };
            let now = Instant::now();
            let room = after.and_then(|after| now.checked_add(after));
            let late = |time: Option<Instant>| {
                deadline.is_some_and(|deadline| time.is_none_or(|time| time > deadline))
            };
            let over = deadline.is_some_and(|deadline| now >= deadline);
            if refuse || over || (late(room) && !line.has_open()) {
                return Err(shared.refused(claim, after, info));
            }
            if place.is_none() {
                place = Some(shared.place(info)?);
            }
            // At the next room, or sooner when somebody gives something back.
            let given_back = line.given_back.notified();
            match if late(room) { deadline } else { room } {
                Some(until) => drop(timeout_at(until, given_back).await),
                None => given_back.await,
            }
        }
    }

    /// Keeps to what the provider says is left.
    fn learn(&self, limits: &BTreeMap<String, RateLimit>) {
        if !self.shared.policy.learn {
            return;
        }
        for counts in Counts::ALL {
            if let Some(limit) = limits.get(counts.as_str())
                && let (Some(remaining), Some(reset)) = (limit.remaining, limit.reset_ms)
            {
                self.hold(counts, remaining, Duration::from_millis(reset));
            }
        }
    }

    /// Sends nothing before the time that the provider named when it refused.
    fn learn_refusal(&self, error: &Error) {
        if self.shared.policy.learn
            && error.kind() == ErrorKind::RateLimited
            && let Retry::Later(Some(after)) = error.retry()
        {
            self.hold(Counts::Requests, 0, after);
        }
    }

    fn hold(&self, counts: Counts, remaining: u64, until: Duration) {
        let shared = &self.shared;
        let account = shared.learnt(counts);
        // The account is full up to what remains.
        let at_least = FULL.saturating_sub(remaining);
        shared.store.hold(&account, LEARNT, at_least, until);
    }
}

impl Shared {
    fn account(&self, limit: &Limit, key: &str) -> String {
        let (name, counts) = (&self.policy.name, limit.counts.as_str());
        format!("{name}/{counts}/{}ms/{key}", limit.per.as_millis())
    }

    /// The provider knows no users: all share what it says is left.
    fn learnt(&self, counts: Counts) -> String {
        format!("{}/learnt/{}", self.policy.name, counts.as_str())
    }

    fn claims(&self, key: &str, input: u64, output: u64) -> (Vec<Counts>, Vec<Claim>) {
        let amount = |counts| match counts {
            Counts::Requests => 1,
            Counts::InputTokens => input,
            Counts::OutputTokens => output,
            Counts::Tokens => input.saturating_add(output),
        };
        let limits = self.policy.limits.iter().map(|limit| {
            let amount = amount(limit.counts).min(limit.amount);
            let account = self.account(limit, key);
            let claim = Claim::new(account, limit.window(), limit.amount, amount);
            (limit.counts, claim)
        });
        let learnt = Counts::ALL.into_iter().filter(|_| self.policy.learn);
        let learnt = learnt.map(|counts| {
            let account = self.learnt(counts);
            let amount = amount(counts).min(FULL);
            (counts, Claim::new(account, LEARNT, FULL, amount))
        });
        limits.chain(learnt).unzip()
    }

    /// A place to wait.
    fn place(&self, info: &ModelInfo) -> Result<SemaphorePermit<'_>> {
        self.places.try_acquire().map_err(|_| {
            let waiting = self.policy.max_waiting;
            let message = format!("{waiting} calls wait for the rate limit, as many as may");
            limited(message, info).with_help(
                "Nothing was sent. Send fewer calls at a time, or raise `max_waiting` of the \
                 rate limit.",
            )
        })
    }

    /// What to say when the turn didn't come in time.
    fn overdue(&self, info: &ModelInfo) -> Error {
        let message = "too many other calls waited for the rate limit before this one";
        limited(message.to_owned(), info).with_help(
            "Nothing was sent. Send fewer calls at a time, allow longer waits, or raise the \
             limit if the provider allows more.",
        )
    }

    fn refused(&self, claim: usize, after: Option<Duration>, info: &ModelInfo) -> Error {
        let message = match self.policy.limits.get(claim) {
            Some(limit) => format!("the rate limit of {limit} is used up"),
            None => "the provider's rate limit is used up, as its answers say".to_owned(),
        };
        let room = after.map_or("later".to_owned(), |after| format!("in {after:?}"));
        limited(message, info)
            .with_retry(Retry::Later(after))
            .with_help(format!(
                "Nothing was sent. There will be room {room}. Send fewer calls at a time, or \
                 raise the limit if the provider allows more."
            ))
    }
}

fn limited(message: String, info: &ModelInfo) -> Error {
    Error::new(ErrorKind::RateLimited, message)
        .with_provider(info.provider.clone())
        .with_model(info.model.clone())
}

impl Layer for RateLimitLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(RateLimitModel {
            inner,
            layer: self.clone(),
        })
    }
}

#[derive(Debug)]
struct RateLimitModel {
    inner: Arc<dyn ChatModel>,
    layer: RateLimitLayer,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for RateLimitModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let meter = self.layer.admit(request, self.inner.info()).await?;
        let outcome = self.inner.chat(request).await;
        match &outcome {
            Ok(response) => {
                self.layer.learn(&response.metadata.rate_limits);
                meter.answered(response);
            }
            Err(error) => {
                self.layer.learn_refusal(error);
                meter.failed(error);
            }
        }
        outcome
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let meter = self.layer.admit(request, self.inner.info()).await?;
        match self.inner.stream(request).await {
            Ok(stream) => {
                self.layer.learn(&stream.metadata().rate_limits);
                Ok(meter.opened(stream))
            }
            Err(error) => {
                self.layer.learn_refusal(&error);
                meter.failed(&error);
                Err(error)
            }
        }
    }
}
