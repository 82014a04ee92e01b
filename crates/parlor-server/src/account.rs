//! The account of a request: who asks, what it may use, and what became of it.

mod keyring;
mod name;
mod queue;
mod spent;
mod tail;
mod terms;
mod writer;

pub(crate) use keyring::{Keyring, now_ms};
pub(crate) use name::LONGEST;
pub(crate) use queue::{Queue, Target};
pub(crate) use tail::{MOST as MOST_SEEN, Seen, Tail};
pub(crate) use terms::{fits, may_ask};
pub use writer::UsageWriter;

use std::fmt::Debug;
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime};

use axum::http::{HeaderMap, Uri};
use parlor::{
    ChatRequest, ChatResponse, ChatStream, Cost, Error, ErrorKind, Event, ModelInfo, Price,
    ResponseMetadata, Result, Usage, estimate,
};
use parlor_store::{Outcome, ParentSpan, UsageEvent};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::access::Caller;
use crate::config::ServerConfig;
use crate::health::Health;
use crate::ops::{self, Metrics, Stage, request_id};
use crate::service::Site;
use name::beginning;
use terms::{Expected, Limits, Reservation};

/// Takes what became of requests.
pub trait UsageSink: Debug + Send + Sync {
    /// Takes one.
    ///
    /// # Behavior
    /// - Called once for each request, when it has ended, from a drop: so it neither waits nor
    ///   fails. What it can't keep it drops, and counts.
    fn used(&self, event: &UsageEvent);
}

/// Where the requests of a service are counted.
#[derive(Debug)]
pub(crate) struct Account {
    sinks: Vec<Arc<dyn UsageSink>>,
    pub(crate) keyring: Option<Arc<Keyring>>,
    limits: Limits,
    pub(crate) metrics: Metrics,
    pub(crate) health: Health,
    pub(crate) tail: Tail,
    /// For those who have usage added up: a store has other work to do.
    pub(crate) adding: Semaphore,
}

/// How many may have usage added up at once; others wait for their turn.
const ADDING: usize = 2;

/// Where a stream's answer comes from: behind a fallback that may be another model, and with a cache
/// it had been made before.
#[derive(Debug)]
pub(crate) struct Provenance {
    pub(crate) info: ModelInfo,
    later: Option<Arc<OnceLock<Box<ResponseMetadata>>>>,
}

impl Provenance {
    pub(crate) fn of(stream: &mut ChatStream) -> Self {
        let is_reused = stream.metadata().reused.is_some();
        Self {
            info: stream.info().clone(),
            later: is_reused.then(|| stream.later_metadata()),
        }
    }
}

/// One request from its arrival to its end. Its drop tells the account what became of it.
pub(crate) struct Asked {
    account: Arc<Account>,
    event: UsageEvent,
    began: Instant,
    caller: Caller,
    price: Option<Price>,
    reserved: Option<Reservation>,
    /// What its input comes to, by estimate.
    input: u64,
    /// Thousandths of a token that came, by estimate.
    received: u64,
    /// What the steps before this one used.
    before: Usage,
    /// What they cost, where they did and that is known: each by its own model's price.
    spent: Option<Option<Cost>>,
    /// Of a stream that was another's when it opened: what is known of it at its end.
    later: Option<Arc<OnceLock<Box<ResponseMetadata>>>>,
    /// Whether an answer of a step before was made for it.
    was_answered: bool,
    /// Whether a provider may have got it.
    was_sent: bool,
    /// Whether it failed here, before a provider or without its fault.
    failed_here: bool,
    _room: OwnedSemaphorePermit,
}

impl Account {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        let given = config.given_keys.clone();
        Self {
            sinks: {
                let writer = config.usage_writer.iter();
                let writer = writer.map(|it| Arc::clone(it) as Arc<dyn UsageSink>);
                let spans = config.spans.iter();
                let spans = spans.map(|it| Arc::clone(it) as Arc<dyn UsageSink>);
                let further = writer.chain(spans);
                config.usage.iter().cloned().chain(further).collect()
            },
            keyring: given.map(|store| Arc::new(Keyring::new(store))),
            limits: Limits {
                store: Arc::clone(&config.limits),
                on_failure: config.on_store_failure,
            },
            metrics: Metrics::default(),
            health: Health::default(),
            tail: Tail::new(),
            adding: Semaphore::new(ADDING),
        }
    }
}

