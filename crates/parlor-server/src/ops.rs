//! What those who run a service ask it: whether it is ready, its figures, what was used, and what
//! goes on.

mod around;
mod metrics;
mod origins;
mod series;
mod status;
mod usage;
mod watch;

pub(crate) use around::{Stage, around, carried, over, request_id};
pub(crate) use metrics::Metrics;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parlor::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::access::Caller;
use crate::account::Seen;
use crate::chat::{Gives, Method, Route, by, schema};
use crate::gateway::{refused, reply};
use crate::routes::Routes;
use crate::service::Site;
use crate::speak;

/// How long a store may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// The same routes with these.
pub(crate) fn routes(router: Routes) -> Routes {
    router
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
}

/// What is under `/api` of it.
pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Get,
        path: "/api/usage",
        about: "Adds up what was used; a key that was given out sees what was asked with it",
        query: &[
            ("days", "How many days back; 30 where nothing is said."),
            (
                "by",
                "Of `day`, `key`, `provider` and `model`, with commas between; all where nothing \
                 is said.",
            ),
        ],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "A row for each of what it is added up by.",
            kinds: &[("application/json", Some(schema::<usage::Used>))],
        }],
        answers: by!(usage::used),
    },
    Route {
        method: Method::Get,
        path: "/api/usage/series",
        about: "Adds up what was used over time, with how long it took and how it ended",
        query: &[
            (
                "range",
                "`hour`, `day`, which it is where nothing is said, `week` or `month`: the time \
                 up to now, in spans of 1 minute, 30 minutes, 3 hours or a day (UTC).",
            ),
            (
                "by",
                "What it is told apart by: `model`, which it is where nothing is said, \
                 `provider` or `key`.",
            ),
        ],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "Those who asked most by themselves, the others together. The spans of each \
                    add up to its sum, and these to the sum of all.",
            kinds: &[("application/json", Some(schema::<series::Series>))],
        }],
        answers: by!(series::series),
    },
    Route {
        method: Method::Get,
        path: "/api/requests",
        about: "Tells of requests to this instance as they end, after the last ones before",
        query: &[
            (
                "recent",
                "How many of those before, 512 at most; 100 where nothing is said.",
            ),
            (
                "last_event_id",
                "The id of the last event that was read, where no `Last-Event-ID` says it.",
            ),
        ],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "Server-sent events: `request`, with what is described here, and `missed` \
                    where some were forgotten before they were read.",
            kinds: &[("text/event-stream", Some(schema::<Seen>))],
        }],
        answers: by!(watch::requests),
    },
    Route {
        method: Method::Get,
        path: "/api/status",
        about: "How the stores, the providers and the models of routes fare; for operators",
        query: &[],
        takes: None,
        gives: &[Gives {
            status: 200,
            about: "How it stands.",
            kinds: &[("application/json", Some(schema::<status::Status>))],
        }],
        answers: by!(status::status),
    },
];

/// Whether requests can be answered: 503 where a store is away that they need. Why is told to
/// those who may ask models too.
async fn ready(State(site): State<Arc<Site>>, request: Request) -> Response {
    let mut stores = serde_json::Map::new();
    let mut is_ready = true;
    for (name, state) in site.stores().await {
        is_ready &= state.is_ok();
        let told = match state {
            Ok(()) => json!("ready"),
            Err(error) => json!({ "away": error.message() }),
        };
        stores.insert(name.to_owned(), told);
    }
    let mut body = json!({ "ready": is_ready });
    let may_know = site.access.check(request.headers(), request.uri()).await;
    if may_know.is_ok() {
        body["stores"] = Value::Object(stores);
        body["providers"] = site.providers();
    }
    let status = match is_ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (status, Json(body)).into_response()
}

/// Figures in the text form of Prometheus.
/// <https://prometheus.io/docs/instrumenting/exposition_formats/>
async fn figures(State(site): State<Arc<Site>>, request: Request) -> Response {
    match operator(&site, request.headers(), request.uri()).await {
        Ok(()) => {
            let text = site.figures();
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            reply(StatusCode::OK, kind, Body::from(text))
        }
        Err(error) => refused(&*speak::of_path("/"), &error),
    }
}

/// Lets those in who see what everybody does: not the holders of keys that were given out.
async fn operator(site: &Site, head: &HeaderMap, uri: &Uri) -> Result<()> {
    is_operator(&site.access.check(head, uri).await?)
}

fn is_operator(caller: &Caller) -> Result<()> {
    match caller {
        Caller::Anyone | Caller::Configured(_) => Ok(()),
        Caller::Given(key) => {
            let message = format!("the key `{}` is for asking models", key.name);
            Err(Error::new(ErrorKind::Permission, message)
                .with_status(403)
                .with_help("Use a key of the service's own key file."))
        }
    }
}

impl Site {
    /// The stores that requests need, and whether they are there.
    async fn stores(&self) -> Vec<(&'static str, Result<()>)> {
        let mut stores = Vec::new();
        if let Some(keyring) = &self.account.keyring {
            stores.push(("keys and usage", keyring.ping().await));
        }
        let limits = self
            .config
            .limits
            .used("ready", parlor::layers::limits::Window::Life);
        let limits = match tokio::time::timeout(PATIENCE, limits).await {
            Ok(answer) => answer.map(drop),
            Err(_) => Err(Error::new(ErrorKind::Connection, "it doesn't answer")),
        };
        stores.push(("limits", limits));
        stores
    }

    /// Which providers can be asked, and which are configured and have no key.
    fn providers(&self) -> Value {
        let known = self.live();
        let registry = &known.registry;
        let configured = &registry.config().providers;
        let (ready, others): (Vec<&str>, Vec<&str>) =
            registry.instances().partition(|it| registry.is_in_use(it));
        let is_without = |it: &&str| configured.contains_key(*it) && !registry.is_ready(it);
        let without: Vec<&str> = others.into_iter().filter(is_without).collect();
        json!({ "ready": ready, "no_key": without })
    }
}
