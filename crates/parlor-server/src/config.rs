//! What shapes a service.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use parlor::{Error, ErrorKind, Result, Secret};

use crate::account::UsageSink;

/// Where a service listens, who may ask it, and what it bears.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerConfig {
    /// The address to listen at; loopback, port 8484, by default.
    pub bind: SocketAddr,
    /// The keys that clients may show: as a bearer token, in `x-api-key`, `api-key` or
    /// `x-goog-api-key`, or as `key` in the query. Without any, everybody who reaches the address
    /// may ask.
    pub keys: Vec<Secret>,
    /// Whether an address beyond this machine may be listened at without keys.
    pub insecure: bool,
    /// The most bytes of a request's body; 32 MiB by default.
    pub max_body: usize,
    /// The most requests that are answered at once; 1,024 by default. Further ones are refused
    /// with 503 and may come again.
    pub max_in_flight: usize,
    /// How long answers on their way may take when the service is told to end; 30 seconds by
    /// default.
    pub drain: Duration,
    /// Who is told what became of each request. Nobody by default.
    pub usage: Vec<Arc<dyn UsageSink>>,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            bind: (Ipv4Addr::LOCALHOST, 8484).into(),
            keys: Vec::new(),
            insecure: false,
            max_body: 32 * 1024 * 1024,
            max_in_flight: 1024,
            drain: Duration::from_secs(30),
            usage: Vec::new(),
        }
    }
}

impl ServerConfig {
    /// Checks that what is configured is safe.
    ///
    /// # Errors
    /// `Configuration` where anybody could ask from elsewhere without a key.
    pub fn check(&self) -> Result<()> {
        if self.bind.ip().is_loopback() || !self.keys.is_empty() || self.insecure {
            return Ok(());
        }
        let message = format!(
            "{} can be reached from other machines, and no key is asked for",
            self.bind
        );
        Err(Error::new(ErrorKind::Configuration, message).with_help(
            "Give keys, bind to a loopback address, or say that it is meant to be insecure.",
        ))
    }
}
