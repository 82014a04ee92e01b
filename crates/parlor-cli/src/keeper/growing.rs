//! A turn that is kept while its answer comes, so that a kill costs a second of it.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use parlor::Event;
use parlor::agent::{ConversationStore, Turn, TurnId};
use tokio::time::{Instant, Sleep, sleep};

use super::{Shelf, kept};

/// How long a turn that grows is left before it is kept again.
const KEPT_EVERY: Duration = Duration::from_secs(1);

/// Keeps what has come of a turn, over and over, while whoever asked goes on. What
/// can't be kept is told of by nobody here: the whole turn is kept at its end, or
/// that is told.
pub(crate) struct Growing {
    shelf: Shelf,
    /// The turn, once its question is kept.
    turn: Arc<OnceLock<TurnId>>,
    /// The instance of the provider that is asked.
    provider: String,
    has_grown: bool,
    /// When it is kept next.
    due: Option<Pin<Box<Sleep>>>,
    writing: Option<BoxFuture<'static, ()>>,
}

impl Growing {
    pub(super) fn new(shelf: Shelf, turn: Arc<OnceLock<TurnId>>, provider: &str) -> Self {
        Self {
            shelf,
            turn,
            provider: provider.to_owned(),
            has_grown: false,
            due: None,
            writing: None,
        }
    }

    /// This came of the answer.
    pub(crate) fn came(&mut self, event: &Event) {
        self.has_grown |= matches!(
            event,
            Event::TextDelta { .. } | Event::ReasoningDelta { .. } | Event::PartFinished { .. }
        );
    }

    /// Resolves when what has come is to be kept: at most once a second, and never
    /// while nothing has. Dropping the future loses nothing.
    pub(crate) async fn due(&mut self) {
        self.rest().await;
        if !self.has_grown {
            std::future::pending::<()>().await;
        }
        let due = self.due.get_or_insert_with(|| Box::pin(sleep(KEPT_EVERY)));
        loop {
            due.as_mut().await;
            if self.turn.get().is_some() {
                return;
            }
            due.as_mut().reset(Instant::now() + KEPT_EVERY);
        }
    }

    /// Begins to keep the turn as it is now; [`due`](Self::due) goes on with it.
    pub(crate) fn keep(&mut self, turn: &Turn) {
        let Some(id) = self.turn.get().copied() else {
            return;
        };
        self.has_grown = false;
        let (shelf, turn) = (self.shelf.clone(), kept(turn, &self.provider, None));
        self.writing = Some(Box::pin(async move {
            if let Ok(store) = shelf.store().await {
                let _ = store.update(id, &turn).await;
            }
        }));
    }

    /// Waits until nothing is being written any more, so that what is written next
    /// is the last.
    pub(crate) async fn rest(&mut self) {
        if let Some(writing) = &mut self.writing {
            writing.await;
            self.writing = None;
            if let Some(due) = &mut self.due {
                due.as_mut().reset(Instant::now() + KEPT_EVERY);
            }
        }
    }
}
