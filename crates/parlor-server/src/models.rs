//! `GET /api/models`: what can be asked, what it can do, what it costs, and why it can't be asked
//! now where that is so.

use std::sync::Arc;

use axum::http::StatusCode;
use axum::response::Response;
use parlor::{Capability, Error, Price, Registry, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::Caller;
use crate::chat::{Call, Failure, json};
use crate::health::Trouble;
use crate::service::Site;

/// The models that a service knows.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Models {
    /// Those that the configuration names first, then those of the catalogue.
    models: Vec<Model>,
    /// The one that is asked where none is named.
    default: String,
}

/// A model by the name that clients call it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Model {
    /// What clients call it.
    id: String,
    /// What to call it in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// The provider, or the name of its instance; nothing for a route over several models.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// What the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// The models behind a route.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    over: Vec<String>,
    /// What it is known to be able to do, such as `tools`, `reasoning`, `image_input`.
    features: Vec<String>,
    /// Tokens of input and output together.
    #[serde(skip_serializing_if = "Option::is_none")]
    context_window: Option<u64>,
    /// The most tokens of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u64>,
    /// What a million of its tokens cost, with the day of the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    price: Option<Price>,
    /// Whether it can be asked now.
    ready: bool,
    /// Why it can't be, or may fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Failure>,
}

impl Model {
    /// Whether it can be asked now, and why not or with what doubt.
    pub(crate) fn readiness(self) -> (bool, Option<Failure>) {
        (self.ready, self.why)
    }

    /// The provider's model behind its name.
    pub(crate) fn behind(&self) -> Option<String> {
        let (provider, model) = (self.provider.as_ref()?, self.model.as_ref()?);
        Some(format!("{provider}/{model}"))
    }
}

/// Which models are listed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Which {
    all: bool,
}

pub(crate) async fn list(site: Arc<Site>, call: Call) -> Result<Response> {
    let Which { all } = call.query()?;
    let models = Models {
        models: site.known_models(&call.caller, all),
        default: site.live().registry.default_model(None).id,
    };
    json(StatusCode::OK, &models)
}

impl Site {
    /// The models that one who asks may ask: of providers without a key only those that the
    /// configuration names, or all.
    fn known_models(&self, caller: &Caller, all: bool) -> Vec<Model> {
        let known = self.live();
        let registry = &known.registry;
        let config = registry.config();
        let mut ids: Vec<String> = config.models.keys().cloned().collect();
        let mut models: Vec<Model> = Vec::new();
        for instance in registry.instances() {
            if all || registry.is_in_use(instance) {
                let known = registry.known_models(instance).into_iter();
                ids.extend(known.map(|model| format!("{instance}/{model}")));
            }
        }
        // The one that is asked where none is named can be, whether it is in use or not.
        ids.push(registry.default_model(None).id);
        for id in ids {
            if caller.may_ask(&id) && !models.iter().any(|known| known.id == id) {
                models.push(self.known_model(id));
            }
        }
        let routes = config.routes.iter().filter(|(id, _)| caller.may_ask(id));
        let routes = routes.map(|(id, route)| {
            let over = route.models.iter().map(|it| it.model.clone());
            self.route(id.clone(), over.collect())
        });
        let mut listed: Vec<Model> = routes.collect();
        listed.append(&mut models);
        listed
    }

    /// A route can be asked where one of its models can.
    pub(crate) fn route(&self, id: String, over: Vec<String>) -> Model {
        let behind: Vec<Model> = over.iter().map(|id| self.known_model(id.clone())).collect();
        let ready = behind.iter().any(|model| model.ready);
        let has = |feature: &String| behind.iter().all(|it| it.features.contains(feature));
        let features = behind.first().map(|it| it.features.clone());
        let features = features
            .unwrap_or_default()
            .into_iter()
            .filter(has)
            .collect();
        let windows = behind.iter().map(|model| model.context_window);
        Model {
            id,
            name: None,
            provider: None,
            model: None,
            features,
            context_window: windows.min().flatten(),
            max_output_tokens: None,
            price: None,
            why: behind
                .into_iter()
                .find_map(|model| model.why)
                .filter(|_| !ready),
            ready,
            over,
        }
    }

    pub(crate) fn known_model(&self, id: String) -> Model {
        let known = self.live();
        let resolved = match known.registry.resolve(&id) {
            Ok(resolved) => resolved,
            Err(error) => {
                return Model {
                    id,
                    name: None,
                    provider: None,
                    model: None,
                    over: Vec::new(),
                    features: Vec::new(),
                    context_window: None,
                    max_output_tokens: None,
                    price: None,
                    ready: false,
                    why: Some(Failure::from(&error)),
                };
            }
        };
        let info = resolved.config.model_info(&resolved.model);
        let all = Capability::ALL.iter();
        let features = all.filter(|it| info.capabilities.has(**it));
        let lacks_key = without_key(&known.registry, &id, &info.provider);
        let trouble = self.account.health.of(&info.provider);
        let is_down = trouble.as_ref().is_some_and(Trouble::is_down);
        Model {
            name: resolved.label,
            provider: Some(info.provider),
            model: Some(info.model),
            over: Vec::new(),
            features: features.map(|it| it.as_str().to_owned()).collect(),
            context_window: info.context_window,
            max_output_tokens: info.max_output_tokens,
            price: info.price,
            ready: lacks_key.is_none() && !is_down,
            why: lacks_key.or_else(|| trouble.map(|it| it.why())),
            id,
        }
    }
}

/// Why a model has no key, where it has none. No key program is run for it.
pub(crate) fn without_key(registry: &Registry, id: &str, instance: &str) -> Option<Failure> {
    let own = registry.config().models.get(id);
    let own = own.map(|it| &it.api_key_env).filter(|it| !it.is_empty());
    let variables: Vec<String> = match own {
        Some(own) if registry.env().first(own).is_some() => return None,
        Some(own) => own.clone(),
        None if registry.is_ready(instance) => return None,
        None => {
            let names = registry.descriptor(instance).map(|it| it.key_env);
            let names = names.unwrap_or_default().iter();
            names.map(|it| (*it).to_owned()).collect()
        }
    };
    let message = format!("no key of {instance} is at hand");
    let help = match variables.is_empty() {
        true => "Give the service a key of this provider.".to_owned(),
        false => format!("Set {} where the service runs.", variables.join(" or ")),
    };
    let error = Error::new(parlor::ErrorKind::Configuration, message).with_help(help);
    Some(Failure::from(&error))
}
