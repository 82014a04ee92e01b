//! Writes down what became of requests.

use async_trait::async_trait;
use parlor::Result;
use parlor_store::{Store, UsageEvent};

use super::UsageSink;
use super::queue::{Queue, Target};

/// A queue before a store: what doesn't fit into it is dropped and counted, and nobody waits.
#[derive(Debug)]
pub struct UsageWriter {
    queue: Queue,
}

#[async_trait]
impl Target for Store {
    async fn take(&self, batch: &[UsageEvent]) -> Result<usize> {
        self.record(batch).await
    }
}

impl UsageWriter {
    /// Begins to write into a store, by a task that ends with the writer when all is written.
    /// While the store is away it is tried each second.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn start(store: Store) -> Self {
        Self {
            queue: Queue::to(store),
        }
    }

    /// How many events were dropped: for want of room, or since the store can't write them.
    pub fn dropped(&self) -> u64 {
        self.queue.dropped()
    }

    /// How many wait for the store.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }

    /// Whether the store couldn't write what it was last given.
    pub fn is_failing(&self) -> bool {
        self.queue.is_failing()
    }

    /// Waits until everything is written that came before.
    pub async fn flushed(&self) {
        self.queue.flushed().await;
    }
}

impl UsageSink for UsageWriter {
    fn used(&self, event: &UsageEvent) {
        self.queue.push(event);
    }
}
