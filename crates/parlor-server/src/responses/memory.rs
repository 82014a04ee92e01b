//! Responses in memory, the oldest of which make way for others.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use parlor::Result;

use super::{AGE, ResponseStore};

/// How many bytes of responses are kept in memory.
const MEMORY: usize = 64 * 1024 * 1024;

/// Responses in the memory of this process, the oldest of which make way for others.
#[derive(Debug, Default)]
pub(super) struct InMemory(Mutex<Memory>);

#[derive(Debug, Default)]
struct Memory {
    kept: HashMap<String, (Arc<str>, Instant)>,
    /// By age; keys that are gone or were put again may stand here still.
    order: VecDeque<(String, Instant)>,
    bytes: usize,
}

impl InMemory {
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that is there and isn't too old.
    pub(super) fn find(&self, key: &str) -> Option<Arc<str>> {
        let memory = self.lock();
        let found = memory.kept.get(key);
        let fresh = found.filter(|(_, at)| at.elapsed() <= AGE);
        fresh.map(|(text, _)| Arc::clone(text))
    }

    /// Takes one away; whether it was there.
    pub(super) fn forget(&self, key: &str) -> bool {
        self.lock().remove(key)
    }
}

impl Memory {
    fn remove(&mut self, key: &str) -> bool {
        let removed = self.kept.remove(key);
        if let Some((text, _)) = &removed {
            self.bytes -= text.len() + key.len();
        }
        removed.is_some()
    }
}

#[async_trait]
impl ResponseStore for InMemory {
    fn put(&self, key: String, kept: String) {
        let mut memory = self.lock();
        let size = key.len() + kept.len();
        if size > MEMORY {
            return;
        }
        memory.remove(&key);
        let now = Instant::now();
        while let Some((oldest, at)) = memory.order.front().cloned() {
            let is_stale = memory.kept.get(&oldest).is_none_or(|(_, put)| *put != at);
            let is_old = now.duration_since(at) > AGE || memory.bytes + size > MEMORY;
            if !is_stale && !is_old {
                break;
            }
            memory.order.pop_front();
            if !is_stale {
                memory.remove(&oldest);
            }
        }
        memory.bytes += size;
        memory.order.push_back((key.clone(), now));
        memory.kept.insert(key, (kept.into(), now));
    }

    async fn get(&self, key: &str) -> Result<Option<Arc<str>>> {
        Ok(self.find(key))
    }

    async fn delete(&self, key: &str) -> Result<bool> {
        Ok(self.forget(key))
    }
}
