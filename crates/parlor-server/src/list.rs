//! The models that can be asked for, as each client's dialect lists them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};

use crate::gateway::refused;
use crate::service::Site;
use crate::speak;

/// Answers with the list.
pub(crate) async fn models(State(site): State<Arc<Site>>, request: Request) -> Response {
    let path = request.uri().path();
    let checked = site.access.check(request.headers(), request.uri()).await;
    match checked {
        Ok(_) => Json(speak::listed(path, request.headers(), site.models())).into_response(),
        Err(error) => refused(&*speak::of_path(path), &error),
    }
}

impl Site {
    /// The names of the configuration, then the catalogue's models of providers that are ready.
    fn models(&self) -> Vec<String> {
        let registry = &self.registry;
        let config = registry.config();
        let named = config.models.keys().chain(config.routes.keys());
        let mut names: Vec<String> = named.cloned().collect();
        for instance in registry.instances().filter(|it| registry.is_ready(it)) {
            if let Ok(descriptor) = registry.descriptor(instance) {
                let known = registry.catalogue().models_of(descriptor.id);
                names.extend(known.map(|model| format!("{instance}/{model}")));
            }
        }
        names
    }
}
