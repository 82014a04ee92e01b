//! What a stack allows, at random.

use crate::common::millis;
use fastrand::Rng;
use parlor_core::ChatModel;
use parlor_layers::balance::{BalanceChoice, BalanceLayer, BalancePolicy};
use parlor_layers::budget::{BudgetLimit, BudgetPolicy};
use parlor_layers::hedge::{HedgeLayer, HedgePolicy};
use parlor_layers::limits::Window;
use parlor_layers::rate_limit::{Counts, OnLimit, RateLimitPolicy};
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn pace(rng: &mut Rng) -> RateLimitPolicy {
    let mut policy = match rng.u8(0..3) {
        0 => RateLimitPolicy::requests_per_minute(rng.u64(2..10)),
        _ => RateLimitPolicy::requests_per_minute(1000).with(
            Counts::Tokens,
            rng.u64(500..5000),
            Duration::from_secs(60),
        ),
    };
    policy.learn = rng.bool();
    policy.on_limit = OnLimit::wait_for_ever();
    policy
}

pub(crate) fn spending(rng: &mut Rng) -> BudgetPolicy {
    let window = Window::Rolling(Duration::from_secs(3600));
    let tokens = match rng.u8(0..6) {
        0 => rng.u64(5000..20_000),
        _ => 1_000_000,
    };
    BudgetPolicy::usd(100.0, window).with(BudgetLimit::tokens(tokens, window))
}

pub(crate) fn hedge(rng: &mut Rng) -> HedgeLayer {
    let mut policy = HedgePolicy::after(millis(rng, 4000));
    policy.call_delay = rng.bool().then(|| millis(rng, 4000));
    policy.share = 1.0;
    policy.burst = 3;
    HedgeLayer::new(policy)
}

pub(crate) fn balance(rng: &mut Rng, others: [Arc<dyn ChatModel>; 2]) -> BalanceLayer {
    let choices = [
        BalanceChoice::Weighted,
        BalanceChoice::LeastLatency,
        BalanceChoice::LeastBusy,
    ];
    let mut policy = BalancePolicy::by(choices[rng.usize(..3)]);
    policy.turns = rng.u32(0..3);
    policy.seed = Some(rng.u64(..));
    BalanceLayer::new(others).with_policy(policy)
}
