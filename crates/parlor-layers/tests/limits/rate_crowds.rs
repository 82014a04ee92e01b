//! Rate limits under random crowds: no window has too much in it, and all of it is settled.

use crate::crowd::{Caller, End, Outcome, crowd, model, run};
use crate::{MINUTE, MS};
use parlor_core::*;
use parlor_layers::estimate::text_tokens;
use parlor_layers::limits::Scope;
use parlor_layers::rate_limit::{Counts, OnLimit, RateLimitLayer, RateLimitPolicy};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The most that any stretch of `per` has in it.
fn most_within(per: Duration, events: &[(Instant, u64)]) -> u64 {
    let sum = |from: Instant| {
        let within = events.iter().filter(|it| it.0 >= from && it.0 < from + per);
        within.map(|it| it.1).sum()
    };
    events.iter().map(|it| sum(it.0)).max().unwrap_or(0)
}

/// What a caller's answer used, if it says so.
fn told(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Answered(response) => response.usage.as_ref()?.total_tokens(),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn no_window_of_any_crowd_has_more_than_its_limit() {
    for seed in 0..1000 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let per = MS * rng.u32(50..1000);
        let (requests, tokens) = (rng.u64(1..8), rng.u64(100..400));
        let mut policy = RateLimitPolicy::default()
            .with(Counts::Requests, requests, per)
            .with(Counts::Tokens, tokens, per);
        let patient = rng.bool();
        policy.on_limit = match patient {
            true => OnLimit::wait_for_ever(),
            false => OnLimit::wait(MS * rng.u32(0..1000)),
        };
        policy.scope = [Scope::All, Scope::User][rng.usize(..2)];
        let scope = policy.scope;
        let layer = RateLimitLayer::new(policy).with_estimate(|_| 50);

        let mut callers = crowd(&mut rng, 20, 0..1500);
        for caller in &mut callers {
            caller.max_output_tokens = Some(50);
        }
        let begun = Arc::new(Mutex::new(Vec::new()));
        let scripted = {
            let begun = begun.clone();
            model(&callers, move |number| {
                begun.lock().unwrap().push((number, Instant::now()));
            })
        };
        let model = scripted.clone().layer(layer.clone());
        let outcomes = run(&model, &callers).await;
        let begun = std::mem::take(&mut *begun.lock().unwrap());

        for user in [None, Some("ann"), Some("bob")] {
            let mine: Vec<_> = begun
                .iter()
                .filter(|(number, _)| scope == Scope::All || callers[*number].user == user)
                .collect();
            assert!(
                mine.is_sorted_by(|one, next| one.0 < next.0),
                "seed {seed}: out of line: {mine:?}"
            );
            let events: Vec<_> = mine.iter().map(|it| (it.1, 1)).collect();
            assert!(most_within(per, &events) <= requests, "seed {seed}");
            let events: Vec<_> = mine
                .iter()
                .map(|it| (it.1, told(&outcomes[it.0]).unwrap_or(0)))
                .collect();
            assert!(most_within(per, &events) <= tokens, "seed {seed}");
        }
        for (outcome, caller) in outcomes.iter().zip(&callers) {
            if let Outcome::Failed(error) = outcome
                && error.kind() == ErrorKind::RateLimited
            {
                assert!(!patient, "seed {seed}: {caller:?} was refused");
            }
        }
        assert_eq!(layer.waiting(), 0, "seed {seed}");
        sleep(per * 2 + MS * 50).await;
        for user in [None, Some("ann"), Some("bob")] {
            let used = layer.used(user).await.unwrap();
            assert!(used.iter().all(|it| it.1 == 0), "seed {seed}: {used:?}");
        }
    }
}

/// What is to be settled for a caller who stays to the end.
fn settled(caller: &Caller, outcome: &Outcome) -> u64 {
    let (usage, text) = match outcome {
        Outcome::Answered(response) => (response.usage.as_ref(), response.text()),
        Outcome::Failed(_) if caller.end == End::Refuses => return 0,
        Outcome::Failed(error) => {
            let partial = error.partial().unwrap();
            (partial.usage.as_ref(), partial.text())
        }
        Outcome::Left => unreachable!("nobody leaves"),
    };
    usage.map_or(50 + text_tokens(&text), |it| it.total_tokens().unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_is_settled_is_what_was_used() {
    for seed in 0..300 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let policy = RateLimitPolicy::default().with(Counts::Tokens, 1_000_000, MINUTE * 60);
        let layer = RateLimitLayer::new(policy).with_estimate(|_| 50);
        let mut callers = crowd(&mut rng, 20, 0..1500);
        for caller in &mut callers {
            caller.leaves = None;
        }
        let model = model(&callers, |_| ()).layer(layer.clone());
        let outcomes = run(&model, &callers).await;
        let expected: u64 = callers
            .iter()
            .zip(&outcomes)
            .map(|(caller, outcome)| settled(caller, outcome))
            .sum();
        assert_eq!(
            layer.used(None).await.unwrap()[0].1,
            expected,
            "seed {seed}"
        );
    }
}
