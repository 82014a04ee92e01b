//! What those who run a service ask it: whether it is ready, its figures, and what was used.

mod around;
mod metrics;
mod origins;

pub(crate) use around::{Stage, around, over, request_id};
pub(crate) use metrics::Metrics;

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use parlor::{Error, ErrorKind, Result};
use parlor_store::{ServedBy, ServedRow};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::access::Caller;
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
        .route("/api/usage", get(used))
}

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
    let caller = site.access.check(head, uri).await?;
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

/// A question about usage: since when, and by what it is to be added up.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    /// Days back, 30 where nothing is said.
    days: Option<u32>,
    /// Of `day`, `key`, `provider`, `model`, with commas between; all where nothing is said.
    by: Option<String>,
}

/// What was used; who holds a key that was given out sees what that key used.
async fn used(
    State(site): State<Arc<Site>>,
    Query(wanted): Query<Wanted>,
    request: Request,
) -> Response {
    match usage(&site, &wanted, request.headers(), request.uri()).await {
        Ok(rows) => Json(json!({ "rows": rows })).into_response(),
        Err(error) => refused(&*speak::of_path("/"), &error),
    }
}

async fn usage(
    site: &Site,
    wanted: &Wanted,
    head: &HeaderMap,
    uri: &Uri,
) -> Result<Vec<ServedRow>> {
    let caller = site.access.check(head, uri).await?;
    let store = site.config.given_keys.as_ref().ok_or_else(|| {
        let message = "this service keeps no account of usage";
        Error::new(ErrorKind::InvalidRequest, message)
            .with_status(404)
            .with_help("Give it a store.")
    })?;
    let mut by = ServedBy::default();
    for word in wanted
        .by
        .as_deref()
        .unwrap_or("day,key,provider,model")
        .split(',')
    {
        let field = match word.trim() {
            "day" => &mut by.day,
            "key" => &mut by.key,
            "provider" => &mut by.provider,
            "model" => &mut by.model,
            "" => continue,
            other => {
                let message = format!("usage isn't added up by `{other}`");
                return Err(Error::new(ErrorKind::InvalidRequest, message)
                    .with_status(400)
                    .with_help("Say day, key, provider or model, with commas between."));
            }
        };
        *field = true;
    }
    let days = i64::from(wanted.days.unwrap_or(30));
    let since = crate::account::now_ms().saturating_sub(days.saturating_mul(86_400_000));
    let key = match &caller {
        Caller::Given(key) => Some(key.id.as_str()),
        _ => None,
    };
    let rows = tokio::time::timeout(5 * PATIENCE, store.served(since, by, key)).await;
    let away = |error: Error| error.with_kind(ErrorKind::Overloaded).with_status(503);
    let late = |_| Error::new(ErrorKind::Overloaded, "the store is away").with_status(503);
    rows.map_err(late)?.map_err(away)
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
