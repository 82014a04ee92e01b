//! Spreads calls over several equal models, and leaves out those that fail.
//!
//! - **Place:** where fallback stands: inside cache and budget. Retry may stand
//!   inside, around each target; or outside, and then each retry chooses anew
//!   and a target's `Retry-After` keeps only that target waiting. A route of the
//!   configuration has it outside.
//! - **`info()`:** the first target's. Which one answered is in the stream's
//!   [`info`](parlor_core::ChatStream::info) and in the response.
//! - **A call:** goes to one target; if that one fails, to another, as often as
//!   [`BalancePolicy::turns`] says.
//! - **A stream's opening:** resolves with the first event. A failure until then
//!   goes to another target likewise.
//! - **A stream's middle:** passes untouched; how it ends counts for the target.
//! - **A drop:** drops the attempt that is running and counts it out, with no
//!   word on the target's health.
//!
//! # How a target is chosen
//!
//! Among those whose circuit is closed or due, by [`BalanceChoice`]. A call is in
//! flight from its choice until its response, or its stream's end or drop.
//!
//! # When a target is left out
//!
//! Each target has a circuit breaker. It opens after so many failures in a row,
//! or when too large a part of the recent calls failed, or at once when the
//! provider says how long to wait; a stream that breaks in its middle counts as
//! a failure. For its cool-down the target gets no call. Then one call at a time
//! probes it: a first event closes the circuit, a failure opens it for twice as
//! long. Errors that are the caller's fault (an invalid request, a filtered
//! prompt) count for nothing.
//!
//! When every circuit is open, the call fails at once with
//! [`ErrorKind::Overloaded`] and [`Retry::Later`] the soonest cool-down's end: a
//! target that has been asking to be left alone is.
//!
//! ```
//! use parlor_core::{ChatModel, ChatModelExt, Echo};
//! use parlor_layers::balance::BalanceLayer;
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let other: Arc<dyn ChatModel> = Arc::new(Echo::new());
//! let balance = BalanceLayer::new([other]);
//! let model = Echo::new().layer(balance.clone());
//! assert_eq!(model.ask("Hi").await?.text(), "Hi");
//! assert_eq!(balance.targets().len(), 2);
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In the configuration a route is one:
//!
//! ```toml
//! [routes.spread]
//! strategy = "least-busy"
//! models = ["house/large", { model = "elsewhere/large", weight = 3 }]
//! ```

mod breaker;
mod choose;
mod policy;
mod target;

use crate::attempt::{OF_THE_MODEL, OnTurn, begun, give_up, list};
use crate::random::Random;
use async_trait::async_trait;
use futures_core::Stream;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Event, EventStream, Layer,
    ModelInfo, Result, Retry,
};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use target::{Target, Ticket};
use tokio::time::Instant;

pub use crate::attempt::{Tried, TriedModel, TurnNotice};
pub use policy::{
    BalanceChoice, BalancePolicy, BreakerNotice, BreakerPolicy, BreakerSettings, TargetStatus,
};

type OnOpen = dyn Fn(&BreakerNotice<'_>) + Send + Sync;

/// Spreads calls over several equal models.
///
/// Clones share what is known of the targets, and so do all models wrapped by
/// them; each of these is the first target.
#[derive(Clone)]
pub struct BalanceLayer {
    others: Arc<[Arc<dyn ChatModel>]>,
    policy: Arc<BalancePolicy>,
    state: Arc<State>,
    on_turn: Option<Arc<OnTurn>>,
    on_open: Option<Arc<OnOpen>>,
}

struct State {
    /// One for each target, the wrapped model's first.
    targets: Vec<Target>,
    random: Random,
}

impl State {
    fn new(others: usize, policy: &BalancePolicy) -> Self {
        Self {
            targets: (0..=others)
                .map(|at| Target::new(policy.weight(at)))
                .collect(),
            random: Random::new(policy.seed),
        }
    }
}

impl BalanceLayer {
    /// A layer that spreads calls over the model it wraps and these.
    pub fn new(others: impl IntoIterator<Item = Arc<dyn ChatModel>>) -> Self {
        let others: Arc<[_]> = others.into_iter().collect();
        let policy = BalancePolicy::default();
        Self {
            state: Arc::new(State::new(others.len(), &policy)),
            policy: Arc::new(policy),
            others,
            on_turn: None,
            on_open: None,
        }
    }

    /// The same layer with another policy, and nothing known of its targets.
    #[must_use]
    pub fn with_policy(mut self, policy: BalancePolicy) -> Self {
        self.state = Arc::new(State::new(self.others.len(), &policy));
        self.policy = Arc::new(policy);
        self
    }

    /// The same layer that tells `hook` when a call goes on to another target.
    /// The hook runs within the call and must not block.
    #[must_use]
    pub fn on_turn(mut self, hook: impl Fn(&TurnNotice<'_>) + Send + Sync + 'static) -> Self {
        self.on_turn = Some(Arc::new(hook));
        self
    }

    /// The same layer that tells `hook` when a target is left out. The hook runs
    /// within the call and must not block.
    #[must_use]
    pub fn on_open(mut self, hook: impl Fn(&BreakerNotice<'_>) + Send + Sync + 'static) -> Self {
        self.on_open = Some(Arc::new(hook));
        self
    }

    /// How the targets stand, the wrapped model first.
    pub fn targets(&self) -> Vec<TargetStatus> {
        let now = Instant::now();
        let targets = self.state.targets.iter();
        targets.map(|it| it.status(&self.policy, now)).collect()
    }
}

impl fmt::Debug for BalanceLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BalanceLayer")
            .field("others", &self.others)
            .field("policy", &self.policy)
            .field("targets", &self.state.targets)
            .finish_non_exhaustive()
    }
}

impl Layer for BalanceLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(BalanceModel {
            first: inner,
            layer: self.clone(),
        })
    }
}

