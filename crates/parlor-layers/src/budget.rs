//! Keeps money and tokens within budgets; a call that one can't hold is refused before it is sent.
//!
//! - **Place:** inside the cache, whose answers cost nothing; outside fallback,
//!   hedge and retry, none of which gets past it. So it sees one answer where
//!   they may have asked several times. Where every attempt must count, or the
//!   models of a fallback differ in price, put clones of the layer around each
//!   model instead: they share the budget.
//! - **`info()`:** the inner one's. By default its
//!   [price](parlor_core::ModelInfo::price) tells what a call costs.
//! - **A call:** first reserves what it may use: an [estimate]
//!   of its input, and of its output what it allows or the
//!   [mean](BudgetPolicy::output) of the answers so far. Its answer's usage then
//!   takes the place of that.
//! - **A stream's opening:** reserves as a call does.
//! - **A stream's middle:** passes untouched, but that a call which is counted
//!   for nothing gets a warning after `Started`. What was reserved is settled at
//!   the end by the usage that the provider told, or where the stream breaks by
//!   an estimate of what had come.
//! - **A drop:** a stream that is dropped is settled as one that breaks; a call
//!   that is dropped keeps what was reserved for it, since its model may answer
//!   on and charge for it. No task is spawned.
//!
//! A failure before an answer gives back what was reserved. Calls at the same
//! time reserve one after the other: together they pass a limit by no more than
//! they use beyond what was reserved for them. With `max_output_tokens` on every
//! request, and input that isn't estimated too low, that is nothing.
//!
//! Days and months are those of the calendar in UTC. What a call used beyond
//! what was reserved for it counts where it ends, all else where it began.
//!
//! A call that is refused fails with [`ErrorKind::QuotaExhausted`]; its help says
//! which limit it is and when that renews. Nothing was sent.
//!
//! ```
//! use parlor_core::{ChatModelExt, Cost, Echo, Price};
//! use parlor_layers::budget::{BudgetLayer, BudgetPolicy};
//! use parlor_layers::limits::Window;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let budget = BudgetLayer::new(BudgetPolicy::usd(5.0, Window::Day))
//!     .with_pricing(|_, usage| Price::usd(0.15, 0.6).cost(usage));
//! let model = Echo::new().layer(budget.clone());
//! model.ask("Hello").await?;
//! for spent in budget.spent(None).await? {
//!     println!("{:?} of {:?}", spent.used, spent.limit.allowance);
//! }
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In the configuration:
//!
//! ```toml
//! [layers.budget]
//! usd_per_day = 5.0
//! tokens_per_month = "50M"
//! unknown_price = "free"   # "refuse" where left out
//! ```

mod policy;
mod purchase;

pub use policy::{Allowance, BudgetLimit, BudgetPolicy, BudgetSettings, Spent, UnknownPrice};

use crate::estimate::{self, Estimator, InputEstimate};
use crate::limits::{Claim, LimitStore, MemoryStore, Reserved};
use crate::meter::Meter;
use async_trait::async_trait;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Cost, Error, ErrorKind, Layer, ModelInfo,
    Result, Retry, Usage, Warning, WarningKind,
};
use purchase::{Noted, Purchase};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What tells what a usage of a model costs; `None` where that isn't known.
type Pricing = dyn Fn(&ModelInfo, &Usage) -> Option<Cost> + Send + Sync;

/// Keeps money and tokens within budgets.
///
/// Clones share the accounts, and so do all models wrapped by them.
#[derive(Debug, Clone)]
pub struct BudgetLayer {
    shared: Arc<Shared>,
}

struct Shared {
    policy: BudgetPolicy,
    store: Arc<dyn LimitStore>,
    estimator: Estimator,
    pricing: Arc<Pricing>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("policy", &self.policy)
            .field("store", &self.store)
            .field("estimator", &self.estimator)
            .finish_non_exhaustive()
    }
}

