//! Fetches what others name by an address, within limits and never from within a private network.

mod address;

pub use address::is_public;

use crate::client::user_agent;
use address::{Forbidden, Guard};
use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use parlor_core::{Error, ErrorKind, FetchedMedia, MediaFetcher, Result};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, LOCATION};
use reqwest::{Client, Response, Url};
use std::error::Error as StdError;
use std::fmt::Debug;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::timeout;

/// Finds the addresses of a host's name.
#[async_trait]
pub trait Lookup: Send + Sync + Debug {
    /// The addresses of a name.
    ///
    /// # Behavior
    /// - In the order in which they are to be tried.
    /// - What they are is none of its business: whoever asks checks them.
    async fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Fetches what is at an address that somebody else named: a user, a client, a
/// model.
///
/// | | |
/// |---|---|
/// | schemes | `http` and `https`; none with a user or a password |
/// | addresses | [public](is_public) ones only, unless [allowed](Self::with_allowed); checked as the connection is made, so that no name answers otherwise later, and again for each redirect |
/// | ports | 80 and 443, unless [any](Self::with_any_port) |
/// | bytes | 50 MiB, as they come; nothing is decompressed |
/// | time | 30 s in all, 10 s for a connection |
/// | redirects | 5, never from `https` to `http` |
/// | sent | no credentials, cookies or referer |
/// | proxies | none, whatever the environment says, since a proxy would look names up itself, out of sight |
///
/// What comes is told by its bytes, not by what the server says.
///
/// ```
/// use parlor_core::MediaFetcher;
/// use parlor_http::Fetcher;
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let fetcher = Fetcher::new().with_max_bytes(5 << 20);
/// let error = fetcher.fetch("http://169.254.169.254/latest/meta-data").await.unwrap_err();
/// assert!(error.message().contains("no public address"), "{error}");
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
///
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Fetcher {
    /// Made when something is fetched first.
    client: Arc<OnceLock<Client>>,
    guard: Guard,
    any_port: bool,
    max_bytes: u64,
    max_time: Duration,
    max_redirects: usize,
}

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);

/// The longest address.
const URL_LIMIT: usize = 8 << 10;

impl Fetcher {
    /// A fetcher that looks names up as the system does.
    pub fn new() -> Self {
        Self::of(Guard::system())
    }

    /// A fetcher that looks names up so.
    pub fn with_lookup(lookup: impl Lookup + 'static) -> Self {
        Self::of(Guard::new(Arc::new(lookup)))
    }

    fn of(guard: Guard) -> Self {
        Self {
            client: Arc::default(),
            guard,
            any_port: false,
            max_bytes: 50 << 20,
            max_time: Duration::from_secs(30),
            max_redirects: 5,
        }
    }

    /// The same that may also connect to these addresses, public or not.
    #[must_use]
    pub fn with_allowed(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.guard = self.guard.allowing(addresses);
        self.client = Arc::default();
        self
    }

    /// The same that may connect to any port.
    #[must_use]
    pub fn with_any_port(mut self) -> Self {
        self.any_port = true;
        self
    }

    /// The same with so many bytes at most.
    #[must_use]
    pub fn with_max_bytes(mut self, most: u64) -> Self {
        self.max_bytes = most;
        self
    }

    /// The same with so much time at most, redirects included.
    #[must_use]
    pub fn with_max_time(mut self, most: Duration) -> Self {
        self.max_time = most;
        self
    }

    /// The same with so many redirects at most.
    #[must_use]
    pub fn with_max_redirects(mut self, most: usize) -> Self {
        self.max_redirects = most;
        self
    }

    fn client(&self) -> Result<&Client> {
        match self.client.get() {
            Some(client) => Ok(client),
            None => {
                let made = client(&self.guard)?;
                Ok(self.client.get_or_init(|| made))
            }
        }
    }

    /// Follows an address to what is there.
    async fn follow(&self, url: &str) -> Result<FetchedMedia> {
        if url.len() > URL_LIMIT {
            let what = format!("an address of {} bytes is too long to fetch", url.len());
            return Err(refused(what, "Give a shorter address, or the bytes."));
        }
        let mut url = Url::parse(url).map_err(|error| {
            refused(
                format!("what should be fetched is no address: {error}"),
                "An address begins with `https://`.",
            )
        })?;
        for _ in 0..=self.max_redirects {
            self.check(&url)?;
            let sent = self
                .client()?
                .get(url.clone())
                .header(ACCEPT_ENCODING, "identity");
            let response = sent.send().await.map_err(|error| of_send(&url, error))?;
            if !response.status().is_redirection() {
                return self.read(&url, response).await;
            }
            let location = response.headers().get(LOCATION);
            let next = location.and_then(|it| url.join(it.to_str().ok()?).ok());
            let Some(next) = next else {
                let what = format!("{} leads nowhere", shown(&url));
                return Err(refused(what, CHECK).with_status(response.status().as_u16()));
            };
            if url.scheme() == "https" && next.scheme() == "http" {
                let what = format!("{} leads to an address without encryption", shown(&url));
                return Err(refused(what, "Give the address that it should lead to."));
            }
            url = next;
        }
        let what = format!(
            "{} is reached by more than {} redirects",
            shown(&url),
            self.max_redirects
        );
        Err(refused(what, "Give the address that they lead to."))
    }

