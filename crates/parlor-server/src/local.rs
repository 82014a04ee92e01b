//! What clients of the API of local models ask beside chats: which version it is, what there is to
//! know of a model, and which are loaded.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use parlor::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use crate::gateway::refused;
use crate::routes::Routes;
use crate::service::Site;
use crate::speak::{self, ollama};

/// Adds them.
pub(crate) fn routes(router: Routes) -> Routes {
    router
        .route("/api/version", get(version))
        .route("/api/ps", get(loaded))
        .route("/api/show", post(show))
}

async fn version() -> Json<Value> {
    Json(json!({ "version": ollama::VERSION }))
}

/// None is loaded here.
async fn loaded(State(site): State<Arc<Site>>, request: Request) -> Response {
    let caller = site.access.check(request.headers(), request.uri()).await;
    answered(caller.map(|_| json!({ "models": [] })))
}

async fn show(State(site): State<Arc<Site>>, request: Request) -> Response {
    answered(shown(&site, request).await)
}

async fn shown(site: &Site, request: Request) -> Result<Value> {
    let caller = site.access.check(request.headers(), request.uri()).await?;
    let _room = site.admit()?;
    let (parts, body) = request.into_parts();
    let body = site.bodies.whole(&parts.headers, body).await?;
    let body: Value = serde_json::from_slice(&body.bytes).unwrap_or_default();
    let named = body.get("model").or_else(|| body.get("name"));
    let id = named.and_then(Value::as_str).unwrap_or_default();
    if id.is_empty() {
        let error = Error::new(ErrorKind::InvalidRequest, "model is required");
        return Err(error.with_status(400));
    }
    Ok(ollama::shown(&site.known_to(&caller, id)?))
}

fn answered(answer: Result<Value>) -> Response {
    match answer {
        Ok(value) => Json(value).into_response(),
        Err(error) => refused(&*speak::of_path("/api/"), &error),
    }
}
