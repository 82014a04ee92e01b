//! The layers that hold calls back, against scripted models, random crowds and tokio's paused clock.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod budget;
mod concurrency;
mod crowd;
mod memory;
mod rate_crowds;
mod rate_limit;

use std::time::Duration;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
