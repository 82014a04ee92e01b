//! Events on their way to whoever keeps them, apart from those who answer requests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use parlor::{Error, ErrorKind, Result};
use parlor_store::UsageEvent;
use tokio::sync::Notify;

/// The most events that wait: some minutes of a busy service.
const MOST: usize = 16 * 1024;
/// How many are taken at once.
const BATCH: usize = 512;
/// How long events are gathered before they are taken: that costs more than a request costs the
/// service.
const GATHER: Duration = Duration::from_millis(250);
/// How often a batch may be refused before it is dropped.
const TRIES: u32 = 60;
/// How long whoever couldn't take a batch is left alone.
const REST: Duration = Duration::from_secs(1);

/// Takes events by the batch.
#[async_trait]
pub(crate) trait Target: Send + Sync + 'static {
    /// Takes a batch.
    ///
    /// # Behavior
    /// - The same batch comes again after a failure, unless [`refuses`](Self::refuses) says that it
    ///   is for good.
    async fn take(&self, batch: &[UsageEvent]) -> Result<()>;

    /// Whether a batch that failed so would fail again.
    ///
    /// # Behavior
    /// - Asked once for each failure. What is refused is dropped and counted.
    fn refuses(&self, _error: &Error) -> bool {
        false
    }
}

/// A queue before a target: what doesn't fit into it is dropped and counted, and nobody waits.
#[derive(Debug)]
pub(crate) struct Queue {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<VecDeque<UsageEvent>>,
    came: Notify,
    /// There is enough for a batch, or somebody waits for what there is.
    hurry: Notify,
    written: Notify,
    dropped: AtomicU64,
    is_writing: AtomicBool,
    is_failing: AtomicBool,
    is_over: AtomicBool,
}

impl Queue {
    /// Begins to hand events to a target, by a task that ends with the queue when all are taken.
    /// While the target is away it is tried each second.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub(crate) fn to(target: impl Target) -> Self {
        let shared = Arc::new(Shared::default());
        let writes = Arc::clone(&shared);
        tokio::spawn(async move {
            let shared = writes;
            loop {
                let batch = shared.take();
                if batch.is_empty() {
                    shared.is_writing.store(false, Ordering::Release);
                    shared.written.notify_waiters();
                    if shared.is_over.load(Ordering::Acquire) {
                        return;
                    }
                    shared.came.notified().await;
                    // It is over when enough has come, or in time.
                    let _ = tokio::time::timeout(GATHER, shared.hurry.notified()).await;
                    continue;
                }
                let mut tries = TRIES;
                while let Err(error) = target.take(&batch).await {
                    shared.is_failing.store(true, Ordering::Relaxed);
                    // Who is away comes back; who refuses may refuse for ever.
                    tries -= u32::from(error.kind() != ErrorKind::Connection);
                    if tries == 0 || target.refuses(&error) {
                        let lost = batch.len() as u64;
                        shared.dropped.fetch_add(lost, Ordering::Relaxed);
                        break;
                    }
                    tokio::time::sleep(REST).await;
                }
                shared.is_failing.store(false, Ordering::Relaxed);
            }
        });
        Self { shared }
    }

    /// How many events were dropped for want of room.
    pub(crate) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        let waiting = self.shared.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether the target couldn't take what it was last given.
    pub(crate) fn is_failing(&self) -> bool {
        self.shared.is_failing.load(Ordering::Relaxed)
    }

    /// Waits until everything is written that came before.
    pub(crate) async fn flushed(&self) {
        loop {
            let written = self.shared.written.notified();
            if self.waiting() == 0 && !self.shared.is_writing.load(Ordering::Acquire) {
                return;
            }
            self.shared.came.notify_one();
            self.shared.hurry.notify_one();
            written.await;
        }
    }

    /// Takes an event along, or drops it.
    pub(crate) fn push(&self, event: &UsageEvent) {
        let waiting = self.shared.waiting.lock();
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.push_back(event.clone());
        let (is_first, is_enough) = (waiting.len() == 1, waiting.len() == BATCH);
        drop(waiting);
        if is_first {
            self.shared.came.notify_one();
        }
        if is_enough {
            self.shared.hurry.notify_one();
        }
    }
}

impl Shared {
    fn take(&self) -> Vec<UsageEvent> {
        let waiting = self.waiting.lock();
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        let count = waiting.len().min(BATCH);
        if count > 0 {
            self.is_writing.store(true, Ordering::Release);
        }
        waiting.drain(..count).collect()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.came.notify_one();
        self.shared.hurry.notify_one();
    }
}
