//! What goes over the line, told to `tracing` with the secrets out.
//!
//! Where nobody listens this costs one look at a static for each exchange, and
//! nothing for what comes of it.

use crate::endpoint::Endpoint;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use parlor_core::{Scrub, Secret};
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Body, Client, Request, Response, ResponseBuilderExt as _};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use tokio::time::Instant;
use tracing::{Level, debug, enabled, trace};

const REQUEST: &str = "parlor_http::request";
const RESPONSE: &str = "parlor_http::response";

/// The most bytes of a body that are told.
const BODY_LIMIT: usize = 16 * 1024;

/// Pairs what is told of a response with what was told of its request.
static EXCHANGES: AtomicU64 = AtomicU64::new(1);

/// Whether anybody listens.
pub(crate) fn is_told() -> bool {
    enabled!(target: REQUEST, Level::DEBUG) || enabled!(target: RESPONSE, Level::DEBUG)
}

/// Sends a request; `secrets` are those that it carries beside the endpoint's.
pub(crate) async fn execute(
    endpoint: &Endpoint,
    client: &Client,
    request: Request,
    secrets: &[Secret],
) -> reqwest::Result<Response> {
    if !is_told() {
        return client.execute(request).await;
    }
    let exchange = Exchange {
        number: EXCHANGES.fetch_add(1, Ordering::Relaxed),
        begun: Instant::now(),
        scrub: endpoint.scrub_with(secrets.to_vec()),
    };
    exchange.asks(&request);
    match client.execute(request).await {
        Ok(response) => Ok(exchange.answered(response)),
        Err(error) => {
            let text = error.to_string();
            debug!(
                target: RESPONSE,
                exchange = exchange.number,
                ms = exchange.ms(),
                error = %exchange.scrub.text(&text),
                "no response"
            );
            Err(error)
        }
    }
}

struct Exchange {
    number: u64,
    begun: Instant,
    scrub: Scrub,
}

impl Exchange {
    fn ms(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn asks(&self, request: &Request) {
        debug!(
            target: REQUEST,
            exchange = self.number,
            method = %request.method(),
            url = %self.scrub.text(request.url().as_str()),
            headers = %self.head(request.headers()),
            "request"
        );
        if enabled!(target: REQUEST, Level::TRACE)
            && let Some(body) = request.body().and_then(Body::as_bytes)
        {
            trace!(
                target: REQUEST,
                exchange = self.number,
                bytes = body.len(),
                body = %self.body(body),
                "request body"
            );
        }
    }

    /// The response, whose body is told when it is over.
    fn answered(self, response: Response) -> Response {
        debug!(
            target: RESPONSE,
            exchange = self.number,
            status = response.status().as_u16(),
            ms = self.ms(),
            headers = %self.head(response.headers()),
            "response"
        );
        if !enabled!(target: RESPONSE, Level::TRACE) {
            return response;
        }
        let address = http::Response::builder().url(response.url().clone());
        let (mut parts, body) = http::Response::<Body>::from(response).into_parts();
        if let Ok(address) = address.body(()) {
            parts.extensions.extend(address.into_parts().0.extensions);
        }
        let told = Told {
            body,
            exchange: self,
            beginning: Vec::new(),
            bytes: 0,
        };
        http::Response::from_parts(parts, Body::wrap(told)).into()
    }

    /// Headers on one line, those that are secret by their last characters.
    fn head(&self, headers: &HeaderMap) -> String {
        let mut all = Vec::with_capacity(headers.len());
        for (name, value) in headers {
            let text = String::from_utf8_lossy(value.as_bytes());
            let value = match value.is_sensitive() || name == SET_COOKIE {
                true => Secret::new(&text).hint(),
                false => self.scrub.text(&text).into_owned(),
            };
            all.push(format!("{name}: {value}"));
        }
        all.join(", ")
    }

    /// The beginning of a body.
    fn body(&self, body: &[u8]) -> String {
        let beginning = body.get(..BODY_LIMIT).unwrap_or(body);
        self.scrub.cut_text(&String::from_utf8_lossy(beginning))
    }
}

/// A body that is told when it is over, or is dropped.
struct Told {
    body: Body,
    exchange: Exchange,
    beginning: Vec<u8>,
    bytes: usize,
}

impl http_body::Body for Told {
    type Data = Bytes;
    type Error = reqwest::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, reqwest::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.bytes += data.len();
            let room = BODY_LIMIT.saturating_sub(self.beginning.len());
            let kept = data.get(..room).unwrap_or(data);
            self.beginning.extend_from_slice(kept);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        trace!(
            target: RESPONSE,
            exchange = self.exchange.number,
            bytes = self.bytes,
            ms = self.exchange.ms(),
            body = %self.exchange.body(&self.beginning),
            "response body"
        );
    }
}
