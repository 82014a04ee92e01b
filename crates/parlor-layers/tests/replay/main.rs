//! The replay layer: what is recorded, and what is made of it.

#![cfg(feature = "replay")]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod misses;
mod random;
mod secrets;
mod shared;

use parlor_core::*;
use parlor_layers::replay::{ReplayLayer, ReplayMode, ReplayPolicy};
use parlor_testkit::{Script, Scripted, layer_suite};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A path where nothing is yet.
fn fresh(name: &str) -> PathBuf {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let folder = format!("replay-{}-{number}", std::process::id());
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _ = std::fs::remove_dir_all(&folder);
    folder.join(name)
}

fn open(path: &Path, mode: ReplayMode) -> ReplayLayer {
    ReplayLayer::open(path, ReplayPolicy::new(mode)).unwrap()
}

fn around(model: &Scripted, layer: &ReplayLayer) -> Arc<dyn ChatModel> {
    model.clone().layer(layer.clone())
}

/// A model that must not be asked.
fn nobody() -> Scripted {
    Scripted::new([])
}

async fn read(mut stream: ChatStream) -> (Vec<Event>, Option<Error>) {
    let (mut events, mut grammar) = (Vec::new(), Grammar::new());
    let mut failed = None;
    while let Some(item) = stream.next().await {
        grammar.check(&item).unwrap();
        match item {
            Ok(event) => events.push(event),
            Err(error) => failed = Some(error),
        }
    }
    grammar.finish().unwrap();
    (events, failed)
}

