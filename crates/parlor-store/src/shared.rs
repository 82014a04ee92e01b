//! What several instances of a program share by Redis or Valkey: limits, cached answers, turns.

mod cache;
mod ears;
mod limits;
mod relay;

use parlor_core::{Error, ErrorKind, Result, Retry};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{
    Client, Cmd, FromRedisValue, IntoConnectionInfo, ProtocolVersion, PushInfo, RedisError,
    RedisResult, ScriptInvocation,
};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::time::error::Elapsed;

/// How long the server may take to answer, or to be connected to.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a server that couldn't be reached isn't asked again.
const REST: Duration = Duration::from_millis(200);
/// How many settlements wait for a server that is away; what is beyond them is dropped, and its
/// reservations count until their windows are over.
const MOST: usize = 16 * 1024;

/// A server of Redis or Valkey, as a [`LimitStore`](parlor_layers::limits::LimitStore), a
/// [`CacheStore`](parlor_layers::cache::CacheStore) and a [`Relay`](crate::Relay).
///
/// It is cheap to clone, and all clones use one connection, which is made when it is first needed
/// and made anew when it breaks; what was under way then is asked once again. It speaks the third
/// version of the protocol, which Redis has from 6 on. Amounts are exact up to 2⁵³. A cluster isn't
/// served: the accounts of one call may be on several of its nodes.
#[derive(Clone)]
pub struct SharedStore {
    connection: ConnectionManager,
    later: mpsc::Sender<limits::Later>,
    ears: Arc<ears::Ears>,
    rest: Arc<Rest>,
}

/// Until when the server is left alone.
struct Rest {
    began: Instant,
    until_ms: AtomicU64,
}

impl SharedStore {
    /// The server at `redis://user:password@host:port/database`; with the feature `redis-tls`
    /// `rediss://` too. Nothing is asked of it yet.
    ///
    /// # Errors
    /// `Configuration` where the address is wrong. It isn't repeated.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn redis(url: &str) -> Result<Self> {
        let wrong = |_: RedisError| {
            Error::new(ErrorKind::Configuration, "the address of Redis is wrong")
                .with_help("Write it as redis://host:6379, or rediss:// for TLS.")
        };
        let address = url.into_connection_info().map_err(wrong)?;
        let told = address.redis_settings().clone();
        let told = told.set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(address.set_redis_settings(told)).map_err(wrong)?;
        let ears = Arc::new(ears::Ears::default());
        let heard = Arc::clone(&ears);
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0)
            .set_push_sender(move |push: PushInfo| {
                heard.heard(&push);
                Ok::<_, ()>(())
            })
            .set_automatic_resubscription()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)?;
        let (later, waiting) = mpsc::channel(MOST);
        let store = Self {
            connection,
            later,
            ears,
            rest: Arc::new(Rest {
                began: Instant::now(),
                until_ms: AtomicU64::new(0),
            }),
        };
        tokio::spawn(limits::work(store.connection.clone(), waiting));
        Ok(store)
    }

    /// Asks something that may be asked twice.
    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T> {
        self.repeated(|mut it| async move { command.query_async(&mut it).await })
            .await
    }

    /// Has a script run that may run twice.
    async fn run<T: FromRedisValue>(&self, script: &ScriptInvocation<'_>) -> Result<T> {
        self.repeated(|mut it| async move { script.invoke_async(&mut it).await })
            .await
    }

    /// Whether the server may be asked again.
    fn rested(&self) -> Result<()> {
        let now = u64::try_from(self.rest.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        match now < self.rest.until_ms.load(Ordering::Relaxed) {
            true => Err(away("it couldn't be reached just now")),
            false => Ok(()),
        }
    }

    /// Asks once more where the connection turns out to be broken: the server may have been
    /// started anew since it was used.
    async fn repeated<T, F>(&self, ask: impl Fn(ConnectionManager) -> F) -> Result<T>
    where
        F: Future<Output = RedisResult<T>>,
    {
        self.rested()?;
        let both = async {
            match ask(self.connection.clone()).await {
                Err(error) if error.is_connection_dropped() => ask(self.connection.clone()).await,
                answer => answer,
            }
        };
        let answer = tokio::time::timeout(2 * PATIENCE, both).await;
        if answer
            .as_ref()
            .map_or(true, |it| it.as_ref().is_err_and(RedisError::is_io_error))
        {
            let until = self.rest.began.elapsed() + REST;
            let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX);
            self.rest.until_ms.store(until, Ordering::Relaxed);
        }
        told(answer)
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore").finish_non_exhaustive()
    }
}

/// The outcome of a question, within the time for it.
fn told<T>(answer: std::result::Result<RedisResult<T>, Elapsed>) -> Result<T> {
    match answer {
        Ok(answer) => answer.map_err(failed),
        Err(_) => Err(away("it doesn't answer")),
    }
}

fn failed(error: RedisError) -> Error {
    away(error.category()).with_source(error)
}

fn away(why: &str) -> Error {
    let message = format!("the shared store is away: {why}");
    Error::new(ErrorKind::Connection, message).with_retry(Retry::Later(None))
}
