//! A stack of all layers over models that fail, and what must be true of it.

use crate::common::{Ended, Seen, error, millis, named, open, saying, words};
use crate::ledger::Ledger;
use crate::policies::{balance, hedge, pace, spending};
use crate::shelf::{Shelf, is_unfetched};
use fastrand::Rng;
use parlor_core::*;
use parlor_layers::balance::BalanceLayer;
use parlor_layers::budget::{Allowance, BudgetLayer};
use parlor_layers::cache::{CacheLayer, CachePolicy};
use parlor_layers::coalesce::CoalesceLayer;
use parlor_layers::concurrency::{ConcurrencyLayer, ConcurrencyPolicy};
use parlor_layers::fallback::FallbackLayer;
use parlor_layers::fetch_media::FetchMediaLayer;
use parlor_layers::hooks::{HookFns, HooksLayer, HooksPolicy};
use parlor_layers::metrics::{Metrics, MetricsLayer, MetricsPolicy};
use parlor_layers::rate_limit::RateLimitLayer;
use parlor_layers::redact::{RedactLayer, RedactPolicy};
use parlor_layers::resume::{ResumeLayer, ResumeMode, ResumePolicy};
use parlor_layers::retry::{RetryLayer, RetryPolicy};
use parlor_layers::strict::StrictLayer;
use parlor_layers::timeout::{TimeoutLayer, TimeoutPolicy};
use parlor_layers::trace::{TraceLayer, TracePolicy};
use parlor_layers::validate::{ValidateLayer, ValidatePolicy};
use parlor_layers::{ORDER, Stack};
use parlor_testkit::{Script, Scripted};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The models: what is wrapped, two beside it in the balance, one behind.
const MODELS: usize = 4;

/// Layers of tests, which ask no model at all where they have an answer.
const APART: &[&str] = &["record", "replay"];

/// A model, and what stands around it alone.
struct Place {
    model: Scripted,
    shelf: Shelf,
    running: ConcurrencyLayer,
    /// How many exchanges may go on at once.
    at_once: usize,
    rate: RateLimitLayer,
    retries: Arc<AtomicUsize>,
    max_retries: u32,
    budget: u32,
    /// How often one answer may be gone on with.
    seams: u32,
    /// How often one call from outside may come here.
    turns: usize,
}

/// Counts the calls as a hook sees them.
#[derive(Default)]
struct Hooked {
    begun: AtomicUsize,
    ended: AtomicUsize,
}

pub(crate) struct Rig {
    pub(crate) model: Arc<dyn ChatModel>,
    places: Vec<Place>,
    /// From when on the models answer well.
    well: Arc<AtomicBool>,
    balance: Option<BalanceLayer>,
    budget: BudgetLayer,
    ledger: Arc<Ledger>,
    /// The limits of the budget.
    limits: usize,
    metrics: Metrics,
    hooked: Arc<Hooked>,
}

impl Rig {
    pub(crate) fn new(rng: &mut Rng) -> Self {
        let well = Arc::new(AtomicBool::new(false));
        let mut places: Vec<_> = (0..MODELS).map(|at| Place::new(rng, at, &well)).collect();
        let (has_fallback, has_balance) = (rng.u8(0..4) > 0, rng.u8(0..4) > 0);
        places[1].turns = usize::from(has_balance);
        places[2].turns = usize::from(has_balance);
        places[3].turns = usize::from(has_fallback);

        let mut stack = places[0].stack(rng);
        if rng.u8(0..4) > 0 {
            places[0].turns = 2;
            stack = stack.with(hedge(rng));
        }
        let balance = has_balance.then(|| {
            let others = [places[1].alone(rng), places[2].alone(rng)];
            balance(rng, others)
        });
        if let Some(balance) = &balance {
            stack = stack.with(balance.clone());
        }
        if has_fallback {
            stack = stack.with(FallbackLayer::new([places[3].alone(rng)]));
        }
        if rng.bool() {
            // What was tried further in is not tried again.
            let retry = RetryLayer::new(RetryPolicy::retries(3));
            stack = stack.outside::<FallbackLayer>("retry", retry);
        }
        let ledger = Arc::new(Ledger::default());
        let policy = spending(rng);
        let limits = policy.limits.len();
        let budget = BudgetLayer::new(policy).with_store(ledger.clone());
        let metrics = Metrics::default();
        let hooked = Arc::new(Hooked::default());
        let mut cache = CachePolicy::default();
        cache.max_answer_bytes = [200, 1 << 20][rng.usize(..2)];
        let stack = stack
            .with(budget.clone())
            .with(CoalesceLayer::default())
            .with(CacheLayer::new(cache))
            .with(RedactLayer::new(RedactPolicy::default()))
            .with(ValidateLayer::new(ValidatePolicy::default()))
            .with(MetricsLayer::counting_into(
                metrics.clone(),
                MetricsPolicy::default(),
            ))
            .with(TraceLayer::new(TracePolicy::content(true)))
            .with(hooks(rng, &hooked, &well));
        if has_fallback && has_balance && places[0].turns == 2 {
            let names = stack.names();
            let all = ORDER.iter().map(|slot| slot.name);
            let composed = |name: &&str| names.contains(name) || APART.contains(name);
            let left_out: Vec<_> = all.filter(|name| !composed(name)).collect();
            assert!(left_out.is_empty(), "not composed: {left_out:?}");
        }
        let inner = Arc::new(places[0].model.clone());
        Self {
            model: stack.build().unwrap().layer(inner),
            places,
            well,
            balance,
            budget,
            ledger,
            limits,
            metrics,
            hooked,
        }
    }

