//! Sessions with answers that break anywhere, recorded and replayed.

#[path = "../common/mod.rs"]
mod common;

use super::{around, fresh, nobody, open, read};
use common::{runs, script};
use fastrand::Rng;
use parlor_core::*;
use parlor_layers::replay::ReplayMode;
use parlor_testkit::Scripted;
use std::time::Duration;
use tokio::time::timeout;

/// What came of an exchange, as JSON.
async fn outcome(model: &dyn ChatModel, ask: &str, streamed: bool) -> String {
    let form = |error: &Error| serde_json::to_string(error).unwrap();
    match streamed {
        true => match model.stream(&ask.into()).await {
            Ok(stream) => {
                let (events, error) = read(stream).await;
                let events = serde_json::to_string(&events).unwrap();
                events + &error.as_ref().map(form).unwrap_or_default()
            }
            Err(error) => form(&error),
        },
        false => match model.chat(&ask.into()).await {
            Ok(answer) => serde_json::to_string(&answer).unwrap(),
            Err(error) => form(&error),
        },
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_is_replayed_as_it_went() {
    let (mut whole, mut failed, mut dropped) = (0, 0, 0);
    runs(1000, async |rng: &mut Rng| {
        let path = fresh(["session.jsonl", "session"][rng.usize(0..2)]);
        let mut scripts = rng.fork();
        let model = Scripted::with(move |number, _| Some(script(&mut scripts, number)));
        let recording = around(&model, &open(&path, ReplayMode::Record));
        let mut session = Vec::new();
        for _ in 0..rng.usize(1..8) {
            let ask = ["a", "b", "c"][rng.usize(0..3)];
            let streamed = rng.bool();
            let patience = Duration::from_secs(100);
            let seen = timeout(patience, outcome(&*recording, ask, streamed))
                .await
                .ok();
            match &seen {
                None => dropped += 1,
                Some(seen) if seen.contains("\"advice\"") => failed += 1,
                Some(_) => whole += 1,
            }
            session.push((ask, streamed, seen));
        }
        drop(recording);
        let replaying = around(&nobody(), &open(&path, ReplayMode::Replay));
        for (ask, streamed, seen) in session {
            let replayed = outcome(&*replaying, ask, streamed).await;
            match seen {
                Some(seen) => assert_eq!(replayed, seen),
                None => assert!(replayed.contains("was dropped"), "{replayed}"),
            }
        }
        let _ = std::fs::remove_dir_all(path.parent().unwrap());
    })
    .await;
    common::all_came_up(&[("whole", whole), ("failed", failed), ("dropped", dropped)]);
}
