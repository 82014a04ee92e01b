//! How requests prove who sends them.

use async_trait::async_trait;
use parlor_core::{Error, ErrorKind, Result, Secret};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Request, Url};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// How requests to an endpoint prove who sends them.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// `Authorization: Bearer <key>`.
    Bearer(Secret),
    /// The key in a header of this name; `Configuration` where that is no name.
    Header(&'static str, Secret),
    /// By a source of tokens or signatures.
    Dynamic(Arc<dyn Authorize>),
}

/// A source of tokens or signatures, for hosts that want more than a key in a
/// header: SigV4, TC3-HMAC-SHA256, OAuth tokens, chains of credentials.
///
/// A signer sees the request as it goes out and adds its headers:
///
/// ```
/// use parlor_core::{Result, Secret};
/// use parlor_http::{Auth, Authorize, Endpoint, Outgoing, async_trait};
///
/// #[derive(Debug)]
/// struct Signer {
///     key: Secret,
/// }
///
/// #[async_trait]
/// impl Authorize for Signer {
///     async fn authorize(&self, request: &mut Outgoing<'_>) -> Result<()> {
///         let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
///         let now = now.as_secs().to_string();
///         request.set_header("x-date", &now)?;
///         let text = format!(
///             "{}\n{}\n{}\n{now}\n",
///             request.method(),
///             request.path(),
///             request.host(),
///         );
///         let signature = sign(&self.key, text.as_bytes(), request.body());
///         request.set_header("authorization", &format!("ACME-HMAC {signature}"))
///     }
/// }
/// # fn sign(key: &Secret, head: &[u8], body: &[u8]) -> String {
/// #     format!("{}{}{}", key.expose().len(), head.len(), body.len())
/// # }
///
/// let signer = Signer { key: "k-1234".into() };
/// let endpoint = Endpoint::new("https://acme.example/v1")?
///     .with_auth(Auth::dynamic(signer));
/// # Ok::<(), parlor_core::Error>(())
/// ```
///
/// A source of tokens remembers the one it got, and forgets it when it is
/// refused:
///
/// ```
/// use parlor_core::{Result, Secret};
/// use parlor_http::{Authorize, Outgoing, Refusal, async_trait};
/// use std::sync::{Mutex, PoisonError};
///
/// #[derive(Debug)]
/// struct Tokens {
///     known: Mutex<Option<Secret>>,
/// }
///
/// #[async_trait]
/// impl Authorize for Tokens {
///     async fn authorize(&self, request: &mut Outgoing<'_>) -> Result<()> {
///         let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
///         let token = match known {
///             Some(token) => token,
///             None => fetch().await?,
///         };
///         request.set_header("authorization", &format!("Bearer {}", token.expose()))?;
///         *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(token);
///         Ok(())
///     }
///
///     async fn refused(&self, refusal: &Refusal<'_>) -> Result<bool> {
///         let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
///         let sent = refusal.sent("authorization").unwrap_or_default();
///         // Another request may have got a new one meanwhile.
///         if known.as_ref().is_some_and(|it| sent.ends_with(it.expose())) {
///             *known = None;
///         }
///         Ok(refusal.status() == 401)
///     }
/// }
/// # async fn fetch() -> Result<Secret> { Ok("t-1".into()) }
/// ```
#[async_trait]
pub trait Authorize: fmt::Debug + Send + Sync {
    /// Puts on a request what proves who sends it.
    ///
    /// # Behavior
    /// - Called for every attempt, when nothing but authentication is missing:
    ///   method, URL, headers and body are what goes over the wire, and a
    ///   repeated request is authorised anew, from its state without proof.
    /// - May take time, within the endpoint's limit for the first event; an
    ///   error is the call's error.
    /// - What it sets is secret: it is marked so, and taken out of errors that
    ///   repeat it.
    /// - Called by several requests at once. Its `Debug` shows no secret.
    async fn authorize(&self, request: &mut Outgoing<'_>) -> Result<()>;

    /// Learns that the host answered with 401 or 403, or reported as much in
    /// the body of a success, and says whether another attempt, authorised
    /// anew, may go better. Never, unless overridden.
    ///
    /// # Behavior
    /// - Called at most once per request. When it says yes the request is sent
    ///   once more, and that answer stands whatever it is.
    /// - An error is the call's error.
    async fn refused(&self, refusal: &Refusal<'_>) -> Result<bool> {
        let _ = refusal;
        Ok(false)
    }
}

/// A request as it is about to be sent, for [`Authorize`].
///
/// What the client adds by itself, such as `host`, `user-agent`, `accept` and
/// `content-length`, isn't among the headers. [`host`](Self::host) has the
/// first, which is part of every signature; the others are best left unsigned.
pub struct Outgoing<'a> {
    request: &'a mut Request,
    query: Vec<Secret>,
}

impl<'a> Outgoing<'a> {
    /// Has a request authorised; gives the secrets that were put into its query.
    pub(crate) async fn authorized(
        request: &'a mut Request,
        source: &dyn Authorize,
    ) -> Result<Vec<Secret>> {
        let mut outgoing = Self {
            request,
            query: Vec::new(),
        };
        source.authorize(&mut outgoing).await?;
        Ok(outgoing.query)
    }