impl Site {
    /// Lets a request in, or says why not: its key is wrong, or there is no room.
    pub(crate) async fn asked(
        &self,
        head: &HeaderMap,
        uri: &Uri,
        dialect: &'static str,
    ) -> Result<Asked> {
        let began = Instant::now();
        let caller = self.access.check(head, uri).await;
        let room = caller.and_then(|caller| Ok((caller, self.admit()?)));
        let (caller, room) = room.inspect_err(|error| {
            self.account.metrics.refused(error.kind().as_str());
        })?;
        ops::over(Stage::LetIn);
        let passed = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let at_ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let mut event = UsageEvent::new(request_id(head), dialect, at_ms);
        event.key = caller.key();
        let parent = head.get("traceparent").and_then(|it| it.to_str().ok());
        event.parent = parent.and_then(ParentSpan::read);
        Ok(Asked {
            account: Arc::clone(&self.account),
            event,
            caller,
            reserved: None,
            began,
            price: None,
            input: 0,
            received: 0,
            before: Usage::default(),
            spent: None,
            later: None,
            was_answered: false,
            was_sent: false,
            failed_here: false,
            _room: room,
        })
    }
}

impl Asked {
    /// What it wants: a model, by the name that the client called it and by its info. To be told
    /// before anything is sent.
    ///
    /// # Errors
    /// Where the key that was shown may not: then nothing is to be sent.
    pub(crate) async fn wants(
        &mut self,
        name: &str,
        info: &ModelInfo,
        request: &ChatRequest,
    ) -> Result<()> {
        ops::over(Stage::Read);
        self.called(name);
        self.answers(info);
        self.input = estimate::input_tokens(request);
        if let Caller::Given(key) = &self.caller {
            terms::may_ask(key, name)?;
            let expected = Expected {
                input: self.input,
                output: request.max_output_tokens,
                choices: u64::from(request.n.unwrap_or(1).max(1)),
            };
            let limits = &self.account.limits;
            let reserved = terms::reserve(limits, key, &expected, self.price.as_ref());
            self.reserved = reserved.await?;
        }
        self.was_sent = true;
        ops::over(Stage::Sent);
        Ok(())
    }

    /// The name of a model that the client asks for, whether there is one or not.
    pub(crate) fn called(&mut self, name: &str) {
        self.event.asked.clear();
        self.event.asked.push_str(beginning(name));
    }

    /// Who asks.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// It is only counted, which uses nothing up.
    pub(crate) fn costs_nothing(&mut self) {
        self.was_sent = false;
    }

    /// It was answered here, without its model.
    pub(crate) fn asked_nobody(&mut self) {
        self.event.provider = None;
        self.event.model = None;
    }

    /// A stream opened: that of the next step, where one was answered before.
    pub(crate) fn opened(&mut self, stream: Provenance) {
        if self.event.first_event_us.is_some() && !self.ends_reused() {
            self.was_answered = true;
            self.spent = Some(self.cost());
            self.before.clone_from(&self.event.usage);
        }
        self.answers(&stream.info);
        self.event.is_reused = stream.later.is_some();
        self.later = stream.later;
    }

    /// A step is over: whether its answer had been made before, which used nothing then.
    fn ends_reused(&mut self) -> bool {
        // Whose call it was may have left it to this one.
        let later = self.later.take();
        let known = later.as_ref().and_then(|it| it.get());
        let is_reused = self.event.is_reused && known.is_none_or(|it| it.reused.is_some());
        if is_reused {
            self.event.usage.clone_from(&self.before);
        }
        is_reused
    }

    /// The first event came.
    pub(crate) fn first_event(&mut self) {
        let passed = micros(self.began);
        self.event.first_event_us.get_or_insert(passed);
    }

