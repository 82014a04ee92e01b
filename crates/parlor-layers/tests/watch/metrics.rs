//! What metrics count and measure.

use super::*;
use parlor_layers::metrics::*;
use parlor_testkit::layer_suite;
use std::sync::Mutex;

fn layered(model: &Scripted) -> (Metrics, Arc<dyn ChatModel>) {
    let layer = MetricsLayer::default();
    (layer.metrics(), model.clone().layer(layer))
}

fn only(metrics: &Metrics) -> ModelMetrics {
    let models = metrics.snapshot().models;
    assert_eq!(models.len(), 1);
    models[0].clone()
}

fn near(told: f64, expected: f64) -> bool {
    (told - expected).abs() <= expected * 0.033
}

#[derive(Debug, Default)]
struct Sink(Mutex<Vec<Told>>);

type Told = (String, CallOutcome, bool, u64);

impl MetricsSink for Sink {
    fn record(&self, record: &CallRecord<'_>) {
        let id = format!("{}/{}", record.provider, record.model);
        let told = (id, record.outcome, record.streamed, record.events);
        self.0.lock().unwrap().push(told);
    }
}

#[derive(Debug)]
struct Panics;

impl MetricsSink for Panics {
    fn record(&self, _: &CallRecord<'_>) {
        panic!("a sink that panics");
    }
}

#[tokio::test(start_paused = true)]
async fn passes_the_suite() {
    layer_suite(|inner| MetricsLayer::default().layer(inner)).await;
}

