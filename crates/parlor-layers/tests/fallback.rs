//! The fallback layer: when it turns, when it doesn't, and what it says in the end.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::*;
use fastrand::Rng;
use futures_util::FutureExt;
use parlor_core::*;
use parlor_layers::fallback::{FallbackLayer, FallbackPolicy, Tried};
use parlor_layers::retry::{RetryLayer, RetryPolicy};
use parlor_layers::timeout::{TimeoutLayer, TimeoutPolicy};
use parlor_testkit::{Script, Scripted, layer_suite};
use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A fallback over these models, in order.
fn over(models: &[Scripted], policy: FallbackPolicy) -> Arc<dyn ChatModel> {
    let mut all = shared(models);
    let first = all.remove(0);
    FallbackLayer::new(all).with_policy(policy).layer(first)
}

fn two(first: Script, second: Script) -> [Scripted; 2] {
    [first, second].map({
        let mut number = 0..;
        move |script| named(Scripted::new([script]), number.next().unwrap())
    })
}

fn begun(models: &[Scripted]) -> Vec<usize> {
    models.iter().map(|it| it.exchanges().begun).collect()
}

fn tried(error: &Error) -> &Tried {
    error.source().unwrap().downcast_ref().unwrap()
}

#[tokio::test(start_paused = true)]
async fn fallback_passes() {
    layer_suite(|inner| FallbackLayer::new([]).layer(inner)).await;
    let policy = FallbackPolicy::default().except(&[ErrorKind::Permission, ErrorKind::Server]);
    layer_suite(|inner| {
        let spare = Scripted::answering("the spare's");
        FallbackLayer::new([Arc::new(spare) as Arc<dyn ChatModel>])
            .with_policy(policy.clone())
            .layer(inner)
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_answering_models_info_and_metadata_are_the_streams() {
    let mut metadata = ResponseMetadata::default();
    metadata.request_id = Some("req-2".to_owned());
    let models = two(
        Script::refuses(Error::new(ErrorKind::Overloaded, "busy")),
        Script::text("Hello").metadata(metadata),
    );
    let model = over(&models, FallbackPolicy::default());
    assert_eq!(model.info().model, "m0");
    let stream = model.ask_stream("Hi").await.unwrap();
    assert_eq!(stream.info().model, "m1");
    assert_eq!(stream.metadata().request_id.as_deref(), Some("req-2"));
    assert_eq!(stream.response().await.unwrap().text(), "Hello");
}

#[tokio::test(start_paused = true)]
async fn the_kind_decides_and_the_callers_fault_never_turns() {
    use ErrorKind::*;
    let turning = [
        Overloaded,
        Server,
        RateLimited,
        QuotaExhausted,
        Timeout(TimeoutKind::FirstEvent),
        Timeout(TimeoutKind::Total),
        Connection,
        Truncated,
        Decode,
        Authentication,
        Permission,
        ModelNotFound,
    ];
    let staying = [
        InvalidRequest,
        Unsupported,
        ContextTooLong,
        ContentFiltered,
        Configuration,
        Media,
        Tool,
        Validation,
        Cancelled,
        Unexpected,
    ];
    let asked = async |policy: &FallbackPolicy, kind| {
        let refuses = || Script::refuses(Error::new(kind, "no"));
        let models = [refuses, refuses].map(|it| Scripted::new([it(), it()]));
        let spare = Scripted::answering("spare");
        let models = [models[0].clone(), spare];
        let model = over(&models, policy.clone());
        let called = model.ask("Hi").await.is_ok();
        let streamed = model.ask_stream("Hi").await.is_ok();
        assert_eq!(called, streamed, "{kind}");
        assert_eq!(begun(&models), [2, if called { 2 } else { 0 }], "{kind}");
        called
    };
    let default = FallbackPolicy::default();
    let all = default.clone().also(&staying);
    let none = default.clone().except(&turning);
    for kind in turning {
        assert!(asked(&default, kind).await, "{kind}");
        assert!(!asked(&none, kind).await, "{kind}");
    }
    for kind in staying {
        assert!(!asked(&default, kind).await, "{kind}");
        let never = matches!(kind, InvalidRequest | Validation | Cancelled);
        assert_eq!(asked(&all, kind).await, !never, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_break_before_content_turns_and_one_after_it_keeps_the_partial() {
    let models = two(Script::text("first").cut(0), Script::text("second"));
    let model = over(&models, FallbackPolicy::default());
    let stream = model.ask_stream("Hi").await.unwrap();
    assert_eq!(stream.response().await.unwrap().text(), "second");

    let models = two(Script::text("first words").cut(4), Script::text("second"));
    let model = over(&models, FallbackPolicy::default());
    let stream = model.ask_stream("Hi").await.unwrap();
    let error = stream.response().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert_eq!(error.partial().unwrap().text(), "first words");
    assert_eq!(begun(&models), [1, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_last_error_says_what_was_tried_and_is_not_tried_again() {
    let scripts = || {
        [
            Script::refuses(Error::new(ErrorKind::RateLimited, "slow down")),
            Script::refuses(Error::new(ErrorKind::Server, "broken").with_source("the cause")),
        ]
    };
    let count = Arc::new(Mutex::new(0));
    let models: Vec<_> = (0..2)
        .map(|number| {
            named(
                Scripted::with(move |_, _| scripts().into_iter().nth(number)),
                number,
            )
        })
        .collect();
    let turns = Arc::clone(&count);
    let mut all = shared(&models);
    let first = all.remove(0);
    let model = FallbackLayer::new(all)
        .on_turn(move |turn| {
            assert_eq!(
                (turn.from.model.as_str(), turn.to.model.as_str()),
                ("m0", "m1")
            );
            assert_eq!(turn.error.kind(), ErrorKind::RateLimited);
            *turns.lock().unwrap() += 1;
        })
        .layer(first);
    let model = RetryLayer::new(RetryPolicy::retries(3)).layer(model);
    for error in [
        model.ask("Hi").await.unwrap_err(),
        model.ask_stream("Hi").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Server);
        assert_eq!(error.message(), "broken");
        assert_eq!(error.retry(), Retry::Exhausted);
        assert_eq!(
            error.help(),
            "Try again; if it goes on, tell the provider. \
             Tried before: house/m0: rate_limited: slow down."
        );
        let tried = tried(&error);
        let ids: Vec<_> = tried.attempts.iter().map(|it| it.model.as_str()).collect();
        assert_eq!(ids, ["house/m0", "house/m1"]);
        let own = tried.source().unwrap().source().unwrap();
        assert_eq!(own.to_string(), "the cause");
    }
    assert_eq!(begun(&models), [2, 2]);
    assert_eq!(*count.lock().unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_model_said_in_a_failed_call_is_kept() {
    let models = two(
        Script::text("first words").cut(4),
        Script::refuses(Error::new(ErrorKind::Overloaded, "busy")),
    );
    let error = over(&models, FallbackPolicy::default())
        .ask("Hi")
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.partial().unwrap().text(), "first words");
}

#[tokio::test(start_paused = true)]
async fn each_model_has_its_own_attempts() {
    let broken = || Error::new(ErrorKind::Server, "broken");
    let failing = Scripted::with(move |_, _| Some(Script::refuses(broken())));
    let spare = Scripted::answering("spare");
    let retried = |model: &Scripted| {
        model
            .clone()
            .layer(RetryLayer::new(RetryPolicy::retries(2)))
    };
    let model = FallbackLayer::new([retried(&spare)]).layer(retried(&failing));
    assert_eq!(model.ask("Hi").await.unwrap().text(), "spare");
    assert_eq!(begun(&[failing, spare]), [3, 1]);
}

#[tokio::test(start_paused = true)]
async fn a_drop_ends_whatever_attempt_runs() {
    let models = two(
        Script::refuses(Error::new(ErrorKind::Overloaded, "busy")),
        Script::new().hangs(),
    );
    let model = over(&models, FallbackPolicy::default());
    assert!(model.ask_stream("Hi").now_or_never().is_none());
    assert_eq!(begun(&models), [1, 1]);
    assert_eq!(open(&models), 0);
    assert_eq!(models[1].exchanges().abandoned, 1);
}

/// Several models that fail at random, each within time limits.
fn random(rng: &mut Rng) -> (Vec<Scripted>, Arc<dyn ChatModel>) {
    let mut limits = TimeoutPolicy::none();
    limits.first_event = Some(SECOND * 5);
    limits.idle = rng.bool().then_some(SECOND * 3);
    limits.total = Some(SECOND * rng.u32(4..30));
    let models: Vec<_> = (0..rng.usize(1..5))
        .map(|number| {
            let mut rng = rng.fork();
            named(
                Scripted::with(move |_, _| Some(script(&mut rng, number))),
                number,
            )
        })
        .collect();
    let limited = |it: &Scripted| it.clone().layer(TimeoutLayer::new(limits.clone()));
    let mut all: Vec<_> = models.iter().map(limited).collect();
    let first = all.remove(0);
    let model = FallbackLayer::new(all).layer(first);
    (models, model)
}

/// Holds an error of the call to what was tried.
fn check_error(error: &Error, last: usize, of: usize) {
    let policy = FallbackPolicy::default();
    let on = last + 1 < of;
    if last == 0 {
        assert!(!on || !policy.turns_after(error.kind()), "{error:?}");
        return;
    }
    assert_eq!(error.retry(), Retry::Exhausted);
    let attempts = &tried(error).attempts;
    let ids: Vec<_> = attempts.iter().map(|it| it.model.clone()).collect();
    let expected: Vec<_> = (0..=last).map(|it| format!("house/m{it}")).collect();
    assert_eq!(ids, expected);
    for (at, attempt) in attempts.iter().enumerate() {
        let turned = policy.turns_after(attempt.error.kind());
        assert!(turned || at == last, "{error:?}");
        assert!(!turned || at < last || !on, "{error:?}");
    }
    let said = attempts.iter().any(|it| {
        let partial = it.error.partial();
        partial.is_some_and(|it| !it.text().is_empty())
    });
    let kept = error.partial().is_some_and(|it| !it.text().is_empty());
    assert_eq!(said, kept, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_no_model_is_asked_twice_and_nothing_is_lost() {
    let (mut whole, mut broken, mut failed, mut dropped, mut turned) = (0, 0, 0, 0, 0);
    runs(RUNS, async |rng| {
        let (models, model) = random(rng);
        if rng.u8(0..4) == 0 {
            match model.ask("Hi").await {
                Ok(response) => {
                    let last = begun(&models).iter().sum::<usize>() - 1;
                    assert_eq!(response.text(), words(last));
                    whole += 1;
                }
                Err(error) => {
                    let last = begun(&models).iter().sum::<usize>() - 1;
                    check_error(&error, last, models.len());
                    failed += 1;
                }
            }
        } else {
            let seen = consume(&*model, "Hi", rng, || assert_eq!(open(&models), 1)).await;
            let last = begun(&models).iter().sum::<usize>() - 1;
            seen.is_of(last);
            if let Some(info) = &seen.info {
                assert_eq!(info.model, format!("m{last}"));
                assert!(!seen.events.is_empty() || matches!(seen.ended, Ended::Dropped));
            }
            match &seen.ended {
                Ended::Dropped => dropped += 1,
                Ended::Whole => whole += 1,
                Ended::Failed(error) if seen.info.is_none() => {
                    check_error(error, last, models.len());
                    failed += 1;
                }
                Ended::Failed(error) => {
                    assert!(error.partial().unwrap().interrupted);
                    broken += 1;
                }
            }
        }
        let begun = begun(&models);
        let last = begun.iter().sum::<usize>() - 1;
        let asked = (0..models.len()).map(|it| usize::from(it <= last));
        assert_eq!(begun, asked.collect::<Vec<_>>());
        assert_eq!(open(&models), 0);
        turned += u64::from(last > 0);
    })
    .await;
    all_came_up(&[
        ("whole", whole),
        ("broken", broken),
        ("failed", failed),
        ("dropped", dropped),
        ("turned", turned),
    ]);
}
