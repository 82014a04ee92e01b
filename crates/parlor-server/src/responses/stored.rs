//! Responses in the store of the service, where every instance finds them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use parlor::{Error, ErrorKind, Result};
use parlor_store::KeptResponse;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use super::memory::InMemory;
use super::{AGE, ResponseStore};
use crate::account::now_ms;
use crate::chat::Shelf;

/// The most responses that wait to be written; their texts have the bounds of memory.
const QUEUE: usize = 4096;
/// How many are written at once.
const BATCH: usize = 32;
/// How often a store that fails is tried, and how long it is left alone between.
const TRIES: u32 = 60;
const REST: Duration = Duration::from_secs(1);
/// How often those that are too old are taken away.
const SWEEP: Duration = Duration::from_secs(10 * 60);
/// How often another instance may be about to write one that isn't there, and how soon it is looked
/// for again.
const LOOKS: u32 = 4;
const SOON: Duration = Duration::from_millis(75);

/// The responses of a store. One that is about to be written is found in memory.
#[derive(Debug)]
pub(super) struct Stored {
    shelf: Arc<Shelf>,
    waiting: Arc<InMemory>,
    hand: Arc<Hand>,
    queue: OnceLock<mpsc::Sender<Job>>,
    /// Whether other instances write there, too.
    is_shared: bool,
}

/// The keys of what is being written, and whether it was taken away since.
#[derive(Debug, Default)]
struct Hand(Mutex<HashMap<String, bool>>);

impl Hand {
    fn keys(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes one in hand: before it is looked for.
    fn take(&self, key: &str) {
        self.keys().insert(key.to_owned(), false);
    }

    /// One is taken away, after which it isn't found any more.
    fn forget(&self, key: &str) {
        if let Some(is_gone) = self.keys().get_mut(key) {
            *is_gone = true;
        }
    }

    /// One was written; whether it was taken away meanwhile.
    fn done(&self, key: &str) -> bool {
        self.keys().remove(key).unwrap_or(false)
    }
}

#[derive(Debug)]
enum Job {
    Write(String),
    Tell(oneshot::Sender<()>),
}

impl Stored {
    pub(super) fn new(shelf: Arc<Shelf>, is_shared: bool) -> Self {
        Self {
            shelf,
            waiting: Arc::default(),
            hand: Arc::default(),
            queue: OnceLock::new(),
            is_shared,
        }
    }

    fn queue(&self) -> &mpsc::Sender<Job> {
        self.queue.get_or_init(|| {
            let (queue, jobs) = mpsc::channel(QUEUE);
            let (shelf, waiting) = (Arc::clone(&self.shelf), Arc::clone(&self.waiting));
            tokio::spawn(work(shelf, waiting, Arc::clone(&self.hand), jobs));
            queue
        })
    }
}

/// Writes what is put, until the store of responses is gone.
async fn work(
    shelf: Arc<Shelf>,
    waiting: Arc<InMemory>,
    hand: Arc<Hand>,
    mut jobs: mpsc::Receiver<Job>,
) {
    let mut swept: Option<Instant> = None;
    let mut some = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut some, BATCH).await > 0 {
        let (mut batch, mut told) = (Vec::new(), Vec::new());
        for job in some.drain(..) {
            match job {
                // One that was taken away since, or made way for others, isn't kept.
                Job::Write(key) => {
                    hand.take(&key);
                    match waiting.find(&key) {
                        Some(text) => batch.push(KeptResponse {
                            at_ms: now_ms(),
                            text: text.as_ref().to_owned(),
                            key,
                        }),
                        None => {
                            hand.done(&key);
                        }
                    }
                }
                Job::Tell(when) => told.push(when),
            }
        }
        for _ in 0..TRIES {
            if batch.is_empty() || write(&shelf, &batch).await.is_ok() {
                break;
            }
            sleep(REST).await;
        }
        for kept in &batch {
            waiting.forget(&kept.key);
            if hand.done(&kept.key) {
                forget(&shelf, &kept.key).await;
            }
        }
        if swept.is_none_or(|at| at.elapsed() > SWEEP)
            && let Ok(store) = shelf.store().await
        {
            // What is too old isn't found anyway; another time will do.
            let _ = store.forget_responses(oldest()).await;
            swept = Some(Instant::now());
        }
        for when in told {
            let _ = when.send(());
        }
    }
}

/// Takes away again what was written though it had been taken away.
async fn forget(shelf: &Shelf, key: &str) {
    for _ in 0..TRIES {
        if let Ok(store) = shelf.store().await
            && store.forget_response(key).await.is_ok()
        {
            break;
        }
        sleep(REST).await;
    }
}

async fn write(shelf: &Shelf, batch: &[KeptResponse]) -> Result<()> {
    shelf.store().await?.keep_responses(batch).await
}

fn oldest() -> i64 {
    let age = i64::try_from(AGE.as_millis()).unwrap_or(i64::MAX);
    now_ms().saturating_sub(age)
}

/// What was said before can't be looked up for now.
fn away(error: Error) -> Error {
    Error::new(
        ErrorKind::Overloaded,
        "the store of this service's responses is away",
    )
    .with_status(503)
    .with_source(error)
}

#[async_trait]
impl ResponseStore for Stored {
    fn put(&self, key: String, kept: String) {
        self.waiting.put(key.clone(), kept);
        // Without room it is found here for a while, and nowhere later.
        let _ = self.queue().try_send(Job::Write(key));
    }

    async fn get(&self, key: &str) -> Result<Option<Arc<str>>> {
        let looks = if self.is_shared { LOOKS } else { 1 };
        for look in 1..=looks {
            if let Some(text) = self.waiting.find(key) {
                return Ok(Some(text));
            }
            let store = self.shelf.store().await.map_err(away)?;
            let found = store.response(key, oldest()).await.map_err(away)?;
            if found.is_some() || look == looks {
                return Ok(found.map(Arc::from));
            }
            sleep(SOON).await;
        }
        Ok(None)
    }

    async fn delete(&self, key: &str) -> Result<bool> {
        let was_waiting = self.waiting.forget(key);
        self.hand.forget(key);
        let store = self.shelf.store().await.map_err(away)?;
        let was_kept = store.forget_response(key).await.map_err(away)?;
        Ok(was_waiting || was_kept)
    }

    async fn flushed(&self) {
        let Some(queue) = self.queue.get() else {
            return;
        };
        let (tell, told) = oneshot::channel();
        if queue.send(Job::Tell(tell)).await.is_ok() {
            let _ = told.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use parlor_store::Store;

    use super::*;
    use crate::chat::StoreAt;

    #[tokio::test]
    async fn what_is_deleted_while_it_is_written_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::sqlite(folder.path().join("kept.db")).await.unwrap();
        let shelf = Shelf::new(StoreAt::Open(store.clone()));
        let responses = Stored::new(Arc::new(shelf), false);
        for turns in 0..200 {
            let answer = "an answer ".repeat(20_000);
            responses.put("key".to_owned(), answer);
            // The writer comes to another point each time.
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            responses.delete("key").await.unwrap();
            responses.flushed().await;
            let kept = store.response("key", 0).await.unwrap();
            assert!(kept.is_none(), "after {turns} turns");
        }
    }
}
