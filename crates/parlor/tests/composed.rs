//! All layers around a provider, over a server that breaks in every way servers break.
#![cfg(all(feature = "openai", feature = "all-layers"))]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::sync::Arc;
use std::time::Duration;

use parlor::layers::Stack;
use parlor::layers::balance::BalanceLayer;
use parlor::layers::budget::{BudgetLayer, BudgetPolicy};
use parlor::layers::cache::{CacheLayer, CacheMode, CachePolicy};
use parlor::layers::coalesce::CoalesceLayer;
use parlor::layers::concurrency::{ConcurrencyLayer, ConcurrencyPolicy};
use parlor::layers::fallback::{FallbackLayer, FallbackPolicy};
use parlor::layers::hedge::{HedgeLayer, HedgePolicy};
use parlor::layers::hooks::{HookFns, HooksLayer, HooksPolicy};
use parlor::layers::limits::Window;
use parlor::layers::metrics::{Metrics, MetricsLayer, MetricsPolicy};
use parlor::layers::rate_limit::{RateLimitLayer, RateLimitPolicy};
use parlor::layers::redact::{RedactLayer, RedactPolicy};
use parlor::layers::resume::ResumeLayer;
use parlor::layers::retry::{RetryLayer, RetryPolicy};
use parlor::layers::timeout::{TimeoutLayer, TimeoutPolicy};
use parlor::layers::trace::{TraceLayer, TracePolicy};
use parlor::layers::validate::{ValidateLayer, ValidatePolicy};
use parlor::{
    ChatModel, ChatRequest, ChatResponse, Config, Env, Error, Grammar, Layer, Registry, Result,
};
use parlor_testkit::fault::{
    Expect, FAULTS, Fault, FaultServer, FaultSuite, Mode, Outcome, Partial, Wire,
};

/// Well above the pauses of a drip, well below the server's patience.
const LIMIT: Duration = Duration::from_secs(4);

/// How long the server may take to see that it was hung up on.
const SEEN: Duration = Duration::from_secs(10);

const RETRIES: u32 = 2;

/// The provider's model at this address.
fn model(base_url: &str) -> Arc<dyn ChatModel> {
    let key = FaultSuite::KEY;
    let limit = LIMIT.as_secs();
    let config = format!(
        "[layers.timeout]\nfirst_event = \"{limit}s\"\nidle = \"{limit}s\"\n\
         [providers.faulty]\ntype = \"openai-chat\"\nbase_url = \"{base_url}\"\napi_key = \"{key}\"\n"
    );
    let config = Config::from_toml(&config).unwrap();
    let registry = Registry::with(parlor::openai::PROVIDERS).unwrap();
    let registry = registry.with_env(Env::empty()).with_config(config).unwrap();
    registry.model("faulty/test-model").unwrap()
}

/// What watches, keeps and bounds: layers that change no outcome.
fn around() -> Stack {
    let hooks = HookFns::new().event(|_, _| Ok(())).response(|_, _| Ok(()));
    let mut cache = CachePolicy::default();
    // What is asked twice is meant to be sent twice.
    cache.mode = CacheMode::Refresh;
    Stack::new()
        .with(HooksLayer::new(HooksPolicy::of(hooks)))
        .with(TraceLayer::new(TracePolicy::content(true)))
        .with(MetricsLayer::counting_into(
            Metrics::default(),
            MetricsPolicy::default(),
        ))
        .with(ValidateLayer::new(ValidatePolicy::default()))
        .with(RedactLayer::new(RedactPolicy::default()))
        .with(CacheLayer::new(cache))
        .with(CoalesceLayer::default())
        .with(BudgetLayer::new(BudgetPolicy::tokens(
            1 << 40,
            Window::Life,
        )))
        .with(ResumeLayer::default())
        .with(RateLimitLayer::new(RateLimitPolicy::requests_per_minute(
            1000,
        )))
        .with(TimeoutLayer::new(TimeoutPolicy::default()))
}