#[tokio::test(start_paused = true)]
async fn times_of_a_stream_are_measured() {
    let script = Script::response(answer("words", usage(5, 100)));
    let script = script.paced(MS * 20).opens_after(MS * 80);
    let (metrics, model) = layered(&Scripted::new([script]));
    let stream = model.ask_stream("Hi").await.unwrap();
    assert_eq!(only(&metrics).in_flight, 1);
    stream.response().await.unwrap();

    let told = only(&metrics);
    assert_eq!((told.requests, told.completed, told.in_flight), (1, 1, 0));
    assert_eq!((told.tokens.input, told.tokens.output), (5, 100));
    // Started, part, text, part, finished, usage, completed: 20 ms each.
    assert!(near(told.first_event_ms.max, 100.0), "{told:?}");
    assert_eq!(told.gap_ms.count, 6);
    assert!(near(told.gap_ms.p50, 20.0), "{told:?}");
    assert!(near(told.gap_ms.mean, 20.0), "{told:?}");
    assert!(near(told.total_ms.p99, 220.0), "{told:?}");
    assert!(near(told.tokens_per_second.mean, 100.0 / 0.120), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_has_a_time_and_no_events() {
    let script = Script::response(answer("words", usage(5, 100))).opens_after(MS * 500);
    let (metrics, model) = layered(&Scripted::new([script]));
    model.ask("Hi").await.unwrap();
    let told = only(&metrics);
    assert_eq!((told.first_event_ms.count, told.gap_ms.count), (0, 0));
    assert!(near(told.total_ms.mean, 500.0), "{told:?}");
    assert!(near(told.tokens_per_second.p50, 200.0), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_made_before_counts_no_tokens_again() {
    let again = || {
        let mut metadata = ResponseMetadata::default();
        metadata.reused = Some(Reused::Cache { age_ms: 7 });
        Script::response(answer("words", usage(5, 100))).metadata(metadata)
    };
    let new = Script::response(answer("words", usage(5, 100)));
    let (metrics, model) = layered(&Scripted::new([new, again(), again()]));
    model.ask("Hi").await.unwrap();
    model.ask("Hi").await.unwrap();
    let stream = model.ask_stream("Hi").await.unwrap();
    stream.response().await.unwrap();
    let told = only(&metrics);
    assert_eq!((told.completed, told.reused), (3, 2));
    assert_eq!((told.tokens.input, told.tokens.output), (5, 100));
}

#[tokio::test(start_paused = true)]
async fn failures_count_by_kind() {
    let slow = || Error::new(ErrorKind::RateLimited, "slow down");
    let (metrics, model) = layered(&Scripted::new([
        Script::refuses(slow()),
        Script::refuses(slow()),
        Script::text("Hello there").cut(3).fails(broken()),
        Script::text("Hello there").cut(3),
    ]));
    model.ask("Hi").await.unwrap_err();
    model.ask_stream("Hi").await.unwrap_err();
    for _ in 0..2 {
        let stream = model.ask_stream("Hi").await.unwrap();
        stream.response().await.unwrap_err();
    }
    let told = only(&metrics);
    let errors: Vec<_> = told.errors.iter().map(|(k, n)| (k.as_str(), *n)).collect();
    assert_eq!(
        errors,
        [("rate_limited", 2), ("server", 1), ("truncated", 1)]
    );
    assert_eq!((told.requests, told.failed, told.in_flight), (4, 4, 0));
    assert_eq!(told.total_ms.count, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reset_keeps_what_is_in_flight() {
    let (metrics, model) = layered(&Scripted::answering("Hello there"));
    model.ask("Hi").await.unwrap();
    let stream = model.ask_stream("Hi").await.unwrap();
    metrics.reset();
    assert_eq!((only(&metrics).requests, only(&metrics).in_flight), (0, 1));
    stream.response().await.unwrap();
    assert_eq!((only(&metrics).requests, only(&metrics).in_flight), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn models_are_kept_apart_and_snapshots_are_data() {
    let layer = MetricsLayer::default();
    for (model, calls) in [("a", 1), ("b", 2)] {
        let info = ModelInfo::new("house", model);
        let model = Scripted::answering("Hello").with_info(info);
        let model = model.layer(layer.clone());
        for _ in 0..calls {
            model.ask("Hi").await.unwrap();
        }
    }
    let snapshot = layer.metrics().snapshot();
    let told = snapshot.models.iter();
    let told: Vec<_> = told.map(|it| (it.model.as_str(), it.requests)).collect();
    assert_eq!(told, [("a", 1), ("b", 2)]);
    let json = serde_json::to_string(&snapshot).unwrap();
    let read: MetricsSnapshot = serde_json::from_str(&json).unwrap();
    assert_eq!(read, snapshot);
}

#[tokio::test]
async fn a_configuration_counts_for_the_whole_program() {
    let info = ModelInfo::new("house", "of a configuration");
    let model = Scripted::answering("Hello").with_info(info);
    let model = by_configuration("metrics", json!({}), &model);
    model.ask("Hi").await.unwrap();
    let models = Metrics::global().snapshot().models;
    let mine = models.iter().find(|it| it.model == "of a configuration");
    assert_eq!(mine.unwrap().completed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_sink_gets_each_call_once_and_may_panic() {
    let sink = Arc::new(Sink::default());
    let mut policy = MetricsPolicy::default();
    policy.sinks = vec![Arc::new(Panics), sink.clone()];
    let layer = MetricsLayer::new(policy);
    let metrics = layer.metrics();
    let model = Scripted::new([
        Script::text("Hello there"),
        Script::refuses(broken()),
        Script::text("Hello there").hangs(),
    ]);
    let model = model.layer(layer);
    model.ask("Hi").await.unwrap();
    model.ask_stream("Hi").await.unwrap_err();
    let mut stream = model.ask_stream("Hi").await.unwrap();
    stream.next().await.unwrap().unwrap();
    drop(stream);

    let id = "scripted/script".to_owned();
    let expected = [
        (id.clone(), CallOutcome::Completed, false, 0),
        (id.clone(), CallOutcome::Failed(ErrorKind::Server), true, 0),
        (id, CallOutcome::Dropped, true, 1),
    ];
    assert_eq!(*sink.0.lock().unwrap(), expected);
    assert_eq!(only(&metrics).requests, 3);
}

#[tokio::test(start_paused = true)]
async fn whatever_happens_each_exchange_counts_once() {
    for seed in 0..300 {
        let rng = &mut Rng::with_seed(seed);
        let (metrics, model) = layered(&anything(seed));
        let (mut whole, mut failed, mut dropped) = (0, 0, 0);
        for _ in 0..10 {
            match exchange(&*model, rng).await {
                Seen::Whole => whole += 1,
                Seen::Failed(_) => failed += 1,
                Seen::Dropped => dropped += 1,
            }
        }
        let told = only(&metrics);
        let counted = (told.completed, told.failed, told.dropped, told.in_flight);
        assert_eq!(counted, (whole, failed, dropped, 0), "seed {seed}");
        assert_eq!(told.requests, 10);
    }
}

#[test]
fn an_event_costs_no_allocation() {
    let layer = MetricsLayer::default();
    let (short, long) = (added(&layer, 10), added(&layer, 2000));
    assert_eq!(short, long);
    assert!(short <= 4, "{short}");
}