    /// The method in capital letters.
    pub fn method(&self) -> &str {
        self.request.method().as_str()
    }

    /// The whole URL as it is sent, percent-encoded.
    pub fn url(&self) -> &str {
        self.request.url().as_str()
    }

    /// The value of the `host` header: the port is in it unless it is the
    /// scheme's own.
    pub fn host(&self) -> String {
        host(self.request.url())
    }

    /// The path as it is sent, percent-encoded; begins with `/`.
    pub fn path(&self) -> &str {
        self.request.url().path()
    }

    /// The query as it is sent, percent-encoded.
    pub fn query(&self) -> Option<&str> {
        self.request.url().query()
    }

    /// The names of the headers in lower case, and their values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let headers = self.request.headers().iter();
        headers.map(|(name, value)| (name.as_str(), value.as_bytes()))
    }

    /// The value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// The exact bytes of the body; empty where there is none.
    pub fn body(&self) -> &[u8] {
        let body = self.request.body();
        body.and_then(reqwest::Body::as_bytes).unwrap_or_default()
    }

    /// Sets a header, in the place of one of the same name.
    ///
    /// # Errors
    /// `Authentication`, when name or value can't be a header.
    pub fn set_header(&mut self, name: &str, value: &str) -> Result<()> {
        let value = sensitive(value)?;
        let name = HeaderName::try_from(name).map_err(|_| unfit(name))?;
        self.request.headers_mut().insert(name, value);
        Ok(())
    }

    /// Takes a header away.
    pub fn remove_header(&mut self, name: &str) {
        self.request.headers_mut().remove(name);
    }

    /// Sets a parameter of the query, in the place of those of the same name:
    /// some hosts take a token there.
    pub fn set_query(&mut self, name: &str, value: &str) {
        let url = self.request.url_mut();
        let others: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(known, _)| known != name)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let mut pairs = url.query_pairs_mut();
        pairs.clear().extend_pairs(others).append_pair(name, value);
        drop(pairs);
        self.query.push(Secret::new(value));
    }
}

impl fmt::Debug for Outgoing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("Outgoing")
            .field("method", &self.method())
            .field("host", &self.host())
            .field("path", &self.path())
            .field("headers", &names)
            .field("body_bytes", &self.body().len())
            .finish_non_exhaustive()
    }
}

/// What was sent of a request that a source of tokens or signatures authorised.
pub(crate) struct Sent {
    pub(crate) headers: HeaderMap,
    pub(crate) url: Url,
    /// Whether the source was asked for another attempt already.
    pub(crate) again: bool,
}

/// An answer of 401 or 403, for [`Authorize`].
#[derive(Clone, Copy)]
pub struct Refusal<'a> {
    status: u16,
    answer: &'a HeaderMap,
    sent: &'a Sent,
}

impl<'a> Refusal<'a> {
    pub(crate) fn new(status: u16, answer: &'a HeaderMap, sent: &'a Sent) -> Self {
        Self {
            status,
            answer,
            sent,
        }
    }

    /// The status: 401 or 403. It is 401 too where the body of a success
    /// reports that the request wasn't authorised.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// A header of the answer, such as `www-authenticate`, `x-amzn-errortype`
    /// or `date`.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.answer.get(name)?.to_str().ok()
    }

    /// A header of the request that was refused: tells the token in it from
    /// one that another request got meanwhile.
    pub fn sent(&self, name: &str) -> Option<&'a str> {
        self.sent.headers.get(name)?.to_str().ok()
    }

    /// The same for a parameter of the query.
    pub fn sent_query(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut pairs = self.sent.url.query_pairs();
        pairs.find(|it| it.0 == name).map(|(_, value)| value)
    }
}

impl fmt::Debug for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl Auth {
    /// By a source of tokens or signatures.
    pub fn dynamic(source: impl Authorize + 'static) -> Self {
        Self::Dynamic(Arc::new(source))
    }

    /// The header that is the same on every request.
    pub(crate) fn fixed(&self) -> Result<Option<(HeaderName, HeaderValue)>> {
        let (name, value) = match self {
            Self::None | Self::Dynamic(_) => return Ok(None),
            Self::Bearer(key) => (AUTHORIZATION, format!("Bearer {}", key.expose())),
            Self::Header(name, key) => {
                let wrong = |_| {
                    let message = format!("`{name}` can't be an HTTP header");
                    Error::new(ErrorKind::Configuration, message)
                };
                let name = HeaderName::try_from(*name).map_err(wrong)?;
                (name, key.expose().to_owned())
            }
        };
        Ok(Some((name, sensitive(&value)?)))
    }
}

fn sensitive(value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value).map_err(|_| {
        Error::new(
            ErrorKind::Authentication,
            "the key has characters that no HTTP header can carry",
        )
        .with_help("Copy the key anew; it may have a line break or a typographic sign in it.")
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn unfit(name: &str) -> Error {
    let message = format!("`{name}` can't be an HTTP header");
    Error::new(ErrorKind::Authentication, message)
}

/// The value of the `host` header of a request to a URL.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}
