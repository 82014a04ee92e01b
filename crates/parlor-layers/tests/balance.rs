//! The balance layer: who is asked, who is left out, and for how long.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::*;
use fastrand::Rng;
use futures_util::FutureExt;
use futures_util::future::join_all;
use parlor_core::*;
use parlor_layers::balance::{BalanceChoice, BalanceLayer, BalancePolicy, Tried};
use parlor_layers::timeout::{TimeoutLayer, TimeoutPolicy};
use parlor_testkit::{Script, Scripted, layer_suite};
use std::collections::HashSet;
use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{advance, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// A balance over these models, and its layer.
fn over(models: &[Scripted], policy: BalancePolicy) -> (BalanceLayer, Arc<dyn ChatModel>) {
    let mut all = shared(models);
    let first = all.remove(0);
    let layer = BalanceLayer::new(all).with_policy(policy);
    let model = layer.layer(first);
    (layer, model)
}

fn seeded(choice: BalanceChoice) -> BalancePolicy {
    let mut policy = BalancePolicy::by(choice);
    policy.seed = Some(7);
    policy
}

/// One target alone, whose calls never go on to another.
fn alone(model: &Scripted) -> (BalanceLayer, Arc<dyn ChatModel>) {
    over(std::slice::from_ref(model), BalancePolicy::default())
}

fn answering(count: usize) -> Vec<Scripted> {
    let model = |number| named(Scripted::answering(format!("from m{number}")), number);
    (0..count).map(model).collect()
}

fn broken() -> Error {
    Error::new(ErrorKind::Server, "broken")
}

fn begun(models: &[Scripted]) -> Vec<usize> {
    models.iter().map(|it| it.exchanges().begun).collect()
}

fn in_flight(layer: &BalanceLayer) -> Vec<u32> {
    layer.targets().iter().map(|it| it.in_flight).collect()
}

#[tokio::test(start_paused = true)]
async fn balance_passes() {
    for choice in [
        BalanceChoice::LeastBusy,
        BalanceChoice::LeastLatency,
        BalanceChoice::Weighted,
    ] {
        let policy = BalancePolicy::by(choice);
        layer_suite(|inner| {
            BalanceLayer::new([])
                .with_policy(policy.clone())
                .layer(inner)
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn chance_follows_the_weights() {
    let models = answering(3);
    let policy = seeded(BalanceChoice::Weighted).with_weights([1.0, 3.0]);
    let (_, model) = over(&models, policy);
    for _ in 0..5000 {
        model.ask("Hi").await.unwrap();
    }
    for (share, expected) in begun(&models).into_iter().zip([1000, 3000, 1000]) {
        assert!(share.abs_diff(expected) < 150, "{:?}", begun(&models));
    }
}

#[tokio::test(start_paused = true)]
async fn the_least_busy_of_two_is_asked() {
    let models = answering(4);
    let (layer, model) = over(&models, seeded(BalanceChoice::LeastBusy));
    let mut streams = Vec::new();
    for _ in 0..200 {
        streams.push(model.ask_stream("Hi").await.unwrap());
    }
    // By chance alone the counts would differ by twenty.
    for count in in_flight(&layer) {
        assert!(count.abs_diff(50) <= 4, "{:?}", in_flight(&layer));
    }
    drop(streams.split_off(100));
    assert_eq!(in_flight(&layer).iter().sum::<u32>(), 100);
    for stream in streams {
        stream.response().await.unwrap();
    }
    assert_eq!(in_flight(&layer), [0; 4]);

    let models = answering(2);
    let policy = seeded(BalanceChoice::LeastBusy).with_weights([1.0, 3.0]);
    let (layer, model) = over(&models, policy);
    let streams = (0..200).map(|_| model.ask_stream("Hi"));
    let streams = join_all(streams).await;
    assert!(
        in_flight(&layer)[0].abs_diff(50) <= 2,
        "{:?}",
        in_flight(&layer)
    );
    drop(streams);
}

#[tokio::test(start_paused = true)]
async fn the_quickest_is_asked_and_the_slow_one_again_later() {
    let pace = |number, delay| {
        let script = move |_, _: &_| Some(Script::text("Hi").opens_after(delay));
        named(Scripted::with(script), number)
    };
    let models = [pace(0, SECOND * 2), pace(1, SECOND / 2)];
    let (layer, model) = over(&models, seeded(BalanceChoice::LeastLatency));
    let ask = async || {
        let stream = model.ask_stream("Hi").await.unwrap();
        stream.response().await.unwrap();
    };
    for _ in 0..20 {
        ask().await;
    }
    assert_eq!(begun(&models), [1, 19]);
    assert_eq!(layer.targets()[1].latency, Some(SECOND / 2));
    // Two half-lives make two seconds half a second.
    for _ in 0..260 {
        ask().await;
    }
    assert_eq!(begun(&models)[0], 2);

    // A quick one that is busy costs as much as a slow one that isn't.
    let streams = join_all((0..10).map(|_| model.ask_stream("Hi"))).await;
    assert_eq!(in_flight(&layer), [2, 8]);
    drop(streams);
}

#[tokio::test(start_paused = true)]
async fn failures_in_a_row_open_the_circuit_and_a_probe_closes_it() {
    let bad = Arc::new(Mutex::new(true));
    let state = bad.clone();
    let model = Scripted::with(move |_, _| {
        Some(match *state.lock().unwrap() {
            true => Script::refuses(broken()),
            false => Script::text("Hello").opens_after(SECOND),
        })
    });
    let opened = Arc::new(Mutex::new(Vec::new()));
    let told = opened.clone();
    let layer = BalanceLayer::new([]).on_open(move |notice| {
        assert_eq!(notice.error.kind(), ErrorKind::Server);
        told.lock().unwrap().push(notice.cool_down);
    });
    let balanced = layer.layer(Arc::new(model.clone()));
    for _ in 0..5 {
        assert_eq!(
            balanced.ask("Hi").await.unwrap_err().kind(),
            ErrorKind::Server
        );
    }
    advance(SECOND * 4).await;
    let error = balanced.ask("Hi").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.retry(), Retry::Later(Some(SECOND * 6)));
    assert_eq!(
        error.help(),
        "Try again in 6.0s. Last failures: scripted/script: server: broken."
    );
    let failed: &Tried = error.source().unwrap().downcast_ref().unwrap();
    assert_eq!(failed.attempts.len(), 1);
    assert_eq!(model.exchanges().begun, 5, "nobody was asked");

    // The probe fails, and the next wait is twice as long.
    advance(SECOND * 6).await;
    assert_eq!(
        balanced.ask("Hi").await.unwrap_err().kind(),
        ErrorKind::Server
    );
    let error = balanced.ask("Hi").await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later(Some(SECOND * 20)));

    // One probe at a time; one that is dropped leaves its place to the next.
    *bad.lock().unwrap() = false;
    advance(SECOND * 20).await;
    let mut probe = Box::pin(balanced.ask_stream("Hi"));
    assert!(probe.as_mut().now_or_never().is_none());
    let error = balanced.ask("Hi").await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Overloaded, Retry::Later(None))
    );
    assert!(layer.targets()[0].is_open);
    drop(probe);
    let mut probe = balanced.ask_stream("Hi").await.unwrap();
    // Its first event has closed the circuit, though it isn't over.
    assert_eq!(balanced.ask("Hi").await.unwrap().text(), "Hello");
    while let Some(event) = probe.next().await {
        event.unwrap();
    }
    *bad.lock().unwrap() = true;
    for _ in 0..5 {
        balanced.ask("Hi").await.unwrap_err();
    }
    assert_eq!(
        *opened.lock().unwrap(),
        [SECOND * 10, SECOND * 20, SECOND * 10]
    );
    assert_eq!(in_flight(&layer), [0]);
}

#[tokio::test(start_paused = true)]
async fn a_part_of_failures_opens_the_circuit_too() {
    let model = Scripted::with(|number, _| {
        Some(match number % 2 {
            0 => Script::refuses(broken()),
            _ => Script::text("Hello"),
        })
    });
    let (layer, balanced) = alone(&model);
    for call in 0..10 {
        assert!(!layer.targets()[0].is_open, "{call}");
        let _ = balanced.ask("Hi").await;
    }
    // The tenth was a success; the next failure makes six of eleven.
    assert_eq!(
        balanced.ask("Hi").await.unwrap_err().kind(),
        ErrorKind::Server
    );
    assert!(layer.targets()[0].is_open);

    let (layer, balanced) = alone(&model);
    for _ in 0..40 {
        let _ = balanced.ask("Hi").await;
        advance(SECOND * 4).await;
    }
    assert!(!layer.targets()[0].is_open, "few calls in each window");
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_names_a_wait_is_left_alone_for_it() {
    let wait = SECOND * 42;
    let busy = Error::new(ErrorKind::RateLimited, "slow down").with_retry(Retry::Later(Some(wait)));
    let mut scripts = vec![Script::refuses(busy)];
    scripts.extend((0..50).map(|_| Script::text("from m0")));
    let models = [
        named(Scripted::new(scripts), 0),
        named(Scripted::answering("from m1"), 1),
    ];
    let (layer, model) = over(&models, seeded(BalanceChoice::Weighted));
    while models[0].exchanges().begun == 0 {
        assert_eq!(model.ask("Hi").await.unwrap().text(), "from m1");
    }
    assert_eq!(layer.targets()[0].due_in, Some(wait));
    for _ in 0..50 {
        assert_eq!(model.ask("Hi").await.unwrap().text(), "from m1");
    }
    advance(wait).await;
    for _ in 0..50 {
        model.ask("Hi").await.unwrap();
    }
    assert!(models[0].exchanges().begun > 10);
}

#[tokio::test(start_paused = true)]
async fn the_callers_fault_counts_for_nothing() {
    use ErrorKind::*;
    for kind in [
        InvalidRequest,
        ContentFiltered,
        ContextTooLong,
        Unsupported,
        Cancelled,
    ] {
        let model = Scripted::with(move |_, _| Some(Script::refuses(Error::new(kind, "no"))));
        let other = Scripted::with(move |_, _| Some(Script::refuses(Error::new(kind, "no"))));
        let (layer, balanced) = over(&[model.clone(), other.clone()], BalancePolicy::default());
        for _ in 0..50 {
            assert_eq!(balanced.ask("Hi").await.unwrap_err().kind(), kind);
        }
        assert_eq!(
            begun(&[model, other]).iter().sum::<usize>(),
            50,
            "none went on"
        );
        assert!(
            layer
                .targets()
                .iter()
                .all(|it| !it.is_open && it.last_error.is_none())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_counts_as_a_failure() {
    let model = Scripted::with(|number, _| {
        let script = Script::text("Hello there").cut(4);
        Some(match number % 2 {
            0 => script,
            _ => script.fails(broken()),
        })
    });
    let (layer, balanced) = alone(&model);
    for _ in 0..5 {
        let stream = balanced.ask_stream("Hi").await.unwrap();
        let error = stream.response().await.unwrap_err();
        assert_eq!(error.partial().unwrap().text(), "Hello there");
    }
    assert!(layer.targets()[0].is_open);
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_goes_on_to_another_target_as_often_as_allowed() {
    let failing = |number| {
        named(
            Scripted::with(|_, _| Some(Script::refuses(broken()))),
            number,
        )
    };
    for turns in 0..4 {
        let models: Vec<_> = (0..3).map(failing).collect();
        let mut policy = seeded(BalanceChoice::Weighted);
        policy.turns = turns;
        let told = Arc::new(Mutex::new(0));
        let count = told.clone();
        let layer = BalanceLayer::new(shared(&models[1..]))
            .with_policy(policy)
            .on_turn(move |notice| {
                assert_ne!(notice.from, notice.to);
                *count.lock().unwrap() += 1;
            });
        let model = layer.layer(Arc::new(models[0].clone()));
        let error = model.ask_stream("Hi").await.unwrap_err();
        let attempts = (turns + 1).min(3) as usize;
        assert_eq!(begun(&models).iter().sum::<usize>(), attempts);
        assert_eq!(*told.lock().unwrap(), attempts - 1);
        assert_eq!(
            (error.kind(), error.retry()),
            (ErrorKind::Server, Retry::Later(None))
        );
        match attempts {
            1 => assert!(error.source().is_none()),
            _ => {
                let tried: &Tried = error.source().unwrap().downcast_ref().unwrap();
                let ids: HashSet<_> = tried.attempts.iter().map(|it| &it.model).collect();
                assert_eq!(ids.len(), attempts, "each once");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn odd_policies_do_no_harm() {
    let busy = Retry::Later(Some(Duration::MAX));
    let model = Scripted::with(move |_, _| Some(Script::refuses(broken().with_retry(busy))));
    let mut policy = BalancePolicy::default().with_weights([f64::NAN, -1.0, f64::INFINITY]);
    policy.breaker.max_cool_down = Duration::MAX;
    policy.breaker.cool_down = Duration::MAX;
    policy.breaker.window = Duration::ZERO;
    policy.latency_half_life = Duration::ZERO;
    policy.turns = u32::MAX;
    for choice in [
        BalanceChoice::LeastBusy,
        BalanceChoice::LeastLatency,
        BalanceChoice::Weighted,
    ] {
        policy.choice = choice;
        let (_, balanced) = over(&[model.clone(), model.clone()], policy.clone());
        for kind in [ErrorKind::Server, ErrorKind::Overloaded] {
            assert_eq!(balanced.ask("Hi").await.unwrap_err().kind(), kind);
        }
        let (layer, balanced) = over(&answering(3), policy.clone());
        for _ in 0..10 {
            balanced
                .ask_stream("Hi")
                .await
                .unwrap()
                .response()
                .await
                .unwrap();
        }
        assert_eq!(in_flight(&layer), [0; 3]);
    }
}

/// Several targets that fail at random, each within time limits, and a policy.
fn random(rng: &mut Rng) -> (Vec<Scripted>, BalanceLayer, Arc<dyn ChatModel>, usize) {
    let mut limits = TimeoutPolicy::none();
    limits.first_event = Some(SECOND * 5);
    limits.idle = Some(SECOND * 3);
    limits.total = Some(SECOND * rng.u32(4..30));
    let models: Vec<_> = (0..rng.usize(1..5))
        .map(|number| {
            let mut rng = rng.fork();
            let script = move |_, request: &ChatRequest| {
                let call = request.messages[0].text();
                Some(match rng.u8(0..3) {
                    0 => Script::text(&words(format!("{call}@m{number}"))),
                    _ => script(&mut rng, format!("{call}@m{number}")),
                })
            };
            named(Scripted::with(script), number)
        })
        .collect();
    let limited = |it: &Scripted| it.clone().layer(TimeoutLayer::new(limits.clone()));
    let mut all: Vec<_> = models.iter().map(limited).collect();
    let choices = [
        BalanceChoice::LeastBusy,
        BalanceChoice::LeastLatency,
        BalanceChoice::Weighted,
    ];
    let mut policy = BalancePolicy::by(choices[rng.usize(0..3)]);
    policy.turns = rng.u32(0..3);
    policy.breaker.failures = rng.u32(1..4);
    policy.breaker.cool_down = millis(rng, 5000);
    policy.seed = Some(rng.u64(..));
    let most = 1 + policy.turns as usize;
    let first = all.remove(0);
    let layer = BalanceLayer::new(all).with_policy(policy);
    let model = layer.layer(first);
    (models, layer, model, most)
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_the_counts_return_to_nothing() {
    let tally = Mutex::new([0_u64; 7]);
    let count = |at: usize| tally.lock().unwrap()[at] += 1;
    runs(RUNS / 4, async |rng| {
        let (models, layer, model, most) = random(rng);
        let calls = (0..6).map(|call| {
            let mut rng = rng.fork();
            let (model, count) = (&model, &count);
            async move {
                let rng = &mut rng;
                let call = format!("call {call}");
                sleep(millis(rng, 10_000)).await;
                if rng.u8(0..4) == 0 {
                    match model.ask(call.as_str()).await {
                        Ok(response) => {
                            let label = format!(
                                "{call}@{}",
                                response.text().split(['@', ':']).nth(1).unwrap()
                            );
                            assert_eq!(response.text(), words(label));
                            count(0);
                        }
                        Err(error)
                            if error.kind() == ErrorKind::Overloaded
                                && error.message().starts_with("every") =>
                        {
                            count(5)
                        }
                        Err(_) => count(1),
                    }
                    return;
                }
                let seen = consume(&**model, &call, rng, || {}).await;
                let name = seen.info.as_ref().map_or("", |info| &info.model);
                seen.is_of(format!("{call}@{name}"));
                match &seen.ended {
                    Ended::Dropped => count(2),
                    Ended::Whole => count(0),
                    Ended::Failed(error) if seen.info.is_none() => {
                        let is_out = error.message().starts_with("every");
                        count(if is_out { 5 } else { 1 });
                    }
                    Ended::Failed(_) => count(3),
                }
            }
        });
        join_all(calls).await;
        let mut asked = Vec::new();
        for (number, model) in models.iter().enumerate() {
            for request in model.requests() {
                asked.push((request.messages[0].text(), number));
            }
        }
        for call in (0..6).map(|call| format!("call {call}")) {
            let targets: Vec<_> = asked.iter().filter(|it| it.0 == call).collect();
            let different: HashSet<_> = targets.iter().map(|it| it.1).collect();
            assert!(targets.len() <= most && different.len() == targets.len());
            if targets.len() > 1 {
                count(4);
            }
        }
        assert_eq!(open(&models), 0);
        for target in layer.targets() {
            assert_eq!(target.in_flight, 0);
            assert_eq!(
                target.is_open,
                target.due_in.is_some_and(|it| !it.is_zero())
            );
            if target.is_open {
                count(6);
            }
        }
    })
    .await;
    let names = [
        "whole", "failed", "dropped", "broken", "went on", "left out", "open",
    ];
    let tally = tally.into_inner().unwrap();
    all_came_up(&names.into_iter().zip(tally).collect::<Vec<_>>());
}