    /// Every answer that a model began, by its label.
    pub(crate) fn answers(&self) -> impl Iterator<Item = String> {
        let each = self.places.iter().enumerate();
        each.flat_map(|(at, place)| {
            (0..place.model.exchanges().begun).map(move |number| label(at, number))
        })
    }

    /// What must hold while exchanges go on.
    pub(crate) fn check_running(&self) {
        for place in &self.places {
            let exchanges = place.model.exchanges();
            assert!(exchanges.open <= place.at_once, "{exchanges:?}");
        }
    }

    /// The attempts that so many calls may make.
    pub(crate) fn check_bounds(&self, calls: usize) {
        for (at, place) in self.places.iter().enumerate() {
            let begun = place.model.exchanges().begun;
            let each = (1 + place.max_retries as usize) * (1 + place.seams as usize);
            let at_most = calls * place.turns * each;
            assert!(begun <= at_most, "model {at}: {begun} of {at_most}");
            let earned = calls * place.turns * (1 + place.seams as usize) / 10 + 1;
            let retries = place.retries.load(Ordering::Relaxed);
            assert!(
                retries <= place.budget as usize + earned,
                "{retries} retries"
            );
            for request in place.model.requests() {
                for sent in request.messages.iter().map(Message::text) {
                    assert!(!sent.contains('@'), "{sent}");
                }
                assert!(!request.extra.contains_key("parlor"), "{request:?}");
                assert!(!is_unfetched(&request), "{request:?}");
            }
        }
    }

    /// What must hold when nothing goes on any more.
    pub(crate) fn check_nothing_left(&self) {
        let models: Vec<_> = self.places.iter().map(|it| it.model.clone()).collect();
        assert_eq!(open(&models), 0);
        for place in &self.places {
            assert_eq!((place.running.running(), place.running.waiting()), (0, 0));
            assert_eq!(place.rate.waiting(), 0);
        }
        for target in self.balance.iter().flat_map(BalanceLayer::targets) {
            assert_eq!(target.in_flight, 0, "{target:?}");
        }
        for model in self.metrics.snapshot().models {
            assert_eq!(model.in_flight, 0);
            let ended = model.completed + model.failed + model.dropped;
            assert_eq!(model.requests, ended, "{model:?}");
        }
        let Hooked { begun, ended } = &*self.hooked;
        let count = |it: &AtomicUsize| it.load(Ordering::Relaxed);
        assert_eq!(count(begun), count(ended));
    }

    /// Only where nothing came, and nobody knows what was used, does a
    /// reservation stand until its window is over.
    pub(crate) fn check_settled(&self, seen: &[Seen]) {
        let unknown = |it: &&Seen| match &it.ended {
            _ if !it.events.is_empty() => false,
            Ended::Whole => false,
            Ended::Dropped => true,
            Ended::Failed(error) => matches!(
                error.kind(),
                ErrorKind::Timeout(_) | ErrorKind::Truncated | ErrorKind::Decode
            ),
        };
        let unknown = seen.iter().filter(unknown).count();
        let unsettled = self.ledger.unsettled();
        assert!(
            unsettled <= unknown * self.limits,
            "{unsettled} of {unknown}"
        );
    }

    pub(crate) async fn check_accounts_empty(&self) {
        for spent in self.budget.spent(None).await.unwrap() {
            let nothing = match spent.used {
                Allowance::Money(amount) => amount == 0.0,
                Allowance::Tokens(tokens) => tokens == 0,
                other => panic!("an allowance of another kind: {other:?}"),
            };
            assert!(nothing, "{spent:?}");
        }
        for place in &self.places {
            for (limit, used) in place.rate.used(None).await.unwrap() {
                assert_eq!(used, 0, "{limit}");
            }
        }
    }

    pub(crate) fn attempts(&self) -> usize {
        self.places
            .iter()
            .map(|it| it.model.exchanges().begun)
            .sum()
    }

