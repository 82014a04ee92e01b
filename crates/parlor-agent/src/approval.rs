//! Who may say no before a tool runs.

use crate::tool::Effect;
use async_trait::async_trait;
use parlor_core::{ToolCall, ToolDefinition};
use std::fmt;

/// What was decided of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Approval {
    /// It runs.
    Allow,
    /// It runs, and so do later calls of the tool in this conversation.
    AllowAlways,
    /// It doesn't run; the model is told, with the reason if there is one.
    Deny(Option<String>),
    /// Neither this call nor a later one of the tool in this conversation runs.
    DenyAlways,
    /// It isn't decided now: the turn ends as
    /// [`Outcome::Pending`](crate::Outcome::Pending) and can be resumed, in
    /// another process too.
    Later,
}

/// A call that waits for a decision.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct ApprovalRequest<'a> {
    /// The call, with the arguments as the model wrote them.
    pub call: &'a ToolCall,
    /// What the model was told of the tool.
    pub definition: &'a ToolDefinition,
    /// Whether it changes anything.
    pub effect: Effect,
}

/// Decides whether a call runs.
#[async_trait]
pub trait Approver: Send + Sync {
    /// Decides on one call.
    ///
    /// # Behavior
    /// - Asked for calls of tools that [change](Effect::Changes) something,
    ///   one after the other in the model's order, before any of them runs.
    /// - Dropping the future means that the turn was stopped.
    async fn approve(&self, request: ApprovalRequest<'_>) -> Approval;
}

/// Lets every tool run.
pub fn approve_all() -> impl Approver {
    approve_with(|_| Approval::Allow)
}

/// Lets no tool run that changes anything: what a conversation does that was
/// given nobody to ask.
pub fn approve_none() -> impl Approver {
    let reason = "nobody is there to approve of it";
    approve_with(move |_| Approval::Deny(Some(reason.to_owned())))
}

/// Decides by a function.
pub fn approve_with(
    decide: impl Fn(ApprovalRequest<'_>) -> Approval + Send + Sync,
) -> impl Approver {
    With(decide)
}

struct With<F>(F);

impl<F> fmt::Debug for With<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("With")
    }
}

#[async_trait]
impl<F: Fn(ApprovalRequest<'_>) -> Approval + Send + Sync> Approver for With<F> {
    async fn approve(&self, request: ApprovalRequest<'_>) -> Approval {
        (self.0)(request)
    }
}
