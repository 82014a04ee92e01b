//! The coalescing layer: one call for all who ask the same at the same time.

#![cfg(feature = "cache")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod leaving;
mod random;
mod threads;
mod wake;

use futures_util::FutureExt;
use futures_util::future::join_all;
use parlor_core::*;
use parlor_layers::cache::CacheLayer;
use parlor_layers::coalesce::{CoalesceLayer, CoalescePolicy};
use parlor_layers::{Stack, configured};
use parlor_testkit::{Script, Scripted};
use serde_json::json;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn shared(model: &Scripted, set: impl FnOnce(&mut CoalescePolicy)) -> Arc<dyn ChatModel> {
    let mut policy = CoalescePolicy::default();
    set(&mut policy);
    model.clone().layer(CoalesceLayer::new(policy))
}

fn failure() -> Error {
    Error::new(ErrorKind::Server, "broke off").with_code("x")
}

async fn read(mut stream: ChatStream) -> (Vec<Event>, Option<Error>) {
    let mut events = Vec::new();
    while let Some(item) = stream.next().await {
        match item {
            Ok(event) => events.push(event),
            Err(error) => return (events, Some(error)),
        }
    }
    (events, None)
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_gets_the_stream_from_its_beginning() {
    let model = Scripted::new([Script::text("one two three").paced(SECOND)]);
    let shared = shared(&model, |_| {});
    let mut first = shared.ask_stream("Hi").await.unwrap();
    assert_eq!(first.metadata().reused, None);
    for _ in 0..4 {
        first.next().await.unwrap().unwrap();
    }
    let second = shared.ask_stream("Hi").await.unwrap();
    assert_eq!(second.metadata().reused, Some(Reused::Call));
    assert_eq!(second.info(), first.info());
    let (whole, error) = read(second).await;
    assert!(error.is_none());
    // The first one reads the rest much later, at its own pace.
    let (rest, _) = read(first).await;
    assert_eq!(whole.len(), 8);
    assert_eq!(rest, whole[4..]);
    assert_eq!(
        (model.exchanges().begun, model.exchanges().abandoned),
        (1, 0)
    );

    let error = shared.ask_stream("Hi").await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unexpected,
        "what is over is joined no more"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_join_calls_and_streams() {
    let script = || Script::text("Hello").opens_after(SECOND).paced(SECOND);
    let model = Scripted::new([script(), script()]);
    let shared = shared(&model, |_| {});
    let answers = join_all((0..3).map(|_| shared.ask("Hi"))).await;
    let reused = [None, Some(Reused::Call), Some(Reused::Call)];
    for (answer, reused) in answers.into_iter().zip(reused) {
        let answer = answer.unwrap();
        assert_eq!(answer.text(), "Hello");
        assert_eq!(answer.metadata.reused, reused);
    }
    assert_eq!(model.exchanges().begun, 1);

    let stream = shared.ask_stream("Hi").await.unwrap();
    let answer = shared.ask("Hi").await.unwrap();
    assert_eq!(answer.metadata.reused, Some(Reused::Call));
    let mut streamed = stream.response().await.unwrap();
    streamed.metadata.reused = Some(Reused::Call);
    assert_eq!(answer, streamed);
    assert_eq!(model.exchanges().begun, 2);
}

#[tokio::test(start_paused = true)]
async fn errors_go_to_all() {
    let slow = |script: Script| script.opens_after(SECOND);
    let model = Scripted::new([
        slow(Script::refuses(failure())),
        slow(Script::refuses(failure())),
        Script::text("one two")
            .paced(SECOND)
            .cut(6)
            .fails(failure()),
        Script::text("one two").paced(SECOND).cut(6),
    ]);
    let shared = shared(&model, |_| {});
    for outcome in join_all((0..3).map(|_| shared.ask_stream("Hi"))).await {
        assert_eq!(outcome.unwrap_err().code(), Some("x"));
    }
    for outcome in join_all((0..3).map(|_| shared.ask("Hi"))).await {
        assert_eq!(outcome.unwrap_err().code(), Some("x"));
    }
    for kind in [ErrorKind::Server, ErrorKind::Truncated] {
        let streams = join_all((0..3).map(|_| shared.ask_stream("Hi"))).await;
        for (events, error) in join_all(streams.into_iter().map(|it| read(it.unwrap()))).await {
            let error = error.unwrap();
            assert_eq!((events.len(), error.kind()), (3, kind));
            assert_eq!(error.partial().unwrap().text(), "one ");
        }
    }
    assert_eq!((model.exchanges().begun, model.exchanges().open), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn the_last_one_to_leave_ends_it() {
    let model = Scripted::with(|_, _| Some(Script::text("one").cut(3).hangs()));
    let shared = shared(&model, |_| {});
    let mut streams = Vec::new();
    for _ in 0..3 {
        let mut stream = shared.ask_stream("Hi").await.unwrap();
        assert!(stream.next().await.is_some());
        streams.push(stream);
    }
    while let Some(stream) = streams.pop() {
        assert_eq!((model.exchanges().begun, model.exchanges().open), (1, 1));
        drop(stream);
    }
    assert_eq!(
        (model.exchanges().open, model.exchanges().abandoned),
        (0, 1)
    );
    shared.ask_stream("Hi").await.unwrap();
    assert_eq!(
        model.exchanges().begun,
        2,
        "a new one, not the one that was left"
    );

    let never = Scripted::with(|_, _| Some(Script::new().opens_after(Duration::MAX)));
    let shared = never.clone().layer(CoalesceLayer::default());
    let mut opening = [
        shared.ask_stream("Hi").boxed(),
        shared.ask_stream("Hi").boxed(),
    ];
    for opening in &mut opening {
        assert!(opening.now_or_never().is_none());
    }
    let [first, second] = opening;
    drop(first);
    assert_eq!((never.exchanges().begun, never.exchanges().open), (1, 1));
    drop(second);
    assert_eq!(
        (never.exchanges().open, never.exchanges().abandoned),
        (0, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn another_takes_over_from_whoever_asked_last() {
    let model = Scripted::new([Script::text("one two").paced(SECOND)]);
    let shared = shared(&model, |_| {});
    let stays = shared.ask_stream("Hi").await.unwrap();
    let mut leaves = shared.ask_stream("Hi").await.unwrap();
    let mut looks_away = shared.ask_stream("Hi").await.unwrap();
    let stays = tokio::spawn(read(stays));
    tokio::task::yield_now().await;
    assert!(leaves.next().now_or_never().is_none());
    // Asked last, and neither polled nor dropped from now on.
    assert!(looks_away.next().now_or_never().is_none());
    drop(leaves);
    let (events, error) = tokio::time::timeout(SECOND * 60, stays)
        .await
        .unwrap()
        .unwrap();
    assert!(error.is_none());
    assert_eq!(read(looks_away).await.0, events);
}

#[tokio::test(start_paused = true)]
async fn who_falls_behind_the_bound_stops_nobody() {
    let text = "word ".repeat(2000);
    let model = Scripted::with(move |_, _| Some(Script::text(&text)));
    let shared = shared(&model, |it| it.max_bytes = 20_000);
    let mut slow = shared.ask_stream("Hi").await.unwrap();
    let fast = shared.ask_stream("Hi").await.unwrap();
    slow.next().await.unwrap().unwrap();
    let (events, error) = read(fast).await;
    assert!(error.is_none());
    assert_eq!(events.len(), 2005);
    let (events, error) = read(slow).await;
    let error = error.unwrap();
    assert!(events.is_empty());
    assert_eq!(error.kind(), ErrorKind::Truncated);
    assert!(error.message().contains("more than 20000 bytes behind"));
    assert!(error.partial().is_some());
}

#[tokio::test(start_paused = true)]
async fn beyond_the_bound_nobody_joins() {
    let text = "word ".repeat(2000);
    let model = Scripted::with(move |_, _| Some(Script::text(&text)));
    let shared = shared(&model, |it| it.max_bytes = 20_000);
    let mut first = shared.ask_stream("Hi").await.unwrap();
    let mut seen = 0;
    while model.exchanges().begun == 1 {
        first.next().await.unwrap().unwrap();
        seen += 1;
        drop(shared.ask_stream("Hi").await.unwrap());
    }
    assert!((50..500).contains(&seen), "{seen}");
    assert_eq!(seen + read(first).await.0.len(), 2005);
}

#[tokio::test(start_paused = true)]
async fn one_large_event_puts_nobody_behind() {
    let mut choice = Choice::new(0);
    choice
        .message
        .parts
        .push(Media::bytes("image/png", vec![7; 100_000]).into());
    choice.finish_reason = Some(FinishKind::Stop.into());
    let mut answer = ChatResponse::default();
    answer.choices.push(choice);
    let model = Scripted::new([Script::response(answer).paced(SECOND)]);
    let shared = shared(&model, |it| it.max_bytes = 10_000);
    let streams = join_all((0..3).map(|_| shared.ask_stream("Hi"))).await;
    for (events, error) in join_all(streams.into_iter().map(|it| read(it.unwrap()))).await {
        assert!(error.is_none(), "{error:?}");
        assert_eq!(events.len(), 5);
    }
}

#[tokio::test(start_paused = true)]
async fn different_requests_and_those_that_ask_alone_are_not_shared() {
    let model = Scripted::with(|_, request| {
        let text = request.messages[0].text();
        Some(Script::text(&text).opens_after(SECOND))
    });
    let everything = shared(&model, |_| {});
    let alone = CoalesceLayer::alone("a".into());
    let requests = ["a".into(), "b".into(), alone.clone(), alone, "a".into()];
    let answers = join_all(requests.each_ref().map(|it| everything.chat(it))).await;
    let texts: Vec<_> = answers
        .iter()
        .map(|it| it.as_ref().unwrap().text())
        .collect();
    assert_eq!(texts, ["a", "b", "a", "a", "a"]);
    assert_eq!(model.exchanges().begun, 4);
    assert!(model.requests().iter().all(|it| it.extra.is_empty()));

    let model = Scripted::with(|_, _| Some(Script::text("Hello").opens_after(SECOND)));
    let repeatable = shared(&model, |it| it.only_deterministic = true);
    let cold = ChatRequest::from("Hi").with_temperature(0.0);
    for (request, calls) in [(ChatRequest::from("Hi"), 2), (cold, 1)] {
        let before = model.exchanges().begun;
        join_all([repeatable.chat(&request), repeatable.chat(&request)]).await;
        assert_eq!(model.exchanges().begun - before, calls);
    }
    let wrong = ChatRequest::from("Hi").with_extra("parlor", "coalesce", "no");
    let error = repeatable.ask(wrong).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
}

#[tokio::test(start_paused = true)]
async fn facts_that_are_known_at_the_end_reach_all_with_the_mark() {
    let facts = |id: &str| {
        let mut facts = ResponseMetadata::default();
        facts.request_id = Some(id.to_owned());
        facts
    };
    let inner = Arc::new(Late(facts("late")));
    let shared = inner.layer(CoalesceLayer::default());
    let streams = join_all((0..3).map(|_| shared.ask_stream("Hi"))).await;
    for (at, stream) in streams.into_iter().enumerate() {
        let answer = stream.unwrap().response().await.unwrap();
        assert_eq!(answer.metadata.request_id.as_deref(), Some("late"));
        assert_eq!(answer.metadata.reused.is_some(), at > 0);
    }
}

/// A model that knows the facts of an exchange when it has ended.
#[derive(Debug)]
struct Late(ResponseMetadata);

#[async_trait::async_trait]
impl ChatModel for Late {
    fn info(&self) -> &ModelInfo {
        static INFO: OnceLock<ModelInfo> = OnceLock::new();
        INFO.get_or_init(|| ModelInfo::new("house", "late"))
    }
    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.stream(request).await?.response().await
    }
    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream> {
        let later = Arc::new(OnceLock::from(Box::new(self.0.clone())));
        let stream = Echo::new().ask_stream("Hello").await?;
        Ok(stream.with_later_metadata(later))
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_within_leaves_nobody_waiting() {
    let model = Scripted::new([Script::new()
        .event(Event::started(None, None, None))
        .wait(SECOND)]);
    let panics =
        layer_fn(|model: Arc<dyn ChatModel>| Arc::new(Panics(model)) as Arc<dyn ChatModel>);
    let shared = model.layer(panics).layer(CoalesceLayer::default());
    let streams = join_all((0..3).map(|_| shared.ask_stream("Hi"))).await;
    let reading = streams
        .into_iter()
        .map(|it| tokio::spawn(read(it.unwrap())));
    let outcomes = tokio::time::timeout(SECOND * 60, join_all(reading))
        .await
        .unwrap();
    let (panicked, told): (Vec<_>, Vec<_>) =
        outcomes.into_iter().partition(std::result::Result::is_err);
    assert_eq!((panicked.len(), told.len()), (1, 2));
    for outcome in told {
        let error = outcome.unwrap().1.unwrap();
        assert_eq!(error.kind(), ErrorKind::Unexpected);
    }
}

/// A model whose streams panic where the inner one's dry up.
#[derive(Debug)]
struct Panics(Arc<dyn ChatModel>);

#[async_trait::async_trait]
impl ChatModel for Panics {
    fn info(&self) -> &ModelInfo {
        self.0.info()
    }
    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.0.chat(request).await
    }
    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        use futures_util::StreamExt;
        let dries_up = futures_util::stream::poll_fn(|_| panic!("on purpose"));
        let stream = self.0.stream(request).await?;
        Ok(stream.map_events(|events| events.chain(dries_up)))
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_outside_keeps_the_answer_once() {
    let model = Scripted::new([Script::text("Hello").opens_after(SECOND)]);
    let kept = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = kept.clone();
    let cache = CacheLayer::default().on_notice(move |notice| {
        if let parlor_layers::cache::CacheNotice::Kept { .. } = notice {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    });
    let coalesce = configured("coalesce", &json!({"max_bytes": 100_000})).unwrap();
    let stack = Stack::new().with_configured(coalesce).with(cache);
    assert_eq!(stack.names(), ["cache", "coalesce"]);
    let model = model.layer(stack.build().unwrap());
    let both = async {
        let streams = join_all((0..3).map(|_| model.ask_stream("Hi"))).await;
        join_all(streams.into_iter().map(|it| it.unwrap().response())).await
    };
    for answer in both.await {
        assert_eq!(answer.unwrap().text(), "Hello");
    }
    assert_eq!(kept.load(std::sync::atomic::Ordering::Relaxed), 1);
    let hit = model.ask("Hi").await.unwrap();
    assert!(matches!(hit.metadata.reused, Some(Reused::Cache { .. })));
}
