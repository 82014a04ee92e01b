//! Requests and tokens per window: what waits, what is refused, what is given back.

use crate::{MINUTE, SECOND};
use futures_util::FutureExt;
use parlor_core::*;
use parlor_layers::configured;
use parlor_layers::estimate::{OutputEstimate, text_tokens};
use parlor_layers::limits::{MemoryStore, Scope};
use parlor_layers::rate_limit::{OnLimit, RateLimitLayer, RateLimitPolicy};
use parlor_testkit::{Script, Scripted};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A window is cut into 64 slots, and room comes at most one of them late.
const SLOT: Duration = Duration::from_millis(938);

fn usage(input: u64, output: u64) -> Usage {
    let mut usage = Usage::default();
    usage.input_tokens = Some(input);
    usage.output_tokens = Some(output);
    usage
}

fn answer(usage: Option<Usage>) -> Script {
    let mut choice = Choice::new(0);
    choice.message.parts.push(Part::text("four words of text"));
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut response = ChatResponse::default();
    response.choices.push(choice);
    response.usage = usage;
    Script::response(response)
}

/// A request for which 10 + 90 tokens are reserved.
fn request() -> ChatRequest {
    ChatRequest::from("Hi").with_max_output_tokens(90)
}

fn layer(set: impl FnOnce(&mut RateLimitPolicy)) -> RateLimitLayer {
    let mut policy = RateLimitPolicy::tokens_per_minute(100);
    set(&mut policy);
    RateLimitLayer::new(policy).with_estimate(|_| 10)
}

async fn used(layer: &RateLimitLayer) -> u64 {
    layer.used(None).await.unwrap()[0].1
}

#[tokio::test(start_paused = true)]
async fn what_is_beyond_the_limit_waits_for_the_window() {
    let scripted = Scripted::answering("Hi");
    let layer = RateLimitLayer::new(RateLimitPolicy::requests_per_minute(2));
    let model = scripted.layer(layer.clone());
    let began = Instant::now();
    for minutes in [0, 0, 1, 1] {
        model.ask("Hi").await.unwrap();
        let (least, elapsed) = (MINUTE * minutes, began.elapsed());
        assert!(least <= elapsed && elapsed <= least + SLOT, "{elapsed:?}");
    }
    let error = model.ask("Hi").now_or_never();
    assert!(error.is_none(), "it waits");
    assert_eq!(layer.waiting(), 0, "and left");
}

#[tokio::test(start_paused = true)]
async fn what_can_not_wait_is_refused_with_the_time() {
    let scripted = Scripted::answering("Hi");
    let policy = |on_limit| {
        let mut policy = RateLimitPolicy::requests_per_minute(1);
        policy.on_limit = on_limit;
        policy
    };
    for on_limit in [OnLimit::Refuse, OnLimit::wait(SECOND)] {
        let model = scripted
            .clone()
            .layer(RateLimitLayer::new(policy(on_limit)));
        model.ask("Hi").await.unwrap();
        sleep(SECOND * 20).await;
        let began = Instant::now();
        let error = model.ask("Hi").await.unwrap_err();
        assert_eq!(began.elapsed(), Duration::ZERO, "nothing can be given back");
        assert_eq!(error.kind(), ErrorKind::RateLimited);
        assert_eq!(error.provider(), Some("scripted"));
        assert_eq!(
            error.message(),
            "the rate limit of 1 requests per minute is used up"
        );
        let Retry::Later(Some(after)) = error.retry() else {
            panic!("{error:?}")
        };
        assert!(SECOND * 40 <= after && after <= SECOND * 40 + SLOT);
        assert!(error.help().contains(&format!("room in {after:?}")));
        sleep(after).await;
        model.ask("Hi").await.unwrap();
    }
    assert_eq!(scripted.exchanges().begun, 4);
}

#[tokio::test(start_paused = true)]
async fn an_answer_gives_back_what_it_did_not_use() {
    let layer = layer(|it| it.limits[0].amount = 120);
    let model = Scripted::with(|_, _| Some(answer(Some(usage(8, 12))).opens_after(SECOND * 5)))
        .layer(layer.clone());
    let began = Instant::now();
    let (one, other) = tokio::join!(model.ask(request()), model.ask_stream(request()));
    one.unwrap();
    assert_eq!(
        began.elapsed(),
        SECOND * 10,
        "the second began when the first was settled"
    );
    assert_eq!(used(&layer).await, 120);
    other.unwrap().response().await.unwrap();
    assert_eq!(used(&layer).await, 40);
}

