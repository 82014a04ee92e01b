//! Where a model is, who asks, and how long to wait.

use crate::auth::Auth;
use crate::failure;
use parlor_core::{Error, ErrorKind, Result, Scrub, Secret};
use parlor_registry::{Descriptor, ProviderConfig};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};
use std::fmt;
use std::time::Duration;

/// The fewest bytes of a header or a parameter that are taken for a secret.
const SHORTEST_SECRET: usize = 12;

/// The time limits; `None` is no limit.
///
/// None of them ends a healthy stream, however long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until the connection stands; 10 seconds.
    pub connect: Option<Duration>,
    /// From sending to the first event, or to the first byte of a whole answer;
    /// 10 minutes, since models think and local ones load.
    pub first_event: Option<Duration>,
    /// From one event to the next, while the caller waits; 5 minutes.
    /// Keep-alives are no events.
    pub idle: Option<Duration>,
    /// From the reason why a streamed answer ended to the protocol's own end; 2
    /// seconds, where the idle limit isn't shorter. An answer is whole by then,
    /// so it isn't an error when the time runs out: what was still to come,
    /// such as the usage, goes without. Not where several choices were asked for.
    pub end: Option<Duration>,
    /// For the whole exchange; none.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Some(Duration::from_secs(10)),
            first_event: Some(Duration::from_secs(600)),
            idle: Some(Duration::from_secs(300)),
            end: Some(Duration::from_secs(2)),
            total: None,
        }
    }
}

impl Timeouts {
    /// These limits, but for what the configuration says.
    fn or_configured(mut self, configured: &parlor_registry::config::Timeouts) -> Self {
        let fields = [
            (&mut self.connect, configured.connect),
            (&mut self.first_event, configured.first_event),
            (&mut self.idle, configured.idle),
            (&mut self.total, configured.total),
        ];
        for (field, limit) in fields {
            if let Some(limit) = limit {
                *field = limit.duration();
            }
        }
        self
    }
}

/// Where a model is, who asks, and how long to wait.
///
/// Cheap to clone. Models with the same connection settings share one HTTP
/// client and its pool.
#[derive(Clone)]
pub struct Endpoint {
    pub(crate) base: Url,
    pub(crate) auth: Auth,
    pub(crate) headers: HeaderMap,
    pub(crate) timeouts: Timeouts,
    pub(crate) verify_tls: bool,
    pub(crate) client: Option<Client>,
    /// Where else a key may belong that isn't taken here.
    pub(crate) key_help: Option<String>,
}

impl Endpoint {
    /// The endpoint at an address that paths are appended to; a query that the
    /// address has goes with every request.
    ///
    /// # Errors
    /// `Configuration`, when it is no `http` or `https` URL.
    pub fn new(base_url: &str) -> Result<Self> {
        Ok(Self {
            base: failure::parse_url(base_url)?,
            auth: Auth::None,
            headers: HeaderMap::new(),
            timeouts: Timeouts::default(),
            verify_tls: true,
            client: None,
            key_help: None,
        })
    }

    /// The endpoint that a provider's configuration describes; `auth` says how
    /// the provider takes its key.
    ///
    /// # Errors
    /// `Authentication`, when a key is needed and missing; `Configuration`,
    /// when the address is missing or wrong or a header can't be one.
    pub fn configured(
        config: &ProviderConfig,
        descriptor: &Descriptor,
        auth: impl FnOnce(Secret) -> Auth,
    ) -> Result<Self> {
        let named = |error: Error| error.with_provider(&config.instance);
        let base = config.base_url.as_deref().or(descriptor.base_url);
        let base = base.ok_or_else(|| {
            let variable = descriptor.base_url_env.first();
            let message = "no base URL is configured";
            let help = match variable {
                Some(name) => format!("Set {name}."),
                None => format!("Give [providers.{}] a `base_url`.", config.instance),
            };
            named(Error::new(ErrorKind::Configuration, message).with_help(help))
        })?;
        let mut endpoint = Self::new(base).map_err(named)?;
        let key = match descriptor.needs_key || config.key_is_configured {
            true => Some(config.require_key(descriptor)?),
            false => config.key()?,
        };
        if let Some(key) = key {
            endpoint.auth = auth(key.secret);
        }
        for (name, value) in &config.headers {
            endpoint = endpoint.with_header(name, value.expose()).map_err(named)?;
        }
        for (name, value) in &config.query {
            endpoint = endpoint.with_query(name, value.expose());
        }
        endpoint.timeouts = Timeouts::default().or_configured(&config.timeouts);
        if !config.verify_tls {
            endpoint = endpoint.with_unverified_tls();
        }
        endpoint.client = config.extensions.get::<Client>().cloned();
        if !config.other_regions.is_empty() {
            let others = config.other_regions.iter();
            let models: Vec<_> = others.map(|it| format!("`{it}/…`")).collect();
            let others = models.join(" or ");
            let help = format!("A key is for one region: perhaps this one is for {others}.");
            endpoint.key_help = Some(help);
        }
        Ok(endpoint)
    }

