//! Decorators of the [`ChatModel`](parlor_core::ChatModel) trait.
//!
//! A layer wraps one model in another of the same trait, and knows nothing of
//! what it wraps. The order is part of the meaning: a timeout bounds one
//! attempt, and a retry makes several of them. A [`Stack`] puts layers into
//! their [`ORDER`]:
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::Stack;
//! use parlor_layers::retry::{RetryLayer, RetryPolicy};
//! use parlor_layers::timeout::TimeoutLayer;
//!
//! let stack = Stack::new()
//!     .with(TimeoutLayer::default())
//!     .with(RetryLayer::new(RetryPolicy::retries(4)));
//! let model = Echo::new().layer(stack.build()?);
//! # use parlor_core::ChatModel;
//! # assert_eq!(model.info().model, "echo");
//! # Ok::<(), parlor_core::Error>(())
//! ```
//!
//! Each layer is a module of its own, which says where it stands, what it does
//! to a model's info, to a call, to a stream's opening and to its middle, and
//! what a drop does.
//!
//! They measure time by tokio's clock: they must be called within a tokio
//! runtime whose time driver is on.

mod attempt;
pub mod balance;
pub mod budget;
#[cfg(feature = "cache")]
pub mod cache;
#[cfg(feature = "cache")]
pub mod coalesce;
pub mod concurrency;
pub mod estimate;
pub mod fallback;
pub mod hedge;
pub mod hooks;
#[cfg(feature = "cache")]
pub mod key;
pub mod limits;
mod meter;
pub mod metrics;
pub mod rate_limit;
#[cfg(feature = "redact")]
pub mod redact;
#[cfg(feature = "replay")]
pub mod replay;
pub mod resume;
pub mod retry;
mod stack;
mod texts;
pub mod timeout;
#[cfg(feature = "trace")]
pub mod trace;
pub mod validate;
mod watch;
#[cfg(feature = "cache")]
mod weight;

pub use stack::{Configurable, ConfiguredLayer, Layers, ORDER, Slot, Stack, configured};
