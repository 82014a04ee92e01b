//! One exchange with an endpoint: a request authorised, sent, and sent again where that is safe.

use crate::auth::{Auth, Outgoing, Refusal, Sent};
use crate::body::Pieces;
use crate::client::{self, ClientSettings};
use crate::endpoint::Endpoint;
use crate::wire::{Boxed, Wire};
use crate::{failure, traffic};
use bytes::Bytes;
use http::Extensions;
use parlor_core::{Error, ErrorKind, Result, Scrub, Secret, TimeoutKind};
use parlor_dialect::{Dialect, WireRequest};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Request, Response};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// The head of the requests that a model is asked by, kept when the first of
/// them was made: only the body is another each time.
#[derive(Default)]
pub(crate) struct KeptHead(OnceLock<(WireHead, Request)>);

/// What of a head the dialect says: path and headers.
type WireHead = (String, Vec<(String, String)>);

impl fmt::Debug for KeptHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptHead")
    }
}

/// What comes of a future within this time; `None` when it took longer.
async fn within<F: Future>(limit: Option<Duration>, future: F) -> Option<F::Output> {
    match limit {
        Some(limit) => timeout(limit, future).await.ok(),
        None => Some(future.await),
    }
}

/// The body of a request.
enum Content {
    Whole(Vec<u8>),
    /// One that is long, in pieces of other memory, and its end.
    Pieces(Vec<Bytes>, Vec<u8>),
}

impl Content {
    /// For a request that is sent once, and that nobody looks at.
    fn once(self) -> reqwest::Body {
        match self {
            Self::Whole(body) => body.into(),
            Self::Pieces(before, end) => {
                let mut pieces = VecDeque::from(before);
                pieces.push_back(end.into());
                reqwest::Body::wrap(Pieces(pieces))
            }
        }
    }

    /// For a request that may be sent again, or told.
    fn often(self) -> reqwest::Body {
        match self {
            Self::Whole(body) => body.into(),
            Self::Pieces(before, end) => [before.concat(), end].concat().into(),
        }
    }
}

/// A body, its status, and what takes the request's secrets out of it.
type Whole = (Bytes, u16, Scrub);

impl Endpoint {
    /// Posts what a dialect wrote, with a head that is kept.
    pub(crate) async fn post(&self, kept: &KeptHead, wire: WireRequest) -> Result<Response> {
        let head = match kept.0.get() {
            Some(((path, headers), head)) if *path == wire.path && *headers == wire.headers => {
                head.try_clone()
            }
            _ => None,
        };
        let head = match head {
            Some(head) => head,
            None => {
                let head = self.head(Method::POST, &wire.path, &wire.headers, true)?;
                if let Some(copy) = head.try_clone() {
                    // A model has one as a rule; any other is made each time.
                    let _ = kept.0.set(((wire.path, wire.headers), copy));
                }
                head
            }
        };
        let body = match wire.before.is_empty() {
            true => Content::Whole(wire.body),
            false => Content::Pieces(wire.before, wire.body),
        };
        self.send_body(head, Some(body)).await
    }

