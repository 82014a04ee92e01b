//! The figures of one model, and of one call.

use crate::watch::{End, Tokens, Watcher};
use parlor_core::histogram::{Histogram, Summary};
use parlor_core::{ChatResponse, ErrorKind, Event, ModelInfo, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Microseconds in a millisecond, and thousandths in a whole.
const THOUSAND: f64 = 1000.0;

/// The figures of one model. Times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelMetrics {
    /// The provider's id.
    pub provider: String,
    /// The model's id in the provider's words.
    pub model: String,
    /// How many exchanges have ended: completed, failed and dropped together.
    pub requests: u64,
    /// How many are going on.
    pub in_flight: u64,
    /// How many ended with a whole answer.
    pub completed: u64,
    /// How many of those had an answer that was made before, by a cache or an
    /// equal call. Their tokens aren't counted again.
    pub reused: u64,
    /// How many ended with an error.
    pub failed: u64,
    /// How many were dropped before their end.
    pub dropped: u64,
    /// The failures by the kind of error, in its own word.
    pub errors: BTreeMap<String, u64>,
    /// Tokens, as far as the provider told them.
    pub tokens: TokenCounts,
    /// From the call to a stream's first event.
    pub first_event_ms: Summary,
    /// From one event of a stream to the next, as the reader asked for them.
    pub gap_ms: Summary,
    /// From the call to the end of a whole answer, streamed or not.
    pub total_ms: Summary,
    /// Output tokens of a whole answer by the seconds it took: from the first
    /// event where it was streamed, from the call where not. Reasoning counts;
    /// where it isn't streamed, a stream seems faster than it is.
    pub tokens_per_second: Summary,
}

/// Sums of tokens. A figure that a provider didn't tell adds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct TokenCounts {
    /// All input tokens, cached ones included.
    pub input: u64,
    /// All output tokens, reasoning included.
    pub output: u64,
    /// The part of the input that was read from a prompt cache.
    pub cached_input: u64,
    /// The part of the input that was written to a prompt cache.
    pub cache_write: u64,
    /// The part of the output that was reasoning.
    pub reasoning: u64,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallOutcome {
    /// With a whole answer.
    Completed,
    /// With this kind of error.
    Failed(ErrorKind),
    /// Its future or stream was dropped before its end.
    Dropped,
}

/// One finished call.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallRecord<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// The model's id in the provider's words.
    pub model: &'a str,
    /// Whether it was a stream.
    pub streamed: bool,
    /// How it ended.
    pub outcome: CallOutcome,
    /// From the call to the end.
    pub total: Duration,
    /// From the call to a stream's first event, if one came.
    pub first_event: Option<Duration>,
    /// How many events a stream had.
    pub events: u64,
    /// The longest time between two of them, if there were two.
    pub longest_gap: Option<Duration>,
    /// The average time between two of them, if there were two.
    pub mean_gap: Option<Duration>,
    /// Whether the answer was made before, by a cache or an equal call.
    pub reused: bool,
    /// The tokens of this call; none where the answer was made before.
    pub tokens: Tokens,
    /// Output tokens a second, by the rule of
    /// [`ModelMetrics::tokens_per_second`].
    pub tokens_per_second: Option<f64>,
}

/// Gets each finished call: for exporters.
pub trait MetricsSink: Send + Sync + fmt::Debug {
    /// Takes the record of a call.
    ///
    /// # Behavior
    /// - Called once for each call, when it ends, fails or is dropped.
    /// - Called where the call ends, within a drop too: it must not block.
    /// - A panic in it is caught, and loses nothing but this record.
    fn record(&self, record: &CallRecord<'_>);
}

/// The figures of one model as they grow.
#[derive(Debug)]
pub(super) struct Entry {
    provider: String,
    model: String,
    in_flight: AtomicU64,
    totals: Mutex<Totals>,
}

#[derive(Debug, Default)]
struct Totals {
    completed: u64,
    reused: u64,
    dropped: u64,
    errors: BTreeMap<&'static str, u64>,
    tokens: TokenCounts,
    first_event: Histogram<u64>,
    gap: Histogram<u64>,
    total: Histogram<u64>,
    /// In thousandths of a token a second.
    speed: Histogram<u64>,
}

impl Entry {
    pub(super) fn new(info: &ModelInfo) -> Arc<Self> {
        Arc::new(Self {
            provider: info.provider.clone(),
            model: info.model.clone(),
            in_flight: AtomicU64::new(0),
            totals: Mutex::default(),
        })
    }

    pub(super) fn reset(&self) {
        *self.totals() = Totals::default();
    }

