//! Routes of the configuration as models.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use parlor_core::{ChatModel, Error, ErrorKind, Layer as _, ModelInfo, Result};
use parlor_registry::config::{Route, Strategy};
use parlor_registry::{Registry, Resolved};

use super::balance::{BalanceChoice, BalanceLayer, BalancePolicy, BreakerSettings, TargetStatus};
use super::fallback::{FallbackLayer, FallbackPolicy, TurnNotice, Unavailable};
use super::{BUILT_IN, ConfiguredLayers, Stack, within_time};

/// A route as a model, with what knows how its targets fare where it is a balance.
#[derive(Clone)]
pub(super) struct Built {
    model: Arc<dyn ChatModel>,
    balance: Option<BalanceLayer>,
}

pub(super) type OnTurn = dyn Fn(&TurnNotice<'_>) + Send + Sync;

/// How long a wait that a provider names is kept where another model could be
/// asked instead.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a route may turn after, besides what it usually does.
const FURTHER: [ErrorKind; 3] = [
    ErrorKind::ContextTooLong,
    ErrorKind::Unsupported,
    ErrorKind::ContentFiltered,
];

fn wrong(name: &str, setting: &str, why: &str) -> Error {
    let message = format!("routes.{name}.{setting}: {why}");
    Error::new(ErrorKind::Configuration, message)
}

fn further_kinds(name: &str, route: &Route) -> Result<Vec<ErrorKind>> {
    let kinds = route.turns_after.iter().map(|word| {
        let kind = FURTHER.into_iter().find(|kind| kind.as_str() == word);
        kind.ok_or_else(|| {
            let known = FURTHER.map(ErrorKind::as_str).join(", ");
            wrong(name, "turns_after", &format!("`{word}` is none of {known}"))
        })
    });
    kinds.collect()
}

fn breaker(name: &str, route: &Route) -> Result<BreakerSettings> {
    let settings = serde_json::from_value(route.breaker.clone().into());
    settings.map_err(|error| wrong(name, "breaker", &error.to_string()))
}

impl ConfiguredLayers {
    /// The same layers with a hook that is told when a route turns from one of
    /// its models to another.
    #[must_use]
    pub fn on_turn(mut self, hook: impl Fn(&TurnNotice<'_>) + Send + Sync + 'static) -> Self {
        self.on_turn = Some(Arc::new(hook));
        self
    }

    /// The model that an id means, within its layers; or the route.
    ///
    /// A route is built once and then knows how its models fare. The configured
    /// layers are around each of its models, those too that stand outside of
    /// fallback elsewhere: so a price, a figure and a cached answer are always
    /// those of the model that answers.
    ///
    /// - `fallback`: each model with its own retries and time limits, in order.
    ///   All but the last wait no longer than ten seconds because their provider
    ///   asks for it: the next one is asked instead.
    /// - `least-busy`, `least-latency`, `weighted`: a balance over the models,
    ///   each with its own time limits, and retries around it, of which each
    ///   chooses anew.
    ///
    /// A model of a route that can't be built, above all for want of a key, fails
    /// when it is its turn, so that the others go on.
    ///
    /// # Errors
    /// As [`Registry::model`] and [`around`](Self::around); for a route when none
    /// of its models can be built, or one of them can't be found.
    pub fn model(&self, registry: &Registry, id: &str) -> Result<Arc<dyn ChatModel>> {
        let Some((name, route)) = registry.route(id) else {
            return self.around(registry.model(id)?, &registry.resolve(id)?);
        };
        let routes = || self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let known = routes().get(name).cloned();
        if let Some(known) = known {
            return Ok(known.model);
        }
        // Built outside the lock: a key program may take its time.
        let built = self.route(registry, name, route)?;
        let mut routes = routes();
        let kept = routes.entry(name.to_owned()).or_insert(built);
        Ok(Arc::clone(&kept.model))
    }

    /// How the models of a route stand, in its order. `None` for a route that is no balance, whose
    /// models have no breakers, and for one that wasn't asked for yet.
    pub fn targets(&self, route: &str) -> Option<Vec<TargetStatus>> {
        let routes = self.routes.lock();
        let routes = routes.unwrap_or_else(PoisonError::into_inner);
        let balance = routes.get(route)?.balance.as_ref();
        balance.map(BalanceLayer::targets)
    }

    fn route(&self, registry: &Registry, name: &str, route: &Route) -> Result<Built> {
        let choice = match route.strategy {
            Strategy::Weighted => Some(BalanceChoice::Weighted),
            Strategy::LeastLatency => Some(BalanceChoice::LeastLatency),
            Strategy::LeastBusy => Some(BalanceChoice::LeastBusy),
            _ => None,
        };
        let mut targets = Vec::with_capacity(route.models.len());
        let (mut broken, mut is_any_built) = (None, false);
        for (at, target) in route.models.iter().enumerate() {
            let resolved = registry.resolve(&target.model)?;
            let is_last = at + 1 == route.models.len();
            match registry.model(&target.model) {
                Ok(model) => {
                    is_any_built = true;
                    let retried = choice.is_none();
                    targets.push(self.target(model, &resolved, retried, is_last)?);
                }
                Err(error) => {
                    let error = error.with_model(&resolved.model);
                    broken = broken.or_else(|| Some(error.clone()));
                    let info = ModelInfo::new(&resolved.config.instance, &resolved.model);
                    targets.push(Arc::new(Unavailable::new(info, error)));
                }
            }
        }
        if let (false, Some(error)) = (is_any_built, broken) {
            return Err(error);
        }
        // The configuration was checked for routes without a model.
        let mut targets = targets.into_iter();
        let Some(first) = targets.next() else {
            let model = registry.model(name)?;
            return Ok(Built {
                model,
                balance: None,
            });
        };
        let mut kept = None;
        let hook = self.on_turn.clone();
        let stack = match choice {
            None => {
                let policy = FallbackPolicy::default().also(&further_kinds(name, route)?);
                let fallback = FallbackLayer::new(targets).with_policy(policy);
                Stack::new().with(match hook {
                    Some(hook) => fallback.on_turn(move |notice| hook(notice)),
                    None => fallback,
                })
            }
            Some(choice) => {
                let weights = route.models.iter().map(|target| target.weight);
                let mut policy = BalancePolicy::by(choice).with_weights(weights);
                policy.breaker = breaker(name, route)?.into();
                let balance = BalanceLayer::new(targets).with_policy(policy);
                let balance = match hook {
                    Some(hook) => balance.on_turn(move |notice| hook(notice)),
                    None => balance,
                };
                // No instance's name holds a slash.
                let retry = self.retry_of(&format!("/{name}"), |policy| policy);
                kept = Some(balance.clone());
                let stack = Stack::new().with(balance);
                match retry {
                    Some(retry) => stack.outside::<FallbackLayer>("retry", retry),
                    None => stack,
                }
            }
        };
        Ok(Built {
            model: stack.build()?.layer(first),
            balance: kept,
        })
    }

    /// A model of a route within the layers that are its own.
    fn target(
        &self,
        model: Arc<dyn ChatModel>,
        resolved: &Resolved,
        retried: bool,
        is_last: bool,
    ) -> Result<Arc<dyn ChatModel>> {
        let mut model = model;
        let mut stack = self.stack_of(&resolved.config.instance);
        if !BUILT_IN.contains(&resolved.provider.descriptor().id) {
            model = within_time(model, &resolved.config.timeouts);
            let instance = &resolved.config.instance;
            let retry = match (retried, is_last) {
                (false, _) => None,
                (true, true) => self.retry_of(instance, |policy| policy),
                (true, false) => self.retry_of(&format!("{instance}/"), |mut policy| {
                    policy.max_delay_from_server = policy.max_delay_from_server.min(PATIENCE);
                    policy
                }),
            };
            if let Some(retry) = retry {
                stack = stack.with(retry);
            }
        }
        Ok(self
            .fetching(stack, &*model, resolved)
            .build()?
            .layer(model))
    }
}
