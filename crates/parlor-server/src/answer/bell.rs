//! Knows whether there is anything new to read, so that nobody looks in vain.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// Stands between a stream and the task that reads it. A connection asks for more right after each
/// frame, and whenever its socket takes more; a look at the stream goes through all its layers down
/// to the provider's connection, only to find nothing.
pub(super) struct Bell {
    wire: Arc<Wire>,
    /// Rings this one.
    waker: Waker,
}

struct Wire {
    rang: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Wire {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Bell {
    pub(super) fn new() -> Self {
        let wire = Arc::new(Wire {
            rang: AtomicBool::new(true),
            task: AtomicWaker::new(),
        });
        let waker = Waker::from(wire.clone());
        Self { wire, waker }
    }

    /// Whether it rang since it was last answered. Where it did not, the task of `cx` is woken once it does.
    pub(super) fn rang(&self, cx: &Context<'_>) -> bool {
        // In this order: one that rings in between is heard.
        self.wire.task.register(cx.waker());
        self.wire.rang.load(Ordering::Acquire)
    }

    /// Polls what rings it; until it is pending there is more.
    pub(super) fn answer<T>(&self, poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        // What rang it is seen by what is polled.
        self.wire.rang.swap(false, Ordering::Acquire);
        let polled = poll(&mut Context::from_waker(&self.waker));
        if polled.is_ready() {
            self.wire.rang.store(true, Ordering::Relaxed);
        }
        polled
    }
}
