//! Decorators of the [`ChatModel`](parlor_core::ChatModel) trait: retry and timeout.
//!
//! A layer wraps one model in another of the same trait, and knows nothing of
//! what it wraps. The order is part of the meaning; outermost first it is
//! trace, metrics, cache, budget, fallback or balance, **retry**, rate limit,
//! concurrency, **timeout**, model. So a timeout bounds one attempt, and a
//! retry makes several of them:
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::{RetryLayer, RetryPolicy, TimeoutLayer, TimeoutPolicy};
//!
//! let model = Echo::new()
//!     .layer(TimeoutLayer::new(TimeoutPolicy::default()))
//!     .layer(RetryLayer::new(RetryPolicy::default()));
//! # assert_eq!(model.info().model, "echo");
//! # use parlor_core::ChatModel;
//! ```
//!
//! Both measure time by tokio's clock: they must be called within a tokio
//! runtime whose time driver is on.

mod retry;
mod timeout;

pub use retry::{RetryLayer, RetryNotice, RetryPolicy};
pub use timeout::{TimeoutLayer, TimeoutPolicy};
