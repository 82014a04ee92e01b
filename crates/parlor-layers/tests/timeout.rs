//! The timeout layer, limit by limit, against a scripted model and tokio's paused clock.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use futures_util::FutureExt;
use parlor_core::*;
use parlor_layers::timeout::{TimeoutLayer, TimeoutPolicy};
use parlor_testkit::{Script, Scripted};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

const SECOND: Duration = Duration::from_secs(1);

fn limited(model: &Scripted, set: impl FnOnce(&mut TimeoutPolicy)) -> Arc<dyn ChatModel> {
    let mut policy = TimeoutPolicy::none();
    set(&mut policy);
    model.clone().layer(TimeoutLayer::new(policy))
}

fn assert_timeout(error: &Error, kind: TimeoutKind) {
    assert_eq!(error.kind(), ErrorKind::Timeout(kind));
    assert_eq!(error.provider(), Some("scripted"));
    assert_eq!(error.model(), Some("script"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_does_not_open_runs_out_of_its_first_event() {
    let model = Scripted::new([Script::text("late").opens_after(SECOND * 6)]);
    let model_limited = limited(&model, |it| it.first_event = Some(SECOND * 5));
    let began = Instant::now();
    let error = model_limited.ask_stream("Hi").await.unwrap_err();
    assert_timeout(&error, TimeoutKind::FirstEvent);
    assert_eq!(error.retry(), Retry::Later(None));
    assert_eq!(error.message(), "no event came within 5s of the call");
    assert_eq!(began.elapsed(), SECOND * 5);
    assert_eq!(
        (model.exchanges().open, model.exchanges().abandoned),
        (0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn the_opening_and_the_wait_for_the_first_event_share_a_limit() {
    let script = || {
        Script::text("Hello")
            .paced(SECOND * 3)
            .opens_after(SECOND * 3)
    };
    let model = Scripted::new([script(), script()]);
    let began = Instant::now();
    let stream = limited(&model, |it| it.first_event = Some(SECOND * 5))
        .ask_stream("Hi")
        .await;
    let error = stream.unwrap().response().await.unwrap_err();
    assert_timeout(&error, TimeoutKind::FirstEvent);
    assert_eq!(error.message(), "no event came within 5s of the call");
    assert_eq!(began.elapsed(), SECOND * 5);
    assert_eq!(error.partial().unwrap().text(), "");

    let stream = limited(&model, |it| it.first_event = Some(SECOND * 7))
        .ask_stream("Hi")
        .await;
    let response = stream.unwrap().response().await.unwrap();
    assert_eq!(response.text(), "Hello", "later events have no limit");
}

#[tokio::test(start_paused = true)]
async fn an_idle_stream_runs_out_and_keeps_its_partial() {
    let model = Scripted::new([Script::text("Hello there").cut(4).paced(SECOND * 4).hangs()]);
    let mut stream = limited(&model, |it| it.idle = Some(SECOND * 5))
        .ask_stream("Hi")
        .await
        .unwrap();
    for _ in 0..4 {
        stream.next().await.unwrap().unwrap();
    }
    let began = Instant::now();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_timeout(&error, TimeoutKind::Idle);
    assert_eq!(error.retry(), Retry::Later(None));
    assert_eq!(began.elapsed(), SECOND * 5);
    let partial = error.partial().unwrap();
    assert_eq!(
        (partial.text().as_str(), partial.interrupted),
        ("Hello there", true)
    );
    assert_eq!(model.exchanges().open, 0, "the request is closed at once");
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_long_stream_lives_as_long_as_events_come() {
    let words = "word ".repeat(2000);
    let model = Scripted::new([Script::text(&words).paced(SECOND * 4)]);
    let policy = |it: &mut TimeoutPolicy| {
        it.first_event = Some(SECOND * 5);
        it.idle = Some(SECOND * 5);
    };
    let began = Instant::now();
    let stream = limited(&model, policy).ask_stream("Hi").await.unwrap();
    assert_eq!(stream.response().await.unwrap().text(), words);
    assert!(began.elapsed() > SECOND * 8000);
}

#[tokio::test(start_paused = true)]
async fn the_total_ends_openings_streams_and_calls() {
    let model = Scripted::with(|number, _| {
        Some(match number {
            0 => Script::text("late").opens_after(SECOND * 60),
            _ => Script::text("Hello there friend").paced(SECOND * 4),
        })
    });
    let limited = limited(&model, |it| it.total = Some(SECOND * 14));
    let began = Instant::now();
    let error = limited.ask_stream("Hi").await.unwrap_err();
    assert_timeout(&error, TimeoutKind::Total);
    assert_eq!(error.retry(), Retry::Never);
    assert_eq!(began.elapsed(), SECOND * 14);

    let began = Instant::now();
    let stream = limited.ask_stream("Hi").await.unwrap();
    let error = stream.response().await.unwrap_err();
    assert_timeout(&error, TimeoutKind::Total);
    assert_eq!(error.message(), "the answer was not complete within 14s");
    assert_eq!(error.partial().unwrap().text(), "Hello ");
    assert_eq!(began.elapsed(), SECOND * 14);

    let began = Instant::now();
    let error = limited.ask("Hi").await.unwrap_err();
    assert_timeout(&error, TimeoutKind::Total);
    assert_eq!(began.elapsed(), SECOND * 14);
    assert_eq!(
        (model.exchanges().open, model.exchanges().abandoned),
        (0, 3)
    );
}

#[tokio::test(start_paused = true)]
async fn the_total_ends_a_stream_that_always_has_an_event_ready() {
    let model = Scripted::new([Script::text(&"word ".repeat(10))]);
    let mut stream = limited(&model, |it| it.total = Some(SECOND * 3))
        .ask_stream("Hi")
        .await
        .unwrap();
    let mut events = 0;
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(_) => events += 1,
            Err(error) => break error,
        }
        sleep(SECOND).await;
    };
    assert_timeout(&error, TimeoutKind::Total);
    assert_eq!(events, 3);
}

#[tokio::test(start_paused = true)]
async fn the_sooner_limit_counts() {
    let model = Scripted::with(|_, _| Some(Script::new().hangs()));
    for (first, total, expected) in [(3, 5, TimeoutKind::FirstEvent), (5, 3, TimeoutKind::Total)] {
        let limited = limited(&model, |it| {
            it.first_event = Some(SECOND * first);
            it.total = Some(SECOND * total);
        });
        let stream = limited.ask_stream("Hi").await.unwrap();
        assert_timeout(&stream.response().await.unwrap_err(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_consumer_causes_no_timeout() {
    let model = Scripted::new([Script::text("a b c d").paced(SECOND)]);
    let mut stream = limited(&model, |it| {
        it.first_event = Some(SECOND * 2);
        it.idle = Some(SECOND * 2);
    })
    .ask_stream("Hi")
    .await
    .unwrap();
    let mut text = String::new();
    loop {
        sleep(SECOND * 100).await;
        // A look that doesn't wait, then the real wait after another pause.
        let item = match stream.next().now_or_never() {
            Some(item) => item,
            None => {
                sleep(SECOND * 100).await;
                stream.next().await
            }
        };
        let Some(item) = item else { break };
        text.push_str(item.unwrap().text().unwrap_or_default());
    }
    assert_eq!(text, "a b c d");
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_comes_back_late_to_a_dead_stream_waits_once_more() {
    let model = Scripted::new([Script::new().hangs()]);
    let mut stream = limited(&model, |it| it.first_event = Some(SECOND * 5))
        .ask_stream("Hi")
        .await
        .unwrap();
    assert!(stream.next().now_or_never().is_none());
    sleep(SECOND * 100).await;
    let back = Instant::now();
    let error = stream.next().await.unwrap().unwrap_err();
    assert_timeout(&error, TimeoutKind::FirstEvent);
    assert_eq!(back.elapsed(), SECOND * 5);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_bound_by_the_total_only() {
    let hour = SECOND * 3600;
    let script = || Script::text("Hello").opens_after(hour);
    let model = Scripted::new([script(), script()]);
    let bound = limited(&model, |it| {
        it.first_event = Some(SECOND);
        it.idle = Some(SECOND);
    });
    assert_eq!(bound.ask("Hi").await.unwrap().text(), "Hello");
    let default = model.clone().layer(TimeoutLayer::default());
    assert_eq!(default.ask("Hi").await.unwrap().text(), "Hello");
}

#[tokio::test(start_paused = true)]
async fn the_models_own_errors_pass_untouched() {
    let failing = || Error::new(ErrorKind::Server, "broken").with_code("x");
    let model = Scripted::new([
        Script::refuses(failing()),
        Script::text("Hello").cut(3).fails(failing()),
        Script::text("Hello").cut(3),
    ]);
    let limited = limited(&model, |it| {
        *it = TimeoutPolicy::default().with_total(SECOND * 10)
    });
    let error = limited.ask_stream("Hi").await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Server, Some("x")));
    for kind in [ErrorKind::Server, ErrorKind::Truncated] {
        let stream = limited.ask_stream("Hi").await.unwrap();
        let error = stream.response().await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(error.partial().unwrap().text(), "Hello");
    }
}

#[tokio::test(start_paused = true)]
async fn odd_limits_do_no_harm() {
    let model = Scripted::with(|_, _| Some(Script::text("Hello").paced(SECOND)));
    let endless = limited(&model, |it| {
        it.first_event = Some(Duration::MAX);
        it.idle = Some(Duration::MAX);
        it.total = Some(Duration::MAX);
    });
    let stream = endless.ask_stream("Hi").await.unwrap();
    assert_eq!(stream.response().await.unwrap().text(), "Hello");
    assert_eq!(endless.ask("Hi").await.unwrap().text(), "Hello");

    let nothing = limited(&model, |it| it.first_event = Some(Duration::ZERO));
    let stream = nothing.ask_stream("Hi").await.unwrap();
    let error = stream.response().await.unwrap_err();
    assert_timeout(&error, TimeoutKind::FirstEvent);
}
