//! The chat service: conversations that the server owns, and what answers in its own form.
//!
//! [`ROUTES`] has every endpoint with what it takes and gives; the router and the document of the
//! API are both made of it.

mod approvals;
mod call;
mod conversations;
mod follow;
mod going;
mod log;
mod question;
mod relay;
mod routes;
mod shelf;
mod shown;
mod stream;
mod turns;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawPathParams, Request, State};
use axum::response::Response;
use parlor::{Error, ErrorKind};
use serde_json::Value;

pub(crate) use going::Turns;
pub use relay::MemoryRelay;
pub(crate) use routes::{Answers, Gives, Method, ROUTES, Route, by, schema};
pub(crate) use shelf::Shelf;
pub use shelf::StoreAt;
pub(crate) use shown::{Failure, Refused};

use crate::gateway;
use crate::routes::Routes;
use crate::service::Site;
use crate::speak;
pub(crate) use call::{Call, json, wrong};

/// The same routes with those of a table: of the chat service, or of what an operator asks.
pub(crate) fn routes(mut router: Routes, table: &'static [Route]) -> Routes {
    for route in table {
        let answer =
            move |State(site): State<Arc<Site>>, params: RawPathParams, request: Request| {
                let answered = async move {
                    let answers = match &route.answers {
                        Answers::Whole(answers) => answers,
                        Answers::Itself(answers) => return answers(site, request).await,
                    };
                    let call = match Call::of(&site, &params, request).await {
                        Ok(call) => call,
                        Err(error) => return refused(&error),
                    };
                    let answer = answers(site, call).await;
                    answer.unwrap_or_else(|error| refused(&of_store(error)))
                };
                // A handler's future would have the size of the largest of them.
                Box::pin(answered)
            };
        let method = axum::routing::on(route.method.filter(), answer);
        router = router.route(route.path, method);
    }
    router
}

/// A failure in the service's own words, with the status that the dialects give its kind.
pub(crate) fn refused(error: &Error) -> Response {
    let mut response = gateway::refused(&*speak::of_path("/api/"), error);
    *response.body_mut() = Body::from(serde_json::json!({ "error": told(error) }).to_string());
    response
}

/// A failure of the store, which is none of a provider: it is away, and comes back.
fn of_store(error: Error) -> Error {
    if error.kind() != ErrorKind::Connection || error.provider().is_some() {
        return error;
    }
    let message = "the store of this service's conversations is away";
    Error::new(ErrorKind::Overloaded, message)
        .with_status(503)
        .with_source(error)
}

/// What a client may know of a failure.
pub(crate) fn told(error: &Error) -> Value {
    serde_json::json!(Failure::from(error))
}
