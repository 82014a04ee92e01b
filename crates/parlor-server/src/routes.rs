//! The routes of a service, and the list of their paths.

use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;

use crate::service::Site;

/// Routes as they are put together.
pub(crate) struct Routes {
    router: Router<Arc<Site>>,
    paths: Vec<String>,
}

impl Routes {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            paths: Vec::new(),
        }
    }

    /// The same with what answers at this path.
    pub(crate) fn route(mut self, path: &str, answers: MethodRouter<Arc<Site>>) -> Self {
        self.router = self.router.route(path, answers);
        if !self.paths.iter().any(|it| it == path) {
            self.paths.push(path.to_owned());
        }
        self
    }

    /// The paths, each once.
    pub(crate) fn paths(self) -> Vec<String> {
        self.paths
    }

    pub(crate) fn router(self) -> Router<Arc<Site>> {
        self.router
    }
}
