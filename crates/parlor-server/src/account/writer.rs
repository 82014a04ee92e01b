//! Writes down what became of requests, apart from those who answer them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use parlor::ErrorKind;
use parlor_store::{Store, UsageEvent};
use tokio::sync::Notify;

use super::UsageSink;

/// The most events that wait for the store: some minutes of a busy service.
const MOST: usize = 16 * 1024;
/// How many are written at once.
const BATCH: usize = 512;
/// How long events are gathered before they are written: a write costs a store more than a request
/// costs the service.
const GATHER: Duration = Duration::from_millis(250);
/// How often the store may refuse a batch before it is dropped.
const TRIES: u32 = 60;
/// How long the store is left alone when it couldn't write.
const REST: Duration = Duration::from_secs(1);

/// A queue before a store: what doesn't fit into it is dropped and counted, and nobody waits.
#[derive(Debug)]
pub struct UsageWriter {
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

impl UsageWriter {
    /// Begins to write into a store, by a task that ends with the writer when all is written.
    /// While the store is away it is tried each second.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(store: Store) -> Self {
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
                while let Err(error) = store.record(&batch).await {
                    shared.is_failing.store(true, Ordering::Relaxed);
                    // A store that is away comes back; one that refuses may refuse for ever.
                    tries -= u32::from(error.kind() != ErrorKind::Connection);
                    if tries == 0 {
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
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// How many wait for the store.
    pub fn waiting(&self) -> usize {
        let waiting = self.shared.waiting.lock();
        waiting.unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Whether the store couldn't write what it was last given.
    pub fn is_failing(&self) -> bool {
        self.shared.is_failing.load(Ordering::Relaxed)
    }

    /// Waits until everything is written that came before.
    pub async fn flushed(&self) {
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

impl Drop for UsageWriter {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.came.notify_one();
        self.shared.hurry.notify_one();
    }
}

impl UsageSink for UsageWriter {
    fn used(&self, event: &UsageEvent) {
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
