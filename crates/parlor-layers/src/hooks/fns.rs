//! Hooks from closures.

use super::{HookCall, HookEnd, Hooks};
use async_trait::async_trait;
use parlor_core::{ChatRequest, ChatResponse, Event, Result};
use std::borrow::Cow;
use std::fmt;

type Before = dyn Fn(&HookCall<'_>, &mut Cow<'_, ChatRequest>) -> Result<()> + Send + Sync;
type OnEvent = dyn Fn(&HookCall<'_>, &mut Event) -> Result<()> + Send + Sync;
type OnResponse = dyn Fn(&HookCall<'_>, &mut ChatResponse) -> Result<()> + Send + Sync;
type After = dyn Fn(&HookCall<'_>, &HookEnd<'_>) + Send + Sync;

/// [`Hooks`] of which each is a closure or nothing. A closure that is set twice
/// is the one set last.
#[derive(Default)]
pub struct HookFns {
    before: Option<Box<Before>>,
    event: Option<Box<OnEvent>>,
    response: Option<Box<OnResponse>>,
    after: Option<Box<After>>,
}

impl HookFns {
    /// No hooks.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with this one as [`Hooks::before`].
    #[must_use]
    pub fn before(
        mut self,
        hook: impl Fn(&HookCall<'_>, &mut Cow<'_, ChatRequest>) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.before = Some(Box::new(hook));
        self
    }

    /// The same with this one as [`Hooks::event`].
    #[must_use]
    pub fn event(
        mut self,
        hook: impl Fn(&HookCall<'_>, &mut Event) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.event = Some(Box::new(hook));
        self
    }

    /// The same with this one as [`Hooks::response`].
    #[must_use]
    pub fn response(
        mut self,
        hook: impl Fn(&HookCall<'_>, &mut ChatResponse) -> Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.response = Some(Box::new(hook));
        self
    }

    /// The same with this one as [`Hooks::after`].
    #[must_use]
    pub fn after(
        mut self,
        hook: impl Fn(&HookCall<'_>, &HookEnd<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.after = Some(Box::new(hook));
        self
    }
}

impl fmt::Debug for HookFns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HookFns")
            .field("before", &self.before.is_some())
            .field("event", &self.event.is_some())
            .field("response", &self.response.is_some())
            .field("after", &self.after.is_some())
            .finish()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Hooks for HookFns {
    async fn before(&self, call: &HookCall<'_>, request: &mut Cow<'_, ChatRequest>) -> Result<()> {
        self.before.as_ref().map_or(Ok(()), |it| it(call, request))
    }

    fn event(&self, call: &HookCall<'_>, event: &mut Event) -> Result<()> {
        self.event.as_ref().map_or(Ok(()), |it| it(call, event))
    }

    fn response(&self, call: &HookCall<'_>, response: &mut ChatResponse) -> Result<()> {
        self.response
            .as_ref()
            .map_or(Ok(()), |it| it(call, response))
    }

    fn after(&self, call: &HookCall<'_>, end: &HookEnd<'_>) {
        if let Some(after) = &self.after {
            after(call, end);
        }
    }
}