impl BudgetLayer {
    /// A layer with this policy and accounts of its own, whose prices are those
    /// in each model's info.
    pub fn new(mut policy: BudgetPolicy) -> Self {
        // Of two limits on the same the lower holds, and has the account.
        let mut limits: Vec<BudgetLimit> = Vec::new();
        for limit in policy.limits {
            let account = |it: &BudgetLimit| (it.allowance.is_money(), it.window);
            match limits.iter_mut().find(|it| account(it) == account(&limit)) {
                Some(other) if other.allowance.units() > limit.allowance.units() => *other = limit,
                Some(_) => {}
                None => limits.push(limit),
            }
        }
        policy.limits = limits;
        let estimate: Arc<InputEstimate> = Arc::new(estimate::input_tokens);
        Self {
            shared: Arc::new(Shared {
                store: Arc::new(MemoryStore::new()),
                estimator: Estimator::new(estimate, policy.output),
                pricing: Arc::new(|info, usage| info.price.as_ref()?.cost(usage)),
                policy,
            }),
        }
    }

    /// A layer of the same policy whose accounts are in this store.
    #[must_use]
    pub fn with_store(self, store: Arc<dyn LimitStore>) -> Self {
        self.but(|shared| shared.store = store)
    }

    /// A layer of the same policy and store that estimates the tokens which a
    /// request takes in by a function of your own.
    #[must_use]
    pub fn with_estimate(
        self,
        estimate: impl Fn(&ChatRequest) -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.but(|shared| {
            shared.estimator = Estimator::new(Arc::new(estimate), shared.policy.output);
        })
    }

    /// A layer of the same policy and store with prices of your own: what a
    /// usage of a model costs, `None` where that isn't known.
    #[must_use]
    pub fn with_pricing(
        self,
        pricing: impl Fn(&ModelInfo, &Usage) -> Option<Cost> + Send + Sync + 'static,
    ) -> Self {
        self.but(|shared| shared.pricing = Arc::new(pricing))
    }

    fn but(&self, change: impl FnOnce(&mut Shared)) -> Self {
        let old = &self.shared;
        let mut shared = Shared {
            policy: old.policy.clone(),
            store: old.store.clone(),
            estimator: Estimator::new(old.estimator.input(), old.policy.output),
            pricing: old.pricing.clone(),
        };
        change(&mut shared);
        Self {
            shared: Arc::new(shared),
        }
    }

    /// What is spent or reserved of each limit: by this user, or by all calls
    /// where they share the limits.
    ///
    /// # Errors
    /// Where the store can't be reached.
    pub async fn spent(&self, user: Option<&str>) -> Result<Vec<Spent>> {
        let shared = &self.shared;
        let mut request = ChatRequest::default();
        request.user = user.map(str::to_owned);
        let key = shared.policy.scope.key(&request);
        let mut all = Vec::new();
        for limit in &shared.policy.limits {
            let account = shared.account(limit, key);
            let (units, renews) = shared.store.used(&account, limit.window).await?;
            all.push(Spent::new(*limit, units, renews));
        }
        Ok(all)
    }

    /// Reserves what a call may use. The warning is for one that is counted for
    /// nothing.
    async fn admit(
        &self,
        request: &ChatRequest,
        model: &Arc<dyn ChatModel>,
    ) -> Result<(Meter<Purchase>, Option<Warning>)> {
        let shared = &self.shared;
        let info = model.info();
        let (input, output) = shared.estimator.estimate(request);
        let mut usage = Usage::default();
        usage.input_tokens = Some(input);
        usage.output_tokens = Some(output);
        let money = shared
            .policy
            .limits
            .iter()
            .any(|it| it.allowance.is_money());
        let cost = money.then(|| shared.cost(info, &usage)).flatten();
        let unknown = money && cost.is_none();
        if unknown && shared.policy.unknown_price == UnknownPrice::Refuse {
            return Err(shared.unpriced(info));
        }
        let key = shared.policy.scope.key(request);
        let limits = shared.policy.limits.iter();
        let claims: Vec<Claim> = limits
            .map(|limit| {
                let amount = match limit.allowance {
                    Allowance::Money(_) => cost.unwrap_or(0),
                    Allowance::Tokens(_) => input.saturating_add(output),
                };
                let account = shared.account(limit, key);
                Claim::new(account, limit.window, limit.allowance.units(), amount)
            })
            .collect();
        match shared.store.reserve(&claims).await? {
            Reserved::Granted(receipts) => {
                let purchase = Purchase::new(shared.clone(), model.clone(), receipts);
                let warning = unknown.then(|| shared.uncounted(info));
                Ok((Meter::new(purchase, input), warning))
            }
            Reserved::Full { claim, used, after } => {
                let wanted = claims.get(claim).map_or(0, |it| it.amount);
                Err(shared.exhausted(claim, used, wanted, after, info))
            }
        }
    }
}

