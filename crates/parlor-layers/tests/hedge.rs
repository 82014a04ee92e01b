//! The hedge layer: when a second call is made, which one answers, and what it costs.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::*;
use fastrand::Rng;
use futures_util::FutureExt;
use futures_util::future::join_all;
use parlor_core::*;
use parlor_layers::Stack;
use parlor_layers::hedge::{HedgeLayer, HedgePolicy, HedgeStats};
use parlor_layers::timeout::{TimeoutLayer, TimeoutPolicy};
use parlor_testkit::{Script, Scripted, layer_suite};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

/// A model that plays these scripts, hedged after three seconds.
fn hedged(scripts: impl IntoIterator<Item = Script>) -> (Scripted, HedgeLayer, Arc<dyn ChatModel>) {
    let model = Scripted::new(scripts);
    let layer = HedgeLayer::new(HedgePolicy::after(SECOND * 3));
    let hedged = layer.layer(Arc::new(model.clone()));
    (model, layer, hedged)
}

fn broken(message: &'static str) -> Error {
    Error::new(ErrorKind::Server, message)
}

/// Its calls, second calls, won and cancelled.
fn counts(stats: HedgeStats) -> [u64; 4] {
    [stats.calls, stats.hedges, stats.won, stats.cancelled]
}

#[tokio::test(start_paused = true)]
async fn hedge_passes() {
    layer_suite(|inner| HedgeLayer::default().layer(inner)).await;
    let mut policy = HedgePolicy::after(SECOND * 60);
    policy.call_delay = policy.delay;
    layer_suite(|inner| HedgeLayer::new(policy.clone()).layer(inner)).await;
}

