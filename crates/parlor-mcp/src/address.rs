//! A server at an address, over streamable HTTP.

use crate::error;
use http::{HeaderName, HeaderValue};
use parlor_core::{Result, Secret};
use parlor_http::{Client, Endpoint};
use parlor_registry::KeySource;
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use std::collections::{BTreeMap, HashMap};
use std::fmt;

/// Where a server is and what proves who asks.
///
/// Redirects are followed to other paths of the same origin alone: token and
/// headers go nowhere else. Certificates are verified. Proxies are taken from
/// the environment.
///
/// ```
/// use parlor_mcp::Address;
///
/// let address = Address::new("https://mcp.example.com/mcp")
///     .with_header("x-team", "blue-and-green")
///     .with_token_from(parlor_registry::KeySource::Env(vec!["EXAMPLE_TOKEN".into()]));
/// assert!(!format!("{address:?}").contains("blue"));
/// ```
#[derive(Clone)]
pub struct Address {
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<String, KeySource>,
    pub(crate) token: Option<KeySource>,
    client: Option<Client>,
}

impl Address {
    /// The whole address, which mostly ends in `/mcp`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            headers: BTreeMap::new(),
            token: None,
            client: None,
        }
    }

    /// The same with a header on every request. Its value counts as a secret,
    /// and isn't shown.
    #[must_use]
    pub fn with_header(self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.with_header_from(name, KeySource::Explicit(value.into()))
    }

    /// The same with a header whose value is looked up at every connection. A
    /// source without one is an error then.
    #[must_use]
    pub fn with_header_from(mut self, name: impl Into<String>, source: KeySource) -> Self {
        self.headers.insert(name.into(), source);
        self
    }

    /// The same with a token, sent as `Authorization: Bearer`.
    #[must_use]
    pub fn with_token(self, token: impl Into<Secret>) -> Self {
        self.with_token_from(KeySource::Explicit(token.into()))
    }

    /// The same with a token that is looked up at every connection, and once
    /// more after the server refused it.
    #[must_use]
    pub fn with_token_from(mut self, source: KeySource) -> Self {
        self.token = Some(source);
        self
    }

    /// The same with the caller's own HTTP client. Its redirects, proxies and
    /// certificates are the caller's affair.
    #[must_use]
    pub fn with_client(mut self, client: Client) -> Self {
        self.client = Some(client);
        self
    }

    /// What messages call it: scheme, host and port.
    pub(crate) fn shown(&self) -> Result<String> {
        Endpoint::new(&self.url).map(|it| it.address())
    }

    /// The transport, with what the sources gave.
    pub(crate) fn transport(
        &self,
        headers: &[(String, Secret)],
        token: Option<&Secret>,
    ) -> Result<StreamableHttpClientTransport<Client>> {
        let endpoint = Endpoint::new(&self.url)?;
        let client = match &self.client {
            Some(client) => client.clone(),
            None => endpoint.same_origin_client()?,
        };
        let mut all = HashMap::new();
        for (name, value) in headers {
            let wrong = || error::wrong(format!("`{name}` and its value can't be an HTTP header"));
            let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            all.insert(name, value);
        }
        let mut config = StreamableHttpClientTransportConfig::with_uri(self.url.as_str());
        config.auth_header = token.map(|token| token.expose().to_owned());
        let config = config.custom_headers(all).reinit_on_expired_session(true);
        Ok(StreamableHttpClientTransport::with_client(client, config))
    }
}

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

impl From<String> for Address {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The path and the query of an address may hold a key.
        f.debug_struct("Address")
            .field("url", &self.shown().unwrap_or_default())
            .field("headers", &self.headers)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}
