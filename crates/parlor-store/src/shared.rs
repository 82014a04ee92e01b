//! What several instances of a program share by Redis or Valkey: limits, cached answers, messages.

mod cache;
mod limits;

use parlor_core::{Error, ErrorKind, Result, Retry};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisError};
use std::fmt;
use std::future::Future;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the server may take to answer, or to be connected to.
const PATIENCE: Duration = Duration::from_secs(1);
/// How many settlements wait for a server that is away; what is beyond them is dropped, and its
/// reservations count until their windows are over.
const MOST: usize = 16 * 1024;

/// A server of Redis or Valkey, as a [`LimitStore`](parlor_layers::limits::LimitStore) and a
/// [`CacheStore`](parlor_layers::cache::CacheStore).
///
/// It is cheap to clone, and all clones use one connection, which is made when it is first needed
/// and made anew when it breaks. Amounts are exact up to 2⁵³. A cluster isn't served: the accounts
/// of one call may be on several of its nodes.
#[derive(Clone)]
pub struct SharedStore {
    connection: ConnectionManager,
    later: mpsc::Sender<limits::Later>,
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
        let client = Client::open(url).map_err(wrong)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_max_delay(PATIENCE)
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(wrong)?;
        let (later, waiting) = mpsc::channel(MOST);
        tokio::spawn(limits::work(connection.clone(), waiting));
        Ok(Self { connection, later })
    }
}

impl fmt::Debug for SharedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedStore").finish_non_exhaustive()
    }
}

/// The outcome of a question, within the time for it.
async fn asked<T>(question: impl Future<Output = std::result::Result<T, RedisError>>) -> Result<T> {
    match tokio::time::timeout(2 * PATIENCE, question).await {
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
