//! Gives an answer again to a request that is exactly the same.
//!
//! - **Place:** outside of coalescing, and of everything that spends: what is
//!   answered from the cache passes no budget, limit or retry. Inside of trace
//!   and metrics, which see that an answer is from here by
//!   [`ResponseMetadata::reused`](parlor_core::ResponseMetadata::reused).
//! - **`info()`:** the inner one's.
//! - **A call:** a hit is the answer as it was, but for
//!   [`metadata`](parlor_core::ChatResponse::metadata): the original's request
//!   id, how old it is, and no rate limits or latency. A miss asks the model and
//!   keeps the answer.
//! - **A stream's opening:** as a call; a hit is played as a stream, a part at a
//!   time, that collects to the same answer.
//! - **A stream's middle:** passes as it comes, while a copy of at most
//!   [`max_answer_bytes`](CachePolicy::max_answer_bytes) is made. `Completed` is
//!   held back until the store has the answer, at most for
//!   [`store_timeout`](CachePolicy::store_timeout).
//! - **A drop:** drops the inner call or stream and keeps nothing.
//!
//! Calls and streams share their answers. What makes requests the same is told
//! in [`key`].
//!
//! # What is kept
//! A whole answer all of whose choices ended by `stop` or `tool_calls`, have a
//! part, and whose tool calls have arguments that can be read. So neither
//! errors, nor what was broken off, cut by a limit, filtered, refused, paused,
//! or ended for no known reason; nor what was itself
//! [reused](parlor_core::Reused), since whoever asked for it first keeps it. A
//! response's [`raw`](parlor_core::ChatResponse::raw) body is not kept: a
//! request that asks for one goes to the model, and its answer is kept without.
//! Log probabilities are kept to about the last binary digit.
//!
//! # What it costs
//! A hit's usage is the original's, as a part of the answer. It was paid when the
//! answer was made: whoever adds up usage outside of this layer passes over
//! answers that are [reused](parlor_core::Reused). A budget stands inside and
//! sees none of them.
//!
//! # A store that fails
//! fails no call: it is passed by, and [the hook](CacheLayer::on_notice) is told.
//!
//! ```
//! use parlor_core::{ChatModelExt, ChatRequest, Echo};
//! use parlor_layers::cache::{CacheLayer, CacheMode, CachePolicy};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let model = Echo::new().layer(CacheLayer::new(CachePolicy::default()));
//! let first = model.ask("Hi").await?;
//! let again = model.ask("Hi").await?;
//! assert_eq!(again.text(), first.text());
//! assert!(first.metadata.reused.is_none() && again.metadata.reused.is_some());
//!
//! let anew = CacheMode::Refresh.on(ChatRequest::from("Hi"));
//! assert!(model.ask(anew).await?.metadata.reused.is_none());
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! As configuration, where everything has its default:
//!
//! ```toml
//! [layers.cache]
//! ttl = "10m"
//! max_entries = 1000
//! max_bytes = 67108864
//! only_deterministic = true
//! mode = "use"
//! key = { namespace = "staging", user = true }
//! ```

mod keep;
mod policy;
mod store;

pub use policy::{CacheMode, CachePolicy};
pub use store::{CacheStore, MemoryStore};

use crate::key::{self, CacheKey};
use crate::{Configurable, Stores};
use async_trait::async_trait;
use keep::Recorder;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Layer, ModelInfo, Result,
    Reused, TimeoutKind,
};
use policy::SWITCH;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// What the cache tells of each request that it has to do with.
#[derive(Debug)]
#[non_exhaustive]
pub enum CacheNotice<'a> {
    /// There was an answer.
    #[non_exhaustive]
    Hit {
        /// Under this key.
        key: CacheKey,
        /// So old.
        age: Duration,
    },
    /// There was none, or it was too old.
    #[non_exhaustive]
    Missed {
        /// Under this key.
        key: CacheKey,
    },
    /// An answer was kept.
    #[non_exhaustive]
    Kept {
        /// Under this key.
        key: CacheKey,
        /// So long, as JSON.
        bytes: usize,
    },
    /// The store failed, was too slow, or had what can't be read. The request
    /// goes on without it.
    #[non_exhaustive]
    Failed {
        /// With this key.
        key: CacheKey,
        /// For this reason.
        error: &'a Error,
    },
}