#[tokio::test(start_paused = true)]
async fn it_passes_the_suite_while_it_records() {
    for name in ["all.jsonl", "folder"] {
        let path = fresh(name);
        layer_suite(|inner| open(&path, ReplayMode::Record).layer(inner)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_recorded_is_replayed_in_its_order() {
    for name in ["test.jsonl", "folder"] {
        let path = fresh(name);
        let model = Scripted::new(["one", "two", "three", "other", "call"].map(Script::text));
        let layer = open(&path, ReplayMode::Record);
        let layered = around(&model, &layer);
        let mut recorded = Vec::new();
        for ask in ["x", "x", "x", "y"] {
            recorded.push(read(layered.ask_stream(ask).await.unwrap()).await.0);
        }
        let called = layered.ask("x").await.unwrap();
        assert_eq!(layer.recorded(), 5);
        drop(layered);
        drop(layer);

        let model = nobody();
        let layered = around(&model, &open(&path, ReplayMode::Replay));
        // Other questions in between change nothing.
        for (ask, number) in [("y", 3), ("x", 0), ("x", 1), ("x", 2)] {
            let stream = layered.ask_stream(ask).await.unwrap();
            let (events, error) = read(stream).await;
            assert_eq!(events, recorded[number]);
            assert!(error.is_none());
        }
        assert_eq!(layered.ask("x").await.unwrap(), called);
        assert_eq!(model.exchanges().begun, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_replayed_with_what_they_say() {
    let partial = || Script::text("Hello there").cut(3);
    let refused = Error::new(ErrorKind::RateLimited, "slow down")
        .with_status(429)
        .with_code("limit")
        .with_provider("house")
        .with_model("model")
        .with_request_id("req-1")
        .with_retry(Retry::Later(Some(Duration::from_millis(1500))));
    let broke = || Error::new(ErrorKind::Timeout(TimeoutKind::Idle), "nothing came");
    let path = fresh("errors.jsonl");
    let play = || {
        Scripted::new([
            Script::refuses(refused.clone()),
            Script::refuses(refused.clone()),
            partial().fails(broke()),
            partial().fails(broke()),
            partial(),
        ])
    };
    let mut told = Vec::new();
    for mode in [ReplayMode::Record, ReplayMode::Replay] {
        let model = match mode {
            ReplayMode::Record => play(),
            _ => nobody(),
        };
        let layer = open(&path, mode);
        let layered = around(&model, &layer);
        let mut errors = vec![
            layered.ask("a").await.unwrap_err(),
            layered.ask_stream("a").await.unwrap_err(),
            layered.ask("b").await.unwrap_err(),
        ];
        for ask in ["b", "c"] {
            errors.push(
                read(layered.ask_stream(ask).await.unwrap())
                    .await
                    .1
                    .unwrap(),
            );
        }
        assert_eq!(errors[0].status(), Some(429));
        assert_eq!(errors[3].kind(), broke().kind());
        assert_eq!(errors[4].kind(), ErrorKind::Truncated);
        assert_eq!(errors[2].partial().unwrap().text(), "Hello ");
        told.push(
            errors
                .iter()
                .map(|it| serde_json::to_value(it).unwrap())
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test(start_paused = true)]
async fn facts_about_the_exchange_are_kept_but_its_times() {
    let mut metadata = ResponseMetadata::default();
    metadata.request_id = Some("req-1".to_owned());
    metadata.latency.first_event_ms = Some(5);
    let script = || Script::text("Hello").metadata(metadata.clone());
    let path = fresh("facts.jsonl");
    let model = Scripted::new([script(), script()]);
    let layered = around(&model, &open(&path, ReplayMode::Auto));
    layered.ask("x").await.unwrap();
    read(layered.ask_stream("x").await.unwrap()).await;
    drop(layered);
    let layered = around(&nobody(), &open(&path, ReplayMode::Replay));
    let called = layered.ask("x").await.unwrap().metadata;
    let stream = layered.ask_stream("x").await.unwrap();
    for seen in [&called, stream.metadata()] {
        assert_eq!(seen.request_id.as_deref(), Some("req-1"));
        assert_eq!(seen.latency, Latency::default());
    }
}

#[tokio::test(start_paused = true)]
async fn auto_records_what_is_not_there() {
    let path = fresh("auto.jsonl");
    for (ask, asked) in [("x", 1), ("x", 0), ("y", 1), ("x", 0), ("y", 0)] {
        let model = Scripted::answering("Hello");
        let layered = around(&model, &open(&path, ReplayMode::Auto));
        assert_eq!(layered.ask(ask).await.unwrap().text(), "Hello");
        assert_eq!(model.exchanges().begun, asked, "{ask}");
    }
    // What nobody answered is asked again.
    for _ in 0..2 {
        let gone = Error::new(ErrorKind::Connection, "no network");
        let model = Scripted::new([Script::refuses(gone)]);
        let layered = around(&model, &open(&path, ReplayMode::Auto));
        assert!(layered.ask("z").await.is_err());
        assert_eq!(model.exchanges().begun, 1);
    }
}

#[tokio::test(start_paused = true)]
async fn recording_begins_anew() {
    let path = fresh("anew.jsonl");
    for text in ["old", "new"] {
        let model = Scripted::answering(text);
        around(&model, &open(&path, ReplayMode::Record))
            .ask("x")
            .await
            .unwrap();
    }
    // A run that asks nothing changes nothing.
    drop(open(&path, ReplayMode::Record));
    let layered = around(&nobody(), &open(&path, ReplayMode::Replay));
    assert_eq!(layered.ask("x").await.unwrap().text(), "new");
    assert!(layered.ask("x").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn what_was_dropped_ends_where_it_was_dropped() {
    let path = fresh("dropped.jsonl");
    let model = Scripted::new([
        Script::text("one two three"),
        Script::text("x").opens_after(Duration::MAX),
    ]);
    let layered = around(&model, &open(&path, ReplayMode::Record));
    let mut stream = layered.ask_stream("x").await.unwrap();
    for _ in 0..3 {
        stream.next().await.unwrap().unwrap();
    }
    drop(stream);
    let call = tokio::time::timeout(Duration::from_secs(1), layered.ask("y"));
    assert!(call.await.is_err());
    drop(layered);
    let layered = around(&nobody(), &open(&path, ReplayMode::Replay));
    let (events, error) = read(layered.ask_stream("x").await.unwrap()).await;
    assert_eq!(events.len(), 3);
    for error in [error.unwrap(), layered.ask("y").await.unwrap_err()] {
        assert!(error.message().contains("was dropped"), "{error}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test(start_paused = true)]
async fn who_answered_is_kept() {
    let path = fresh("who.jsonl");
    let spare: Arc<dyn ChatModel> =
        Arc::new(Scripted::answering("Hello").with_info(ModelInfo::new("spare", "other")));
    let down = Error::new(ErrorKind::Overloaded, "busy");
    let stack = || {
        let model = Scripted::new([Script::refuses(down.clone())]);
        model.layer(parlor_layers::fallback::FallbackLayer::new([spare.clone()]))
    };
    let record = open(&path, ReplayMode::Record).layer(stack());
    let replay = || open(&path, ReplayMode::Replay).layer(stack());
    read(record.ask_stream("x").await.unwrap()).await;
    drop(record);
    let stream = replay().ask_stream("x").await.unwrap();
    assert_eq!(stream.info().id(), "spare/other");
    assert_eq!(stream.response().await.unwrap().provider, "spare");
}

#[tokio::test(start_paused = true)]
async fn files_are_lines_of_json_in_a_steady_order() {
    let path = fresh("steady.jsonl");
    let mut texts = Vec::new();
    for _ in 0..2 {
        let model = Scripted::answering("Hello there");
        let layer = open(&path, ReplayMode::Record);
        let layered = around(&model, &layer);
        read(layered.ask_stream("x").await.unwrap()).await;
        layered.ask("y").await.unwrap();
        layer.save().unwrap();
        texts.push(std::fs::read_to_string(&path).unwrap());
    }
    assert_eq!(texts[0], texts[1]);
    let names: Vec<String> = texts[0]
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line.as_object().unwrap().keys().next().unwrap().clone()
        })
        .collect();
    assert_eq!(names[..3], ["recording", "opened", "event"]);
    assert_eq!(names[names.len() - 2..], ["recording", "response"]);
}
