//! All layers in one stack, over models that fail at random: what must hold whatever happens.
//!
//! Retry inside resume inside hedge inside balance inside fallback inside coalescing and
//! cache, with everything that watches around them. Several callers ask the same
//! stack at once, each at its own pace, and leave when they like.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod caller;
#[path = "../common/mod.rs"]
mod common;
mod ledger;
mod policies;
mod rig;
mod shelf;
#[path = "../watch/spans.rs"]
#[allow(dead_code, reason = "shared with the tests of spans")]
mod spans;

use caller::Caller;
use common::{Ended, all_came_up, runs};
use futures_util::future::join_all;
use rig::Rig;
use std::time::Duration;
use tokio::time::advance;

/// How many random stacks are asked.
const RUNS: u64 = 2000;

/// Longer than any window, cool-down or answer's life in these tests.
const LONG: Duration = Duration::from_secs(100_000);

#[tokio::test(start_paused = true)]
async fn whatever_fails_a_stack_keeps_its_word() {
    let (spans, _listening) = spans::Spans::listen();
    let mut tally = Tally::default();
    runs(RUNS, async |rng| {
        let rig = Rig::new(rng);
        let callers: Vec<_> = (0..rng.usize(1..=5)).map(|_| Caller::new(rng)).collect();
        let seen = join_all(callers.iter().map(|caller| caller.call(&rig))).await;
        for (caller, seen) in callers.iter().zip(&seen) {
            caller.check(seen, &rig);
            tally.count(seen);
        }
        rig.check_bounds(callers.len());
        rig.check_nothing_left();
        rig.check_settled(&seen);
        tally.retried += u64::from(rig.retries() > 0);
        tally.reused += u64::from(rig.attempts() < seen.len());

        rig.heal();
        advance(LONG).await;
        rig.check_accounts_empty().await;
        let probes: Vec<_> = (0..2).map(|_| Caller::patient(rng)).collect();
        let answers = join_all(probes.iter().map(|probe| probe.call(&rig))).await;
        for (probe, seen) in probes.iter().zip(&answers) {
            assert!(matches!(seen.ended, Ended::Whole), "{seen:?}");
            probe.check(seen, &rig);
        }
        rig.check_nothing_left();
        advance(LONG).await;
    })
    .await;
    for (at, span) in spans.all().iter().enumerate() {
        assert!(span.closed, "span {at} is open: {span:?}");
    }
    all_came_up(&[
        ("whole", tally.whole),
        ("broken", tally.broken),
        ("failed", tally.failed),
        ("dropped", tally.dropped),
        ("retried", tally.retried),
        ("reused", tally.reused),
        ("gone on with", tally.resumed),
    ]);
}

#[derive(Default)]
struct Tally {
    whole: u64,
    broken: u64,
    failed: u64,
    dropped: u64,
    retried: u64,
    reused: u64,
    resumed: u64,
}

impl Tally {
    fn count(&mut self, seen: &common::Seen) {
        self.resumed += u64::from(seen.events.iter().any(caller::is_seam));
        *match &seen.ended {
            Ended::Whole => &mut self.whole,
            Ended::Dropped => &mut self.dropped,
            Ended::Failed(_) if seen.events.is_empty() => &mut self.failed,
            Ended::Failed(_) => &mut self.broken,
        } += 1;
    }
}
