//! Who counts the usage where the first to ask doesn't stay.

use super::{SECOND, read};
use futures_util::FutureExt;
use futures_util::future::join;
use parlor_core::*;
use parlor_layers::coalesce::CoalesceLayer;
use parlor_layers::metrics::{Metrics, MetricsLayer};
use parlor_testkit::{Script, Scripted};
use std::sync::Arc;

/// A model whose one answer takes its time and costs 7 and 3 tokens, shared and
/// measured from outside.
fn measured() -> (Metrics, Arc<dyn ChatModel>) {
    let mut answer = Scripted::answering("one two three")
        .ask("")
        .now_or_never()
        .unwrap()
        .unwrap();
    let mut usage = Usage::default();
    (usage.input_tokens, usage.output_tokens) = (Some(7), Some(3));
    answer.usage = Some(usage);
    let script = Script::response(answer).opens_after(SECOND).paced(SECOND);
    let layer = MetricsLayer::default();
    let metrics = layer.metrics();
    let shared = Scripted::new([script]).layer(CoalesceLayer::default());
    (metrics, shared.layer(layer))
}

/// All tokens that were counted, and how many answers were another's.
fn counted(metrics: &Metrics) -> (u64, u64, u64) {
    let snapshot = metrics.snapshot();
    let told = &snapshot.models[0];
    (told.tokens.input, told.tokens.output, told.reused)
}

#[tokio::test(start_paused = true)]
async fn who_leaves_a_call_leaves_its_usage_to_another() {
    let (metrics, model) = measured();
    let mut calls = [0; 3].map(|_| model.ask("Hi").boxed());
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    let [first, second, third] = calls;
    drop(first);
    let (second, third) = join(second, third).await;
    assert_eq!(second.unwrap().metadata.reused, None);
    assert_eq!(third.unwrap().metadata.reused, Some(Reused::Call));
    assert_eq!(counted(&metrics), (7, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_an_opening_leaves_the_usage_to_another() {
    let (metrics, model) = measured();
    let mut openings = [0; 2].map(|_| model.ask_stream("Hi").boxed());
    for opening in &mut openings {
        assert!(opening.now_or_never().is_none());
    }
    let [first, second] = openings;
    drop(first);
    let stream = second.await.unwrap();
    assert_eq!(stream.metadata().reused, None);
    assert!(read(stream).await.1.is_none());
    assert_eq!(counted(&metrics), (7, 3, 0));
}

#[tokio::test(start_paused = true)]
async fn who_leaves_a_stream_leaves_the_usage_to_another() {
    let (metrics, model) = measured();
    let mut first = model.ask_stream("Hi").await.unwrap();
    let second = model.ask_stream("Hi").await.unwrap();
    let third = model.ask_stream("Hi").await.unwrap();
    first.next().await.unwrap().unwrap();
    assert_eq!(second.metadata().reused, Some(Reused::Call));
    drop(first);
    let second = second.response().await.unwrap();
    assert_eq!(second.metadata.reused, None);
    let third = third.response().await.unwrap();
    assert_eq!(third.metadata.reused, Some(Reused::Call));
    assert_eq!(counted(&metrics), (7, 3, 1));
}

#[tokio::test(start_paused = true)]
async fn who_has_read_to_the_end_has_counted() {
    let (metrics, model) = measured();
    let first = model.ask_stream("Hi").await.unwrap();
    let second = model.ask_stream("Hi").await.unwrap();
    assert!(read(first).await.1.is_none());
    let second = second.response().await.unwrap();
    assert_eq!(second.metadata.reused, Some(Reused::Call));
    assert_eq!(counted(&metrics), (7, 3, 1));
}