#[tokio::test(start_paused = true)]
async fn every_end_is_settled_by_what_came() {
    fn refused() -> Error {
        Error::new(ErrorKind::Server, "broke")
    }
    fn slow() -> Error {
        Error::new(ErrorKind::Timeout(TimeoutKind::Idle), "slow")
    }
    let text = text_tokens("four words of text");
    type Case = (&'static str, fn() -> Script, u64);
    let cases: [Case; 7] = [
        ("whole", || answer(Some(usage(8, 12))), 20),
        ("without usage", || answer(None), 10 + text),
        ("refused", || Script::refuses(refused()), 0),
        ("out of time", || Script::refuses(slow()), 100),
        ("broken at once", || Script::new().fails(refused()), 0),
        ("broken", || answer(None).cut(3).fails(refused()), 10 + text),
        ("cut", || answer(None).cut(3), 10 + text),
    ];
    for (name, script, expected) in cases {
        for streamed in [false, true] {
            let layer = layer(|_| ());
            let model = Scripted::new([script()]).layer(layer.clone());
            match streamed {
                false => drop(model.chat(&request()).await),
                true => {
                    if let Ok(stream) = model.stream(&request()).await {
                        drop(stream.response().await);
                    }
                }
            }
            assert_eq!(used(&layer).await, expected, "{name}, streamed: {streamed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_drop_is_settled_at_once() {
    let script = || answer(Some(usage(8, 12))).paced(SECOND);
    let text = text_tokens("four words of text");
    for (events, expected) in [(0, 10), (2, 10), (3, 10 + text), (7, 20)] {
        let layer = layer(|_| ());
        let model = Scripted::new([script()]).layer(layer.clone());
        let mut stream = model.stream(&request()).await.unwrap();
        for _ in 0..events {
            stream.next().await.unwrap().unwrap();
        }
        drop(stream);
        assert_eq!(used(&layer).await, expected, "after {events} events");
    }
    // A call that is dropped may be answered all the same.
    let layer = layer(|_| ());
    let model = Scripted::new([script()]).layer(layer.clone());
    assert!(model.chat(&request()).now_or_never().is_none());
    assert_eq!(used(&layer).await, 100);
    sleep(MINUTE + SLOT).await;
    assert_eq!(used(&layer).await, 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_used_beyond_the_estimate_is_paid_for_later() {
    let model = Scripted::with(|_, _| Some(answer(Some(usage(100, 150)))));
    let layer = layer(|_| ());
    let model = model.layer(layer.clone());
    model.chat(&request()).await.unwrap();
    assert_eq!(used(&layer).await, 250);
    sleep(SECOND * 10).await;
    let began = Instant::now();
    model.chat(&request()).await.unwrap();
    assert!(began.elapsed() >= SECOND * 50);
    // A call that needs more than there ever is goes alone.
    let huge = ChatRequest::from("Hi").with_max_output_tokens(9000);
    model.chat(&huge).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn users_have_limits_and_lines_of_their_own() {
    let scripted = Scripted::answering("Hi");
    let mut policy = RateLimitPolicy::requests_per_minute(1);
    policy.scope = Scope::User;
    let layer = RateLimitLayer::new(policy);
    let model = scripted.layer(layer.clone());
    let of = |user: Option<&str>| {
        let mut request = ChatRequest::from("Hi");
        request.user = user.map(str::to_owned);
        request
    };
    for user in [None, Some("ann"), Some("bob")] {
        model.chat(&of(user)).now_or_never().unwrap().unwrap();
        assert!(model.chat(&of(user)).now_or_never().is_none());
        assert_eq!(layer.used(user).await.unwrap()[0].1, 1);
    }
    assert_eq!(layer.used(Some("eve")).await.unwrap()[0].1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_bounded_number_waits() {
    let mut policy = RateLimitPolicy::requests_per_minute(1);
    policy.max_waiting = 1;
    let layer = RateLimitLayer::new(policy);
    let model = Scripted::answering("Hi").layer(layer.clone());
    model.ask("1").await.unwrap();
    let mut second = model.ask("2").boxed();
    assert!(second.as_mut().now_or_never().is_none());
    assert_eq!(layer.waiting(), 1);
    let error = model.ask("3").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert_eq!(error.retry(), Retry::Later(None));
    drop(second);
    assert_eq!(layer.waiting(), 0);
}

#[tokio::test(start_paused = true)]
async fn it_keeps_to_what_the_provider_says_is_left() {
    let told = |counts: &str, remaining, reset_ms| {
        let mut limit = RateLimit::default();
        limit.remaining = Some(remaining);
        limit.reset_ms = Some(reset_ms);
        let mut metadata = ResponseMetadata::default();
        metadata.rate_limits.insert(counts.to_owned(), limit);
        answer(None).metadata(metadata)
    };
    let slow_down = || {
        Error::new(ErrorKind::RateLimited, "slow down").with_retry(Retry::Later(Some(SECOND * 30)))
    };
    let mut policy = RateLimitPolicy::default();
    policy.learn = true;
    let layer = RateLimitLayer::new(policy).with_estimate(|_| 10);
    let model = Scripted::new([
        told("requests", 1, 20_000),
        answer(None),
        told("tokens", 50, 10_000),
        answer(None),
        Script::refuses(slow_down()),
        answer(None),
    ])
    .layer(layer);
    let small = ChatRequest::from("Hi").with_max_output_tokens(30);
    let calls = [
        (small.clone(), 0, "nothing is known"),
        (small.clone(), 0, "one is left"),
        (small.clone(), 20, "none is left"),
        (request(), 10, "100 don't go into 50"),
        (small.clone(), 0, "refused"),
        (small, 30, "after a refusal"),
    ];
    for (request, waits, why) in calls {
        let began = Instant::now();
        let outcome = model.chat(&request).await;
        assert_eq!(outcome.is_err(), why == "refused");
        assert_eq!(began.elapsed(), SECOND * waits, "{why}");
    }
}

#[tokio::test(start_paused = true)]
async fn cached_input_counts_or_not() {
    for (count_cached, expected) in [(true, 20), (false, 13)] {
        let mut cached = usage(8, 12);
        cached.cached_input_tokens = Some(7);
        let layer = layer(|it| it.count_cached = count_cached);
        let model = Scripted::new([answer(Some(cached))]).layer(layer.clone());
        model.chat(&request()).await.unwrap();
        assert_eq!(used(&layer).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn the_mean_of_answers_is_learnt() {
    let layer = layer(|it| {
        it.output = OutputEstimate::Mean;
        it.limits[0].amount = 1_000_000;
    });
    let scripted = Scripted::with(|number, _| {
        Some(match number {
            100 => answer(None).opens_after(Duration::MAX),
            _ => answer(Some(usage(0, 2000))),
        })
    });
    let model = scripted.layer(layer.clone());
    for _ in 0..100 {
        model.ask("Hi").await.unwrap();
    }
    assert_eq!(used(&layer).await, 200_000);
    let pending = model.ask("Hi").boxed();
    let mut pending = std::pin::pin!(pending);
    assert!(pending.as_mut().now_or_never().is_none());
    let reserved = used(&layer).await - 200_000;
    assert!((2000..=2010).contains(&reserved), "{reserved}");
}

#[tokio::test(start_paused = true)]
async fn layers_on_one_store_share_their_limits() {
    let store = Arc::new(MemoryStore::new());
    let model = || {
        let layer = RateLimitLayer::new(RateLimitPolicy::requests_per_minute(1));
        Scripted::answering("Hi").layer(layer.with_store(store.clone()))
    };
    let (one, other) = (model(), model());
    one.ask("Hi").now_or_never().unwrap().unwrap();
    assert!(other.ask("Hi").now_or_never().is_none());
}

#[test]
fn a_configuration_asks_for_it() {
    let layer = |settings| configured("rate_limit", &settings);
    layer(json!({"requests_per_minute": 60, "tokens_per_day": "1.5M", "scope": "user"})).unwrap();
    layer(json!({"learn": true, "output": "mean"})).unwrap();
    layer(json!({"requests_per_second": 1, "on_limit": "refuse"})).unwrap();
    let wrong = [
        (json!({}), "there is no limit"),
        (json!({"requests_per_week": 1}), "`requests_per_week`"),
        (json!({"tokens_per_minute": "many"}), "`tokens_per_minute`"),
        (
            json!({"requests_per_minute": 0}),
            "expected a number above zero",
        ),
        (
            json!({"requests_per_minute": 1, "on_limit": "refuse", "max_wait": "1s"}),
            "`max_wait`",
        ),
    ];
    for (settings, says) in wrong {
        let error = layer(settings).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains(says), "{error}");
    }
}