    /// Sends a request and gives the response whatever its status: for what
    /// the chat dialects don't cover, such as listing and fetching models.
    /// The body is JSON. Dropping the future cancels the request.
    ///
    /// # What is sent twice
    /// No request that a host may have begun to work on. The client itself
    /// takes another connection when a kept one turns out closed before
    /// anything of the request was written. Once something was, nobody can tell
    /// how far the host came: a break is then a `Connection` error, and trying
    /// again is for whoever asked for it, such as a retry layer. Two things go
    /// out once more: a `GET`, which changes nothing, and a request that was
    /// refused with 401 or 403, where the source of its tokens
    /// [says so](crate::Authorize::refused).
    ///
    /// # Errors
    /// `Connection`, `Timeout` before the headers are in, `Configuration`, or
    /// what the source of tokens reports.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Response> {
        self.sending(method, path, headers, body).await
    }

    /// As [`send`](Self::send), behind a pointer.
    fn sending<'a>(
        &'a self,
        method: Method,
        path: &'a str,
        headers: &'a [(String, String)],
        body: Option<Vec<u8>>,
    ) -> Boxed<'a, Result<Response>> {
        Box::pin(async move {
            let head = self.head(method, path, headers, body.is_some())?;
            self.send_body(head, body.map(Content::Whole)).await
        })
    }

    /// A request without its body, and without what a source of tokens adds.
    fn head(
        &self,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        has_body: bool,
    ) -> Result<Request> {
        // The builder turns a user and a password in the address into a header,
        // which a key takes the place of.
        let request = self.client()?.request(method, self.url(path)).build();
        let mut request = request.map_err(|error| failure::of_send(error, None))?;
        if has_body {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
        }
        for (name, value) in headers {
            let wrong = || {
                let message = format!("`{name}` and its value can't be an HTTP header");
                Error::new(ErrorKind::InvalidRequest, message)
            };
            let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
            let value = HeaderValue::from_str(value).map_err(|_| wrong())?;
            request.headers_mut().insert(name, value);
        }
        if !self.headers.is_empty() {
            request.headers_mut().extend(self.headers.clone());
        }
        if let Some((name, value)) = self.auth.fixed()? {
            request.headers_mut().insert(name, value);
        }
        Ok(request)
    }

    fn client(&self) -> Result<Client> {
        if let Some(client) = &self.client {
            return Ok(client.clone());
        }
        let settings = ClientSettings {
            connect: self.timeouts.connect,
            verify_tls: self.verify_tls,
            redirects: false,
            proxies: true,
        };
        client::shared(settings, self.base.scheme() == "https")
    }

    async fn send_body(&self, mut request: Request, body: Option<Content>) -> Result<Response> {
        let client = self.client()?;
        let (limit, kind) = match (self.timeouts.first_event, self.timeouts.total) {
            (Some(first), Some(total)) if total < first => (Some(total), TimeoutKind::Total),
            (Some(first), _) => (Some(first), TimeoutKind::FirstEvent),
            (None, total) => (total, TimeoutKind::Total),
        };
        let goes_once = !self.may_renew() && !request.method().is_safe();
        if goes_once && !traffic::is_told() {
            // Nearly all go this way, so nothing of the others' is moved about in it.
            *request.body_mut() = body.map(Content::once);
            let outcome = within(limit, client.execute(request)).await;
            return match outcome {
                Some(Ok(response)) => Ok(response),
                Some(Err(error)) => Err(self.unsent(error)),
                None => Err(failure::of_timeout(kind, self)),
            };
        }
        *request.body_mut() = body.map(Content::often);
        let answer = within(limit, self.exchange(&client, request)).await;
        answer.unwrap_or_else(|| Err(failure::of_timeout(kind, self)))
    }

    /// What a failure to send means.
    fn unsent(&self, error: reqwest::Error) -> Error {
        let proxy = error.url().and_then(|url| self.proxy(url));
        failure::of_send(error, proxy.as_deref())
    }

    /// Sends a request, and once more where that is safe.
    fn exchange<'a>(&'a self, client: &'a Client, request: Request) -> Boxed<'a, Result<Response>> {
        Box::pin(self.exchanged(client, request))
    }

    async fn exchanged(&self, client: &Client, request: Request) -> Result<Response> {
        let source = match &self.auth {
            Auth::Dynamic(source) => Some(source),
            _ => None,
        };
        let safe = request.method().is_safe();
        let told = |error| self.unsent(error);
        let again = match source.is_some() || safe {
            true => request.try_clone(),
            false => None,
        };
        let outcome = self.attempt(client, request, false).await?;
        let Some(again) = again else {
            return outcome.map_err(told);
        };
        match (outcome, source) {
            (Err(error), _) if safe && failure::is_break(&error) => {}
            (Ok(response), Some(source)) if matches!(response.status().as_u16(), 401 | 403) => {
                let status = response.status().as_u16();
                let Some(sent) = response.extensions().get::<Arc<Sent>>() else {
                    return Ok(response);
                };
                let refusal = Refusal::new(status, response.headers(), sent);
                if !source.refused(&refusal).await? {
                    return Ok(response);
                }
            }
            (outcome, _) => return outcome.map_err(told),
        }
        let outcome = self.attempt(client, again, true).await?;
        outcome.map_err(told)
    }

    /// Authorises a request and sends it. Where a source of tokens may want to
    /// see what was sent, that goes with the response, and what the source
    /// added, to be taken out of errors.
    async fn attempt(
        &self,
        client: &Client,
        mut request: Request,
        again: bool,
    ) -> Result<reqwest::Result<Response>> {
        let Auth::Dynamic(source) = &self.auth else {
            return Ok(traffic::execute(self, client, request, &[]).await);
        };
        let mut secrets = Outgoing::authorized(&mut request, &**source).await?;
        let sent = Arc::new(Sent {
            headers: request.headers().clone(),
            url: request.url().clone(),
            again,
        });
        let sensitive = sent.headers.values().filter(|it| it.is_sensitive());
        for value in sensitive.filter_map(|it| it.to_str().ok()) {
            // The token without its scheme, which a server may repeat alone.
            let token = value.split_once(' ').map(|(_, token)| Secret::new(token));
            secrets.extend(token);
            secrets.push(Secret::new(value));
        }
        let mut outcome = traffic::execute(self, client, request, &secrets).await;
        if let Ok(response) = &mut outcome {
            let extensions = response.extensions_mut();
            extensions.insert(self.scrub_with(secrets));
            extensions.insert(sent);
        }
        Ok(outcome)
    }

    /// Whether it may go better once more after a refusal: where what proves
    /// who asks is made anew for every request.
    pub(crate) fn may_renew(&self) -> bool {
        matches!(self.auth, Auth::Dynamic(_))
    }

    /// Whether a request whose success turned out to report this error may go
    /// better once more, authorised anew.
    pub(crate) async fn renews(
        &self,
        error: &Error,
        head: &HeaderMap,
        response: &Extensions,
    ) -> Result<bool> {
        let (Auth::Dynamic(source), ErrorKind::Authentication) = (&self.auth, error.kind()) else {
            return Ok(false);
        };
        match response.get::<Arc<Sent>>().filter(|it| !it.again) {
            Some(sent) => source.refused(&Refusal::new(401, head, sent)).await,
            None => Ok(false),
        }
    }

    /// Sends a request and gives the response, whose status is 2xx: for
    /// answers whose headers count.
    ///
    /// # Errors
    /// As [`send`](Self::send); what the dialect makes of any other status.
    pub async fn accepted(
        &self,
        dialect: &impl Dialect,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Response> {
        self.accepting(dialect, method, path, headers, body).await
    }

    /// As [`accepted`](Self::accepted), behind a pointer.
    pub(crate) fn accepting<'a>(
        &'a self,
        dialect: &'a dyn Wire,
        method: Method,
        path: &'a str,
        headers: &'a [(String, String)],
        body: Option<Vec<u8>>,
    ) -> Boxed<'a, Result<Response>> {
        Box::pin(async move {
            let response = self.sending(method, path, headers, body).await?;
            match response.status().is_success() {
                true => Ok(response),
                false => Err(failure::of_status(dialect, response, self).await),
            }
        })
    }

    /// Sends a request and gives the JSON of its answer, at most 32 MiB.
    ///
    /// # Errors
    /// As [`send`](Self::send); what the dialect makes of a status that isn't
    /// 2xx; `Decode`, when the answer is no JSON.
    pub async fn json(
        &self,
        dialect: &impl Dialect,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<serde_json::Value> {
        let whole = self.whole(dialect, method, path, headers, body).await?;
        self.json_of(&whole)
    }

    /// Sends a request and gives the body of its answer, at most 32 MiB.
    ///
    /// # Errors
    /// As [`send`](Self::send); what the dialect makes of a status that isn't
    /// 2xx.
    pub async fn bytes(
        &self,
        dialect: &impl Dialect,
        method: Method,
        path: &str,
        headers: &[(String, String)],
        body: Option<Vec<u8>>,
    ) -> Result<Vec<u8>> {
        let (body, ..) = self.whole(dialect, method, path, headers, body).await?;
        Ok(body.into())
    }

    /// The body, its status, and what takes the request's secrets out of it.
    pub(crate) fn whole<'a>(
        &'a self,
        dialect: &'a dyn Wire,
        method: Method,
        path: &'a str,
        headers: &'a [(String, String)],
        body: Option<Vec<u8>>,
    ) -> Boxed<'a, Result<Whole>> {
        Box::pin(async move {
            let begun = Instant::now();
            let response = self.accepting(dialect, method, path, headers, body).await?;
            let status = response.status().as_u16();
            let scrub = failure::scrub(response.extensions(), self);
            let body = crate::body::read_whole(response, self, begun).await?;
            Ok((body.into(), status, scrub))
        })
    }

    /// The JSON of a body.
    pub(crate) fn json_of(&self, (body, status, scrub): &Whole) -> Result<serde_json::Value> {
        serde_json::from_slice(body).map_err(|error| {
            let address = self.address();
            Error::decode(format!("{address} didn't answer with JSON: {error}"))
                .with_status(*status)
                .with_body(body)
                .scrubbed(scrub)
        })
    }
}
