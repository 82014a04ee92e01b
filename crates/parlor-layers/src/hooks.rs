//! Code of your own before a call, at each event, and after it.
//!
//! - **Place:** outermost, so that a hook sees what the caller asks and gets.
//! - **`info()`:** the inner one's.
//! - **A call:** [`before`](Hooks::before) may change or refuse it,
//!   [`response`](Hooks::response) may change the answer,
//!   [`after`](Hooks::after) is told how it went.
//! - **A stream's opening:** `before`; a refusal is the opening's error.
//! - **A stream's middle:** [`event`](Hooks::event) sees each event and may
//!   change it, or end the stream by an error; the inner stream is dropped then.
//! - **A drop:** drops the inner future or stream, and `after` is told.
//!
//! A hook that panics doesn't take the program with it, nor anything of the
//! layer: in `after` the panic is passed over; anywhere else it ends the call
//! by [`ErrorKind::Unexpected`], since a hook that should have refused or
//! changed something didn't.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::hooks::{HookFns, HooksLayer, HooksPolicy};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let hooks = HookFns::new()
//!     .before(|_, request| {
//!         request.to_mut().temperature = Some(0.0);
//!         Ok(())
//!     })
//!     .after(|call, ended| println!("{} took {:?}", call.info.model, ended.total));
//! let model = Echo::new().layer(HooksLayer::new(HooksPolicy::of(hooks)));
//! assert_eq!(model.ask("Hello").await?.text(), "Hello");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! Hooks are code, so no configuration has them.

mod fns;

pub use fns::HookFns;

use crate::watch::{End, Tokens, Watch, Watcher};
use async_trait::async_trait;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Collector, Error, ErrorKind, Event, Layer,
    ModelInfo, Result,
};
use std::borrow::Cow;
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;

/// What is known of a call from its beginning.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct HookCall<'a> {
    /// The model that is asked.
    pub info: &'a ModelInfo,
    /// Whether the answer is streamed.
    pub streamed: bool,
}

/// How a call ended.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum HookOutcome<'a> {
    /// With a whole answer.
    Completed,
    /// With an error, a refusal by a hook included.
    Failed(&'a Error),
    /// Its future or stream was dropped before its end.
    Dropped,
}

/// What is known of a call at its end.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HookEnd<'a> {
    /// How it ended.
    pub outcome: HookOutcome<'a>,
    /// From the call to the end.
    pub total: Duration,
    /// From the call to a stream's first event, if one came.
    pub first_event: Option<Duration>,
    /// What it consumed, as far as it was told.
    pub tokens: Tokens,
    /// The answer, whole or as much as had come, if [`HooksPolicy::collect`]
    /// is on.
    pub response: Option<&'a ChatResponse>,
}

/// What is run around each call. Every method does nothing by default.
#[async_trait]
pub trait Hooks: Send + Sync + fmt::Debug {
    /// Sees a request, and may change it by [`Cow::to_mut`] or refuse it.
    ///
    /// # Behavior
    /// - Called once for each call, before anything else happens with it.
    /// - The request is cloned only if a hook changes it.
    /// - An error is the call's, and the model isn't asked.
    /// - Of several hooks each sees what those before it made of the request.
    async fn before(&self, call: &HookCall<'_>, request: &mut Cow<'_, ChatRequest>) -> Result<()> {
        let _ = (call, request);
        Ok(())
    }

    /// Sees an event of a stream, and may change it in place.
    ///
    /// # Behavior
    /// - Called once for each event, in order, before the reader gets it.
    /// - What it makes of the event must keep the grammar stated at [`Event`].
    /// - An error ends the stream in the event's place.
    /// - Must not block. Of several hooks the last one is called first.
    fn event(&self, call: &HookCall<'_>, event: &mut Event) -> Result<()> {
        let _ = (call, event);
        Ok(())
    }

    /// Sees the answer to a call that isn't streamed, and may change it.
    ///
    /// # Behavior
    /// - Called once for each such answer. What changes events ought to change
    ///   answers alike.
    /// - An error takes the answer's place.
    /// - Must not block. Of several hooks the last one is called first.
    fn response(&self, call: &HookCall<'_>, response: &mut ChatResponse) -> Result<()> {
        let _ = (call, response);
        Ok(())
    }

    /// Is told how a call went.
    ///
    /// # Behavior
    /// - Called exactly once for each call, refused and dropped ones included,
    ///   where the call ends: within a drop too, so it must not block.
    /// - A panic in it is passed over. Of several hooks the last one is called
    ///   first, and all of them are called.
    fn after(&self, call: &HookCall<'_>, end: &HookEnd<'_>) {
        let _ = (call, end);
    }
}

/// Which hooks there are.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct HooksPolicy {
    /// The hooks, outermost first.
    pub hooks: Vec<Arc<dyn Hooks>>,
    /// Whether answers are kept for [`HookEnd::response`]. It costs a copy of
    /// each. Off by default.
    pub collect: bool,
}

impl HooksPolicy {
    /// These hooks alone.
    pub fn of(hooks: impl Hooks + 'static) -> Self {
        Self::default().and(hooks)
    }