#[tokio::test]
async fn what_the_provider_keeps_its_layers_keep() {
    let suite = FaultSuite::new(Wire::OpenAiChat, |base_url| {
        let one = ConcurrencyLayer::new(ConcurrencyPolicy::at_most(1));
        let layers = around().with(one).build().unwrap();
        layers.layer(model(base_url))
    });
    suite.run().await.unwrap().assert();
}

/// A model that fails in one way, retried; and one behind it that answers.
struct Route {
    model: Arc<dyn ChatModel>,
    running: ConcurrencyLayer,
    balance: BalanceLayer,
    metrics: Metrics,
}

fn route(faulty: &str, plain: &str) -> Route {
    let mut policy = RetryPolicy::retries(RETRIES);
    policy.base_delay = Duration::from_millis(1);
    // A provider that asks for more than a moment is not waited for.
    policy.max_delay_from_server = Duration::from_millis(50);
    let running = ConcurrencyLayer::new(ConcurrencyPolicy::at_most(1));
    let behind = Stack::new()
        .with(ConcurrencyLayer::new(ConcurrencyPolicy::at_most(1)))
        .with(RetryLayer::new(RetryPolicy::retries(RETRIES)));
    let behind = behind.build().unwrap().layer(model(plain));
    let balance = BalanceLayer::new([]);
    let metrics = Metrics::default();
    let layers = around()
        .with(FallbackLayer::new([behind]))
        .with(balance.clone())
        .with(HedgeLayer::new(HedgePolicy::after(LIMIT * 100)))
        .with(RetryLayer::new(policy))
        .with(running.clone());
    let watched = MetricsLayer::counting_into(metrics.clone(), MetricsPolicy::default());
    let layers = layers.outside::<HooksLayer>("watch", watched);
    Route {
        model: layers.build().unwrap().layer(model(faulty)),
        running,
        balance,
        metrics,
    }
}

/// What a caller got.
struct Got {
    /// Whether anything was shown before the end.
    began: bool,
    /// The text that was.
    shown: String,
    outcome: Result<ChatResponse>,
}

async fn ask(model: &dyn ChatModel, mode: Mode) -> Got {
    let request = ChatRequest::from("Hello there");
    let stream = match mode {
        Mode::Whole => Err(model.chat(&request).await),
        Mode::Stream => model.stream(&request).await.map_err(Err),
    };
    let mut stream = match stream {
        Ok(stream) => stream,
        Err(outcome) => {
            return Got {
                began: false,
                shown: String::new(),
                outcome,
            };
        }
    };
    let (mut grammar, mut failed) = (Grammar::new(), None);
    let (mut began, mut shown) = (false, String::new());
    while let Some(item) = stream.next().await {
        grammar.check(&item).unwrap();
        match item {
            Ok(event) => {
                began = true;
                shown.push_str(event.text().unwrap_or_default());
            }
            Err(error) => failed = Some(error),
        }
    }
    grammar.finish().unwrap();
    let outcome = failed.map_or_else(|| Ok(stream.partial()), Err);
    Got {
        began,
        shown,
        outcome,
    }
}

/// The text of a case's right answer.
fn right(expect: &Expect) -> Vec<&str> {
    let answers = expect.outcomes.iter().filter_map(|it| match it {
        Outcome::Answer(reading) => Some(reading.choices.first()?.text.as_str()),
        Outcome::Failure(_) => None,
    });
    answers.collect()
}

