//! The HTTP clients that all models share.

#[cfg(feature = "rustls")]
mod trust;

use crate::endpoint::Endpoint;
use parlor_core::{Error, ErrorKind, Result};
use reqwest::Client;
use reqwest::redirect::Policy;
use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How often a request is sent on before it is taken for a circle.
const MOST_REDIRECTS: usize = 5;

/// How many connections to a host wait for their next request; what is more after a rush is closed.
const MOST_WAITING: usize = 256;

/// How long a connection waits for its next request.
const WAITS: Duration = Duration::from_secs(90);

/// What can only be set on a client as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ClientSettings {
    pub(crate) connect: Option<Duration>,
    pub(crate) verify_tls: bool,
    /// Whether a request may be sent on to another path of the same origin.
    pub(crate) redirects: bool,
    /// Whether the environment's proxies are asked.
    pub(crate) proxies: bool,
}

/// A client, and whom it trusts.
struct Made {
    settings: ClientSettings,
    client: Client,
    /// `None` where it trusts anybody.
    #[cfg(feature = "rustls")]
    trust: Option<std::sync::Arc<trust::SystemTrust>>,
}

/// The clients made so far. Nearly every program has one.
static CLIENTS: Mutex<Vec<Made>> = Mutex::new(Vec::new());

thread_local! {
    /// Those of a thread that has its own.
    static OWN: RefCell<Option<Vec<Made>>> = const { RefCell::new(None) };
}

/// Gives this thread connections of its own: a model that is called on it uses no connection that
/// another thread opened.
///
/// For a thread that runs a runtime by itself. A connection is driven by the runtime that opened
/// it, so one that is shared has every piece of an answer wake another thread. It holds until the
/// thread ends, and costs the thread its own connections to each host.
pub fn own_connections() {
    OWN.with_borrow_mut(|own| {
        own.get_or_insert_default();
    });
}

/// The client with these settings; models that agree on them share its pool.
/// `tls` is whether it is for a request that goes over TLS.
///
/// It takes proxies from the environment. Models follow no redirect, since a key
/// must not go where the caller didn't send it.
pub(crate) fn shared(settings: ClientSettings, tls: bool) -> Result<Client> {
    OWN.with_borrow_mut(|own| match own {
        Some(clients) => among(clients, settings, tls),
        None => {
            let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
            among(&mut clients, settings, tls)
        }
    })
}

fn among(clients: &mut Vec<Made>, settings: ClientSettings, tls: bool) -> Result<Client> {
    let known = clients.iter().find(|it| it.settings == settings);
    if let Some(made) = known {
        made.ready(tls)?;
        return Ok(made.client.clone());
    }
    let made = Made::new(settings)?;
    made.ready(tls)?;
    let client = made.client.clone();
    clients.push(made);
    Ok(client)
}

/// A client that asks no proxy, whatever the environment says: for servers that a program runs
/// itself, on its own machine. A registry takes it by `with_extension`.
///
/// # Errors
/// `Configuration`, where a client can't be set up.
pub fn direct_client() -> Result<Client> {
    let settings = ClientSettings {
        connect: Some(Duration::from_secs(10)),
        verify_tls: true,
        redirects: false,
        proxies: false,
    };
    shared(settings, false)
}

/// What every request says that it comes from.
pub(crate) fn user_agent() -> &'static str {
    concat!("parlor/", env!("CARGO_PKG_VERSION"))
}

impl Endpoint {
    /// An HTTP client for a protocol that has its own way of using one. The
    /// endpoint's key and headers aren't in it.
    ///
    /// It connects and verifies as those of models do, but follows redirects that
    /// keep the method (307, 308), and within one origin only, since headers go
    /// with them. Any other redirect is the answer.
    ///
    /// # Errors
    /// `Configuration`, where the system's certificates can't be read.
    pub fn same_origin_client(&self) -> Result<Client> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let settings = ClientSettings {
            connect: self.timeouts.connect,
            verify_tls: self.verify_tls,
            redirects: true,
            proxies: true,
        };
        shared(settings, self.base.scheme() == "https")
    }
}

/// Follows what keeps the method, within the origin.
fn within_origin() -> Policy {
    Policy::custom(|attempt| {
        let keeps_method = matches!(attempt.status().as_u16(), 307 | 308);
        let mut before = attempt.previous().iter();
        let at_home = before.all(|url| url.origin() == attempt.url().origin());
        match keeps_method && at_home && attempt.previous().len() <= MOST_REDIRECTS {
            true => attempt.follow(),
            false => attempt.stop(),
        }
    })
}

impl Made {
    fn new(settings: ClientSettings) -> Result<Self> {
        let mut builder = Client::builder()
            .redirect(match settings.redirects {
                true => within_origin(),
                false => Policy::none(),
            })
            .tcp_nodelay(true)
            .tcp_keepalive(Duration::from_secs(60))
            .pool_max_idle_per_host(MOST_WAITING)
            .pool_idle_timeout(WAITS)
            .user_agent(user_agent());
        if let Some(connect) = settings.connect {
            builder = builder.connect_timeout(connect);
        }
        if !settings.proxies {
            builder = builder.no_proxy();
        }
        // Left to itself it copies every request, for what only HTTP/2 can refuse.
        #[cfg(not(feature = "http2"))]
        {
            builder = builder.retry(reqwest::retry::never().max_retries_per_request(0));
        }
        #[cfg(feature = "rustls")]
        let trust = match settings.verify_tls {
            true => {
                let trust = trust::SystemTrust::shared();
                builder = builder.tls_backend_preconfigured(trust.clone().config()?);
                Some(trust)
            }
            false => {
                trust::choose_provider();
                builder = builder.tls_danger_accept_invalid_certs(true);
                None
            }
        };
        let client = builder.build().map_err(|error| {
            Error::new(ErrorKind::Configuration, "the HTTP client can't be set up")
                .with_source(error)
        })?;
        Ok(Self {
            settings,
            client,
            #[cfg(feature = "rustls")]
            trust,
        })
    }

    /// Sees to it that hosts can be told apart from those who pose as them.
    #[cfg(feature = "rustls")]
    fn ready(&self, tls: bool) -> Result<()> {
        match &self.trust {
            Some(trust) if tls => trust.ready(),
            _ => Ok(()),
        }
    }

    #[cfg(not(feature = "rustls"))]
    fn ready(&self, _: bool) -> Result<()> {
        Ok(())
    }
}