#[derive(Debug)]
struct BalanceModel {
    first: Arc<dyn ChatModel>,
    layer: BalanceLayer,
}

impl BalanceModel {
    fn model(&self, at: usize) -> &dyn ChatModel {
        match at.checked_sub(1).and_then(|it| self.layer.others.get(it)) {
            Some(other) => &**other,
            None => &*self.first,
        }
    }

    /// That every target is left out.
    fn all_open(&self) -> Error {
        let now = Instant::now();
        let outages = self.layer.state.targets.iter().map(Target::outage);
        let outages: Vec<_> = outages.enumerate().collect();
        let due = outages.iter().filter_map(|(_, (due, _))| *due).min();
        let wait = due.map(|due| due.saturating_duration_since(now));
        let failed = |(at, (_, error)): (usize, (_, Option<Error>))| {
            Some(TriedModel::new(self.model(at).info(), error?))
        };
        let failed: Vec<_> = outages.into_iter().filter_map(failed).collect();
        let message = "every target of the balance is left out after failures";
        let help = match wait {
            Some(wait) => format!("Try again in {wait:.1?}. Last failures: {}.", list(&failed)),
            None => format!("Try again later. Last failures: {}.", list(&failed)),
        };
        Error::new(ErrorKind::Overloaded, message)
            .with_help(help)
            .with_retry(Retry::Later(wait))
            .with_source(Tried { attempts: failed })
    }
}

/// One call's way to a target that answers.
struct Turns<'a> {
    model: &'a BalanceModel,
    streamed: bool,
    /// The targets tried before, and what became of them.
    asked: Vec<usize>,
    tried: Vec<TriedModel>,
}

impl<'a> Turns<'a> {
    fn begin(model: &'a BalanceModel, streamed: bool) -> Result<(Self, Ticket)> {
        let ticket = model.layer.take(streamed, &[]);
        let turns = Self {
            model,
            streamed,
            asked: Vec::new(),
            tried: Vec::new(),
        };
        Ok((turns, ticket.ok_or_else(|| model.all_open())?))
    }

    /// A ticket to another target, or the error where the call is given up.
    fn after(&mut self, ticket: Ticket, error: Error) -> Result<Ticket> {
        let layer = &self.model.layer;
        let at = ticket.at;
        let from = self.model.model(at).info();
        ticket.failed(from, &error);
        self.asked.push(at);
        let turns = layer.policy.turns as usize;
        let goes_on = OF_THE_MODEL.contains(&error.kind()) && self.tried.len() < turns;
        let next = match goes_on {
            true => layer.take(self.streamed, &self.asked),
            false => None,
        };
        let Some(next) = next else {
            return Err(give_up(&mut self.tried, from, error));
        };
        if let Some(hook) = &layer.on_turn {
            hook(&TurnNotice {
                from,
                to: self.model.model(next.at).info(),
                error: &error,
            });
        }
        self.tried.push(TriedModel::new(from, error));
        Ok(next)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for BalanceModel {
    fn info(&self) -> &ModelInfo {
        self.first.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let (mut turns, mut ticket) = Turns::begin(self, false)?;
        loop {
            match self.model(ticket.at).chat(request).await {
                Ok(response) => {
                    ticket.answered(false);
                    ticket.succeeded();
                    return Ok(response);
                }
                Err(error) => ticket = turns.after(ticket, error)?,
            }
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let (mut turns, mut ticket) = Turns::begin(self, true)?;
        loop {
            match begun(self.model(ticket.at), request).await {
                Ok(stream) => {
                    ticket.answered(true);
                    let info = Arc::new(stream.info().clone());
                    return Ok(stream.watch_events(|events| BalanceStream {
                        events,
                        info,
                        ticket: Some(ticket),
                    }));
                }
                Err(error) => ticket = turns.after(ticket, error)?,
            }
        }
    }
}

/// A stream that tells its target how it ended.
struct BalanceStream {
    events: EventStream,
    info: Arc<ModelInfo>,
    /// `None` after the end.
    ticket: Option<Ticket>,
}

impl Stream for BalanceStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.events.as_mut().poll_next(cx));
        let is_end = !matches!(&item, Some(Ok(event)) if !event.is_terminal());
        if is_end && let Some(ticket) = self.ticket.take() {
            match &item {
                Some(Ok(_)) => ticket.succeeded(),
                Some(Err(error)) => ticket.failed(&self.info, error),
                None => ticket.failed(&self.info, &Error::truncated()),
            }
        }
        Poll::Ready(item)
    }
}
