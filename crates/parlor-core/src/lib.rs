//! The words every parlor crate speaks: models, messages, events, errors.
//!
//! A program holds an `Arc<dyn ChatModel>`, asks it with a [`ChatRequest`] and
//! gets a [`ChatResponse`], or a [`ChatStream`] of [`Event`]s that
//! [collects](ChatStream::response) into the same response. Every failure, at
//! the call, at the opening of a stream or in its middle, is one [`Error`].
//!
//! This crate does no I/O and knows no runtime and no vendor. The built-in
//! [`Echo`] model answers without a key or a network, and so does [`Rules`], with
//! which a conversation can be tried:
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//!
//! # fn block_on<F: Future>(f: F) -> F::Output {
//! #     use std::task::{Context, Poll, Waker};
//! #     let mut f = std::pin::pin!(f);
//! #     loop {
//! #         if let Poll::Ready(out) = f.as_mut().poll(&mut Context::from_waker(Waker::noop())) { return out }
//! #     }
//! # }
//! # block_on(async {
//! let answer = Echo::new().ask("Why is the sky blue?").await?;
//! assert_eq!(answer.text(), "Why is the sky blue?");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! With the feature `schema` the request, the response and the events have a
//! JSON Schema (`schemars::JsonSchema`).
//!
//! # Where to look
//!
//! | for | see |
//! |---|---|
//! | calling a model | [`ChatModel`], [`ChatModelExt`] |
//! | many requests at once, answered later | [`ChatBatches`] |
//! | what to send | [`ChatRequest`], [`Message`], [`Part`], [`ToolDefinition`] |
//! | what comes back | [`ChatResponse`], [`Usage`], [`FinishReason`] |
//! | streaming | [`ChatStream`], [`Event`], [`Grammar`] |
//! | failures | [`Error`], [`ErrorKind`], [`Retry`] |
//! | what a model can do | [`ModelInfo`], [`Capabilities`], [`MediaLimits`] |
//! | wrapping a model | [`Layer`] |

mod alternatives;
mod batch;
mod capability;
mod collect;
pub mod duration;
mod echo;
mod error;
pub mod estimate;
mod event;
mod grammar;
pub mod histogram;
mod layer;
mod media;
mod message;
mod model;
mod part;
mod price;
mod request;
mod response;
mod rules;
mod scrub;
mod secret;
mod stream;
mod text_enum;
mod tool;
mod usage;
mod verbatim;

pub use alternatives::Alternatives;
pub use batch::{
    BatchCounts, BatchItem, BatchLimits, BatchResult, BatchResults, BatchState, BatchStatus,
    ChatBatches, Unconfirmed,
};
pub use capability::{Capabilities, Capability, Support};
pub use collect::Collector;
pub use compact_str::CompactString;
pub use echo::Echo;
pub use error::{Error, ErrorKind, Result, Retry, TimeoutKind};
pub use event::{CallHead, Event, PartKind};
pub use grammar::{Grammar, GrammarError};
pub use layer::{Layer, layer_fn};
pub use media::{
    FetchedMedia, KindLimits, MediaFetcher, MediaFormat, MediaFormats, MediaLimits, image_size,
};
pub use message::{Message, Role};
pub use model::{ChatModel, ChatModelExt, ModelInfo};
pub use part::{
    CacheHint, Citation, Media, MediaKind, MediaSource, Native, Origin, Part, Reasoning, Refusal,
    Source, Text,
};
pub use price::{Cost, Price};
pub use request::{
    ChatRequest, Effort, OnUnsupported, OutputFormat, OutputSchema, ReasoningConfig,
};
pub use response::{
    ChatResponse, Choice, FinishKind, FinishReason, Latency, Logprobs, RateLimit, ResponseMetadata,
    Reused, TokenLogprob, TopLogprob, Warning, WarningKind,
};
pub use rules::Rules;
pub use scrub::Scrub;
pub use secret::Secret;
pub use stream::{ChatStream, EventStream};
pub use tool::{
    Arguments, ArgumentsError, ArgumentsForm, Executor, FunctionDefinition, ToolCall, ToolChoice,
    ToolDefinition, ToolResult,
};
pub use usage::{KeptUsage, Usage};
pub use verbatim::{Member, Tap, Verbatim, Words};
