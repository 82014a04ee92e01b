//! The layers that hold calls back, against scripted models, random crowds and tokio's paused clock.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod budget;
mod concurrency;
mod crowd;
mod memory;
mod rate_crowds;
mod rate_limit;

use futures_util::FutureExt;
use parlor_core::{ChatModelExt, ErrorKind};
use parlor_layers::{Stack, configured};
use parlor_testkit::{Script, Scripted};
use serde_json::json;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn what_a_configuration_asks_for_holds() {
    let cases = [
        (
            "rate_limit",
            json!({"requests_per_minute": 1, "on_limit": "refuse"}),
            ErrorKind::RateLimited,
        ),
        // "Hi" is 5 tokens and the answer 500, by the estimate.
        (
            "rate_limit",
            json!({"tokens_per_hour": "1k", "max_wait": "10s"}),
            ErrorKind::RateLimited,
        ),
        (
            "concurrency",
            json!({"max": 1, "max_wait": "10s"}),
            ErrorKind::Overloaded,
        ),
        (
            "budget",
            json!({"tokens_per_day": "1k"}),
            ErrorKind::QuotaExhausted,
        ),
        (
            "budget",
            json!({"usd_per_month": 0.5}),
            ErrorKind::QuotaExhausted,
        ),
    ];
    for (name, settings, kind) in cases {
        let layer = configured(name, &settings).unwrap();
        let stack = Stack::new().with_configured(layer).build().unwrap();
        let slow = |_: usize, _: &_| Some(Script::text("Hi").opens_after(MINUTE));
        let mut info = parlor_core::ModelInfo::new("scripted", "script");
        info.price = Some(parlor_core::Price::usd(1.0, 500.0));
        let model = Scripted::with(slow).with_info(info).layer(stack);
        let mut first = model.ask("Hi").boxed();
        assert!(first.as_mut().now_or_never().is_none());
        let error = model.ask("Hi").await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {settings}");
        first.await.unwrap();
    }
}
