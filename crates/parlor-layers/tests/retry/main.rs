//! The retry layer, rule by rule, against a scripted model and tokio's paused clock.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod backoff;

use parlor_core::*;
use parlor_layers::retry::{RetryLayer, RetryPolicy};
use parlor_testkit::{Exchanges, Script, Scripted};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

fn overloaded() -> Error {
    Error::new(ErrorKind::Overloaded, "no capacity")
}

fn named(delay: Duration) -> Error {
    overloaded().with_retry(Retry::Later(Some(delay)))
}

fn retrying(model: &Scripted, policy: RetryPolicy) -> Arc<dyn ChatModel> {
    model.clone().layer(RetryLayer::new(policy))
}

fn policy(set: impl FnOnce(&mut RetryPolicy)) -> RetryPolicy {
    let mut policy = RetryPolicy::default();
    policy.seed = Some(7);
    set(&mut policy);
    policy
}

async fn items(mut stream: ChatStream) -> Vec<Result<Event>> {
    let mut items = Vec::new();
    let mut grammar = Grammar::new();
    while let Some(item) = stream.next().await {
        grammar.check(&item).unwrap();
        items.push(item);
    }
    grammar.finish().unwrap();
    items
}

fn text_of(items: &[Result<Event>]) -> String {
    let events = items.iter().filter_map(|item| item.as_ref().ok());
    events.filter_map(Event::text).collect()
}

#[tokio::test(start_paused = true)]
async fn a_call_is_tried_until_it_succeeds() {
    let model = Scripted::new([
        Script::refuses(overloaded()),
        Script::text("half of it").cut(3),
        Script::text("Hello there"),
    ]);
    let response = retrying(&model, RetryPolicy::default()).ask("Hi").await;
    assert_eq!(response.unwrap().text(), "Hello there");
    let requests = model.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|it| *it == ChatRequest::from("Hi")));
}