    /// An event came, of whatever kind: the first one is noted as such, and the last one ends it.
    pub(crate) fn event(&mut self, event: &Event) {
        if self.event.first_event_us.is_none() {
            self.first_event();
        }
        match event {
            Event::TextDelta { text, .. }
            | Event::ReasoningDelta { text, .. }
            | Event::ArgumentsDelta { text, .. } => self.received += estimate::weight(text),
            Event::Started { model, .. } => {
                self.served(model.as_deref());
                self.step();
            }
            Event::Usage { usage } => self.count(usage),
            Event::Finished { reason, .. } => {
                self.event.finish.get_or_insert(reason.kind);
            }
            Event::Completed { usage, .. } => {
                if let Some(usage) = usage {
                    self.count(usage);
                }
                self.completed();
            }
            _ => {}
        }
    }

    /// A whole answer came. Behind a route another model may have answered than the first:
    /// `by` says which, where that is so.
    pub(crate) fn answered(
        &mut self,
        response: &ChatResponse,
        by: impl FnOnce() -> Option<ModelInfo>,
    ) {
        self.first_event();
        self.served(response.model.as_deref());
        self.event.is_reused = response.metadata.reused.is_some();
        self.event.finish = response.finish_reason().map(|it| it.kind);
        if let Some(info) = by() {
            self.answers(&info);
        } else if !response.provider.is_empty()
            && self.event.provider.as_deref() != Some(response.provider.as_str())
        {
            self.event.provider = Some(response.provider.clone());
            self.event.model.clone_from(&self.event.served);
            self.price = None;
        }
        if let Some(usage) = &response.usage {
            self.count(usage);
        }
        self.completed();
    }

    /// It failed, before an answer or in its middle.
    pub(crate) fn failed(&mut self, error: &Error) {
        if let Some(usage) = error.partial().and_then(|it| it.usage.as_ref()) {
            self.count(usage);
        }
        // A limit of time knows no provider, but whom it waited for.
        let is_late = matches!(error.kind(), ErrorKind::Timeout(_));
        self.failed_here = error.provider().is_none() && !is_late;
        self.event.outcome = Outcome::Failed(error.kind());
    }

    /// The status of its answer, where that isn't 200.
    pub(crate) fn told(&mut self, status: u16) {
        self.event.status = status;
    }

    /// It ended as it should. Dropped without this and without a failure, its client went away.
    pub(crate) fn completed(&mut self) {
        self.event.outcome = Outcome::Completed;
    }

    /// The model as its answer calls it.
    fn served(&mut self, model: Option<&str>) {
        self.event.served = model.map(|it| beginning(it).to_owned());
    }

    fn answers(&mut self, info: &ModelInfo) {
        let event = &mut self.event;
        let model = beginning(&info.model);
        let is_same = event.provider.as_deref() == Some(info.provider.as_str())
            && event.model.as_deref() == Some(model);
        if !is_same {
            event.provider = Some(info.provider.clone());
            event.model = Some(model.to_owned());
            self.price.clone_from(&info.price);
        }
    }

    /// The model is asked: again, perhaps, with the results of what it called.
    fn step(&mut self) {
        self.before = self.event.usage.clone();
        self.event.outcome = Outcome::Left;
        self.event.finish = None;
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.event.total_us = micros(self.began);
        let event = &mut self.event;
        let was_told_all = event.finish.is_some() && event.usage.total_tokens().is_some();
        if event.outcome == Outcome::Left && was_told_all {
            // Only the last words of the protocol were not waited for.
            event.outcome = Outcome::Completed;
        }
        let has_begun = self.event.first_event_us.is_some();
        let ends_reused = self.ends_reused();
        self.event.is_reused = ends_reused && !self.was_answered;
        if !ends_reused && has_begun && self.event.outcome != Outcome::Completed {
            self.estimate();
        }
        self.event.cost = self.cost();
        if let Some(reserved) = self.reserved.take() {
            reserved.settle(&self.came(), self.event.cost.as_ref());
        }
        self.account.metrics.count(&self.event);
        if !self.failed_here {
            self.account.health.note(&self.event);
        }
        for sink in &self.account.sinks {
            sink.used(&self.event);
        }
        let nothing = UsageEvent::new(String::new(), "", 0);
        let event = std::mem::replace(&mut self.event, nothing);
        self.account.tail.note(event, self.caller.clone());
    }
}

fn micros(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX)
}
