//! Counts calls, failures and tokens, and measures times, per model.
//!
//! - **Place:** inside trace and outside everything that tries again or answers
//!   in the model's stead, so that it counts what callers got.
//! - **`info()`:** the inner one's.
//! - **A call:** counted once, with its time, tokens and error.
//! - **A stream's opening:** belongs to the call. A refused opening is a failure.
//! - **A stream's middle:** passes untouched. The time to the first event and
//!   between events is kept in the stream itself, without a lock or an
//!   allocation for an event, and added up when the stream ends.
//! - **A drop:** counts the exchange as dropped.
//!
//! Every exchange is counted exactly once, as completed, failed or dropped. It
//! counts for the model that was wrapped, whichever answered within.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::metrics::MetricsLayer;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let layer = MetricsLayer::default();
//! let metrics = layer.metrics();
//! let model = Echo::new().layer(layer);
//! model.ask_stream("one two three").await?.response().await?;
//!
//! let snapshot = metrics.snapshot();
//! let echo = &snapshot.models[0];
//! assert_eq!((echo.requests, echo.completed), (1, 1));
//! assert_eq!(echo.tokens.output, 3);
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! A configuration has nothing to set; what it counts is in
//! [`Metrics::global`]:
//!
//! ```toml
//! [layers.metrics]
//! ```
//!
//! A [`MetricsSink`] gets each finished call, to be exported in any way.

mod model;

pub use crate::watch::Tokens;
pub use model::{CallOutcome, CallRecord, MetricsSink, ModelMetrics, TokenCounts};
pub use parlor_core::histogram::Summary;

use crate::stack::Configurable;
use crate::watch::Watch;
use async_trait::async_trait;
use model::{Entry, Measure};
use parlor_core::{ChatModel, ChatRequest, ChatResponse, ChatStream, Layer, ModelInfo, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

/// What is measured beyond the default.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct MetricsPolicy {
    /// Who gets each finished call, in this order. None by default.
    pub sinks: Vec<Arc<dyn MetricsSink>>,
}

/// Measures each call.
///
/// Clones count into the same [`Metrics`].
#[derive(Debug, Clone, Default)]
pub struct MetricsLayer {
    policy: MetricsPolicy,
    metrics: Metrics,
}

impl MetricsLayer {
    /// A layer with this policy and figures of its own.
    pub fn new(policy: MetricsPolicy) -> Self {
        Self::counting_into(Metrics::default(), policy)
    }

    /// A layer that adds to these figures.
    pub fn counting_into(metrics: Metrics, policy: MetricsPolicy) -> Self {
        Self { policy, metrics }
    }

    /// The figures.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }
}

impl Layer for MetricsLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        let entry = self.metrics.entry(inner.info());
        Arc::new(MetricsModel {
            entry,
            sinks: self.policy.sinks.clone().into(),
            inner,
        })
    }
}

/// What a configuration can set: nothing.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MetricsSettings {}

/// Its figures are [`Metrics::global`].
impl Configurable for MetricsLayer {
    type Settings = MetricsSettings;

    fn configured(_: MetricsSettings) -> std::result::Result<Self, String> {
        Ok(Self::counting_into(
            Metrics::global(),
            MetricsPolicy::default(),
        ))
    }
}

type Entries = BTreeMap<(String, String), Arc<Entry>>;

/// The figures of all models within a layer: a handle, whose clones show the
/// same.
///
/// It holds about 20 KiB for each model that was ever wrapped, however many
/// calls there are.
#[derive(Clone, Default)]
pub struct Metrics {
    entries: Arc<Mutex<Entries>>,
}

impl Metrics {
    /// The figures that layers made from a configuration add to, one for the
    /// whole program.
    pub fn global() -> Self {
        static GLOBAL: LazyLock<Metrics> = LazyLock::new(Metrics::default);
        GLOBAL.clone()
    }

    /// The figures as they stand, by provider and model.
    pub fn snapshot(&self) -> MetricsSnapshot {
        let entries: Vec<_> = self.entries().values().cloned().collect();
        MetricsSnapshot {
            models: entries.iter().map(|entry| entry.snapshot()).collect(),
        }
    }

    /// Starts all figures anew. What is in flight stays so, and counts when it
    /// ends.
    pub fn reset(&self) {
        let entries: Vec<_> = self.entries().values().cloned().collect();
        entries.iter().for_each(|entry| entry.reset());
    }

    fn entry(&self, info: &ModelInfo) -> Arc<Entry> {
        let key = (info.provider.clone(), info.model.clone());
        let mut entries = self.entries();
        let entry = entries.entry(key).or_insert_with(|| Entry::new(info));
        entry.clone()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries().keys()).finish()
    }
}

/// All figures at one moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// By provider and model, in the order of the alphabet.
    pub models: Vec<ModelMetrics>,
}

#[derive(Debug)]
struct MetricsModel {
    inner: Arc<dyn ChatModel>,
    entry: Arc<Entry>,
    sinks: Arc<[Arc<dyn MetricsSink>]>,
}

impl MetricsModel {
    fn watch(&self, streamed: bool) -> Watch<Measure> {
        let (entry, sinks) = (self.entry.clone(), self.sinks.clone());
        Watch::new(Measure::begin(entry, sinks, streamed))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for MetricsModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let watch = self.watch(false);
        watch.called(self.inner.chat(request).await)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let watch = self.watch(true);
        match self.inner.stream(request).await {
            Ok(stream) => Ok(watch.opened(stream)),
            Err(error) => Err(watch.failed(error)),
        }
    }
}
