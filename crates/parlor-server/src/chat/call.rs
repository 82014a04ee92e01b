//! One request to the chat service: who sends it, and what it says.

use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Query, RawPathParams, Request};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use parlor::agent::TurnId;
use parlor::{Error, ErrorKind, Result};
use parlor_store::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::access::Caller;
use crate::body::{Bounds, Held, Seen};
use crate::gateway::reply;
use crate::service::Site;

/// The most bytes of a body that is a few words.
const SHORT: usize = 4 * 1024;

/// A request whose sender may ask.
pub(crate) struct Call {
    pub(crate) head: HeaderMap,
    pub(crate) uri: Uri,
    /// Who sends it.
    pub(crate) caller: Caller,
    /// What their conversations belong to, where there are several who may ask.
    pub(crate) holder: Option<String>,
    params: Vec<(String, String)>,
    /// Behind a lock, which makes a call one that tasks may share.
    body: Mutex<Body>,
    bounds: Bounds,
}

impl Call {
    pub(super) async fn of(site: &Site, params: &RawPathParams, request: Request) -> Result<Self> {
        let caller = site.access.check(request.headers(), request.uri()).await?;
        let (parts, body) = request.into_parts();
        let params = params.iter();
        Ok(Self {
            holder: caller.holder(),
            caller,
            params: params
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            head: parts.headers,
            uri: parts.uri,
            body: Mutex::new(body),
            bounds: site.bodies.clone(),
        })
    }

    /// What stands in the path in the place of this name.
    pub(crate) fn param(&self, name: &str) -> &str {
        let mut params = self.params.iter();
        let found = params.find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The turn that the path names.
    pub(crate) fn turn(&self) -> Result<TurnId> {
        turn_id(self.param("turn"))
    }

    pub(crate) fn query<T: DeserializeOwned>(&self) -> Result<T> {
        let query = Query::try_from_uri(&self.uri);
        query
            .map(|Query(query)| query)
            .map_err(|error| wrong(format!("the query is wrong: {error}")))
    }

    /// The same with a body of a few words, which needs no place among the requests on their way.
    pub(crate) fn short(mut self) -> Self {
        self.bounds = self.bounds.short(SHORT);
        self
    }

    /// The body as JSON; an empty one is an object without fields.
    pub(crate) async fn json<T: DeserializeOwned>(self) -> Result<T> {
        Ok(self.held().await?.0)
    }

    /// The same, with its part of what may be held.
    pub(crate) async fn held<T: DeserializeOwned>(self) -> Result<(T, Held)> {
        let body = self.body.into_inner();
        let body = body.unwrap_or_else(PoisonError::into_inner);
        let Seen { bytes, held, .. } = self.bounds.whole(&self.head, body).await?;
        let body: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        let read = serde_json::from_slice(body);
        let read = read.map_err(|error| wrong(format!("the body is wrong: {error}")))?;
        Ok((read, held))
    }

    /// The store as the sender may see it.
    pub(crate) async fn store(&self, site: &Site) -> Result<Store> {
        let store = site.shelf.store().await?;
        Ok(match &self.holder {
            Some(holder) => store.of_owner(holder),
            None => store.clone(),
        })
    }
}

/// A turn by what its id is written as: JavaScript's numbers can't hold it.
pub(crate) fn turn_id(text: &str) -> Result<TurnId> {
    let number = text.parse().map(TurnId);
    number.map_err(|_| missing(wrong(format!("there is no turn `{text}`"))))
}

pub(crate) fn wrong(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, message.into()).with_status(400)
}

/// What the store doesn't have isn't there.
pub(crate) fn missing(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Validation | ErrorKind::InvalidRequest => error.with_status(404),
        _ => error,
    }
}

/// Does something to its end, though the client leave amid it.
pub(crate) async fn to_its_end<T: Send + 'static>(
    what: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let done = tokio::spawn(what).await;
    done.unwrap_or_else(|_| {
        let message = "the request ended in an unexpected way";
        Err(Error::new(ErrorKind::Unexpected, message))
    })
}

/// A value as the body of an answer.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response> {
    let body = serde_json::to_vec(value);
    let body = body.map_err(|error| Error::new(ErrorKind::Unexpected, error.to_string()))?;
    Ok(reply(status, "application/json", Body::from(body)))
}
