//! The way of a request to what answers it: to the gateway at once where it asks a model, else by
//! its route.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use crate::service::Site;
use crate::speak::{CLIENTS, Speak};
use crate::{gateway, ops};

/// What answers the requests of a connection.
pub(crate) struct Front {
    site: Arc<Site>,
    /// The whole paths at which models are asked. Nearly all requests go there, and the router has
    /// each pass through half a dozen boxes.
    asks: Vec<(&'static str, Arc<dyn Speak>)>,
    routes: TowerToHyperService<Router>,
}

impl Front {
    /// What answers by these routes, which have nothing around them.
    pub(crate) fn new(site: Arc<Site>, routes: Router) -> Self {
        let asks = CLIENTS.iter().flat_map(|it| it.asks);
        let whole = asks.filter(|(path, _)| !path.contains('{'));
        Self {
            site,
            asks: whole.map(|(path, it)| (*path, it().into())).collect(),
            routes: TowerToHyperService::new(routes),
        }
    }

    /// Answers a request.
    pub(crate) fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
    ) -> Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>> {
        // In one box, which is gone when the answer begins.
        Box::pin(async move {
            let answered = |request| self.answered(request);
            Ok(ops::around(&self.site, request, answered).await)
        })
    }

    async fn answered(&self, request: Request<Body>) -> Response {
        match self.dialect(&request) {
            Some(dialect) => gateway::ask(dialect, State(Arc::clone(&self.site)), request).await,
            None => match self.routes.call(request).await {
                Ok(response) => response,
            },
        }
    }

    /// The dialect in which a request asks a model.
    fn dialect(&self, request: &Request<Body>) -> Option<Arc<dyn Speak>> {
        if request.method() != Method::POST {
            return None;
        }
        let path = request.uri().path();
        let found = self.asks.iter().find(|(it, _)| *it == path);
        found.map(|(_, dialect)| Arc::clone(dialect))
    }
}
