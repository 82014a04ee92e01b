//! The relay of services that run in one process.

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parlor::Result;
use parlor_store::{Ear, Heard, Mark, Relay, Told};
use tokio::sync::Notify;

/// The most turns that are remembered in memory.
const MOST: usize = 1024;

/// The relay of services that run in one process.
#[derive(Debug, Clone, Default)]
pub struct MemoryRelay(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Known {
    holders: HashMap<String, (String, Instant)>,
    turns: HashMap<String, Turn>,
    oldest: VecDeque<String>,
}

#[derive(Debug, Default)]
struct Turn {
    told: Vec<Told>,
    is_stopped: bool,
}

impl Turn {
    fn until(&self) -> Mark {
        self.told.last().map(|it| it.mark).unwrap_or_default()
    }
}

impl MemoryRelay {
    /// One in which nothing was said.
    pub fn new() -> Self {
        Self::default()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, turn: &str, change: impl FnOnce(&mut Turn)) {
        let mut known = self.known();
        if !known.turns.contains_key(turn) {
            known.oldest.push_back(turn.to_owned());
            if known.oldest.len() > MOST
                && let Some(oldest) = known.oldest.pop_front()
            {
                known.turns.remove(&oldest);
            }
        }
        change(known.turns.entry(turn.to_owned()).or_default());
        drop(known);
        self.0.changed.notify_waiters();
    }

    /// Waits until there is what is looked for.
    async fn wait<T>(&self, look: impl Fn(&Known) -> Option<T>) -> T {
        loop {
            let changed = self.0.changed.notified();
            let mut changed = std::pin::pin!(changed);
            // From here on a change is not missed.
            changed.as_mut().enable();
            if let Some(found) = look(&self.known()) {
                return found;
            }
            changed.await;
        }
    }
}

#[async_trait]
impl Relay for MemoryRelay {
    async fn take(&self, conversation: &str, holder: &str, time: Duration) -> Result<bool> {
        let mut known = self.known();
        known
            .holders
            .retain(|_, (_, until)| *until > Instant::now());
        if let Some((other, _)) = known.holders.get(conversation)
            && other != holder
        {
            return Ok(false);
        }
        let held = (holder.to_owned(), Instant::now() + time);
        known.holders.insert(conversation.to_owned(), held);
        Ok(true)
    }

    async fn give_back(&self, conversation: &str, holder: &str) -> Result<()> {
        let mut known = self.known();
        if known
            .holders
            .get(conversation)
            .is_some_and(|(it, _)| it == holder)
        {
            known.holders.remove(conversation);
        }
        Ok(())
    }

    async fn is_taken(&self, conversation: &str) -> Result<bool> {
        let known = self.known();
        let held = known.holders.get(conversation);
        Ok(held.is_some_and(|(_, until)| *until > Instant::now()))
    }

    async fn tell(&self, turn: &str, after: Mark, told: &[Told]) -> Result<Heard> {
        let mut until = Mark::default();
        self.change(turn, |turn| {
            if turn.until() == after {
                turn.told.extend_from_slice(told);
            }
            until = turn.until();
        });
        // Nobody is far away here.
        let is_followed = true;
        Ok(Heard { until, is_followed })
    }

    fn follow(&self, turn: &str) -> Box<dyn Ear> {
        Box::new(MemoryEar(self.clone(), turn.to_owned()))
    }

    async fn stop(&self, turn: &str) -> Result<()> {
        self.change(turn, |turn| turn.is_stopped = true);
        Ok(())
    }

    async fn stopped(&self, turn: &str) -> Result<()> {
        let look = |known: &Known| known.turns.get(turn)?.is_stopped.then_some(());
        self.wait(look).await;
        Ok(())
    }
}

#[derive(Debug)]
struct MemoryEar(MemoryRelay, String);

#[async_trait]
impl Ear for MemoryEar {
    async fn hear(&mut self, after: Mark, wait: Duration) -> Result<Vec<Told>> {
        let Self(relay, turn) = self;
        let look = |known: &Known| {
            let told = known.turns.get(turn)?.told.iter();
            let told: Vec<_> = told.filter(|it| it.mark > after).cloned().collect();
            (!told.is_empty()).then_some(told)
        };
        let found = look(&relay.known());
        if let Some(told) = found {
            return Ok(told);
        }
        let heard = tokio::time::timeout(wait, relay.wait(look)).await;
        Ok(heard.unwrap_or_default())
    }
}
