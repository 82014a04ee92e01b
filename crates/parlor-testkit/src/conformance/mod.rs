//! The conformance suite: what every provider does alike, checked against any of them.
//!
//! A provider crate, inside this workspace or outside it, runs the suite in its tests. The suite
//! asks a factory for models, and asks the models for what a user would: text, streams, tools,
//! structured output, media, limits, errors, cancellation. What a model can do
//! ([`Capabilities`]) chooses the cases: one that needs what the model lacks is skipped, by name
//! and with the reason; where it is unknown whether the model has it, the case is tried, and
//! skipped if the provider says that it doesn't.
//!
//! # Against a server of the dialect
//!
//! Where the provider speaks a dialect of `parlor-dialect`, the other side is a
//! [`DialectServer`] with a [`Sage`](crate::Sage) behind it, which can do all that the suite asks
//! for, so no key and no network is needed:
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use parlor_core::{ChatModel, Result};
//! use parlor_testkit::{Conformance, DialectServer, Sage};
//!
//! # struct Acme;
//! # impl Acme {
//! #     fn build(_model: &str, _base_url: &str, _key: &str) -> Result<Arc<dyn ChatModel>> { unimplemented!() }
//! # }
//! # async fn test(acme_dialect: impl parlor_dialect::ServerDialect) -> std::io::Result<()> {
//! let server = DialectServer::new(acme_dialect, Arc::new(Sage::new("acme-1")))
//!     .with_key("sk-right")
//!     .start()
//!     .await?;
//! // `Acme::build` stands for whatever builds a model of the provider under test.
//! let suite = Conformance::with_server(server, "acme-1", |wanted, base_url| {
//!     Acme::build(wanted.model, base_url, wanted.key("sk-right"))
//! });
//! let report = suite.run().await;
//! report.assert();
//! // A case that is skipped is one that nobody tests: hold the list as it is meant.
//! assert_eq!(report.skipped(), ["context-too-long"]);
//! # Ok(())
//! # }
//! ```
//!
//! Where it speaks a dialect of its own, the provider's crate brings a server, or plays recorded
//! exchanges for its own tests and runs the suite against the real thing.
//!
//! # Against the real thing
//!
//! The prompts are plain enough for small models. Most checks look for one word in the answer;
//! still, a model may fail one now and then.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use parlor_core::{Capabilities, Capability, ChatModel, Result};
//! # use parlor_testkit::Conformance;
//! # struct Acme;
//! # impl Acme { fn build(_model: &str, _key: &str) -> Result<Arc<dyn ChatModel>> { unimplemented!() } }
//! # async fn test(key: String) {
//! let suite = Conformance::new("acme-1", move |wanted| Acme::build(wanted.model, wanted.key(&key)))
//!     .model_for(Capability::Reasoning, "acme-thinker-1")
//!     .capabilities(Capabilities::UNKNOWN.lacking(&[Capability::Logprobs]));
//! suite.run().await.assert();
//! # }
//! ```
//!
//! The facade's test `live` does so for every provider that `PARLOR_LIVE` names.
//!
//! # Against any model
//!
//! Anything that is a [`ChatModel`] can be put to the suite, a decorator of one too:
//!
//! ```
//! use std::sync::Arc;
//!
//! use parlor_testkit::{Conformance, Sage};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let suite = Conformance::new("sage-1", |wanted| Ok(Arc::new(Sage::new(wanted.model))));
//! let report = suite.deterministic().only(["text", "stream"]).run().await;
//! report.assert();
//! # });
//! ```

mod case;
mod cases;
pub(crate) mod media;
mod report;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_core::{Capabilities, Capability, ChatModel, Result, Support};
use tokio::time::timeout;

use crate::DialectServer;
use case::{Case, Trial};

pub use report::{CaseOutcome, CaseReport, ConformanceReport};

type Factory = dyn Fn(&Wanted<'_>) -> Result<Arc<dyn ChatModel>> + Send + Sync;

/// A model that the suite wants to have built.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Wanted<'a> {
    /// The model's id, in the provider's words.
    pub model: &'a str,
    /// Whether the key is to be one that the provider doesn't take.
    pub wrong_key: bool,
}

impl<'a> Wanted<'a> {
    /// The key to build the model with, given the right one.
    pub fn key<'k>(&self, right: &'k str) -> &'k str {
        match self.wrong_key {
            true => WRONG_KEY,
            false => right,
        }
    }
}

/// A key that no provider takes.
const WRONG_KEY: &str = "sk-wrong-0123456789";

/// The suite, for the models of one provider.
///
/// See the [module](crate::conformance) for how to use it.
pub struct Conformance {
    factory: Box<Factory>,
    model: String,
    models: Vec<(Capability, String)>,
    capabilities: Capabilities,
    deterministic: bool,
    keyless: bool,
    too_long: Option<usize>,
    upstream: Option<DialectServer>,
    bound: Duration,
    only: Option<Vec<String>>,
}

