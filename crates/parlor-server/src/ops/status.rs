//! `GET /api/status`: how the stores, the providers and the models of routes fare, for operators.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use axum::response::Response;
use parlor::layers::balance::TargetStatus;
use parlor::{Error, Result};
use schemars::JsonSchema;
use serde::Serialize;

use super::is_operator;
use crate::account::now_ms;
use crate::chat::{Call, Failure, json};
use crate::health::Trouble;
use crate::models::without_key;
use crate::service::Site;

/// How a service stands: this instance of it, where there are several.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Status {
    /// The version of the service.
    version: &'static str,
    /// Requests that are answered now.
    in_flight: usize,
    /// The most that are answered at once.
    max_in_flight: usize,
    /// The stores that requests need.
    stores: Vec<StoreStatus>,
    /// What is to be written down of usage still; nothing where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<Queue>,
    /// How many requests weren't let in since the start, by why: `authentication`, `overloaded`.
    refused: BTreeMap<&'static str, u64>,
    /// The providers that are configured or have a key.
    providers: Vec<ProviderStatus>,
    /// The names of the configuration: models, and routes over several.
    models: Vec<ModelStatus>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct StoreStatus {
    name: &'static str,
    ready: bool,
    /// Why it isn't.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Queue {
    waiting: usize,
    dropped: u64,
    /// Whether the store couldn't write what it was last given.
    failing: bool,
}

/// How a provider stands, or an instance of one.
#[derive(Debug, Serialize, JsonSchema)]
struct ProviderStatus {
    name: String,
    /// Whether it can be asked: it has a key where it needs one, and doesn't fail all the time.
    ready: bool,
    has_key: bool,
    /// Why it can't be asked, or may fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Failure>,
    /// The failures with nothing between that went well.
    failed_in_a_row: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<LastFailure>,
}

/// A failure that says something of the provider, not of what was asked.
#[derive(Debug, Serialize, JsonSchema)]
struct LastFailure {
    kind: String,
    /// When it was, in milliseconds since 1970; nothing where that isn't known.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<i64>,
}

/// How a model or a route of the configuration stands.
#[derive(Debug, Serialize, JsonSchema)]
struct ModelStatus {
    name: String,
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Failure>,
    /// What stands behind it: the provider's model, or the models of a route in their order.
    over: Vec<Target>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Target {
    model: String,
    /// How its circuit breaker stands, where the route has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    breaker: Option<Breaker>,
}

/// How a model of a route stands with its circuit breaker.
#[derive(Debug, Serialize, JsonSchema)]
struct Breaker {
    /// Whether it is left out.
    open: bool,
    /// In how many milliseconds it may be tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    due_in_ms: Option<u64>,
    in_flight: u32,
    /// How soon its streams have been beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_event_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_failure: Option<LastFailure>,
}

pub(super) async fn status(site: Arc<Site>, call: Call) -> Result<Response> {
    is_operator(&call.caller)?;
    let stores = site.stores().await;
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        in_flight: site.in_flight(),
        max_in_flight: site.config.max_in_flight,
        stores: stores
            .into_iter()
            .map(|(name, state)| StoreStatus {
                name,
                ready: state.is_ok(),
                why: state.err().map(|error| error.message().to_owned()),
            })
            .collect(),
        queue: site.config.usage_writer.as_ref().map(|writer| Queue {
            waiting: writer.waiting(),
            dropped: writer.dropped(),
            failing: writer.is_failing(),
        }),
        refused: site.account.metrics.refusals(),
        providers: site.provider_statuses(),
        models: site.model_statuses(),
    };
    json(StatusCode::OK, &status)
}

impl Site {
    fn provider_statuses(&self) -> Vec<ProviderStatus> {
        let known = self.live();
        let registry = &known.registry;
        let configured = &registry.config().providers;
        let named = registry.instances();
        let named = named.filter(|it| registry.is_in_use(it) || configured.contains_key(*it));
        let told = named.map(|name| {
            let lacks = without_key(registry, "", name);
            let trouble = self.account.health.last(name);
            let recent = trouble.as_ref().filter(|it| it.is_recent());
            ProviderStatus {
                ready: lacks.is_none() && !recent.is_some_and(Trouble::is_down),
                has_key: lacks.is_none(),
                why: lacks.or_else(|| recent.map(Trouble::why)),
                failed_in_a_row: trouble.as_ref().map_or(0, Trouble::in_a_row),
                last_failure: trouble.as_ref().map(LastFailure::of),
                name: name.to_owned(),
            }
        });
        told.collect()
    }

    fn model_statuses(&self) -> Vec<ModelStatus> {
        let known = self.live();
        let config = known.registry.config();
        let routes = config.routes.iter().map(|(name, route)| {
            let breakers = known.layers.targets(name).unwrap_or_default();
            let mut breakers = breakers.iter().map(Breaker::of);
            let over = route.models.iter().map(|it| Target {
                model: it.model.clone(),
                breaker: breakers.next(),
            });
            let over: Vec<Target> = over.collect();
            let names = over.iter().map(|it| it.model.clone()).collect();
            let (ready, why) = self.route(name.clone(), names).readiness();
            ModelStatus {
                name: name.clone(),
                ready,
                why,
                over,
            }
        });
        let models = config.models.keys().map(|name| {
            let model = self.known_model(name.clone());
            let over = model.behind().map(|model| Target {
                model,
                breaker: None,
            });
            let over = over.into_iter().collect();
            let (ready, why) = model.readiness();
            ModelStatus {
                name: name.clone(),
                ready,
                why,
                over,
            }
        });
        routes.chain(models).collect()
    }
}

impl LastFailure {
    fn of(trouble: &Trouble) -> Self {
        let (kind, ago) = trouble.last();
        let ago = i64::try_from(ago.as_millis()).unwrap_or(i64::MAX);
        Self {
            kind: kind.as_str().to_owned(),
            at_ms: Some(now_ms().saturating_sub(ago)),
        }
    }

    fn untimed(error: &Error) -> Self {
        Self {
            kind: error.kind().as_str().to_owned(),
            at_ms: None,
        }
    }
}

impl Breaker {
    fn of(target: &TargetStatus) -> Self {
        let ms = |it: Duration| u64::try_from(it.as_millis()).unwrap_or(u64::MAX);
        Self {
            open: target.is_open,
            due_in_ms: target.due_in.map(ms),
            in_flight: target.in_flight,
            first_event_ms: target.latency.map(ms),
            last_failure: target.last_error.as_ref().map(LastFailure::untimed),
        }
    }
}
