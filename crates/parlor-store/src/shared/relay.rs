//! Turns between instances: a stream for what a turn says, a key that expires for who has it, and
//! messages that say that there is something to read.

use super::ears::Listening;
use super::{SharedStore, away};
use crate::relay::{Ear, Heard, Mark, Relay, Told};
use async_trait::async_trait;
use parlor_core::Result;
use redis::Script;
use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;
use tokio::time::timeout;

/// How long what a turn said is there after the last of it, and that it is to stop.
const HELD: Duration = Duration::from_secs(5 * 60);
/// The most things that are read at once.
const MOST: usize = 64;
/// Where it is said which turn is to stop.
pub(super) const STOPS: &str = "parlor:stops";

static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local holder = redis.call('GET', KEYS[1])
        if holder and holder ~= ARGV[1] then return 0 end
        redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
        return 1",
    )
});
static GIVE_BACK: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
        return redis.call('DEL', KEYS[1])",
    )
});
static STOP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
        return redis.call('PUBLISH', ARGV[2], ARGV[3])",
    )
});
static TELL: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("relay.lua")));

fn conversation_key(conversation: &str) -> String {
    format!("parlor:conversation:{conversation}")
}

fn turn_key(turn: &str) -> String {
    format!("parlor:turn:{turn}")
}

pub(super) fn stop_key(turn: &str) -> String {
    format!("parlor:stop:{turn}")
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[async_trait]
impl Relay for SharedStore {
    async fn take(&self, conversation: &str, holder: &str, time: Duration) -> Result<bool> {
        let mut take = TAKE.key(conversation_key(conversation));
        take.arg(holder).arg(ms(time));
        let taken: i64 = self.run(&take).await?;
        Ok(taken == 1)
    }

    async fn give_back(&self, conversation: &str, holder: &str) -> Result<()> {
        let mut give_back = GIVE_BACK.key(conversation_key(conversation));
        give_back.arg(holder);
        self.run(&give_back).await
    }

    async fn is_taken(&self, conversation: &str) -> Result<bool> {
        let mut exists = redis::cmd("EXISTS");
        exists.arg(conversation_key(conversation));
        self.ask(&exists).await
    }

    async fn tell(&self, turn: &str, after: Mark, told: &[Told]) -> Result<Heard> {
        let key = turn_key(turn);
        let mut tell = TELL.key(&key);
        tell.arg(after.to_string()).arg(ms(HELD)).arg(&key);
        for one in told {
            tell.arg(one.mark.to_string()).arg(&one.name).arg(&one.data);
        }
        let (until, followers): (String, u64) = self.run(&tell).await?;
        Ok(Heard {
            until: read_mark(&until)?,
            is_followed: followers > 0,
        })
    }

    fn follow(&self, turn: &str) -> Box<dyn Ear> {
        Box::new(SharedEar {
            store: self.clone(),
            key: turn_key(turn),
            listening: None,
            is_subscribed: false,
        })
    }

    async fn stop(&self, turn: &str) -> Result<()> {
        let mut stop = STOP.key(stop_key(turn));
        stop.arg(ms(HELD)).arg(STOPS).arg(turn);
        self.run(&stop).await
    }

    async fn stopped(&self, turn: &str) -> Result<()> {
        let key = stop_key(turn);
        let mut listening = self.ears.listen(&key);
        self.subscribe(STOPS).await?;
        let mut exists = redis::cmd("EXISTS");
        exists.arg(&key);
        loop {
            listening.hush();
            if self.ask(&exists).await? {
                return Ok(());
            }
            listening.wait().await;
        }
    }
}

fn read_mark(text: &str) -> Result<Mark> {
    text.parse().map_err(|_| away("its answer makes no sense"))
}

/// An ear for one turn. It subscribes to the turn's messages when it first has to wait.
struct SharedEar {
    store: SharedStore,
    key: String,
    /// From before the server is told: whoever leaves amid that has it undone.
    listening: Option<Listening>,
    is_subscribed: bool,
}

async fn read(store: &SharedStore, key: &str, after: Mark) -> Result<Vec<Told>> {
    let mut range = redis::cmd("XRANGE");
    let next = Mark::new(after.piece, after.at.saturating_add(1));
    range.arg(key).arg(next.to_string()).arg("+");
    range.arg("COUNT").arg(MOST);
    let read: Vec<(String, (String, String))> = store.ask(&range).await?;
    let told = |(mark, (name, data)): (String, (String, String))| {
        let mark = read_mark(&mark)?;
        Ok(Told { mark, name, data })
    };
    read.into_iter().map(told).collect()
}

#[async_trait]
impl Ear for SharedEar {
    async fn hear(&mut self, after: Mark, wait: Duration) -> Result<Vec<Told>> {
        let Self { store, key, .. } = self;
        if wait.is_zero() {
            return read(store, key, after).await;
        }
        let begin = || store.ears.listen(key);
        let listening = self.listening.get_or_insert_with(begin);
        if !self.is_subscribed {
            store.subscribe(key).await?;
            self.is_subscribed = true;
        }
        listening.hush();
        let told = read(store, key, after).await?;
        if !told.is_empty() || timeout(wait, listening.wait()).await.is_err() {
            return Ok(told);
        }
        read(store, key, after).await
    }
}

impl Drop for SharedEar {
    fn drop(&mut self) {
        if self.listening.take().is_some() {
            self.store.unsubscribe(&self.key);
        }
    }
}

impl fmt::Debug for SharedEar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SharedEar").field(&self.key).finish()
    }
}
