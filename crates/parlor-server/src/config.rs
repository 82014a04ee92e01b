//! What shapes a service.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use parlor::agent::Limits;
use parlor::layers::cache::CacheStore;
use parlor::layers::fetch_media::FetchMediaLayer;
use parlor::layers::limits::{LimitStore, MemoryStore};
use parlor::{Error, ErrorKind, Result, Secret};
use parlor_store::{Relay, Store};
use serde::Deserialize;

use crate::account::{UsageSink, UsageWriter, fits};
use crate::chat::StoreAt;
use crate::spans::SpanExporter;
use crate::tools::ServiceTool;

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
    /// How many threads answer. With one, the default, that is the runtime which runs the service.
    /// Each further one has a runtime and connections to providers of its own, so that an answer is
    /// read and written by one thread.
    pub threads: NonZeroUsize,
    /// The most bytes of a request's body; 32 MiB by default.
    pub max_body: usize,
    /// The most bytes of all requests' bodies that are held at once, from their reading until their
    /// answers begin; 1 GiB by default. Each body counts by 4 KiB and up, a compressed one with what
    /// comes out of it while it is read. One that would pass it is refused with 503 at once, and may
    /// come again; so it should be more than [`max_body`](Self::max_body).
    pub max_buffered: usize,
    /// The most requests that are answered at once; 1,024 by default. Further ones are refused
    /// with 503 and may come again.
    pub max_in_flight: usize,
    /// How long answers on their way may take when the service is told to end; 30 seconds by
    /// default.
    pub drain: Duration,
    /// How long a client may take to send a request's head; 30 seconds by default, `None` is for
    /// ever.
    pub header_timeout: Option<Duration>,
    /// How long a connection may wait for its next request; two minutes by default, `None` is for
    /// ever. It should be longer than clients, and proxies before the service, keep theirs: else
    /// they send a request now and then while it is closed, and take that for a failure.
    pub idle_timeout: Option<Duration>,
    /// How long a client may take to go on reading an answer or sending a body, once it stopped; a
    /// minute by default, `None` is for ever.
    pub client_timeout: Option<Duration>,
    /// How long a request may wait here because its provider asks to wait, before it is tried
    /// again. Where that asks for longer, the client is told at once, by `Retry-After`: always by
    /// default, since most clients try again by themselves.
    pub max_wait: Duration,
    /// What becomes of an answer of the gateway whose client leaves, by the names that models are
    /// asked by; `*` in a name stands for any letters, and the longest name that fits counts. It is
    /// cancelled where nothing is said.
    pub on_disconnect: BTreeMap<String, OnDisconnect>,
    /// Sites whose pages may ask, as a browser writes them: `https://chat.example.com`. None by
    /// default.
    pub origins: Vec<String>,
    /// Who is told what became of each request. Nobody by default.
    pub usage: Vec<Arc<dyn UsageSink>>,
    /// Writes what became of requests into a store. None by default.
    pub usage_writer: Option<Arc<UsageWriter>>,
    /// Sends a span of each request to a collector of OpenTelemetry. None by default.
    pub spans: Option<Arc<SpanExporter>>,
    /// The store of the keys that are given out, besides [`keys`](Self::keys), which has what was
    /// used too. `None` by default.
    /// Where it has any, or the address is beyond this machine, a key is asked for.
    pub given_keys: Option<Store>,
    /// Where the limits of those keys are counted, and those of `[layers]`; in memory by default.
    pub limits: Arc<dyn LimitStore>,
    /// Where `[layers.cache]` keeps answers; in a memory of its own by default.
    pub cache: Option<Arc<dyn CacheStore>>,
    /// What holds of limits while their store is away.
    pub on_store_failure: OnStoreFailure,
    /// Where conversations are kept; in memory by default. It is opened when the first one is
    /// asked for.
    pub store: StoreAt,
    /// By what several instances of the service, over one store, follow and stop each other's
    /// turns. None by default: there is one instance.
    pub relay: Option<Arc<dyn Relay>>,
    /// What models may call in conversations. None by default.
    pub tools: Vec<ServiceTool>,
    /// What bounds a turn with tools: how often its model is asked, how long a call may take and
    /// how much of its result is kept.
    pub tool_limits: Limits,
    /// How long a call waits for a person's word, after which it is denied; five minutes by
    /// default.
    pub approval_timeout: Duration,
    /// Fetches media at addresses that clients name, for models whose provider fetches none. With
    /// the feature `fetch` of `parlor` that is a [`Fetcher`](parlor_http::Fetcher) by default, which
    /// goes nowhere private, and which `fetch_media = false` in `[layers]` leaves out.
    pub fetch_media: Option<FetchMediaLayer>,
}

/// What becomes of an answer whose client leaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnDisconnect {
    /// The provider is hung up on at once.
    #[default]
    Cancel,
    /// It is read to its end: for what is kept of it, such as in a cache.
    Finish,
}

/// What holds of limits while their store is away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnStoreFailure {
    /// Requests are answered, and not counted.
    Allow,
    /// Requests that a limit is for are refused with 503.
    #[default]
    Refuse,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            bind: (Ipv4Addr::LOCALHOST, 8484).into(),
            keys: Vec::new(),
            insecure: false,
            threads: NonZeroUsize::MIN,
            max_body: 32 * 1024 * 1024,
            max_buffered: 1 << 30,
            max_in_flight: 1024,
            drain: Duration::from_secs(30),
            header_timeout: Some(Duration::from_secs(30)),
            idle_timeout: Some(Duration::from_secs(120)),
            client_timeout: Some(Duration::from_secs(60)),
            max_wait: Duration::ZERO,
            on_disconnect: BTreeMap::new(),
            origins: Vec::new(),
            usage: Vec::new(),
            usage_writer: None,
            spans: None,
            given_keys: None,
            limits: Arc::new(MemoryStore::new()),
            cache: None,
            on_store_failure: OnStoreFailure::default(),
            store: StoreAt::default(),
            relay: None,
            tools: Vec::new(),
            tool_limits: Limits::default(),
            approval_timeout: Duration::from_secs(300),
            fetch_media: None,
        }
    }
}

impl ServerConfig {
    /// Whether an answer of this model goes on without its client.
    pub(crate) fn finishes(&self, model: &str) -> bool {
        let mut fitting = self.on_disconnect.iter();
        let longest = fitting
            .by_ref()
            .filter(|(name, _)| fits(name, model))
            .max_by_key(|(name, _)| name.len());
        longest.is_some_and(|(_, what)| *what == OnDisconnect::Finish)
    }

    /// Checks that what is configured is safe.
    ///
    /// # Errors
    /// `Configuration` where anybody could ask from elsewhere without a key.
    pub fn check(&self) -> Result<()> {
        let has_keys = !self.keys.is_empty() || self.given_keys.is_some();
        if self.bind.ip().is_loopback() || has_keys || self.insecure {
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