type Hook = dyn Fn(&CacheNotice<'_>) + Send + Sync;

/// Gives an answer again to a request that is exactly the same.
///
/// Clones share their answers, and so do all models wrapped by them: a key has
/// the model's id in it.
#[derive(Clone)]
pub struct CacheLayer {
    shared: Arc<Shared>,
    hook: Option<Arc<Hook>>,
}

struct Shared {
    policy: CachePolicy,
    store: Arc<dyn CacheStore>,
}

impl CacheLayer {
    /// A layer that keeps answers in memory.
    pub fn new(policy: CachePolicy) -> Self {
        let store = MemoryStore::new(policy.max_entries, policy.max_bytes);
        Self::with_store(policy, Arc::new(store))
    }

    /// A layer that keeps answers in this store.
    pub fn with_store(policy: CachePolicy, store: Arc<dyn CacheStore>) -> Self {
        Self {
            shared: Arc::new(Shared { policy, store }),
            hook: None,
        }
    }

    /// The same layer, the answers still shared, that tells `hook` what becomes
    /// of each request. The hook runs within the call and must not block.
    #[must_use]
    pub fn on_notice(mut self, hook: impl Fn(&CacheNotice<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    fn tell(&self, notice: &CacheNotice<'_>) {
        if let Some(hook) = &self.hook {
            hook(notice);
        }
    }

    /// The answer that there is.
    async fn find(&self, key: CacheKey) -> Option<ChatResponse> {
        let Shared { policy, store } = &*self.shared;
        let found = self.in_time(store.get(&key)).await.and_then(|found| {
            let read = found.map(|bytes| keep::read(&bytes)).transpose();
            read.map_err(|error| {
                Error::new(ErrorKind::Decode, "the store has what isn't an answer")
                    .with_source(error)
            })
        });
        match found {
            Ok(Some((mut answer, age))) if policy.ttl.is_none_or(|ttl| age < ttl) => {
                let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
                answer.metadata.reused = Some(Reused::Cache { age_ms });
                self.tell(&CacheNotice::Hit { key, age });
                return Some(answer);
            }
            Ok(_) => self.tell(&CacheNotice::Missed { key }),
            Err(error) => self.tell(&CacheNotice::Failed { key, error: &error }),
        }
        None
    }

    /// Keeps an answer that is worth it.
    async fn keep(&self, key: &CacheKey, answer: Cow<'_, ChatResponse>) {
        let Shared { policy, store } = &*self.shared;
        if !keep::is_worth_keeping(&answer) {
            return;
        }
        let key = *key;
        let kept = match keep::write(answer.into_owned()) {
            Ok(answer) if answer.len() > policy.max_answer_bytes => return,
            Ok(answer) => {
                let bytes = answer.len();
                let put = self.in_time(store.put(&key, answer, policy.ttl)).await;
                put.map(|()| bytes)
            }
            Err(error) => Err(Error::new(
                ErrorKind::Unexpected,
                format!("the answer can't be written as JSON: {error}"),
            )),
        };
        self.tell(&match &kept {
            Ok(bytes) => CacheNotice::Kept { key, bytes: *bytes },
            Err(error) => CacheNotice::Failed { key, error },
        });
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let allowed = self.shared.policy.store_timeout;
        timeout(allowed, work).await.unwrap_or_else(|_| {
            Err(Error::new(
                ErrorKind::Timeout(TimeoutKind::Total),
                format!("the cache's store took longer than {allowed:?}"),
            ))
        })
    }
}

impl Configurable for CacheLayer {
    type Settings = CachePolicy;

    fn configured(policy: CachePolicy) -> std::result::Result<Self, String> {
        let nothing = [
            ("ttl", policy.ttl.is_some_and(|ttl| ttl.is_zero())),
            ("max_entries", policy.max_entries == 0),
            ("max_bytes", policy.max_bytes == 0),
            ("max_answer_bytes", policy.max_answer_bytes == 0),
        ];
        match nothing.iter().find(|(_, nothing)| *nothing) {
            Some((name, _)) => Err(format!(
                "with `{name}` at nothing it keeps nothing; set `layers.cache` to false for no cache"
            )),
            None => Ok(Self::new(policy)),
        }
    }

    fn within(self, stores: &Stores) -> Self {
        match &stores.cache {
            Some(store) => Self::with_store(self.shared.policy.clone(), store.clone()),
            None => self,
        }
    }
}

impl Default for CacheLayer {
    fn default() -> Self {
        Self::new(CachePolicy::default())
    }
}

impl fmt::Debug for CacheLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CacheLayer")
            .field("policy", &self.shared.policy)
            .field("store", &self.shared.store)
            .finish_non_exhaustive()
    }
}

impl Layer for CacheLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(CacheModel {
            info: Arc::new(inner.info().clone()),
            inner,
            layer: self.clone(),
        })
    }
}

#[derive(Debug)]
struct CacheModel {
    inner: Arc<dyn ChatModel>,
    info: Arc<ModelInfo>,
    layer: CacheLayer,
}

/// What became of a request at the cache.
enum Found {
    Answer(Box<ChatResponse>),
    /// The model is asked, and its answer kept under the key if there is one.
    Nothing(Option<CacheKey>),
}

impl CacheModel {
    async fn look(&self, request: &ChatRequest) -> Result<Found> {
        let mode = self.layer.shared.policy.mode_for(request)?;
        if mode == CacheMode::Off {
            return Ok(Found::Nothing(None));
        }
        let key = self.layer.shared.policy.key.key(&self.info, request)?;
        let found = match mode {
            CacheMode::Use => self.layer.find(key).await,
            _ => None,
        };
        Ok(match found {
            Some(answer) => Found::Answer(Box::new(answer)),
            None => Found::Nothing(Some(key)),
        })
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for CacheModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        match self.look(request).await? {
            Found::Answer(answer) => Ok(*answer),
            Found::Nothing(key) => {
                let request = key::without_switch(request, SWITCH);
                let answer = self.inner.chat(&request).await?;
                if let Some(key) = key {
                    self.layer.keep(&key, Cow::Borrowed(&answer)).await;
                }
                Ok(answer)
            }
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        match self.look(request).await? {
            Found::Answer(answer) => Ok(ChatStream::of_response(self.info.clone(), *answer)),
            Found::Nothing(key) => {
                let request = key::without_switch(request, SWITCH);
                let stream = self.inner.stream(&request).await?;
                Ok(match key {
                    Some(key) => Recorder::record(stream, self.layer.clone(), key),
                    None => stream,
                })
            }
        }
    }
}
