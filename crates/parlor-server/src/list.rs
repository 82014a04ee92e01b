//! The models that can be asked for, as each client's dialect lists them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use parlor::{ModelInfo, Result};

use crate::access::Caller;
use crate::gateway::refused;
use crate::service::Site;
use crate::speak::{self, Known};

/// Answers with the list.
pub(crate) async fn models(State(site): State<Arc<Site>>, request: Request) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    match site.access.check(headers, request.uri()).await {
        Ok(caller) => Json(speak::listed(path, headers, &site.all_known(&caller))).into_response(),
        Err(error) => refused(&*speak::of_list(path, headers), &error),
    }
}

/// Answers with what is known of one model, whose id may have slashes in it.
pub(crate) async fn model(
    State(site): State<Arc<Site>>,
    Path(id): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let caller = site.access.check(&headers, &uri).await;
    match caller.and_then(|it| site.known_to(&it, &id)) {
        Ok(known) => Json(speak::told(uri.path(), &headers, &known)).into_response(),
        Err(error) => refused(&*speak::of_list(uri.path(), &headers), &error),
    }
}

impl Site {
    /// The names of the configuration, then the models of providers that are ready. One that needs
    /// no key is listed where it is configured, since it may not be there.
    pub(crate) fn names(&self) -> Vec<String> {
        let live = self.live();
        let registry = &live.registry;
        let config = registry.config();
        let named = config.models.keys().chain(config.routes.keys());
        let mut names: Vec<String> = named.cloned().collect();
        for instance in registry.instances().filter(|it| registry.is_in_use(it)) {
            let known = registry.known_models(instance).into_iter();
            names.extend(known.map(|model| format!("{instance}/{model}")));
        }
        names
    }

    /// What is known of a model, without a key for it. Of a route it is what is known of its first
    /// model.
    ///
    /// # Errors
    /// As for a request to it: `ModelNotFound`, with suggestions.
    pub(crate) fn known(&self, id: &str) -> Result<Known> {
        let live = self.live();
        let route = live.registry.route(id);
        let first = route.and_then(|(_, route)| route.models.first());
        let resolved = live.registry.resolve(first.map_or(id, |it| &it.model))?;
        let released = resolved
            .entry
            .as_ref()
            .and_then(|it| it.released.as_deref());
        Ok(Known {
            id: id.to_owned(),
            info: resolved.config.model_info(&resolved.model),
            released: released.map(str::to_owned),
            label: resolved.label,
        })
    }

    /// The same where one who asks may ask it.
    ///
    /// # Errors
    /// As [`known`](Self::known), and where they may not.
    pub(crate) fn known_to(&self, caller: &Caller, id: &str) -> Result<Known> {
        caller.is_for(id)?;
        self.known(id)
    }

    fn all_known(&self, caller: &Caller) -> Vec<Known> {
        let names = self.names().into_iter().filter(|it| caller.may_ask(it));
        let known = names.map(|id| {
            self.known(&id).unwrap_or_else(|_| Known {
                info: ModelInfo::new("", &*id),
                id,
                label: None,
                released: None,
            })
        });
        known.collect()
    }
}