/// What is wrong with a failure that reached the caller.
fn failure(error: &Error, got: &Got, expect: &Expect, asked: [usize; 2]) -> Result<(), String> {
    let kind = error.kind().as_str();
    let wanted = expect.outcomes.iter().filter_map(|it| match it {
        Outcome::Failure(failure) => Some(failure),
        Outcome::Answer(_) => None,
    });
    let Some(wanted) = wanted.into_iter().find(|it| it.kinds.contains(&kind)) else {
        return Err(format!("it failed by {kind}: {error}"));
    };
    let partial = error.partial().map(ChatResponse::text).unwrap_or_default();
    if !got.shown.is_empty() && partial != got.shown {
        return Err(format!("{partial:?} of {:?} is in the error", got.shown));
    }
    if let Partial::Exactly(text) = &wanted.partial
        && *text != partial
    {
        return Err(format!("{partial:?} is in the error, and {text:?} came"));
    }
    let turns = FallbackPolicy::default().turns_after(error.kind());
    if (got.began && asked != [1, 0]) || (!got.began && turns) {
        return Err(format!("it failed by {kind} after {asked:?} requests"));
    }
    Ok(())
}

async fn play(fault: &Fault, mode: Mode, expect: &Expect) -> Result<(), String> {
    let server = FaultServer::start().await.unwrap();
    let route = route(&server.url(fault.name), &server.url("plain"));
    let got = ask(&*route.model, mode).await;
    let asked = [fault.name, "plain"].map(|case| server.requests_of(case).len());
    if asked[0] > 1 + RETRIES as usize || asked[1] > 1 {
        return Err(format!("{asked:?} requests"));
    }
    let plain = Fault::named("plain").unwrap();
    let plain = plain.expect(Wire::OpenAiChat, mode).unwrap();
    match &got.outcome {
        Ok(answer) if asked[1] == 0 => {
            if asked[0] != 1 || !right(expect).contains(&&*answer.text()) {
                return Err(format!("{asked:?} requests, and {:?}", answer.text()));
            }
        }
        Ok(answer) => {
            if right(&plain) != [answer.text()] || answer.interrupted {
                return Err(format!("{:?} from behind", answer.text()));
            }
        }
        Err(error) => failure(error, &got, expect, asked)?,
    }
    if route.running.running() + route.running.waiting() > 0 {
        return Err("a permit is kept".to_owned());
    }
    if route.balance.targets().iter().any(|it| it.in_flight > 0) {
        return Err("the balance counts a call that is over".to_owned());
    }
    if route
        .metrics
        .snapshot()
        .models
        .iter()
        .any(|it| it.in_flight > 0)
    {
        return Err("the metrics count a call that is over".to_owned());
    }
    // What the server still sends, nobody reads: each of its connections is hung up on.
    let is_endless = |it: &Outcome| match it {
        Outcome::Failure(it) => it.kinds.iter().all(|it| it.ends_with("_timeout")),
        Outcome::Answer(_) => false,
    };
    if expect.outcomes.iter().all(is_endless) {
        let all = server.wait_until(SEEN, |seen| {
            let faulty = seen.iter().filter(|it| it.path.contains(fault.name));
            faulty.clone().count() == asked[0] && faulty.clone().all(|it| it.dropped)
        });
        if !all.await {
            return Err("a connection is kept".to_owned());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_fault_is_shown_once_or_turned_away_from() {
    let mut plays = Vec::new();
    for fault in FAULTS {
        for mode in Mode::ALL {
            match fault.expect(Wire::OpenAiChat, mode) {
                Ok(expect) if expect.drop_at.is_none() && !expect.warm_up => {
                    plays.push((fault, mode, expect));
                }
                _ => {}
            }
        }
    }
    assert!(plays.len() > 100, "only {} cases", plays.len());
    let room = Arc::new(tokio::sync::Semaphore::new(8));
    let mut running = tokio::task::JoinSet::new();
    let count = plays.len();
    for (fault, mode, expect) in plays {
        let room = room.clone();
        running.spawn(async move {
            let _place = room.acquire().await.unwrap();
            let wrong = play(fault, mode, &expect).await.err()?;
            Some(format!("{} {mode:?}: {wrong}", fault.name))
        });
    }
    let wrong: Vec<_> = running.join_all().await.into_iter().flatten().collect();
    assert!(
        wrong.is_empty(),
        "{} of {count} are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