    pub(crate) fn retries(&self) -> usize {
        let retries = self.places.iter().map(|it| &it.retries);
        retries.map(|it| it.load(Ordering::Relaxed)).sum()
    }

    /// From now on the models answer well, and hooks refuse nothing.
    pub(crate) fn heal(&self) {
        self.well.store(true, Ordering::Relaxed);
    }
}

/// How an answer is told from all others. It repeats what the model was asked to
/// write to, which it knows by a placeholder only.
fn label(at: usize, number: usize) -> String {
    format!("m{at}/{number}-[EMAIL_1]")
}

/// What an answer says: its words, or what is left of those that the request
/// has as the model's own.
fn to_say(request: &ChatRequest, label: String) -> String {
    let mut messages = request.messages.iter();
    let Some(said) = messages.find(|it| it.role == Role::Assistant) else {
        return words(label);
    };
    let said = said.text();
    let (label, _) = said.split_once(':').expect("a word is said as a whole");
    let all = words(label);
    let rest = all.strip_prefix(&said).expect("it said what it says");
    rest.to_owned()
}

impl Place {
    fn new(rng: &mut Rng, at: usize, well: &Arc<AtomicBool>) -> Self {
        let shelf = Shelf::new(rng, well);
        let mut scripts = rng.fork();
        let well = well.clone();
        let model = Scripted::with(move |number, request| {
            let text = to_say(request, label(at, number));
            Some(match well.load(Ordering::Relaxed) {
                true => Script::text(&text),
                false => saying(&mut scripts, &text),
            })
        });
        let mut info = ModelInfo::new("house", format!("m{at}"));
        info.price = Some(Price::usd(1.0, 2.0));
        if rng.bool() {
            info.capabilities = info.capabilities.having(&[Capability::Prefill]);
        }
        let at_once = rng.usize(1..=3);
        let mut running = ConcurrencyPolicy::at_most(at_once);
        running.max_waiting = [3, 1000][rng.usize(..2)];
        Self {
            model: named(model, at).with_info(info),
            shelf,
            running: ConcurrencyLayer::new(running),
            at_once,
            rate: RateLimitLayer::new(pace(rng)),
            retries: Arc::default(),
            max_retries: rng.u32(0..4),
            budget: rng.u32(0..8),
            seams: rng.u32(0..3),
            turns: 1,
        }
    }

    /// What stands around this model alone.
    fn stack(&self, rng: &mut Rng) -> Stack {
        let mut limits = TimeoutPolicy::none();
        limits.first_event = Some(Duration::from_secs(5));
        limits.idle = rng.bool().then_some(Duration::from_secs(3));
        limits.total = Some(Duration::from_secs(rng.u64(4..30)));
        let mut policy = RetryPolicy::retries(self.max_retries);
        policy.budget = self.budget;
        policy.seed = Some(rng.u64(..));
        policy.max_elapsed = rng.bool().then(|| millis(rng, 20_000));
        let retries = self.retries.clone();
        let retry = RetryLayer::new(policy).on_retry(move |_| {
            retries.fetch_add(1, Ordering::Relaxed);
        });
        let mut resume = ResumePolicy::attempts(self.seams);
        if rng.bool() {
            resume.mode = ResumeMode::Ask;
        }
        Stack::new()
            .with(ResumeLayer::new(resume))
            .with(FetchMediaLayer::new(self.shelf.clone()).with_all())
            .with(TimeoutLayer::new(limits))
            .with(self.running.clone())
            .with(self.rate.clone())
            .with(StrictLayer::default())
            .with(retry)
    }

    fn alone(&self, rng: &mut Rng) -> Arc<dyn ChatModel> {
        let layers = self.stack(rng).build().unwrap();
        layers.layer(Arc::new(self.model.clone()))
    }
}

/// Hooks that count, and refuse something now and then.
fn hooks(rng: &mut Rng, hooked: &Arc<Hooked>, well: &Arc<AtomicBool>) -> HooksLayer {
    let (begun, ended) = (hooked.clone(), hooked.clone());
    let well = well.clone();
    let chance = Mutex::new(rng.fork());
    let fns = HookFns::new()
        .before(move |_, _| {
            begun.begun.fetch_add(1, Ordering::Relaxed);
            Ok(())
        })
        .event(move |_, _| {
            let mut chance = chance.lock().unwrap();
            match chance.u8(..) == 0 && !well.load(Ordering::Relaxed) {
                true => Err(error(&mut chance)),
                false => Ok(()),
            }
        })
        .after(move |_, _| {
            ended.ended.fetch_add(1, Ordering::Relaxed);
        });
    HooksLayer::new(HooksPolicy::of(fns))
}