    /// The same with further hooks within.
    #[must_use]
    pub fn and(mut self, hooks: impl Hooks + 'static) -> Self {
        self.hooks.push(Arc::new(hooks));
        self
    }
}

/// Runs hooks around each call.
#[derive(Debug, Clone, Default)]
pub struct HooksLayer {
    policy: Arc<HooksPolicy>,
}

impl HooksLayer {
    /// A layer with these hooks.
    pub fn new(policy: HooksPolicy) -> Self {
        Self {
            policy: Arc::new(policy),
        }
    }
}

impl Layer for HooksLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(HooksModel {
            inner,
            policy: self.policy.clone(),
        })
    }
}

#[derive(Debug)]
struct HooksModel {
    inner: Arc<dyn ChatModel>,
    policy: Arc<HooksPolicy>,
}

impl HooksModel {
    fn watch(&self, streamed: bool) -> Watch<Hooked> {
        Watch::new(Hooked {
            model: self.inner.clone(),
            policy: self.policy.clone(),
            streamed,
            called: Instant::now(),
            first_event: None,
            tokens: Tokens::default(),
            answer: None,
            events: self.policy.collect.then(Collector::default),
        })
    }

    async fn before<'a>(
        &self,
        request: &'a ChatRequest,
        streamed: bool,
    ) -> Result<Cow<'a, ChatRequest>> {
        let mut request = Cow::Borrowed(request);
        let call = HookCall {
            info: self.inner.info(),
            streamed,
        };
        for hooks in &self.policy.hooks {
            let mut before = guard("before", || Ok(hooks.before(&call, &mut request)))?;
            poll_fn(
                |cx| match guard("before", || Ok(before.as_mut().poll(cx))) {
                    Ok(poll) => poll,
                    Err(panicked) => Poll::Ready(Err(panicked)),
                },
            )
            .await?;
        }
        Ok(request)
    }
}

/// What a hook does, with a panic as an error.
fn guard<T>(name: &'static str, hook: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(hook)).unwrap_or_else(|_| {
        let error = Error::new(ErrorKind::Unexpected, format!("the hook `{name}` panicked"));
        Err(error.with_help("Correct the hook; where it panicked was told when it did."))
    })
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for HooksModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let watch = self.watch(false);
        let outcome = match self.before(request, false).await {
            Ok(request) => self.inner.chat(&request).await,
            Err(refusal) => Err(refusal),
        };
        watch.called(outcome)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let watch = self.watch(true);
        let opened = match self.before(request, true).await {
            Ok(request) => self.inner.stream(&request).await,
            Err(refusal) => Err(refusal),
        };
        match opened {
            Ok(stream) => Ok(watch.opened(stream)),
            Err(error) => Err(watch.failed(error)),
        }
    }
}

/// One call on its way.
struct Hooked {
    model: Arc<dyn ChatModel>,
    policy: Arc<HooksPolicy>,
    streamed: bool,
    called: Instant,
    first_event: Option<Duration>,
    tokens: Tokens,
    /// The answer to a call, for `after`.
    answer: Option<ChatResponse>,
    /// Where a stream's answer gathers.
    events: Option<Collector>,
}

impl Hooked {
    fn each(
        &self,
        name: &'static str,
        mut hook: impl FnMut(&dyn Hooks, &HookCall<'_>) -> Result<()>,
    ) -> Result<()> {
        let call = HookCall {
            info: self.model.info(),
            streamed: self.streamed,
        };
        let mut inner_first = self.policy.hooks.iter().rev();
        inner_first.try_for_each(|hooks| guard(name, || hook(&**hooks, &call)))
    }
}

impl Watcher for Hooked {
    fn answer(&mut self, response: &mut ChatResponse) -> Result<()> {
        self.each("response", |hooks, call| hooks.response(call, response))?;
        if let Some(usage) = &response.usage {
            self.tokens.merge(usage);
        }
        self.answer = self.policy.collect.then(|| response.clone());
        Ok(())
    }

    fn event(&mut self, event: &mut Event) -> Result<()> {
        if self.first_event.is_none() {
            self.first_event = Some(self.called.elapsed());
        }
        self.each("event", |hooks, call| hooks.event(call, event))?;
        self.tokens.see(event);
        if let Some(events) = &mut self.events {
            events.push(event);
        }
        Ok(())
    }

    fn end(mut self, end: End<'_>) {
        let collected = self.events.take().filter(|_| self.streamed);
        let collected = collected.map(|events| {
            let mut response = events.into_response();
            response.provider.clone_from(&self.model.info().provider);
            response
        });
        let end = HookEnd {
            outcome: match end {
                End::Completed => HookOutcome::Completed,
                End::Failed(error) => HookOutcome::Failed(error),
                End::Dropped => HookOutcome::Dropped,
            },
            total: self.called.elapsed(),
            first_event: self.first_event,
            tokens: self.tokens,
            response: self.answer.as_ref().or(collected.as_ref()),
        };
        let told = self.each("after", |hooks, call| {
            // A panic in one must not keep it from the others.
            let _ = guard("after", || {
                hooks.after(call, &end);
                Ok(())
            });
            Ok(())
        });
        debug_assert!(told.is_ok());
    }
}
