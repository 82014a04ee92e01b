//! Several tests at one folder, and several layers at one file.

use super::{around, fresh, nobody, open};
use parlor_core::*;
use parlor_layers::replay::ReplayMode;
use parlor_testkit::Scripted;
use std::thread;

/// Asks questions as a test does: each its own, all of them one more, and that one
/// a number of times.
fn test(path: &std::path::Path, number: usize, mode: ReplayMode, model: &Scripted) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let layer = open(path, mode);
    let layered = around(model, &layer);
    runtime.block_on(async {
        for ask in 0..5 {
            let asked = format!("test {number}, question {ask}");
            assert_eq!(layered.ask(asked).await.unwrap().text(), "Hello");
        }
        for _ in 0..=number {
            assert_eq!(layered.ask("everybody's").await.unwrap().text(), "Hello");
        }
    });
    layer.save().unwrap();
}

#[test]
fn tests_that_share_a_place_keep_all_of_each() {
    for (name, mode) in [
        ("folder", ReplayMode::Record),
        ("folder", ReplayMode::Auto),
        ("file.jsonl", ReplayMode::Auto),
    ] {
        let path = fresh(name);
        thread::scope(|scope| {
            for number in 0..8 {
                let path = &path;
                scope.spawn(move || test(path, number, mode, &Scripted::answering("Hello")));
            }
        });
        for number in 0..8 {
            test(&path, number, ReplayMode::Replay, &nobody());
        }
        let folder = match path.is_dir() {
            true => path.as_path(),
            false => path.parent().unwrap(),
        };
        for entry in std::fs::read_dir(folder).unwrap() {
            let file = entry.unwrap().path();
            assert_eq!(file.extension().unwrap(), "jsonl", "{file:?} is left over");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn clones_and_models_share_one_order() {
    let path = fresh("clones.jsonl");
    let layer = open(&path, ReplayMode::Record);
    for text in ["one", "two"] {
        around(&Scripted::answering(text), &layer.clone())
            .ask("x")
            .await
            .unwrap();
    }
    drop(layer);
    let layer = open(&path, ReplayMode::Replay);
    for text in ["one", "two"] {
        let layered = around(&nobody(), &layer.clone());
        assert_eq!(layered.ask("x").await.unwrap().text(), text);
    }
}
