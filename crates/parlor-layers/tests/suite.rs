//! Every layer, alone and stacked, in the suite that any layer must pass.

use parlor_core::{ChatModel, Layer, ModelInfo, Price, Usage};
use parlor_layers::budget::{BudgetLayer, BudgetLimit, BudgetPolicy};
use parlor_layers::concurrency::{ConcurrencyLayer, ConcurrencyPolicy};
use parlor_layers::limits::Window;
use parlor_layers::rate_limit::{Counts, RateLimitLayer, RateLimitPolicy};
use parlor_layers::retry::{RetryLayer, RetryPolicy};
use parlor_layers::timeout::{TimeoutLayer, TimeoutPolicy};
use parlor_testkit::layer_suite;
use std::sync::Arc;
use std::time::Duration;

fn timeout(inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
    let policy = TimeoutPolicy::default().with_total(Duration::from_secs(3600));
    TimeoutLayer::new(policy).layer(inner)
}

fn retry(inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
    RetryLayer::new(RetryPolicy::retries(5)).layer(inner)
}

#[tokio::test(start_paused = true)]
async fn retry_passes() {
    layer_suite(retry).await;
}

#[tokio::test(start_paused = true)]
async fn timeout_passes() {
    layer_suite(timeout).await;
}

#[tokio::test(start_paused = true)]
async fn no_timeout_passes() {
    layer_suite(|inner| TimeoutLayer::new(TimeoutPolicy::none()).layer(inner)).await;
}

#[tokio::test(start_paused = true)]
async fn concurrency_passes() {
    let one = |inner| ConcurrencyLayer::new(ConcurrencyPolicy::at_most(1)).layer(inner);
    layer_suite(one).await;
    layer_suite(|inner| retry(one(timeout(inner)))).await;
}

#[tokio::test(start_paused = true)]
async fn budget_passes() {
    let within = |inner| {
        let policy =
            BudgetPolicy::usd(1e6, Window::Day).with(BudgetLimit::tokens(10_000_000, Window::Life));
        let prices = |_: &ModelInfo, usage: &Usage| Price::usd(1.0, 2.0).cost(usage);
        BudgetLayer::new(policy).with_pricing(prices).layer(inner)
    };
    layer_suite(within).await;
    layer_suite(|inner| within(retry(timeout(inner)))).await;
}

#[tokio::test(start_paused = true)]
async fn rate_limit_passes() {
    let limited = |inner| {
        let mut policy = RateLimitPolicy::requests_per_minute(10_000).with(
            Counts::Tokens,
            10_000_000,
            Duration::from_secs(60),
        );
        policy.learn = true;
        RateLimitLayer::new(policy).layer(inner)
    };
    layer_suite(limited).await;
    layer_suite(|inner| retry(limited(timeout(inner)))).await;
}

#[tokio::test(start_paused = true)]
async fn stacks_pass() {
    layer_suite(|inner| retry(timeout(inner))).await;
    layer_suite(|inner| retry(timeout(retry(inner)))).await;
}

#[cfg(feature = "cache")]
#[tokio::test(start_paused = true)]
async fn cache_passes() {
    use parlor_layers::cache::CacheLayer;
    let cache = |inner| CacheLayer::default().layer(inner);
    layer_suite(cache).await;
    layer_suite(|inner| cache(retry(timeout(cache(inner))))).await;
}

#[cfg(feature = "cache")]
#[tokio::test(start_paused = true)]
async fn coalesce_passes() {
    use parlor_layers::coalesce::CoalesceLayer;
    let coalesce = |inner| CoalesceLayer::default().layer(inner);
    layer_suite(coalesce).await;
    layer_suite(|inner| coalesce(retry(timeout(coalesce(inner))))).await;
}