impl Shared {
    /// What a usage costs, in units of the accounts.
    fn cost(&self, info: &ModelInfo, usage: &Usage) -> Option<u64> {
        let cost = (self.pricing)(info, usage)?;
        let known = cost.currency == self.policy.currency && cost.amount.is_finite();
        known.then(|| Allowance::Money(cost.amount).units())
    }

    fn account(&self, limit: &BudgetLimit, key: &str) -> String {
        let what = match limit.allowance {
            Allowance::Money(_) => &*self.policy.currency,
            Allowance::Tokens(_) => "tokens",
        };
        let window = limit.window;
        format!("{}/{what}/{window:?}/{key}", self.policy.name)
    }

    fn exhausted(
        &self,
        claim: usize,
        used: u64,
        wanted: u64,
        after: Option<Duration>,
        info: &ModelInfo,
    ) -> Error {
        let (name, currency) = (&self.policy.name, &*self.policy.currency);
        let Some(limit) = self.policy.limits.get(claim) else {
            return refused(format!("the budget `{name}` is used up"), info);
        };
        let whole = limit.in_words(currency);
        let words = |units| limit.allowance.of_units(units).in_words(currency);
        let wants = words(wanted);
        if wanted > limit.allowance.units() {
            let message = format!(
                "the call may take {wants}, more than the whole budget `{name}` of {whole}"
            );
            return refused(message, info).with_help(format!(
                "Nothing was sent. Set a lower `max_output_tokens`, shorten the request, or raise \
                 the budget `{name}`."
            ));
        }
        let message = format!(
            "of the budget `{name}` of {whole} {} are spent or reserved, and the call may take {wants}",
            words(used)
        );
        let renewal = limit.renewal(after);
        let retry = after.map_or(Retry::Never, |after| Retry::Later(Some(after)));
        refused(message, info).with_retry(retry).with_help(format!(
            "Nothing was sent. {renewal} Until then set a lower `max_output_tokens`, use a cheaper \
             model, or raise the budget `{name}`."
        ))
    }

    fn unpriced(&self, info: &ModelInfo) -> Error {
        let currency = &self.policy.currency;
        let message = format!("the price of this call isn't known in {currency}");
        refused(message, info).with_help(format!(
            "Nothing was sent, since the budget `{}` couldn't hold it. Set the model's price in \
             the catalogue, or let such calls pass uncounted with `unknown_price = \"free\"`.",
            self.policy.name
        ))
    }

    fn uncounted(&self, info: &ModelInfo) -> Warning {
        let name = &self.policy.name;
        let message = format!(
            "the price of {} isn't known: the budget `{name}` counts the call for nothing",
            info.id()
        );
        Warning::new(WarningKind::Notice, "budget", message)
    }
}

fn refused(message: String, info: &ModelInfo) -> Error {
    Error::new(ErrorKind::QuotaExhausted, message)
        .with_provider(info.provider.clone())
        .with_model(info.model.clone())
}

impl Layer for BudgetLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(BudgetModel {
            inner,
            layer: self.clone(),
        })
    }
}

#[derive(Debug)]
struct BudgetModel {
    inner: Arc<dyn ChatModel>,
    layer: BudgetLayer,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for BudgetModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let (meter, warning) = self.layer.admit(request, &self.inner).await?;
        match self.inner.chat(request).await {
            Ok(mut response) => {
                meter.answered(&response);
                response.warnings.extend(warning);
                Ok(response)
            }
            Err(error) => {
                meter.failed(&error);
                Err(error)
            }
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let (meter, warning) = self.layer.admit(request, &self.inner).await?;
        match self.inner.stream(request).await {
            Ok(stream) => Ok(match warning {
                None => meter.opened(stream),
                Some(warning) => meter
                    .opened(stream)
                    .watch_events(|events| Noted::new(events, warning)),
            }),
            Err(error) => {
                meter.failed(&error);
                Err(error)
            }
        }
    }
}
