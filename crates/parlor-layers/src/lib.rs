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
//! what a drop does. These are all, outermost first:
//!
//! <!-- layers -->
//! | | layer | | feature | configuration |
//! |---|---|---|---|---|
//! | 1 | [`hooks`] | Code of your own before a call, at each event, and after it |  | in code only |
//! | 2 | [`trace`] | A `tracing` span for each call, with the names that OpenTelemetry gives to generative AI | `trace` | `[layers.trace]` |
//! | 3 | [`metrics`] | Counts calls, failures and tokens, and measures times, per model |  | `[layers.metrics]` |
//! | 4 | [`validate`] | Refuses requests that can't go well before anything is sent |  | `[layers.validate]` |
//! | 5 | [`redact`] | Takes out of requests what must not leave the program, and puts it back into answers | `redact` | `[layers.redact]` |
//! | 6 | [`replay`] | Records what a model answers, and replays it: for tests without a network | `replay` | in code only |
//! | 7 | [`cache`] | Gives an answer again to a request that is exactly the same | `cache` | `[layers.cache]` |
//! | 8 | [`coalesce`] | Makes one call of those that are the same and go on at the same time | `cache` | `[layers.coalesce]` |
//! | 9 | [`budget`] | Keeps money and tokens within budgets; a call that one can't hold is refused before it is sent |  | `[layers.budget]` |
//! | 10 | [`fallback`] | Turns to the next of several models when one can't answer |  | `[routes]` |
//! | 11 | [`balance`] | Spreads calls over several equal models, and leaves out those that fail |  | `[routes]` |
//! | 12 | [`hedge`] | Asks a second time when the first event is late, and takes the answer that begins first |  | `[layers.hedge]` |
//! | 13 | [`resume`] | Goes on with an answer that broke off in the middle of its text |  | `[layers.resume]` |
//! | 14 | [`fetch_media`] | Fetches media at addresses for a model whose provider fetches none |  | in code only |
//! | 15 | [`retry`] | Tries again what failed before its first event, with backoff and a budget |  | `[layers.retry]` |
//! | 16 | [`strict`] | Makes errors of what reading passes over: unreadable arguments, JSON that is none, unknown words |  | `[layers.strict]` |
//! | 17 | [`rate_limit`] | Keeps requests and tokens within limits per window of time; what is beyond them waits or fails |  | `[layers.rate_limit]` |
//! | 18 | [`concurrency`] | Lets only so many exchanges with a model go on at once; the others wait in line |  | `[layers.concurrency]` |
//! | 19 | [`timeout`] | Ends an exchange that takes too long: to its first event, between events, or in all |  | `[layers.timeout]` |
//! <!-- end of layers -->
//!
//! A configuration asks for a layer by a table of its name, in which everything
//! has a default; [`configured`] makes it, and the facade, `parlor`, reads the
//! file. Routes make the layers over several models.
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
pub mod fetch_media;
pub mod hedge;
pub mod hooks;
#[cfg(feature = "cache")]
pub mod key;
pub mod limits;
mod meter;
pub mod metrics;
mod random;
pub mod rate_limit;
#[cfg(feature = "redact")]
pub mod redact;
#[cfg(feature = "replay")]
pub mod replay;
pub mod resume;
pub mod retry;
mod stack;
pub mod strict;
mod texts;
pub mod timeout;
#[cfg(feature = "trace")]
pub mod trace;
pub mod validate;
mod watch;
#[cfg(feature = "cache")]
mod weight;

pub use stack::{
    Configurable, ConfiguredLayer, Layers, ORDER, Slot, Stack, Stores, configured,
    configured_within,
};
