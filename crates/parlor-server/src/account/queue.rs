//! Events on their way to whoever keeps them, apart from those who answer requests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    /// Takes a batch, and says how many of it can't ever be taken: they are dropped and counted.
    ///
    /// # Behavior
    /// - The same batch comes again after a failure, unless [`refuses`](Self::refuses) says that it
    ///   is for good.
    async fn take(&self, batch: &[UsageEvent]) -> Result<usize>;

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
    waiting: Mutex<Waiting>,
    came: Notify,
    /// There is enough for a batch, or somebody waits for what there is.
    hurry: Notify,
    /// How many were taken or given up, and that there are more of them.
    gone: AtomicU64,
    written: Notify,
    dropped: AtomicU64,
    is_failing: AtomicBool,
    is_over: AtomicBool,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<UsageEvent>,
    /// How many there were so far, those that are gone with them.
    came: u64,
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
                let mut waiting = shared.waiting().events.len();
                while waiting == 0 {
                    if shared.is_over.load(Ordering::Acquire) {
                        return;
                    }
                    shared.came.notified().await;
                    waiting = shared.waiting().events.len();
                }
                // The few that came while others were written are gathered as these were.
                if waiting < BATCH && !shared.is_over.load(Ordering::Acquire) {
                    let _ = tokio::time::timeout(GATHER, shared.hurry.notified()).await;
                }
                let batch = shared.take();
                let mut tries = TRIES;
                let lost = loop {
                    let error = match target.take(&batch).await {
                        Ok(lost) => break lost,
                        Err(error) => error,
                    };
                    shared.is_failing.store(true, Ordering::Relaxed);
                    // Who is away comes back; who refuses may refuse for ever.
                    tries -= u32::from(error.kind() != ErrorKind::Connection);
                    if tries == 0 || target.refuses(&error) {
                        break batch.len();
                    }
                    tokio::time::sleep(REST).await;
                };
                shared.dropped.fetch_add(lost as u64, Ordering::Relaxed);
                shared.is_failing.store(false, Ordering::Relaxed);
                shared.gone.fetch_add(batch.len() as u64, Ordering::Release);
                shared.written.notify_waiters();
            }
        });
        Self { shared }
    }

    /// How many events were dropped: for want of room, or since they can't be taken.
    pub(crate) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.shared.waiting().events.len()
    }

    /// Whether the target couldn't take what it was last given.
    pub(crate) fn is_failing(&self) -> bool {
        self.shared.is_failing.load(Ordering::Relaxed)
    }

    /// Waits until everything is written that came before.
    pub(crate) async fn flushed(&self) {
        let came = self.shared.waiting().came;
        loop {
            let written = self.shared.written.notified();
            if self.shared.gone.load(Ordering::Acquire) >= came {
                return;
            }
            self.shared.came.notify_one();
            self.shared.hurry.notify_one();
            written.await;
        }
    }

    /// Takes an event along, or drops it.
    pub(crate) fn push(&self, event: &UsageEvent) {
        let mut waiting = self.shared.waiting();
        if waiting.events.len() >= MOST {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        waiting.events.push_back(event.clone());
        waiting.came += 1;
        let count = waiting.events.len();
        drop(waiting);
        if count == 1 {
            self.shared.came.notify_one();
        }
        if count == BATCH {
            self.shared.hurry.notify_one();
        }
    }
}

impl Shared {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics while it is held.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<UsageEvent> {
        let mut waiting = self.waiting();
        let count = waiting.events.len().min(BATCH);
        waiting.events.drain(..count).collect()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Release);
        self.shared.came.notify_one();
        self.shared.hurry.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

    use super::*;

    /// Says when it gets how many, and takes them when it may.
    struct Slow {
        says: UnboundedSender<(Instant, usize)>,
        may: Arc<Notify>,
    }

    #[async_trait]
    impl Target for Slow {
        async fn take(&self, batch: &[UsageEvent]) -> Result<usize> {
            let _ = self.says.send((Instant::now(), batch.len()));
            self.may.notified().await;
            Ok(0)
        }
    }

    #[tokio::test]
    async fn what_comes_while_others_are_written_is_gathered_too() {
        let (says, mut said) = unbounded_channel();
        let may = Arc::new(Notify::new());
        let queue = Queue::to(Slow {
            says,
            may: Arc::clone(&may),
        });
        let event = UsageEvent::new(String::new(), "of-tests", 0);
        queue.push(&event);
        let (_, first) = said.recv().await.unwrap();
        queue.push(&event);
        queue.push(&event);
        let taken = Instant::now();
        may.notify_one();
        let (at, second) = said.recv().await.unwrap();
        assert_eq!((first, second), (1, 2));
        assert!(at.duration_since(taken) >= GATHER / 2);
        may.notify_one();
        queue.flushed().await;
        assert_eq!(queue.waiting(), 0);
    }

    #[tokio::test]
    async fn who_waits_for_all_to_be_written_waits_for_no_more_than_there_was() {
        let (says, mut said) = unbounded_channel();
        let may = Arc::new(Notify::new());
        let queue = Queue::to(Slow {
            says,
            may: Arc::clone(&may),
        });
        let event = UsageEvent::new(String::new(), "of-tests", 0);
        queue.push(&event);
        let came = async {
            said.recv().await;
            queue.push(&event);
            may.notify_one();
        };
        tokio::join!(queue.flushed(), came);
        assert_eq!(queue.waiting(), 1);
    }
}
