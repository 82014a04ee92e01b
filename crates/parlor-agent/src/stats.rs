//! What the requests of conversations came to: how many, their tokens, cost and time.

use parlor_core::histogram::{Histogram, Summary};
use parlor_core::{ChatModel, ChatResponse, Cost, ErrorKind, ModelInfo, Price, Usage};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Counts the requests of one conversation, or of several that share it: clones
/// count together.
///
/// Each request is counted once, when it ends, whether its answer was whole, it
/// failed or it was stopped. Those for the summaries of a
/// [`Window`](crate::Window) count too, for their model. It takes about 9 KiB for
/// each model.
///
/// ```
/// use parlor_agent::{Conversation, Statistics};
/// use parlor_core::Echo;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let statistics = Statistics::new();
/// for question in ["Why?", "Why not?"] {
///     let mut chat = Conversation::new(Echo::new()).with_statistics(statistics.clone());
///     chat.send(question).await?;
/// }
/// let stats = statistics.stats();
/// assert_eq!(stats.total.completed, 2);
/// assert_eq!(stats.total.usage.output_tokens, Some(3));
/// assert_eq!(stats.models["echo/echo"].total_ms.count, 2);
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct Statistics {
    tables: Arc<Mutex<Tables>>,
    without_usage: bool,
    without_latency: bool,
}

#[derive(Default)]
struct Tables {
    total: Table,
    models: BTreeMap<String, Table>,
}

#[derive(Default)]
struct Table {
    completed: u64,
    stopped: u64,
    errors: BTreeMap<&'static str, u64>,
    usage: Usage,
    cost: BTreeMap<String, f64>,
    unpriced: u64,
    /// In microseconds.
    first_event: Histogram<u64>,
    total: Histogram<u64>,
}

/// What requests came to, all together and by model.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Stats {
    /// All of them.
    pub total: Figures,
    /// Those of each model, by its id, such as `acme/quick-1`.
    pub models: BTreeMap<String, Figures>,
}

/// What some requests came to. Times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Figures {
    /// How many have ended: completed, failed and stopped together.
    pub requests: u64,
    /// How many ended with a whole answer.
    pub completed: u64,
    /// How many ended with an error.
    pub failed: u64,
    /// How many were stopped before their end.
    pub stopped: u64,
    /// The failures by the kind of error, in its own word.
    pub errors: BTreeMap<String, u64>,
    /// Tokens, as far as the provider told them. Answers that were made before,
    /// by a cache, add none.
    pub usage: Usage,
    /// What they cost, by currency, where the model's price is known.
    pub cost: BTreeMap<String, f64>,
    /// How many answers consumed tokens whose price isn't known.
    pub unpriced: u64,
    /// From the request to the first event of its answer.
    pub first_event_ms: Summary,
    /// From the request to the end of a whole answer.
    pub total_ms: Summary,
}

impl Statistics {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing counted yet, and later without tokens and cost, or without times,
    /// where these aren't wanted. Requests and errors always count.
    pub fn capturing(usage: bool, latency: bool) -> Self {
        Self {
            without_usage: !usage,
            without_latency: !latency,
            ..Self::default()
        }
    }

    /// What was counted so far.
    pub fn stats(&self) -> Stats {
        let tables = self.tables();
        let models = tables.models.iter();
        Stats {
            total: tables.total.figures(),
            models: models.map(|(id, it)| (id.clone(), it.figures())).collect(),
        }
    }

    /// Counts from nothing again. A request that goes on counts when it ends.
    pub fn reset(&self) {
        *self.tables() = Tables::default();
    }

    /// Watches a request that begins now.
    pub(crate) fn begin(&self, model: &dyn ChatModel) -> Watch {
        Watch {
            statistics: self.clone(),
            model: model.info().id(),
            price: model.info().price.clone(),
            began: Instant::now(),
            first_event: None,
            usage: Usage::default(),
            ended: Ended::Stopped,
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Statistics").field(&self.stats()).finish()
    }
}

/// How a request ended.
#[derive(Clone, Copy)]
pub(crate) enum Ended {
    Completed,
    Failed(ErrorKind),
    Stopped,
}

/// A request that goes on. Dropped, it was stopped.
pub(crate) struct Watch {
    statistics: Statistics,
    model: String,
    price: Option<Price>,
    began: Instant,
    first_event: Option<Duration>,
    usage: Usage,
    ended: Ended,
}

impl Watch {
    /// Another model answers than was asked.
    pub(crate) fn answered_by(&mut self, info: &ModelInfo) {
        self.model = info.id();
        self.price.clone_from(&info.price);
    }

    /// An event came.
    pub(crate) fn event(&mut self) {
        self.first_event.get_or_insert_with(|| self.began.elapsed());
    }

    /// What came of it, whole or not.
    pub(crate) fn answer(&mut self, response: &ChatResponse) {
        if let Some(usage) = &response.usage
            && response.metadata.reused.is_none()
        {
            self.usage = usage.clone();
        }
    }

    pub(crate) fn end(mut self, ended: Ended) {
        self.ended = ended;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let total = self.began.elapsed();
        let cost = self.price.as_ref().and_then(|it| it.cost(&self.usage));
        let mut tables = self.statistics.tables();
        tables.total.add(self, cost.as_ref(), total);
        let model = tables.models.entry(std::mem::take(&mut self.model));
        model.or_default().add(self, cost.as_ref(), total);
    }
}

impl Table {
    fn add(&mut self, watch: &Watch, cost: Option<&Cost>, total: Duration) {
        match watch.ended {
            Ended::Completed => {
                self.completed += 1;
                if !watch.statistics.without_latency {
                    self.total.add(micros(total));
                }
            }
            Ended::Failed(kind) => *self.errors.entry(kind.as_str()).or_default() += 1,
            Ended::Stopped => self.stopped += 1,
        }
        if let Some(first) = watch.first_event
            && !watch.statistics.without_latency
        {
            self.first_event.add(micros(first));
        }
        if watch.usage.is_empty() || watch.statistics.without_usage {
            return;
        }
        self.usage.add(&watch.usage);
        match cost {
            Some(cost) => *self.cost.entry(cost.currency.to_string()).or_default() += cost.amount,
            None => self.unpriced += 1,
        }
    }

    fn figures(&self) -> Figures {
        let failed = self.errors.values().sum();
        let errors = self.errors.iter();
        Figures {
            requests: self.completed + failed + self.stopped,
            completed: self.completed,
            failed,
            stopped: self.stopped,
            errors: errors.map(|(kind, n)| ((*kind).to_owned(), *n)).collect(),
            usage: self.usage.clone(),
            cost: self.cost.clone(),
            unpriced: self.unpriced,
            first_event_ms: self.first_event.summary(1000.0),
            total_ms: self.total.summary(1000.0),
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
