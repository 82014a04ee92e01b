//! Turns to the next of several models when one can't answer.
//!
//! - **Place:** outside retry, so that each model's attempts are used up before
//!   the next one is asked; inside cache and budget, which stand around all of
//!   them. The layers further in are each model's own.
//! - **`info()`:** the first model's. Which one answered is in the stream's
//!   [`info`](parlor_core::ChatStream::info) and in the response's `provider`
//!   and `model`.
//! - **A call:** goes to the next model as a whole; nothing of a failed one was
//!   shown.
//! - **A stream's opening:** resolves with the first event rather than with the
//!   headers. Until then any failure goes to the next model, so that the stream
//!   that is returned is the answering model's own, with its info and metadata.
//! - **A stream's middle:** passes untouched. A stream that breaks after its
//!   first event is an error with its partial response, and no other model is
//!   asked: no text is ever shown twice.
//! - **A drop:** drops the attempt that is running. A failed attempt is dropped
//!   before the next one begins.
//!
//! Each model is asked once at most. Whether to turn is decided by the error's
//! kind: see [`FallbackPolicy::kinds`]. Where more than one model was asked, the
//! error of the last one says in its help what became of the others, has them as
//! [`Tried`] in its source, and says [`Retry::Exhausted`], so that a retry around
//! this layer doesn't multiply the attempts.
//!
//! ```
//! use parlor_core::{ChatModel, ChatModelExt, Echo};
//! use parlor_layers::fallback::FallbackLayer;
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let spare: Arc<dyn ChatModel> = Arc::new(Echo::new());
//! let layer = FallbackLayer::new([spare]).on_turn(|turn| {
//!     eprintln!("{} failed, asking {}", turn.from.id(), turn.to.id());
//! });
//! let model = Echo::new().layer(layer);
//! assert_eq!(model.ask("Hi").await?.text(), "Hi");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In the configuration a route is one:
//!
//! ```toml
//! [routes.safe]
//! models = ["house/large", "elsewhere/large"]
//! ```

use crate::attempt::{OF_THE_MODEL, OnTurn, begun, give_up};
use async_trait::async_trait;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ErrorKind, Layer, ModelInfo, Result,
    Retry,
};
use std::fmt;
use std::sync::Arc;

pub use crate::attempt::{Tried, TriedModel, TurnNotice};

/// When to turn to the next model.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FallbackPolicy {
    /// The kinds of errors after which the next model is asked.
    ///
    /// By default those that another model may not share: overloaded, server,
    /// rate limited, quota exhausted, all timeouts, connection, truncated,
    /// decode, authentication, permission, model not found. Not among them, but
    /// to be added: context too long, unsupported, content filtered. Invalid
    /// request, validation and cancelled never turn, even where they are listed:
    /// they are the caller's, whatever the model.
    pub kinds: Vec<ErrorKind>,
}

impl Default for FallbackPolicy {
    fn default() -> Self {
        Self {
            kinds: OF_THE_MODEL.to_vec(),
        }
    }
}

impl FallbackPolicy {
    /// The same policy that turns after these kinds too.
    #[must_use]
    pub fn also(mut self, kinds: &[ErrorKind]) -> Self {
        self.kinds.extend_from_slice(kinds);
        self
    }

    /// The same policy that doesn't turn after these kinds.
    #[must_use]
    pub fn except(mut self, kinds: &[ErrorKind]) -> Self {
        self.kinds.retain(|kind| !kinds.contains(kind));
        self
    }

    /// Whether the next model is asked after an error of this kind.
    pub fn turns_after(&self, kind: ErrorKind) -> bool {
        use ErrorKind::{Cancelled, InvalidRequest, Validation};
        !matches!(kind, InvalidRequest | Validation | Cancelled) && self.kinds.contains(&kind)
    }
}

/// Turns to the next of several models when one can't answer.
#[derive(Clone)]
pub struct FallbackLayer {
    others: Arc<[Arc<dyn ChatModel>]>,
    policy: Arc<FallbackPolicy>,
    hook: Option<Arc<OnTurn>>,
}

impl FallbackLayer {
    /// A layer that turns from the model it wraps to these, in this order.
    pub fn new(others: impl IntoIterator<Item = Arc<dyn ChatModel>>) -> Self {
        Self {
            others: others.into_iter().collect(),
            policy: Arc::default(),
            hook: None,
        }
    }

    /// The same layer with another policy.
    #[must_use]
    pub fn with_policy(mut self, policy: FallbackPolicy) -> Self {
        self.policy = Arc::new(policy);
        self
    }

    /// The same layer that tells `hook` of each turn. The hook runs within the
    /// call and must not block.
    #[must_use]
    pub fn on_turn(mut self, hook: impl Fn(&TurnNotice<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }
}

impl fmt::Debug for FallbackLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackLayer")
            .field("others", &self.others)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Layer for FallbackLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(FallbackModel {
            first: inner,
            layer: self.clone(),
        })
    }
}

#[derive(Debug)]
struct FallbackModel {
    first: Arc<dyn ChatModel>,
    layer: FallbackLayer,
}

/// One call's way through the models.
struct Turns<'a> {
    model: &'a Arc<dyn ChatModel>,
    others: std::slice::Iter<'a, Arc<dyn ChatModel>>,
    layer: &'a FallbackLayer,
    tried: Vec<TriedModel>,
}

impl<'a> Turns<'a> {
    fn begin(model: &'a FallbackModel) -> Self {
        Self {
            model: &model.first,
            others: model.layer.others.iter(),
            layer: &model.layer,
            tried: Vec::new(),
        }
    }

    /// Turns to the next model, or gives up with the error.
    fn after(&mut self, error: Error) -> Result<()> {
        let next = match self.layer.policy.turns_after(error.kind()) {
            true => self.others.next(),
            false => None,
        };
        let from = self.model.info();
        let Some(next) = next else {
            let is_only = self.tried.is_empty();
            let error = give_up(&mut self.tried, from, error);
            return Err(match is_only {
                true => error,
                false => error.with_retry(Retry::Exhausted),
            });
        };
        if let Some(hook) = &self.layer.hook {
            hook(&TurnNotice {
                from,
                to: next.info(),
                error: &error,
            });
        }
        self.tried.push(TriedModel::new(from, error));
        self.model = next;
        Ok(())
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for FallbackModel {
    fn info(&self) -> &ModelInfo {
        self.first.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let mut turns = Turns::begin(self);
        loop {
            match turns.model.chat(request).await {
                Ok(response) => return Ok(response),
                Err(error) => turns.after(error)?,
            }
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let mut turns = Turns::begin(self);
        loop {
            match begun(turns.model, request).await {
                Ok(stream) => return Ok(stream),
                Err(error) => turns.after(error)?,
            }
        }
    }
}

/// A model that can't be asked: it fails with the same error at every call. It
/// stands for a model in a chain that couldn't be built, for want of a key.
#[derive(Debug, Clone)]
pub struct Unavailable {
    info: ModelInfo,
    error: Error,
}

impl Unavailable {
    /// The model with these facts and this error.
    pub fn new(info: ModelInfo, error: Error) -> Self {
        Self { info, error }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for Unavailable {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, _: &ChatRequest) -> Result<ChatResponse> {
        Err(self.error.clone())
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream> {
        Err(self.error.clone())
    }
}