#[tokio::test(start_paused = true)]
async fn the_second_answers_where_the_first_is_late() {
    let (model, layer, hedged) = hedged([
        // Its headers come at once; only an event counts.
        Script::new().hangs(),
        Script::text("second").opens_after(SECOND),
    ]);
    let told = Arc::new(Mutex::new(0));
    let count = told.clone();
    let layer = layer.on_hedge(move |notice| {
        assert_eq!(notice.after, SECOND * 3);
        *count.lock().unwrap() += 1;
    });
    drop(hedged);
    let hedged = layer.layer(Arc::new(model.clone()));
    let began = Instant::now();
    let stream = hedged.ask_stream("Hi").await.unwrap();
    assert_eq!(began.elapsed(), SECOND * 4);
    assert_eq!(model.exchanges().open, 1, "the loser is gone");
    assert_eq!(stream.response().await.unwrap().text(), "second");
    assert_eq!(counts(layer.stats()), [1, 1, 1, 1]);
    assert_eq!(*told.lock().unwrap(), 1);
    assert_eq!(model.exchanges().abandoned, 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_answers_where_it_is_sooner_after_all() {
    let (model, layer, hedged) = hedged([
        Script::text("first").opens_after(SECOND * 4),
        Script::text("second").opens_after(SECOND * 4),
    ]);
    let stream = hedged.ask_stream("Hi").await.unwrap();
    assert_eq!(model.exchanges().open, 1);
    assert_eq!(stream.response().await.unwrap().text(), "first");
    assert_eq!(counts(layer.stats()), [1, 1, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_leaves_it_to_the_other() {
    let fails = |message, after: u32| Script::refuses(broken(message)).opens_after(SECOND * after);
    let late = || Script::text("late").opens_after(SECOND * 9);

    let (_, layer, model) = hedged([fails("first", 4), late()]);
    let stream = model.ask_stream("Hi").await.unwrap();
    assert_eq!(stream.response().await.unwrap().text(), "late");
    assert_eq!(counts(layer.stats()), [1, 1, 1, 0]);

    let (_, layer, model) = hedged([late(), fails("second", 1)]);
    let stream = model.ask_stream("Hi").await.unwrap();
    assert_eq!(stream.response().await.unwrap().text(), "late");
    assert_eq!(counts(layer.stats()), [1, 1, 0, 0]);

    for (first, second) in [(4, 5), (5, 1)] {
        let (_, layer, model) = hedged([fails("first", first), fails("second", second)]);
        let error = model.ask_stream("Hi").await.unwrap_err();
        assert_eq!(error.message(), "first");
        assert_eq!(counts(layer.stats()), [1, 1, 0, 0]);
    }

    let (model, layer, hedged) = hedged([fails("soon", 2)]);
    let error = hedged.ask_stream("Hi").await.unwrap_err();
    assert_eq!(error.message(), "soon");
    assert_eq!(model.exchanges().begun, 1);
    assert_eq!(counts(layer.stats()), [1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn after_the_first_event_nothing_is_asked_again() {
    let (model, layer, hedged) = hedged([Script::text("first words").cut(4).wait(SECOND * 60)]);
    let stream = hedged.ask_stream("Hi").await.unwrap();
    let error = stream.response().await.unwrap_err();
    assert_eq!(error.partial().unwrap().text(), "first words");
    assert_eq!(model.exchanges().begun, 1);
    assert_eq!(counts(layer.stats()), [1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn calls_are_hedged_by_a_delay_of_their_own() {
    let slow = || Script::text("slow").opens_after(SECOND * 60);
    let (model, _, plain) = hedged([slow()]);
    assert_eq!(plain.ask("Hi").await.unwrap().text(), "slow");
    assert_eq!(model.exchanges().begun, 1);

    let mut policy = HedgePolicy::default();
    policy.call_delay = Some(SECOND * 10);
    let model = Scripted::new([slow(), Script::text("quick")]);
    let hedged = model.clone().layer(HedgeLayer::new(policy));
    assert_eq!(hedged.ask("Hi").await.unwrap().text(), "quick");
    assert_eq!(
        (model.exchanges().open, model.exchanges().abandoned),
        (0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn second_calls_are_bounded_to_their_share() {
    for at_once in [1, 50] {
        let model = Scripted::with(|_, _| Some(Script::text("slow").opens_after(SECOND * 9)));
        let layer = HedgeLayer::new(HedgePolicy::after(SECOND));
        let hedged = model.clone().layer(layer.clone());
        for _ in 0..200 / at_once {
            for stream in join_all((0..at_once).map(|_| hedged.ask_stream("Hi"))).await {
                stream.unwrap().response().await.unwrap();
            }
        }
        let stats = layer.stats();
        assert!(stats.hedges <= 1 + 20, "{stats:?}");
        assert!(
            stats.hedges >= if at_once == 1 { 20 } else { 4 },
            "{stats:?}"
        );
        assert_eq!(stats.calls, 200);
        assert_eq!(stats.refused, 200 - stats.hedges);
        assert_eq!(model.exchanges().begun as u64, 200 + stats.hedges);
    }
}

#[tokio::test(start_paused = true)]
async fn the_delay_is_learned() {
    // Nineteen streams in twenty begin within two seconds, each other one never.
    let model = Scripted::with(|number, _| {
        Some(match number % 20 {
            19 if number > 20 => Script::new().hangs(),
            at => Script::text("Hello").opens_after(SECOND / 10 * (at as u32 + 1)),
        })
    });
    let mut policy = HedgePolicy::default();
    policy.share = 1.0;
    let layer = HedgeLayer::new(policy);
    let hedged = model.clone().layer(layer.clone());
    let ask = async || {
        let began = Instant::now();
        let stream = hedged.ask_stream("Hi").await.unwrap();
        stream.response().await.unwrap();
        began.elapsed()
    };
    for _ in 0..20 {
        ask().await;
    }
    assert_eq!(layer.stats().hedges, 0, "too little is known");
    let mut longest = Duration::ZERO;
    for _ in 0..20 {
        longest = longest.max(ask().await);
    }
    assert_eq!(layer.stats().hedges, 1);
    assert_eq!(
        longest,
        SECOND / 10 * (19 + 1),
        "the delay and the second's own time"
    );
}

#[tokio::test(start_paused = true)]
async fn the_second_may_be_another_model() {
    let late = Scripted::with(|_, _| Some(Script::text("late").opens_after(SECOND * 9)));
    let other = Scripted::with(|_, _| Some(Script::text("other").opens_after(SECOND)))
        .with_info(ModelInfo::new("house", "other"));
    let mut policy = HedgePolicy::after(SECOND * 3);
    (policy.call_delay, policy.share) = (policy.delay, 1.0);
    let layer = HedgeLayer::new(policy)
        .with_model(Arc::new(other.clone()))
        .on_hedge(|notice| {
            assert_eq!(
                (notice.second.model.as_str(), notice.after),
                ("other", SECOND * 3)
            )
        });
    let hedged = late.clone().layer(layer.clone());
    assert_eq!(hedged.info(), late.info());
    let stream = hedged.ask_stream("Hi").await.unwrap();
    assert_eq!(stream.info().model, "other");
    assert_eq!(stream.response().await.unwrap().text(), "other");
    assert_eq!(hedged.ask("Hi").await.unwrap().text(), "other");
    assert_eq!((late.exchanges().begun, late.exchanges().abandoned), (2, 2));
    assert_eq!((other.exchanges().begun, other.exchanges().open), (2, 0));
    assert_eq!(other.requests(), late.requests());
    assert_eq!(counts(layer.stats()), [2, 2, 2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_drop_ends_both() {
    let (model, _, hedged) = hedged([Script::new().hangs(), Script::new().hangs()]);
    let waited = tokio::time::timeout(SECOND * 5, hedged.ask_stream("Hi")).await;
    assert!(waited.is_err());
    assert_eq!(
        (model.exchanges().open, model.exchanges().abandoned),
        (0, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn odd_policies_do_no_harm() {
    for odd in [f64::NAN, -1.0, 2.0, f64::INFINITY] {
        let mut policy = HedgePolicy::default();
        (policy.percentile, policy.share, policy.least_samples) = (odd, odd, 0);
        let layer = HedgeLayer::new(policy);
        let hedged = Scripted::answering("Hello").layer(layer.clone());
        for _ in 0..600 {
            let stream = hedged.ask_stream("Hi").await.unwrap();
            stream.response().await.unwrap();
        }
        assert_eq!(layer.stats().hedges, 0);
    }
    let mut policy = HedgePolicy::after(Duration::MAX);
    policy.call_delay = Some(Duration::ZERO);
    let hedged = Scripted::answering("Hello").layer(HedgeLayer::new(policy));
    assert_eq!(hedged.ask("Hi").await.unwrap().text(), "Hello");
    let stream = hedged.ask_stream("Hi").now_or_never().unwrap().unwrap();
    assert_eq!(stream.response().await.unwrap().text(), "Hello");
}

#[tokio::test(start_paused = true)]
async fn a_configuration_asks_for_it() {
    let made = |settings| parlor_layers::configured("hedge", &settings);
    let settings = serde_json::json!({"delay": "2s", "call_delay": "1m", "share": 0.5});
    let stack = Stack::new().with_configured(made(settings).unwrap());
    let model = Scripted::new([Script::new().hangs(), Script::text("second")]);
    let hedged = model.layer(stack.build().unwrap());
    let began = Instant::now();
    let stream = hedged.ask_stream("Hi").await.unwrap();
    assert_eq!(stream.response().await.unwrap().text(), "second");
    assert_eq!(began.elapsed(), SECOND * 2);

    for (settings, expected) in [
        (
            serde_json::json!({"share": 3}),
            "`share`: expected a number",
        ),
        (serde_json::json!({"delay": "soon"}), "expected a duration"),
        (serde_json::json!({"dealy": "2s"}), "unknown field `dealy`"),
    ] {
        let error = made(settings).unwrap_err();
        assert!(error.message().contains(expected), "{error}");
    }
}

/// A model that is late and fails at random, hedged.
fn random(rng: &mut Rng) -> (Scripted, HedgePolicy, HedgeLayer, Arc<dyn ChatModel>) {
    let mut limits = TimeoutPolicy::none();
    limits.first_event = Some(SECOND * 9);
    limits.idle = Some(SECOND * 3);
    limits.total = Some(SECOND * rng.u32(10..40));
    let mut policy = HedgePolicy::after(millis(rng, 4000));
    policy.call_delay = Some(millis(rng, 6000));
    policy.share = f64::from(rng.u8(0..=10)) / 10.0;
    policy.burst = rng.u32(0..3);
    let mut rng = rng.fork();
    let model = Scripted::with(move |number, request| {
        let call = request.messages[0].text();
        Some(match rng.u8(0..3) {
            0 => Script::text(&words(format!("{call}@{number}"))),
            _ => script(&mut rng, format!("{call}@{number}")),
        })
    });
    let layer = HedgeLayer::new(policy.clone());
    let hedged = model
        .clone()
        .layer(TimeoutLayer::new(limits))
        .layer(layer.clone());
    (model, policy, layer, hedged)
}

/// The label in the words of an answer: what stands before the first `:`.
fn label(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn whatever_is_late_one_answers_and_the_share_is_kept() {
    let tally = Mutex::new([0_u64; 7]);
    let add = |at: usize, times: u64| tally.lock().unwrap()[at] += times;
    runs(RUNS / 2, async |rng| {
        let (model, policy, layer, hedged) = random(rng);
        let calls = (0..4).map(|call| {
            let mut rng = rng.fork();
            let (hedged, add) = (&hedged, &add);
            async move {
                let rng = &mut rng;
                let call = format!("call{call}");
                sleep(millis(rng, 10_000)).await;
                if rng.u8(0..4) == 0 {
                    match hedged.ask(call.as_str()).await {
                        Ok(response) => {
                            let text = response.text();
                            assert!(text.starts_with(&format!("{call}@")));
                            assert_eq!(text, words(label(&text)));
                            add(0, 1);
                        }
                        Err(_) => add(1, 1),
                    }
                    return;
                }
                let seen = consume(&**hedged, &call, rng, || {}).await;
                let (_, text) = joined(&seen.events);
                if !text.is_empty() {
                    assert!(text.starts_with(&format!("{call}@")));
                    seen.is_of(label(&text));
                }
                match &seen.ended {
                    Ended::Dropped => add(2, 1),
                    Ended::Whole => add(0, 1),
                    Ended::Failed(_) if seen.info.is_none() => add(1, 1),
                    Ended::Failed(error) => {
                        assert_eq!(error.partial().unwrap().text(), text);
                        add(3, 1);
                    }
                }
            }
        });
        join_all(calls).await;
        let stats = layer.stats();
        let most = f64::from(policy.burst) + policy.share * stats.calls as f64;
        assert!(stats.hedges as f64 <= most + 1e-6, "{stats:?}");
        let exchanges = model.exchanges();
        assert_eq!(exchanges.open, 0);
        assert_eq!(exchanges.begun as u64, stats.calls + stats.hedges);
        assert!(stats.won <= stats.hedges && stats.cancelled <= stats.hedges);
        for call in (0..4).map(|call| format!("call{call}")) {
            let asked = model.requests();
            let asked = asked.iter().filter(|it| it.messages[0].text() == call);
            assert!(asked.count() <= 2);
        }
        add(4, stats.hedges);
        add(5, stats.won);
        add(6, stats.cancelled);
    })
    .await;
    let names = [
        "whole",
        "failed",
        "dropped",
        "broken",
        "hedged",
        "won",
        "cancelled",
    ];
    let tally = tally.into_inner().unwrap();
    all_came_up(&names.into_iter().zip(tally).collect::<Vec<_>>());
}
