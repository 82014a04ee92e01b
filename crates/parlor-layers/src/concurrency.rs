//! Lets only so many exchanges with a model go on at once; the others wait in line.
//!
//! - **Place:** inside retry and rate limit, so that a call that waits for
//!   either holds no permit; outside timeout, so that the wait in line takes
//!   nothing from an attempt's own time.
//! - **`info()`:** the inner one's.
//! - **A call:** takes a permit first, and holds it until its answer is there.
//! - **A stream's opening:** takes a permit first.
//! - **A stream's middle:** the permit is held until the last item, or until the
//!   stream is dropped. A consumer that keeps a stream without reading it keeps
//!   the permit too.
//! - **A drop:** gives the permit back at once, or leaves the line; no task is
//!   spawned.
//!
//! The line is first come, first served, and bounded twice: by how many wait
//! and by how long each does. A call for which there is no place fails with
//! [`ErrorKind::Overloaded`], which may be tried again; nothing was sent.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::concurrency::{ConcurrencyLayer, ConcurrencyPolicy};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let layer = ConcurrencyLayer::new(ConcurrencyPolicy::at_most(8));
//! let model = Echo::new().layer(layer.clone());
//!
//! let stream = model.ask_stream("Hello").await?;
//! assert_eq!(layer.running(), 1);
//! stream.response().await?;
//! assert_eq!(layer.running(), 0);
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In the configuration:
//!
//! ```toml
//! [layers.concurrency]
//! max = 8
//! max_waiting = 100   # 1000 where left out
//! max_wait = "30s"    # a minute where left out
//! ```

use crate::Configurable;
use async_trait::async_trait;
use futures_core::Stream;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Event, EventStream, Layer,
    ModelInfo, Result, duration,
};
use serde::Deserialize;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How many exchanges may go on at once, and who may wait.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConcurrencyPolicy {
    /// How many may go on at once; at least 1. 16 by default.
    pub max: usize,
    /// How many may wait in line; with 0 a call that can't begin at once fails.
    /// 1,000 by default.
    pub max_waiting: usize,
    /// How long each may wait; `None` is for ever. A minute by default.
    pub max_wait: Option<Duration>,
}

impl Default for ConcurrencyPolicy {
    fn default() -> Self {
        Self {
            max: 16,
            max_waiting: 1000,
            max_wait: Some(Duration::from_secs(60)),
        }
    }
}

impl ConcurrencyPolicy {
    /// The default policy with this number of exchanges at once.
    pub fn at_most(max: usize) -> Self {
        Self {
            max,
            ..Self::default()
        }
    }
}

/// Lets only so many exchanges go on at once.
///
/// Clones share the permits and the line, and so do all models wrapped by them:
/// take a layer of its own for each provider that has a limit of its own.
#[derive(Debug, Clone)]
pub struct ConcurrencyLayer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    policy: ConcurrencyPolicy,
    /// One for each exchange that goes on. Fair: who asks first gets first.
    running: Arc<Semaphore>,
    /// One for each exchange that goes on or waits.
    present: Arc<Semaphore>,
}

/// The right to go on. The fields are given back in their order: never is a
/// call refused for want of a place while a permit is free.
struct Permit {
    _present: OwnedSemaphorePermit,
    _running: OwnedSemaphorePermit,
}

impl ConcurrencyLayer {
    /// A layer with this policy and all permits free.
    pub fn new(mut policy: ConcurrencyPolicy) -> Self {
        policy.max = policy.max.clamp(1, Semaphore::MAX_PERMITS);
        let present = policy.max.saturating_add(policy.max_waiting);
        Self {
            shared: Arc::new(Shared {
                running: Arc::new(Semaphore::new(policy.max)),
                present: Arc::new(Semaphore::new(present.min(Semaphore::MAX_PERMITS))),
                policy,
            }),
        }
    }

    /// How many exchanges go on, as of now.
    pub fn running(&self) -> usize {
        let shared = &self.shared;
        let free = shared.running.available_permits();
        shared.policy.max.saturating_sub(free)
    }

