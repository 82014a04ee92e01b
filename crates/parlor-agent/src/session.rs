//! A conversation that ends at a time, and stops what runs when it does.

use crate::conversation::Conversation;
use crate::reply::Reply;
use crate::run::{Run, Stopper};
use crate::surroundings::Bounds;
use parlor_core::{ChatRequest, Result};
use std::time::Duration;
use tokio::time::Instant;

/// A conversation with an end: at a time, after so much work, or when somebody
/// says so.
///
/// Whatever goes on then ends as a run does that is stopped: the request is
/// closed, tools are dropped, what had come is kept, and the history can be
/// sent again. The run's outcome is [`TimeLimit`](crate::Outcome::TimeLimit) where
/// the time was over and [`Stopped`](crate::Outcome::Stopped) where the session
/// was ended. From then on nothing more begins.
///
/// No task is spawned, so that a run must be polled or dropped for its request
/// to be closed.
///
/// ```
/// use parlor_agent::{Conversation, Session};
/// use parlor_core::{Echo, ErrorKind};
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut session = Session::new(Conversation::new(Echo::new())).with_time(Duration::from_secs(600));
/// let guard = session.guard();
/// assert_eq!(session.send("Why?").await?.text(), "Why?");
///
/// // Whoever holds the guard, such as a connection, ends the session.
/// drop(guard);
/// assert_eq!(session.send("Why not?").await.unwrap_err().kind(), ErrorKind::Cancelled);
/// let chat = session.end();
/// assert_eq!(chat.history().turns().len(), 1);
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct Session {
    conversation: Conversation,
}

impl Session {
    /// A session without limits of time, which begins now.
    pub fn new(mut conversation: Conversation) -> Self {
        conversation.surroundings_mut().set_session(Some(Bounds {
            stopper: Stopper::default(),
            until: None,
            busy: None,
        }));
        Self { conversation }
    }

    /// The same session that is over after this time from now, whatever goes on
    /// then.
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        // Beyond the clock's reach is never.
        let until = Instant::now().checked_add(time);
        self.change(|bounds| bounds.until = until);
        self
    }

    /// The same session whose runs may take this long all together. A run takes
    /// from its first poll until it is dropped; the time between runs is free.
    #[must_use]
    pub fn with_busy_time(mut self, time: Duration) -> Self {
        self.change(|bounds| bounds.busy = Some(time));
        self
    }

    /// How much time is left; `None` where nothing limits it.
    pub fn time_left(&self) -> Option<Duration> {
        let bounds = self.conversation.surroundings().session()?;
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        bounds.until.map(left).into_iter().chain(bounds.busy).min()
    }

    /// Whether nothing more begins.
    pub fn is_over(&self) -> bool {
        self.conversation.surroundings().admit().is_err()
    }

    /// Ends the session when it is dropped, wherever that is.
    pub fn guard(&self) -> SessionGuard {
        let stopper = self.conversation.surroundings().stopper();
        SessionGuard(stopper.unwrap_or_default())
    }

    /// Says something and waits for what comes of it.
    ///
    /// # Errors
    /// As [`Conversation::send`]. When the session is over:
    /// [`Timeout`](parlor_core::ErrorKind::Timeout) of the
    /// [`Total`](parlor_core::TimeoutKind::Total) where its time was, else
    /// [`Cancelled`](parlor_core::ErrorKind::Cancelled). Nothing is sent then, and
    /// the history stays as it is.
    pub async fn send(&mut self, message: impl Into<ChatRequest>) -> Result<Reply> {
        self.conversation.send(message).await
    }

    /// Says something; the run tells what comes of it.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub fn stream(&mut self, message: impl Into<ChatRequest>) -> Result<Run<'_>> {
        self.conversation.stream(message)
    }

    /// The conversation.
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// The conversation, to be changed, and for all else that it can do. It
    /// stays within the session.
    pub fn conversation_mut(&mut self) -> &mut Conversation {
        &mut self.conversation
    }

    /// Ends the session, and gives the conversation without its bounds.
    pub fn end(mut self) -> Conversation {
        self.conversation.surroundings_mut().set_session(None);
        self.conversation
    }

    fn change(&mut self, change: impl FnOnce(&mut Bounds)) {
        let mut bounds = self.conversation.surroundings().session().cloned();
        if let Some(bounds) = &mut bounds {
            change(bounds);
        }
        self.conversation.surroundings_mut().set_session(bounds);
    }
}

/// Ends a [`Session`] when it is dropped: what runs is stopped, with what has
/// come, and nothing more begins.
#[derive(Debug)]
#[must_use = "dropped at once, it ends the session at once"]
pub struct SessionGuard(Stopper);

impl Drop for SessionGuard {
    fn drop(&mut self) {
        self.0.stop();
    }
}
