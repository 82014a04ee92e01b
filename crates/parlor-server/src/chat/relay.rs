//! What several instances of a service tell each other of turns: who has a conversation, what its
//! turn says, and that it is to stop.

use std::collections::{HashMap, VecDeque};
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use parlor::Result;
use tokio::sync::Notify;

/// What instances of one service share of turns that are on their way.
///
/// While it is away, turns go on and are kept where they run; they can't be followed or stopped
/// from other instances then.
#[async_trait]
pub trait Relay: Debug + Send + Sync {
    /// Takes a conversation for a turn.
    ///
    /// # Behavior
    /// - Answers whether it is the holder's now: until it is given back, or the time is over.
    /// - The holder's own is taken again, for so long from now.
    async fn take(&self, conversation: &str, holder: &str, time: Duration) -> Result<bool>;

    /// Gives a conversation back, if it is the holder's.
    async fn give_back(&self, conversation: &str, holder: &str) -> Result<()>;

    /// Whether anybody holds a conversation.
    async fn is_taken(&self, conversation: &str) -> Result<bool>;

    /// Adds to what a turn said.
    ///
    /// # Behavior
    /// - All of it is there for others, in this order, when this returns; or none of it.
    /// - It is held for some minutes after the last of it.
    async fn say(&self, turn: &str, said: &[String]) -> Result<()>;

    /// What a turn said after so many pieces; waits this long where that is nothing.
    async fn hear(&self, turn: &str, after: usize, wait: Duration) -> Result<Vec<String>>;

    /// Tells whoever has a turn to stop it.
    async fn stop(&self, turn: &str) -> Result<()>;

    /// Waits until a turn is told to stop, however long ago that was.
    ///
    /// # Behavior
    /// - Dropping the future loses nothing.
    async fn stopped(&self, turn: &str) -> Result<()>;
}

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
    turns: HashMap<String, Heard>,
    oldest: VecDeque<String>,
}

#[derive(Debug, Default)]
struct Heard {
    said: Vec<String>,
    is_stopped: bool,
}

impl MemoryRelay {
    /// One in which nothing was said.
    pub fn new() -> Self {
        Self::default()
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, turn: &str, change: impl FnOnce(&mut Heard)) {
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

    async fn say(&self, turn: &str, said: &[String]) -> Result<()> {
        self.change(turn, |heard| heard.said.extend_from_slice(said));
        Ok(())
    }

    async fn hear(&self, turn: &str, after: usize, wait: Duration) -> Result<Vec<String>> {
        let look = |known: &Known| {
            let said = known.turns.get(turn)?.said.get(after..)?;
            (!said.is_empty()).then(|| said.to_vec())
        };
        if let Some(said) = look(&self.known()) {
            return Ok(said);
        }
        let heard = tokio::time::timeout(wait, self.wait(look)).await;
        Ok(heard.unwrap_or_default())
    }

    async fn stop(&self, turn: &str) -> Result<()> {
        self.change(turn, |heard| heard.is_stopped = true);
        Ok(())
    }

    async fn stopped(&self, turn: &str) -> Result<()> {
        let look = |known: &Known| known.turns.get(turn)?.is_stopped.then_some(());
        self.wait(look).await;
        Ok(())
    }
}