    /// How many wait in line, as of now.
    pub fn waiting(&self) -> usize {
        let shared = &self.shared;
        let all = shared.policy.max.saturating_add(shared.policy.max_waiting);
        let free = shared.present.available_permits();
        let present = all.min(Semaphore::MAX_PERMITS).saturating_sub(free);
        present.saturating_sub(self.running())
    }

    async fn permit(&self, info: &ModelInfo) -> Result<Permit> {
        let Shared {
            policy,
            running,
            present,
        } = &*self.shared;
        let full = || {
            let (max, waiting) = (policy.max, policy.max_waiting);
            let message = match waiting {
                0 => format!("{max} calls are going on, as many as may at once"),
                _ => format!("{max} calls are going on and {waiting} wait, as many as may"),
            };
            overloaded(message, info)
        };
        let present = present.clone().try_acquire_owned().map_err(|_| full())?;
        let running = match running.clone().try_acquire_owned() {
            Ok(running) => running,
            Err(_) => {
                let turn = running.clone().acquire_owned();
                let turn = match policy.max_wait {
                    None => Ok(turn.await),
                    Some(max_wait) => timeout(max_wait, turn).await.map_err(|_| {
                        let max = policy.max;
                        let message = format!("{max} calls kept going on for {max_wait:?}");
                        overloaded(message, info)
                    }),
                };
                // Nobody closes the semaphore.
                turn?.map_err(|_| full())?
            }
        };
        Ok(Permit {
            _present: present,
            _running: running,
        })
    }
}

fn overloaded(message: String, info: &ModelInfo) -> Error {
    Error::new(ErrorKind::Overloaded, message)
        .with_provider(info.provider.clone())
        .with_model(info.model.clone())
        .with_help(
            "Nothing was sent. Try again later, send fewer calls at a time, or raise `max`, \
             `max_waiting` or `max_wait` of the concurrency layer.",
        )
}

impl Default for ConcurrencyLayer {
    fn default() -> Self {
        Self::new(ConcurrencyPolicy::default())
    }
}

/// `[layers.concurrency]` of a configuration: the fields of
/// [`ConcurrencyPolicy`], with durations as text.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConcurrencySettings {
    max: Option<usize>,
    max_waiting: Option<usize>,
    #[serde(deserialize_with = "duration::deserialize")]
    max_wait: Option<Duration>,
}

impl Configurable for ConcurrencyLayer {
    type Settings = ConcurrencySettings;

    fn configured(settings: ConcurrencySettings) -> std::result::Result<Self, String> {
        let default = ConcurrencyPolicy::default();
        let max = settings.max.unwrap_or(default.max);
        if max == 0 {
            return Err("`max` must be at least 1".to_owned());
        }
        Ok(Self::new(ConcurrencyPolicy {
            max,
            max_waiting: settings.max_waiting.unwrap_or(default.max_waiting),
            max_wait: settings.max_wait.or(default.max_wait),
        }))
    }
}

impl Layer for ConcurrencyLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(ConcurrencyModel {
            inner,
            layer: self.clone(),
        })
    }
}

#[derive(Debug)]
struct ConcurrencyModel {
    inner: Arc<dyn ChatModel>,
    layer: ConcurrencyLayer,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for ConcurrencyModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let _permit = self.layer.permit(self.inner.info()).await?;
        self.inner.chat(request).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let permit = self.layer.permit(self.inner.info()).await?;
        let stream = self.inner.stream(request).await?;
        Ok(stream.watch_events(|events| Permitted(Some((events, permit)))))
    }
}

/// A stream that holds a permit until its end. The events stand first, since a
/// dropped request is closed before the next may begin.
struct Permitted(Option<(EventStream, Permit)>);

impl Stream for Permitted {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some((events, _)) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let item = ready!(events.as_mut().poll_next(cx));
        let goes_on = matches!(&item, Some(Ok(event)) if !event.is_terminal());
        if !goes_on {
            self.0 = None;
        }
        Poll::Ready(item)
    }
}
