//! Layers in their order, whatever the order in which they were added.

#![allow(clippy::unwrap_used)]

use parlor_core::{ChatModel, ChatModelExt, Echo, ErrorKind, Layer, layer_fn};
use parlor_layers::retry::RetryLayer;
use parlor_layers::timeout::TimeoutLayer;
use parlor_layers::{ORDER, Stack};
use parlor_testkit::layer_suite;
use std::sync::{Arc, Mutex};

/// A layer that tells when it was put around a model.
fn tells(
    name: &'static str,
    told: &Arc<Mutex<Vec<&'static str>>>,
) -> impl Layer + Send + Sync + use<> {
    let told = told.clone();
    layer_fn(move |model| {
        told.lock().unwrap().push(name);
        model
    })
}

#[test]
fn layers_stand_in_their_order() {
    let told = Arc::default();
    let stack = Stack::new()
        .outside::<TimeoutLayer>("a", tells("a", &told))
        .with(TimeoutLayer::default())
        .outside::<RetryLayer>("b", tells("b", &told))
        .outside::<TimeoutLayer>("c", tells("c", &told))
        .with(RetryLayer::default());
    assert_eq!(stack.names(), ["b", "retry", "a", "c", "timeout"]);
    assert_eq!(
        format!("{stack:?}"),
        r#"["b", "retry", "a", "c", "timeout"]"#
    );
    let model = Echo::new().layer(stack.build().unwrap());
    assert_eq!(model.info().model, "echo");
    assert_eq!(*told.lock().unwrap(), ["c", "a", "b"]);
}

#[test]
fn a_wrong_stack_is_refused() {
    let refused = |stack: Stack| {
        let error = stack.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.message().to_owned()
    };
    let twice = Stack::new()
        .with(RetryLayer::default())
        .with(RetryLayer::default());
    assert!(refused(twice).contains("`retry` was added twice"));
    let without_place = Stack::new().with(layer_fn(|model| model));
    assert!(refused(without_place).contains("add it by `outside`"));
    let inside_out = Stack::outermost_first()
        .with(TimeoutLayer::default())
        .with(RetryLayer::default());
    let why = refused(inside_out);
    assert!(why.contains("`retry` stands outside of `timeout`"), "{why}");
    let right = Stack::outermost_first()
        .with(RetryLayer::default())
        .with(TimeoutLayer::default());
    assert!(right.build().is_ok());
}

#[test]
fn every_layer_has_one_place_and_one_name() {
    let mut names: Vec<_> = ORDER.iter().map(|slot| slot.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), ORDER.len());
}

#[tokio::test(start_paused = true)]
async fn a_stack_passes_the_suite() {
    layer_suite(|inner| {
        let stack = Stack::new()
            .with(TimeoutLayer::default())
            .with(RetryLayer::default());
        stack.build().unwrap().layer(inner)
    })
    .await;
}
