//! What a run tells of, and how it is stopped from elsewhere.

use crate::reply::Reply;
use parlor_core::{Event, ToolCall, ToolResult};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;

/// What a run tells of, in order.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RunEvent {
    /// The model is asked, for the nth time from 1.
    StepStarted(u32),
    /// What the model says; each step has its own stream of these.
    Model(Event),
    /// A call runs.
    ToolStarted(ToolCall),
    /// A call has its result, or was refused one.
    ToolFinished(ToolResult),
    /// The run is over; nothing follows.
    Finished(Box<Reply>),
}

impl RunEvent {
    /// The text of a delta of the answer.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Model(event) => event.text(),
            _ => None,
        }
    }
}

/// Stops a [`Run`](crate::Run) or a [`Batch`](crate::Batch) from elsewhere.
/// Clones stop the same one.
#[derive(Debug, Clone, Default)]
pub struct Stopper(Arc<(AtomicBool, Notify)>);

impl Stopper {
    /// Ends a run as [`Outcome::Stopped`](crate::Outcome::Stopped), with what has
    /// come. The request and the tools are dropped when the run is next polled. A
    /// batch begins nothing more.
    pub fn stop(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.notify_waiters();
    }

    /// Whether it was told to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }

    /// Waits until it is told to stop.
    pub(crate) async fn stopped(&self) {
        // Taken before the look, so that a stop in between is not missed.
        let notified = self.0.1.notified();
        if !self.is_stopped() {
            notified.await;
        }
    }
}