    pub(super) fn snapshot(&self) -> ModelMetrics {
        let totals = self.totals();
        let failed = totals.errors.values().sum();
        let errors = totals.errors.iter();
        ModelMetrics {
            provider: self.provider.clone(),
            model: self.model.clone(),
            requests: totals.completed + failed + totals.dropped,
            in_flight: self.in_flight.load(Ordering::Relaxed),
            completed: totals.completed,
            reused: totals.reused,
            failed,
            dropped: totals.dropped,
            errors: errors.map(|(kind, n)| ((*kind).to_owned(), *n)).collect(),
            tokens: totals.tokens,
            first_event_ms: totals.first_event.summary(THOUSAND),
            gap_ms: totals.gap.summary(THOUSAND),
            total_ms: totals.total.summary(THOUSAND),
            tokens_per_second: totals.speed.summary(THOUSAND),
        }
    }

    fn totals(&self) -> MutexGuard<'_, Totals> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Totals {
    fn add(&mut self, record: &CallRecord<'_>, gaps: Option<&Histogram<u32>>) {
        match record.outcome {
            CallOutcome::Completed => {
                self.completed += 1;
                self.reused += u64::from(record.reused);
                self.total.add(micros(record.total));
            }
            CallOutcome::Failed(kind) => *self.errors.entry(kind.as_str()).or_default() += 1,
            CallOutcome::Dropped => self.dropped += 1,
        }
        if let Some(time) = record.first_event {
            self.first_event.add(micros(time));
        }
        if let Some(speed) = record.tokens_per_second {
            self.speed.add((speed * THOUSAND) as u64);
        }
        if let Some(gaps) = gaps {
            self.gap.merge(gaps);
        }
        let (sums, tokens) = (&mut self.tokens, &record.tokens);
        for (sum, tokens) in [
            (&mut sums.input, tokens.input),
            (&mut sums.output, tokens.output),
            (&mut sums.cached_input, tokens.cached_input),
            (&mut sums.cache_write, tokens.cache_write),
            (&mut sums.reasoning, tokens.reasoning),
        ] {
            *sum = sum.saturating_add(tokens.unwrap_or_default());
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The figures of one call as they grow.
pub(super) struct Measure {
    entry: Arc<Entry>,
    sinks: Arc<[Arc<dyn MetricsSink>]>,
    called: Instant,
    /// When the first event and the last one so far came.
    between: Option<(Instant, Instant)>,
    events: u64,
    /// Of streams only.
    gaps: Option<Histogram<u32>>,
    tokens: Tokens,
    reused: bool,
}

impl Measure {
    pub(super) fn begin(
        entry: Arc<Entry>,
        sinks: Arc<[Arc<dyn MetricsSink>]>,
        streamed: bool,
    ) -> Self {
        entry.in_flight.fetch_add(1, Ordering::Relaxed);
        Self {
            entry,
            sinks,
            called: Instant::now(),
            between: None,
            events: 0,
            gaps: streamed.then(Histogram::default),
            tokens: Tokens::default(),
            reused: false,
        }
    }

    fn record(&self, outcome: CallOutcome) -> CallRecord<'_> {
        let total = self.called.elapsed();
        let first_event = self.between.map(|(first, _)| first - self.called);
        let took = total.saturating_sub(first_event.unwrap_or_default());
        let whole = outcome == CallOutcome::Completed && !took.is_zero();
        let gaps = self.gaps.as_ref().filter(|gaps| gaps.count() > 0);
        let tokens = match self.reused {
            true => Tokens::default(),
            false => self.tokens,
        };
        CallRecord {
            provider: &self.entry.provider,
            model: &self.entry.model,
            streamed: self.gaps.is_some(),
            outcome,
            total,
            first_event,
            events: self.events,
            longest_gap: gaps.and_then(Histogram::most).map(Duration::from_micros),
            mean_gap: gaps.map(|gaps| Duration::from_micros(gaps.sum() / gaps.count())),
            reused: self.reused,
            tokens,
            tokens_per_second: tokens
                .output
                .filter(|_| whole)
                .map(|tokens| tokens as f64 / took.as_secs_f64()),
        }
    }
}

impl Watcher for Measure {
    fn reused(&mut self) {
        self.reused = true;
    }

    fn answer(&mut self, response: &mut ChatResponse) -> Result<()> {
        if let Some(usage) = &response.usage {
            self.tokens.merge(usage);
        }
        Ok(())
    }

    fn event(&mut self, event: &mut Event) -> Result<()> {
        let now = Instant::now();
        match (&mut self.between, &mut self.gaps) {
            (Some((_, last)), Some(gaps)) => {
                gaps.add(micros(now - *last));
                *last = now;
            }
            (between, _) => *between = Some((now, now)),
        }
        self.events += 1;
        self.tokens.see(event);
        Ok(())
    }

    fn end(self, end: End<'_>) {
        let outcome = match end {
            End::Completed => CallOutcome::Completed,
            End::Failed(error) => CallOutcome::Failed(error.kind()),
            End::Dropped => CallOutcome::Dropped,
        };
        let record = self.record(outcome);
        self.entry.totals().add(&record, self.gaps.as_ref());
        self.entry.in_flight.fetch_sub(1, Ordering::Relaxed);
        for sink in self.sinks.iter() {
            // Within a drop a second panic would end the program.
            let _ = catch_unwind(AssertUnwindSafe(|| sink.record(&record)));
        }
    }
}
