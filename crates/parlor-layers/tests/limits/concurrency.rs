//! Permits, the line for them, and that every one comes back.

use crate::crowd::{End, Outcome, crowd, model, run};
use crate::{MS, SECOND};
use futures_util::FutureExt;
use futures_util::future::join_all;
use parlor_core::*;
use parlor_layers::concurrency::{ConcurrencyLayer, ConcurrencyPolicy};
use parlor_layers::configured;
use parlor_testkit::{Script, Scripted};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

fn layer(set: impl FnOnce(&mut ConcurrencyPolicy)) -> ConcurrencyLayer {
    let mut policy = ConcurrencyPolicy::at_most(1);
    set(&mut policy);
    ConcurrencyLayer::new(policy)
}

#[tokio::test(start_paused = true)]
async fn only_so_many_go_on_at_once() {
    let scripted = Scripted::with(|_, _| Some(Script::text("Hi").opens_after(SECOND)));
    let layer = layer(|it| it.max = 3);
    let model = scripted.clone().layer(layer.clone());
    let began = Instant::now();
    let answers = join_all((0..9).map(|_| model.ask("Hi"))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(began.elapsed(), SECOND * 3, "nine in threes");
    assert_eq!((layer.running(), layer.waiting()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stream_holds_its_permit_to_its_last_item() {
    let broken = || Error::new(ErrorKind::Server, "broke");
    let scripted = Scripted::new([
        Script::text("Hello there"),
        Script::text("Hello").cut(3).fails(broken()),
        Script::text("Hello").cut(3),
        Script::text("Hello").cut(3).hangs(),
        Script::refuses(broken()),
    ]);
    let layer = layer(|_| ());
    let model = scripted.layer(layer.clone());
    for (reads, over) in [(7, true), (4, true), (4, true), (3, false)] {
        let mut stream = model.ask_stream("Hi").await.unwrap();
        for _ in 0..reads {
            assert_eq!(layer.running(), 1);
            let _ = stream.next().await.unwrap();
        }
        assert_eq!(layer.running(), usize::from(!over), "after {reads} items");
        drop(stream);
        assert_eq!(layer.running(), 0);
    }
    model.ask_stream("Hi").await.unwrap_err();
    assert_eq!(layer.running(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_line_and_a_long_wait_are_overload() {
    let scripted = Scripted::with(|_, _| Some(Script::text("Hi").opens_after(SECOND * 10)));
    let layer = layer(|it| {
        it.max_waiting = 1;
        it.max_wait = Some(SECOND * 4);
    });
    let model = scripted.clone().layer(layer.clone());
    let mut first = model.ask("1").boxed();
    let mut second = model.ask("2").boxed();
    assert!(first.as_mut().now_or_never().is_none());
    assert!(second.as_mut().now_or_never().is_none());
    assert_eq!((layer.running(), layer.waiting()), (1, 1));

    let began = Instant::now();
    let third = model.ask("3").await.unwrap_err();
    assert_eq!(
        began.elapsed(),
        Duration::ZERO,
        "a full line is told at once"
    );
    let second = second.await.unwrap_err();
    assert_eq!(began.elapsed(), SECOND * 4);
    let says = [
        (third, "1 calls are going on and 1 wait, as many as may"),
        (second, "1 calls kept going on for 4s"),
    ];
    for (error, message) in says {
        assert_eq!(error.kind(), ErrorKind::Overloaded);
        assert_eq!(error.retry(), Retry::Later(None));
        assert_eq!(error.message(), message);
        assert_eq!(error.provider(), Some("scripted"));
        assert!(error.help().starts_with("Nothing was sent."));
    }
    assert_eq!((layer.running(), layer.waiting()), (1, 0));
    first.await.unwrap();
    assert_eq!(scripted.exchanges().begun, 1);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_the_line_is_not_waited_for() {
    let scripted = Scripted::with(|_, _| Some(Script::text("Hi").opens_after(SECOND)));
    let layer = layer(|it| it.max_waiting = 2);
    let model = scripted.clone().layer(layer.clone());
    let mut calls: Vec<_> = (0..3).map(|_| model.ask("Hi").boxed()).collect();
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    assert_eq!((layer.running(), layer.waiting()), (1, 2));
    drop(calls.remove(1));
    assert_eq!((layer.running(), layer.waiting()), (1, 1));
    let began = Instant::now();
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    assert_eq!(began.elapsed(), SECOND * 2);
}

#[test]
fn a_configuration_asks_for_it() {
    let layer = |settings| configured("concurrency", &settings);
    let settings = json!({"max": 2, "max_waiting": 3, "max_wait": "30s"});
    layer(settings).unwrap();
    layer(json!(true)).unwrap();
    for wrong in [json!({"max": 0}), json!({"maximum": 2})] {
        let error = layer(wrong).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.message().contains("max"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn clones_share_the_permits() {
    let scripted = Scripted::with(|_, _| Some(Script::text("Hi").opens_after(SECOND)));
    let layer = layer(|_| ());
    let one = scripted.clone().layer(layer.clone());
    let other = scripted.layer(layer);
    let began = Instant::now();
    let (one, other) = tokio::join!(one.ask("Hi"), other.ask("Hi"));
    assert!(one.is_ok() && other.is_ok());
    assert_eq!(began.elapsed(), SECOND * 2);
}

#[tokio::test(start_paused = true)]
async fn crowds_stay_in_line_and_give_everything_back() {
    for seed in 0..1000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (max, max_waiting) = (rng.usize(1..5), rng.usize(0..12));
        let layer = layer(|it| {
            it.max = max;
            it.max_waiting = max_waiting;
            it.max_wait = rng.bool().then(|| MS * rng.u32(0..1000));
        });
        let callers = crowd(&mut rng, 20, 0..1500);
        let order = Arc::new(Mutex::new(Vec::new()));
        let scripted = {
            let (order, layer) = (order.clone(), layer.clone());
            model(&callers, move |number| {
                order.lock().unwrap().push((number, layer.waiting()));
            })
        };
        // Outside the layer nothing knows how many go on inside, so the model
        // is asked at every step.
        let watched = scripted.clone();
        let model = scripted.clone().layer(layer_fn(move |inner| {
            Arc::new(Watched {
                inner,
                scripted: watched.clone(),
                max,
            })
        }));
        let model = model.layer(layer.clone());
        let outcomes = run(&model, &callers).await;

        let order = std::mem::take(&mut *order.lock().unwrap());
        assert!(
            order.is_sorted_by(|one, next| one.0 < next.0),
            "seed {seed}: out of line: {order:?}"
        );
        let most = order.iter().map(|(_, waiting)| *waiting).max();
        assert!(most.unwrap_or(0) <= max_waiting, "seed {seed}: {most:?}");
        assert_eq!((layer.running(), layer.waiting()), (0, 0), "seed {seed}");
        assert_eq!(scripted.exchanges().open, 0, "seed {seed}");
        for (outcome, caller) in outcomes.iter().zip(&callers) {
            match outcome {
                Outcome::Answered(response) => {
                    assert_eq!(caller.end, End::Completes);
                    assert!(!response.interrupted);
                }
                Outcome::Failed(error) => {
                    assert!(caller.end != End::Completes || error.kind() == ErrorKind::Overloaded)
                }
                Outcome::Left => assert!(caller.leaves.is_some()),
            }
        }
        // All permits are there again, at once.
        let all: Vec<_> = (0..max)
            .map(|_| model.ask_stream("0").now_or_never())
            .collect();
        assert_eq!(layer.running(), all.iter().flatten().flatten().count());
    }
}

/// Fails the test as soon as more go on than may.
#[derive(Debug)]
struct Watched {
    inner: Arc<dyn ChatModel>,
    scripted: Scripted,
    max: usize,
}

#[async_trait::async_trait]
impl ChatModel for Watched {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        assert!(self.scripted.exchanges().open < self.max);
        self.inner.chat(request).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        assert!(self.scripted.exchanges().open < self.max);
        self.inner.stream(request).await
    }
}
