//! Retry over timeout over a model that fails at random: what must hold whatever happens.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use common::{RUNS, joined, millis, runs, script, whole, words};
use fastrand::Rng;
use parlor_core::*;
use parlor_layers::retry::{RetryLayer, RetryPolicy};
use parlor_layers::timeout::{TimeoutLayer, TimeoutPolicy};
use parlor_testkit::Scripted;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

struct Run {
    model: Scripted,
    layered: Arc<dyn ChatModel>,
    most: usize,
}

fn run(rng: &mut Rng) -> Run {
    let mut limits = TimeoutPolicy::none();
    limits.first_event = Some(Duration::from_secs(5));
    limits.idle = rng.bool().then_some(Duration::from_secs(3));
    limits.total = Some(Duration::from_secs(rng.u64(4..30)));
    let mut policy = RetryPolicy::retries(rng.u32(0..5));
    policy.seed = Some(rng.u64(..));
    policy.budget = rng.u32(0..6);
    policy.max_elapsed = rng.bool().then(|| millis(rng, 20_000));
    let most = 1 + policy.max_retries.min(policy.budget) as usize;
    let mut script_rng = rng.fork();
    let model = Scripted::with(move |attempt, _| Some(script(&mut script_rng, attempt)));
    let layered = model
        .clone()
        .layer(TimeoutLayer::new(limits))
        .layer(RetryLayer::new(policy));
    Run {
        model,
        layered,
        most,
    }
}

impl Run {
    /// The number of the last attempt.
    fn last(&self) -> usize {
        self.model.exchanges().begun - 1
    }

    fn check_end(&self) {
        let exchanges = self.model.exchanges();
        assert!(exchanges.begun <= self.most, "{exchanges:?}");
        assert_eq!(exchanges.open, 0, "{exchanges:?}");
    }
}

#[derive(Default)]
struct Tally {
    whole: u32,
    broken: u32,
    failed: u32,
    dropped: u32,
    retried: u32,
}

async fn streamed(rng: &mut Rng, run: &Run, tally: &mut Tally) {
    let patience = match rng.bool() {
        true => Duration::MAX,
        false => millis(rng, 20_000),
    };
    let pause = match rng.u8(0..4) {
        0 => millis(rng, 3000),
        _ => Duration::ZERO,
    };
    let mut events = Vec::new();
    let mut ended = None;
    let consumer = async {
        let mut grammar = Grammar::new();
        let mut stream = match run.layered.ask_stream("Hi").await {
            Ok(stream) => stream,
            Err(error) => {
                ended = Some(Err(error));
                return;
            }
        };
        while let Some(item) = stream.next().await {
            grammar.check(&item).unwrap();
            match item {
                Ok(event) => {
                    events.push(event);
                    assert_eq!(run.model.exchanges().open, 1, "the failed are gone");
                }
                Err(error) => ended = Some(Err(error)),
            }
            tokio::time::sleep(pause).await;
        }
        grammar.finish().unwrap();
        ended.get_or_insert(Ok(()));
    };
    let _ = timeout(patience, consumer).await;

    let (rest, text) = joined(&events);
    let (whole_rest, whole_text) = joined(&whole(run.last()));
    assert!(whole_text.starts_with(&text), "{text}");
    assert!(whole_rest.starts_with(&rest), "{rest:?}");
    match ended {
        None => tally.dropped += 1,
        Some(Ok(())) => {
            assert_eq!((rest, text), (whole_rest, whole_text));
            tally.whole += 1;
        }
        Some(Err(error)) if events.is_empty() => {
            assert!(!matches!(error.retry(), Retry::Later(_)), "{error:?}");
            tally.failed += 1;
        }
        Some(Err(error)) => {
            let partial = error.partial().expect("a broken stream has a partial");
            assert!(partial.interrupted);
            assert_eq!(partial.text(), text);
            tally.broken += 1;
        }
    }
}

async fn called(run: &Run, tally: &mut Tally) {
    match run.layered.ask("Hi").await {
        Ok(response) => {
            assert_eq!(response.text(), words(run.last()));
            tally.whole += 1;
        }
        Err(error) => {
            assert!(!matches!(error.retry(), Retry::Later(_)), "{error:?}");
            if let Some(partial) = error.partial() {
                assert!(words(run.last()).starts_with(&partial.text()));
            }
            tally.failed += 1;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_fails_nothing_is_shown_twice_or_lost() {
    let mut tally = Tally::default();
    runs(RUNS, async |rng| {
        let run = run(rng);
        match rng.u8(0..4) {
            0 => called(&run, &mut tally).await,
            _ => streamed(rng, &run, &mut tally).await,
        }
        run.check_end();
        tally.retried += u32::from(run.last() > 0);
    })
    .await;
    // Every way to end came up, or the run shows nothing.
    for (name, times) in [
        ("whole", tally.whole),
        ("broken", tally.broken),
        ("failed", tally.failed),
        ("dropped", tally.dropped),
        ("retried", tally.retried),
    ] {
        assert!(u64::from(times) > RUNS / 20, "{name}: {times} of {RUNS}");
    }
}