    /// Another address asked in the same way, by the same client and within the
    /// same limits, but without this one's key and headers: where tokens come
    /// from, or an upload goes to.
    ///
    /// # Errors
    /// `Configuration`, when it is no `http` or `https` URL.
    pub fn beside(&self, url: &str) -> Result<Self> {
        Ok(Self {
            base: failure::parse_url(url)?,
            auth: Auth::None,
            headers: HeaderMap::new(),
            key_help: None,
            ..self.clone()
        })
    }

    /// The same with proof of who asks.
    #[must_use]
    pub fn with_auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// The same with a header on every request.
    ///
    /// # Errors
    /// `Configuration`, when name or value can't be a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self> {
        let wrong = || {
            let message = format!("`{name}` and its value can't be an HTTP header");
            Error::new(ErrorKind::Configuration, message)
        };
        let name = HeaderName::try_from(name).map_err(|_| wrong())?;
        let mut value = HeaderValue::from_str(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// The same with a query parameter on every request.
    #[must_use]
    pub fn with_query(mut self, name: &str, value: &str) -> Self {
        self.base.query_pairs_mut().append_pair(name, value);
        self
    }

    /// The same with other time limits.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// The same with the caller's own HTTP client. Its connect timeout, its
    /// proxies and its redirects are the caller's affair: a client that
    /// follows redirects may take a key along.
    #[must_use]
    pub fn with_client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// The same, taking any certificate: for a host with a self-signed one.
    /// Whoever sits between can then read and change everything, the key
    /// included; a warning is logged.
    #[must_use]
    pub fn with_unverified_tls(mut self) -> Self {
        tracing::warn!(address = %self.address(), "TLS certificates are not verified");
        self.verify_tls = false;
        self
    }

    /// Scheme, host and port, which may be shown.
    pub fn address(&self) -> String {
        failure::bare(&self.base)
    }

    /// The time limits.
    pub fn timeouts(&self) -> &Timeouts {
        &self.timeouts
    }

    /// The URL of a path that may have a query of its own.
    pub(crate) fn url(&self, path: &str) -> Url {
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        let mut url = self.base.clone();
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        if let Some(query) = query {
            let joined = match self.base.query() {
                Some(base) => format!("{base}&{query}"),
                None => query.to_owned(),
            };
            url.set_query(Some(&joined));
        }
        url
    }

    /// The proxy that a request to a URL goes through, without credentials;
    /// what the caller's own client does isn't known.
    pub(crate) fn proxy(&self, url: &Url) -> Option<String> {
        match &self.client {
            Some(_) => None,
            None => failure::between(url),
        }
    }

    /// What takes the secrets that requests carry out of texts: the key, the
    /// values of configured headers, and those in the address. What a source of
    /// tokens adds isn't in it; errors of [`HttpModel`](crate::HttpModel) and
    /// of [`json`](Self::json) know that too, and are scrubbed already.
    pub fn scrub(&self) -> Scrub {
        self.scrub_with(Vec::new())
    }

    /// The same with secrets of one request.
    pub(crate) fn scrub_with(&self, mut secrets: Vec<Secret>) -> Scrub {
        if let Auth::Bearer(key) | Auth::Header(_, key) = &self.auth {
            secrets.push(key.clone());
        }
        let headers = self.headers.values();
        let headers = headers.filter_map(|it| it.to_str().ok().map(Secret::new));
        let query = self.base.query_pairs().map(|(_, value)| Secret::new(value));
        let given = headers.chain(query);
        // What is shorter is no key, and may be a word of the message.
        secrets.extend(given.filter(|it| it.expose().len() >= SHORTEST_SECRET));
        secrets.extend(self.base.password().map(Secret::new));
        Scrub::new(secrets)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("address", &self.address())
            .field("path", &self.base.path())
            .field("auth", &self.auth)
            .field("timeouts", &self.timeouts)
            .field("verify_tls", &self.verify_tls)
            .finish_non_exhaustive()
    }
}
