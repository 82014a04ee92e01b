//! What a conversation is held in: who listens, how errors are shown, and a session's end.

use crate::conversation::Conversation;
use crate::run::{RunEvent, Stopper};
use parlor_core::{Error, ErrorKind, Result, TimeoutKind};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

type Listener = dyn Fn(&RunEvent) + Send + Sync;

/// What a conversation is held in.
#[derive(Clone, Default)]
pub(crate) struct Surroundings {
    listeners: Vec<Arc<Listener>>,
    /// The most characters of an error's message that are shown.
    error_limit: Option<usize>,
    session: Option<Bounds>,
}

/// What a session leaves to its conversation.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    pub(crate) stopper: Stopper,
    /// When it is over.
    pub(crate) until: Option<Instant>,
    /// What is left for runs.
    pub(crate) busy: Option<Duration>,
}

impl Surroundings {
    pub(crate) fn set_session(&mut self, bounds: Option<Bounds>) {
        self.session = bounds;
    }

    pub(crate) fn session(&self) -> Option<&Bounds> {
        self.session.as_ref()
    }

    /// Stops a run when the session ends.
    pub(crate) fn stopper(&self) -> Option<Stopper> {
        Some(self.session.as_ref()?.stopper.clone())
    }

    /// When a run that began then must be over by the session.
    pub(crate) fn until(&self, began: Instant) -> Option<Instant> {
        let session = self.session.as_ref()?;
        let busy = session.busy.and_then(|busy| began.checked_add(busy));
        session.until.into_iter().chain(busy).min()
    }

    /// A run took this long.
    pub(crate) fn spend(&mut self, time: Duration) {
        if let Some(Bounds {
            busy: Some(left), ..
        }) = &mut self.session
        {
            *left = left.saturating_sub(time);
        }
    }

    /// Whether another run may begin.
    pub(crate) fn admit(&self) -> Result<()> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let (kind, message) = if session.stopper.is_stopped() {
            (ErrorKind::Cancelled, "the session was ended")
        } else if session.is_late() {
            let kind = ErrorKind::Timeout(TimeoutKind::Total);
            (kind, "the session's time is over")
        } else {
            return Ok(());
        };
        let help = "What was said is in the history; another session can go on from it.";
        Err(Error::new(kind, message).with_help(help))
    }

    pub(crate) fn tell(&self, event: &RunEvent) {
        for listener in &self.listeners {
            listener(event);
        }
    }

    /// The error as it is to be shown.
    pub(crate) fn shown(&self, error: Error) -> Error {
        match self.error_limit {
            Some(limit) => error.with_message_limit(limit),
            None => error,
        }
    }
}

impl Bounds {
    pub(crate) fn is_late(&self) -> bool {
        let late = self.until.is_some_and(|until| until <= Instant::now());
        late || self.busy.is_some_and(|left| left.is_zero())
    }
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings")
            .field("listeners", &self.listeners.len())
            .field("error_limit", &self.error_limit)
            .field("session", &self.session)
            .finish()
    }
}

impl Conversation {
    /// The same conversation that tells a function each event of its runs before
    /// the run gives it: the answer piece by piece, steps, tools, the end. Several
    /// are told in the order in which they were added.
    ///
    /// It must not block. A run that is dropped tells nothing more.
    #[must_use]
    pub fn on_event(mut self, hook: impl Fn(&RunEvent) + Send + Sync + 'static) -> Self {
        self.surroundings_mut().listeners.push(Arc::new(hook));
        self
    }

    /// The same conversation that tells a function each piece of an answer's
    /// text.
    #[must_use]
    pub fn on_text(self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.on_event(move |event| {
            if let Some(text) = event.text() {
                hook(text);
            }
        })
    }

    /// The same conversation whose runs fail with errors that
    /// [show](Error::with_message_limit) at most so many characters of their
    /// message, and keep all of it.
    #[must_use]
    pub fn with_error_limit(mut self, characters: usize) -> Self {
        self.surroundings_mut().error_limit = Some(characters);
        self
    }
}