#[tokio::test(start_paused = true)]
async fn an_opening_is_tried_again_before_the_stream_is_there() {
    let model = Scripted::new([Script::refuses(overloaded()), Script::text("Hello there")]);
    let stream = retrying(&model, RetryPolicy::default())
        .ask_stream("Hi")
        .await;
    assert_eq!(model.exchanges().begun, 2);
    let items = items(stream.unwrap()).await;
    assert_eq!(text_of(&items), "Hello there");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_before_its_first_event_is_opened_again() {
    let facts = |id: &str| {
        let mut metadata = ResponseMetadata::default();
        metadata.request_id = Some(id.to_owned());
        metadata
    };
    let model = Scripted::new([
        Script::new().fails(overloaded()).metadata(facts("first")),
        Script::new(), // dries up
        Script::text("Hello").metadata(facts("third")),
    ]);
    let opened = retrying(&model, RetryPolicy::default())
        .ask_stream("Hi")
        .await;
    let mut stream = opened.unwrap();
    assert_eq!(model.exchanges().begun, 1, "opening waits for headers only");
    assert_eq!(stream.metadata(), &facts("first"));
    let first = stream.next().await.unwrap().unwrap();
    assert!(matches!(first, Event::Started { .. }));
    assert_eq!(stream.metadata(), &facts("third"));
    let response = stream.response().await.unwrap();
    assert_eq!(response.text(), "Hello");
    assert_eq!(response.metadata, facts("third"));
    assert_eq!(model.exchanges().open, 0);
}

#[tokio::test(start_paused = true)]
async fn stacked_retries_keep_the_facts_of_the_exchange_that_counts() {
    let facts = |id: &str| {
        let mut metadata = ResponseMetadata::default();
        metadata.request_id = Some(id.to_owned());
        metadata
    };
    let model = Scripted::new([
        Script::new().fails(overloaded()).metadata(facts("first")),
        Script::text("Hello").metadata(facts("second")),
    ]);
    let stacked = retrying(&model, policy(|it| it.max_retries = 1))
        .layer(RetryLayer::default())
        .ask_stream("Hi")
        .await;
    let response = stacked.unwrap().response().await.unwrap();
    assert_eq!(response.metadata, facts("second"));
}

#[tokio::test(start_paused = true)]
async fn after_the_first_event_a_failure_passes_with_its_partial() {
    let model = Scripted::new([
        Script::text("Hello there friend")
            .cut(4)
            .fails(overloaded()),
        Script::text("never"),
    ]);
    let stream = retrying(&model, RetryPolicy::default())
        .ask_stream("Hi")
        .await;
    let mut items = items(stream.unwrap()).await;
    let error = items.pop().unwrap().unwrap_err();
    assert_eq!(text_of(&items), "Hello there ");
    assert_eq!(error.kind(), ErrorKind::Overloaded);
    assert_eq!(error.retry(), Retry::Later(None));
    assert_eq!(error.partial().unwrap().text(), "Hello there ");
    assert_eq!(model.exchanges().begun, 1);
}

#[tokio::test(start_paused = true)]
async fn never_and_exhausted_pass_at_once_and_untouched() {
    for advice in [Retry::Never, Retry::Exhausted] {
        let failing = || overloaded().with_retry(advice).with_help("As it was.");
        let model = Scripted::new([
            Script::refuses(failing()),
            Script::refuses(failing()),
            Script::new().fails(failing()),
        ]);
        let retrying = retrying(&model, RetryPolicy::default());
        let called = retrying.ask("Hi").await.unwrap_err();
        let opened = retrying.ask_stream("Hi").await.unwrap_err();
        let streamed = retrying.ask_stream("Hi").await.unwrap().response().await;
        for error in [called, opened, streamed.unwrap_err()] {
            assert_eq!((error.retry(), error.help()), (advice, "As it was."));
        }
        assert_eq!(model.exchanges().begun, 3);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_given_up_is_exhausted_and_otherwise_the_same() {
    let failing = || {
        overloaded()
            .with_partial(ChatResponse::default())
            .with_source("the cause")
            .with_code("busy")
    };
    let model = Scripted::with(move |number, _| {
        Some(match number % 3 {
            1 => Script::new().fails(failing()),
            _ => Script::refuses(failing()),
        })
    });
    let policy = policy(|it| it.max_retries = 3);
    let retrying = retrying(&model, policy);
    let called = retrying.ask("Hi").await.unwrap_err();
    assert_eq!(model.exchanges().begun, 4);
    // The attempts at an opening and within the stream are counted together.
    let stream = retrying.ask_stream("Hi").await.unwrap();
    let streamed = stream.response().await.unwrap_err();
    assert_eq!(model.exchanges().begun, 8);
    for error in [called, streamed] {
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert_eq!(error.retry(), Retry::Exhausted);
        assert_eq!(error.code(), Some("busy"));
        assert!(error.partial().is_some());
        assert!(std::error::Error::source(&error).is_some());
        let help = "Try again later, or use another model. It was tried 4 times over ";
        let took = error.help().strip_prefix(help).unwrap();
        let took: f64 = took.strip_suffix(" s.").unwrap().parse().unwrap();
        assert!((0.0..60.0).contains(&took), "{took}");
    }
}

#[tokio::test(start_paused = true)]
async fn stacked_retries_do_not_multiply() {
    let model = Scripted::with(|_, _| Some(Script::refuses(overloaded())));
    let stacked = retrying(&model, RetryPolicy::default()).layer(RetryLayer::default());
    let error = stacked.ask("Hi").await.unwrap_err();
    assert_eq!(error.retry(), Retry::Exhausted);
    assert_eq!(model.exchanges().begun, 3);
    assert!(stacked.ask_stream("Hi").await.is_err());
    assert_eq!(model.exchanges().begun, 6);
}

#[tokio::test(start_paused = true)]
async fn the_budget_is_shared_and_refilled_by_successes() {
    let broken = Arc::new(Mutex::new(true));
    let state = broken.clone();
    let model = Scripted::with(move |_, _| {
        Some(match *state.lock().unwrap() {
            true => Script::refuses(overloaded()),
            false => Script::text("Hello"),
        })
    });
    let layer = RetryLayer::new(policy(|it| {
        it.max_retries = 2;
        it.budget = 5;
        it.earned_per_success = 0.5;
    }));
    let one = model.clone().layer(layer.clone());
    let other = model.clone().layer(layer);
    let attempts = |begun: &mut usize| {
        let before = std::mem::replace(begun, model.exchanges().begun);
        *begun - before
    };
    let mut begun = 0;
    for (asked, expected) in [(&one, 3), (&other, 3), (&one, 2), (&other, 1)] {
        let error = asked.ask("Hi").await.unwrap_err();
        assert_eq!(error.retry(), Retry::Exhausted);
        assert_eq!(attempts(&mut begun), expected);
    }
    let error = one.ask("Hi").await.unwrap_err();
    assert!(
        error.help().contains("too many other calls"),
        "{}",
        error.help()
    );

    // Two successes pay for one retry, a stream's as well as a call's.
    *broken.lock().unwrap() = false;
    one.ask("Hi").await.unwrap();
    let stream = other.ask_stream("Hi").await.unwrap();
    stream.response().await.unwrap();
    *broken.lock().unwrap() = true;
    attempts(&mut begun);
    one.ask("Hi").await.unwrap_err();
    assert_eq!(attempts(&mut begun), 2);
    one.ask("Hi").await.unwrap_err();
    assert_eq!(attempts(&mut begun), 1);
}

#[tokio::test(start_paused = true)]
async fn the_hook_is_told_before_each_wait() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let notes = told.clone();
    let layer = RetryLayer::new(policy(|it| it.max_retries = 4)).on_retry(move |notice| {
        let error = notice.error.to_string();
        let note = (notice.attempt, notice.of, notice.delay, error);
        notes.lock().unwrap().push(note);
    });
    let model = Scripted::new([
        Script::refuses(overloaded()),
        Script::new().fails(Error::new(ErrorKind::Server, "broken")),
        Script::text("Hello"),
    ]);
    let began = Instant::now();
    let stream = model.clone().layer(layer).ask_stream("Hi").await.unwrap();
    stream.response().await.unwrap();
    let told = told.lock().unwrap();
    let texts: Vec<_> = told.iter().map(|it| (it.0, it.1, it.3.as_str())).collect();
    assert_eq!(texts, [(1, 4, "no capacity"), (2, 4, "broken")]);
    let waited: Duration = told.iter().map(|it| it.2).sum();
    assert!(began.elapsed() >= waited && began.elapsed() <= waited + MS * 2);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_gone_before_the_wait() {
    let model = Scripted::new([
        Script::new().fails(named(SECOND * 60)),
        Script::text("Hello"),
    ]);
    let retrying = retrying(&model, RetryPolicy::default());
    let mut stream = retrying.ask_stream("Hi").await.unwrap();
    let waiting = tokio::time::timeout(SECOND, stream.next()).await;
    assert!(waiting.is_err());
    assert_eq!(model.exchanges().open, 0);
    assert_eq!(stream.next().await.unwrap().unwrap().text(), None);
    assert_eq!(model.exchanges().open, 1);
}

#[tokio::test(start_paused = true)]
async fn a_drop_ends_whatever_is_going_on() {
    let slow = || Script::text("Hello").opens_after(SECOND * 10);
    let model = Scripted::new([slow(), slow()]);
    let waiting = retrying(&model, RetryPolicy::default());
    assert!(
        tokio::time::timeout(SECOND, waiting.ask("Hi"))
            .await
            .is_err()
    );
    assert!(
        tokio::time::timeout(SECOND, waiting.ask_stream("Hi"))
            .await
            .is_err()
    );
    assert_eq!(
        (model.exchanges().open, model.exchanges().abandoned),
        (0, 2)
    );

    // While the stream is opened again.
    let model = Scripted::new([Script::new().fails(named(Duration::ZERO)), slow()]);
    let retrying = retrying(&model, policy(|it| it.base_delay = Duration::ZERO));
    let mut stream = retrying.ask_stream("Hi").await.unwrap();
    assert!(tokio::time::timeout(SECOND, stream.next()).await.is_err());
    assert_eq!(model.exchanges().open, 1);
    drop(stream);
    let mut expected = Exchanges::default();
    (expected.begun, expected.opened, expected.abandoned) = (2, 1, 1);
    assert_eq!(model.exchanges(), expected);
}
