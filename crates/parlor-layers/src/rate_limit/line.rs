//! The lines in which calls wait, one for each key: first come, first served.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use tokio::sync::{Notify, Semaphore};

/// One line. Who has the turn asks the store; the others wait for the turn.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) turn: Semaphore,
    /// Told when something was given back.
    pub(super) given_back: Notify,
    /// Reservations of this line that may still give something back.
    open: AtomicUsize,
}

impl Line {
    fn new() -> Self {
        Self {
            turn: Semaphore::new(1),
            given_back: Notify::new(),
            open: AtomicUsize::new(0),
        }
    }

    /// A reservation begins.
    pub(super) fn begin(&self) {
        self.open.fetch_add(1, Ordering::SeqCst);
    }

    /// A reservation ends, and whoever has the turn looks again.
    pub(super) fn end(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
        self.given_back.notify_one();
    }

    /// Whether something may be given back.
    pub(super) fn has_open(&self) -> bool {
        self.open.load(Ordering::SeqCst) > 0
    }
}

/// The lines that somebody waits in or has gone through.
#[derive(Debug, Default)]
pub(super) struct Lines(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_key: HashMap<Box<str>, Weak<Line>>,
    sweep_at: usize,
}

impl Lines {
    /// The line of a key.
    pub(super) fn of(&self, key: &str) -> Arc<Line> {
        // Nothing panics while it is held.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = known.by_key.get(key).and_then(Weak::upgrade) {
            return line;
        }
        if known.by_key.len() >= known.sweep_at {
            known.by_key.retain(|_, line| line.strong_count() > 0);
            known.sweep_at = (known.by_key.len() * 2).max(64);
        }
        let line = Arc::new(Line::new());
        known.by_key.insert(key.into(), Arc::downgrade(&line));
        line
    }
}