impl Conformance {
    /// The suite for a model, of this id, that the factory builds.
    pub fn new(
        model: impl Into<String>,
        factory: impl Fn(&Wanted<'_>) -> Result<Arc<dyn ChatModel>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            factory: Box::new(factory),
            model: model.into(),
            models: Vec::new(),
            capabilities: Capabilities::UNKNOWN,
            deterministic: false,
            keyless: false,
            too_long: None,
            upstream: None,
            bound: Duration::from_secs(120),
            only: None,
        }
    }

    /// The suite for models that ask a server with a [`Sage`](crate::Sage) behind it, at the base
    /// URL that the factory is given: they are deterministic, and the suite sees whether the
    /// server sees a client hang up.
    pub fn with_server(
        server: DialectServer,
        model: impl Into<String>,
        factory: impl Fn(&Wanted<'_>, &str) -> Result<Arc<dyn ChatModel>> + Send + Sync + 'static,
    ) -> Self {
        let url = server.url();
        Self {
            deterministic: true,
            upstream: Some(server),
            ..Self::new(model, move |wanted| factory(wanted, &url))
        }
    }

    /// The same with another model for the cases that need a capability.
    #[must_use]
    pub fn model_for(mut self, capability: Capability, model: impl Into<String>) -> Self {
        self.models.push((capability, model.into()));
        self
    }

    /// The same, where this is known of the models beyond what they say of themselves; what is
    /// said here counts.
    #[must_use]
    pub fn capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// The same, for models that answer the same request the same way every time.
    #[must_use]
    pub fn deterministic(mut self) -> Self {
        self.deterministic = true;
        self
    }

    /// The same, for a provider that wants no key.
    #[must_use]
    pub fn without_key(mut self) -> Self {
        self.keyless = true;
        self
    }

    /// The same, with a prompt of so many words to try that is too long for the model.
    #[must_use]
    pub fn too_long(mut self, words: usize) -> Self {
        self.too_long = Some(words);
        self
    }

    /// The same, where a case that isn't done after this long has failed; 120 seconds by default.
    #[must_use]
    pub fn bound(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// Only the cases with these names, for work on one of them.
    #[must_use]
    pub fn only<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.only = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The names of all cases, in the order in which they run.
    pub fn cases() -> impl Iterator<Item = &'static str> {
        cases::ALL.iter().map(|case| case.name)
    }

    /// Runs the cases one by one.
    pub async fn run(&self) -> ConformanceReport {
        let mut report = ConformanceReport {
            model: self.model.clone(),
            cases: Vec::new(),
        };
        let wanted = |case: &&Case| {
            let named = |names: &Vec<String>| names.iter().any(|name| name == case.name);
            self.only.as_ref().is_none_or(named)
        };
        for case in cases::ALL.iter().filter(wanted) {
            let begun = Instant::now();
            let (claim, outcome) = self.outcome(case).await;
            report.cases.push(CaseReport {
                name: case.name,
                about: case.about,
                claim: claim.filter(|_| !case.needs.is_empty()),
                outcome,
                took: begun.elapsed(),
            });
        }
        report
    }

    /// What is claimed of the model and what became of the case.
    async fn outcome(&self, case: &Case) -> (Option<Support>, CaseOutcome) {
        let special = |it: &&(Capability, String)| case.needs.contains(&it.0);
        let model = self.models.iter().find(special).map(|it| it.1.as_str());
        let built = self.build(model.unwrap_or(&self.model), false);
        let model = match built {
            Ok(model) => model,
            Err(error) => {
                let told = format!("no model was built: {error}");
                return (None, CaseOutcome::Failed(told));
            }
        };
        let capabilities = self.capabilities.or(model.info().capabilities);
        if let Some(lacked) = case.needs.iter().find(|it| capabilities.lacks(**it)) {
            let why = format!("the model lacks {}", lacked.as_str());
            return (Some(Support::No), CaseOutcome::Skipped(why));
        }
        let support = match case.needs.iter().all(|it| capabilities.has(*it)) {
            true => Support::Yes,
            false => Support::Unknown,
        };
        let trial = Trial {
            suite: self,
            model,
            capabilities,
            support,
        };
        let outcome = match timeout(self.bound, (case.run)(&trial)).await {
            Ok(Ok(())) => CaseOutcome::Passed,
            Ok(Err(stop)) => stop.outcome(support),
            Err(_) => CaseOutcome::Failed(format!("not done after {:?}", self.bound)),
        };
        (Some(support), outcome)
    }

    fn build(&self, model: &str, wrong_key: bool) -> Result<Arc<dyn ChatModel>> {
        (self.factory)(&Wanted { model, wrong_key })
    }
}

impl fmt::Debug for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conformance")
            .field("model", &self.model)
            .field("models", &self.models)
            .field("capabilities", &self.capabilities)
            .field("deterministic", &self.deterministic)
            .finish_non_exhaustive()
    }
}