    /// Whether an address may be asked at all. A host that is a number is
    /// checked here, since it is never looked up; however it is spelled, the
    /// parser has made four numbers of it.
    fn check(&self, url: &Url) -> Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            let what = format!("`{}:` isn't fetched", url.scheme());
            return Err(refused(
                what,
                "Give an address with `https://`, or the bytes.",
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let what = format!("{} comes with a user or a password", shown(url));
            return Err(refused(
                what,
                "Leave them out, or fetch it and give the bytes.",
            ));
        }
        match url.port_or_known_default() {
            Some(80 | 443) => {}
            Some(_) if self.any_port => {}
            port => {
                let what = format!("{} is at port {}", shown(url), port.unwrap_or_default());
                return Err(refused(what, "Only the ports 80 and 443 are fetched from."));
            }
        }
        let host = url.host_str().unwrap_or_default();
        let number = host.trim_start_matches('[').trim_end_matches(']').parse();
        match number {
            Ok(address) if !self.guard.lets(address) => Err(forbidden(url)),
            _ if host.is_empty() => Err(refused("an address without a host".to_owned(), CHECK)),
            _ => Ok(()),
        }
    }

    /// Reads what came, up to the limit.
    async fn read(&self, url: &Url, mut response: Response) -> Result<FetchedMedia> {
        let status = response.status();
        if !status.is_success() {
            let what = format!("{} answers {}", shown(url), status.as_u16());
            return Err(refused(what, CHECK).with_status(status.as_u16()));
        }
        let head = response.headers();
        let encoding = head.get(CONTENT_ENCODING);
        if encoding.is_some_and(|it| !it.is_empty() && it != "identity") {
            let what = format!(
                "{} comes compressed, though nobody asked for it",
                shown(url)
            );
            return Err(refused(what, "Fetch it by other means and give the bytes."));
        }
        let content_type = head.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let mut parameters = content_type.unwrap_or_default().split(';');
        let media_type = parameters.next();
        let charset = parameters.find_map(|it| {
            let (name, value) = it.split_once('=')?;
            let is_it = name.trim().eq_ignore_ascii_case("charset");
            is_it.then(|| value.trim().trim_matches('"').to_owned())
        });
        let media_type = media_type.map(|it| it.trim().to_ascii_lowercase());
        let media_type = media_type.filter(|it| !it.is_empty());
        let too_large = || {
            let what = format!("{} has more than {} bytes", shown(url), self.max_bytes);
            refused(what, "Give a smaller file.")
        };
        if response
            .content_length()
            .is_some_and(|it| it > self.max_bytes)
        {
            return Err(too_large());
        }
        let mut bytes = BytesMut::new();
        loop {
            let chunk = response.chunk().await.map_err(|error| {
                let what = format!("{} broke off", shown(url));
                refused(what, "Try again, or give the bytes.").with_source(error.without_url())
            })?;
            let Some(chunk) = chunk else {
                break;
            };
            if (bytes.len() + chunk.len()) as u64 > self.max_bytes {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        if bytes.is_empty() {
            return Err(refused(format!("{} is empty", shown(url)), CHECK));
        }
        let mut fetched = FetchedMedia::new(Bytes::from(bytes), media_type);
        fetched.charset = charset;
        Ok(fetched)
    }
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl MediaFetcher for Fetcher {
    async fn fetch(&self, url: &str) -> Result<FetchedMedia> {
        match timeout(self.max_time, self.follow(url)).await {
            Ok(done) => done,
            Err(_) => {
                let title = Url::parse(url).map_or("an address".to_owned(), |url| shown(&url));
                let what = format!("{title} took more than {:?} to fetch", self.max_time);
                Err(refused(what, "Try again, or give the bytes."))
            }
        }
    }
}

const CHECK: &str = "Check the address, or give the bytes.";

/// A client that connects only where the guard lets it.
fn client(guard: &Guard) -> Result<Client> {
    #[cfg(feature = "rustls")]
    {
        // Fails only where the program has chosen a provider of its own.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    let builder = Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_deflate()
        .no_zstd()
        .connect_timeout(CONNECT)
        // What was checked for one fetch is not another's.
        .pool_max_idle_per_host(0)
        .dns_resolver(Arc::new(guard.clone()))
        .user_agent(user_agent());
    builder.build().map_err(|error| {
        Error::new(ErrorKind::Configuration, "the HTTP client can't be set up").with_source(error)
    })
}

fn refused(what: String, help: &'static str) -> Error {
    Error::new(ErrorKind::Media, what).with_help(help)
}

fn forbidden(url: &Url) -> Error {
    refused(
        format!("{} is at no public address", shown(url)),
        "Addresses within private networks aren't fetched; read it and give the bytes.",
    )
}

/// A failure before any response.
fn of_send(url: &Url, error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
    while let Some(it) = cause {
        if it.is::<Forbidden>() {
            return forbidden(url);
        }
        cause = it.source();
    }
    let what = match error.is_connect() {
        true => format!("there is no connection to {}", shown(url)),
        false => format!("{} gives no answer", shown(url)),
    };
    refused(what, CHECK).with_source(error)
}

/// An address as people may see it: without user, query and fragment.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}
