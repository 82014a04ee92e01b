//! Where cached answers are kept: the trait, and memory.

use crate::key::CacheKey;
use async_trait::async_trait;
use bytes::Bytes;
use lru::LruCache;
use parlor_core::Result;
use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Keeps answers by key for a time: memory, or a store that several processes
/// share.
///
/// An answer is bytes, whose form is the cache's affair.
#[async_trait]
pub trait CacheStore: Send + Sync + Debug {
    /// The answer under a key.
    ///
    /// # Behavior
    /// - What was put last and whose time isn't over, or `None`. A store may
    ///   forget whatever it likes, but never gives one key's answer to another.
    /// - A failure costs the caller nothing but the time until it is told; the
    ///   layer bounds that time.
    async fn get(&self, key: &CacheKey) -> Result<Option<Bytes>>;

    /// Keeps an answer for this time, `None` is as long as there is room.
    ///
    /// # Behavior
    /// - Takes the place of what the key had.
    /// - Dropping the future leaves the old answer, the new one, or none.
    async fn put(&self, key: &CacheKey, answer: Bytes, ttl: Option<Duration>) -> Result<()>;
}

/// What an entry takes beside its answer: the key, times, and the links and slots
/// of the map. An estimate from above.
const ENTRY: usize = 256;

/// Keeps answers in memory, those asked for last.
///
/// Both bounds hold at any time. An answer counts with its length and what its
/// entry takes beside it, 256 bytes; one that doesn't fit alone isn't kept. Time is tokio's.
#[derive(Debug)]
pub struct MemoryStore {
    max_entries: usize,
    max_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    entries: LruCache<CacheKey, Entry>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    answer: Bytes,
    until: Option<Instant>,
}

impl Entry {
    fn bytes(&self) -> usize {
        self.answer.len().saturating_add(ENTRY)
    }
}

impl MemoryStore {
    /// A store of at most so many answers and bytes.
    pub fn new(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            max_entries,
            max_bytes,
            kept: Mutex::new(Kept {
                entries: LruCache::unbounded(),
                bytes: 0,
            }),
        }
    }

    /// How many answers there are, those included whose time is over and that
    /// nobody asked for since.
    pub fn len(&self) -> usize {
        self.kept().entries.len()
    }

    /// Whether there is no answer.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> usize {
        self.kept().bytes
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        let mut kept = self.kept();
        kept.entries.clear();
        kept.bytes = 0;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing that is done under the lock can panic halfway.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, key: &CacheKey) {
        if let Some(entry) = self.entries.pop(key) {
            self.bytes -= entry.bytes();
        }
    }
}

#[async_trait]
impl CacheStore for MemoryStore {
    async fn get(&self, key: &CacheKey) -> Result<Option<Bytes>> {
        let mut kept = self.kept();
        let found = kept.entries.get(key);
        let found = found.map(|entry| (entry.answer.clone(), entry.until));
        Ok(match found {
            Some((_, Some(until))) if until <= Instant::now() => {
                kept.remove(key);
                None
            }
            found => found.map(|(answer, _)| answer),
        })
    }

    async fn put(&self, key: &CacheKey, answer: Bytes, ttl: Option<Duration>) -> Result<()> {
        let entry = Entry {
            // A copy, so that no larger buffer is kept alive uncounted.
            answer: Bytes::copy_from_slice(&answer),
            // A time beyond the clock's reach is no limit.
            until: ttl.and_then(|ttl| Instant::now().checked_add(ttl)),
        };
        let mut kept = self.kept();
        kept.remove(key);
        let bytes = entry.bytes();
        if bytes > self.max_bytes || self.max_entries == 0 {
            return Ok(());
        }
        while kept.bytes.saturating_add(bytes) > self.max_bytes
            || kept.entries.len() >= self.max_entries
        {
            match kept.entries.pop_lru() {
                Some((_, old)) => kept.bytes -= old.bytes(),
                None => break,
            }
        }
        kept.bytes += bytes;
        kept.entries.put(*key, entry);
        Ok(())
    }
}
