//! An agent made of settings: conversations that share a model, its layers and their figures.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parlor_agent::{Conversation, Limits, RunEvent, Session, Statistics, Window};
use parlor_core::{ChatModel, ChatRequest};
use tracing::info;

use super::Hook;

/// An agent made of [`Settings`](super::Settings). Its conversations share the
/// model, its layers (so an answer that is kept is kept for all of them), and
/// the [figures](Self::statistics). Cheap to clone.
#[derive(Clone)]
pub struct Agent {
    pub(super) model: Arc<dyn ChatModel>,
    pub(super) request: ChatRequest,
    pub(super) system: Option<String>,
    pub(super) limits: Limits,
    pub(super) statistics: Statistics,
    pub(super) fits_window: bool,
    pub(super) error_length: Option<usize>,
    pub(super) progress: bool,
    pub(super) session_time: Option<Duration>,
    pub(super) hooks: Vec<Hook>,
}

impl Agent {
    /// A conversation in which nothing has been said.
    pub fn conversation(&self) -> Conversation {
        let mut chat = Conversation::shared(self.model.clone())
            .with_request(self.request.clone())
            .with_limits(self.limits.clone())
            .with_statistics(self.statistics.clone());
        if let Some(system) = &self.system {
            chat = chat.with_system(system);
        }
        if self.fits_window {
            chat = chat.with_window(Window::default());
        }
        if let Some(length) = self.error_length {
            chat = chat.with_error_limit(length);
        }
        if self.progress {
            chat = chat.on_event(log);
        }
        for hook in &self.hooks {
            let hook = hook.clone();
            chat = chat.on_event(move |event| hook(event));
        }
        chat
    }

    /// A conversation that is over after `session_time`, if that is set.
    pub fn session(&self) -> Session {
        let session = Session::new(self.conversation());
        match self.session_time {
            Some(time) => session.with_time(time),
            None => session,
        }
    }

    /// The model within its layers.
    pub fn model(&self) -> &Arc<dyn ChatModel> {
        &self.model
    }

    /// What each request begins with.
    pub fn request(&self) -> &ChatRequest {
        &self.request
    }

    /// What all its conversations count into.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }
}

/// Logs how a run gets on. What was said isn't in it.
fn log(event: &RunEvent) {
    const TARGET: &str = "parlor::progress";
    match event {
        RunEvent::StepStarted(step) => info!(target: TARGET, step, "the model is asked"),
        RunEvent::ToolStarted(call) => {
            info!(target: TARGET, tool = call.name, call = call.id, "a tool runs");
        }
        RunEvent::ToolFinished(result) => info!(
            target: TARGET,
            tool = result.name.as_deref().unwrap_or_default(),
            call = result.call_id,
            failed = result.is_error,
            "a tool has ended"
        ),
        RunEvent::Finished(reply) => info!(
            target: TARGET,
            outcome = ?reply.outcome,
            steps = reply.steps,
            tokens = reply.usage.total_tokens(),
            "the run has ended"
        ),
        _ => {}
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent")
            .field("model", &self.model.info().id())
            .field("limits", &self.limits)
            .field("hooks", &self.hooks.len())
            .finish_non_exhaustive()
    }
}
