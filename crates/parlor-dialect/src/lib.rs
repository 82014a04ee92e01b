//! Wire formats of chat models, read and written in both directions, without I/O.
//!
//! A [`Dialect`] turns core's words into a provider's bytes and back, as a
//! client does: `write_request`, `read_response`, [`Decoder`]. A
//! [`ServerDialect`] does as a server: `read_request`, `write_response`,
//! [`Encoder`]. Translation always goes
//! through core, never from dialect to dialect.
//!
//! What differs between hosts of one dialect is data, its `Quirks`; what
//! differs between model families wherever they are hosted is a [`Profile`].
//!
//! A dialect writes for a [`Target`], the model that is asked, and merges the
//! fields that host, model and caller add ([`Extra`]) into the body last. What a
//! model can't honour goes through a [`Policy`], and an [`Assembler`] makes
//! well-formed events of whatever order a server sends things in.
//!
//! [`openai_chat`] is always there, and each other dialect behind the feature
//! of its name; `all-dialects` is all of them. With the feature `server` they
//! are [`ServerDialect`]s too.
//!
//! This crate does no I/O and knows no async and no HTTP client.

// What dialects share is used by some of them only, and by one direction.
#![cfg_attr(
    not(all(feature = "all-dialects", feature = "server")),
    allow(dead_code, unused_imports)
)]

#[cfg(feature = "anthropic_messages")]
pub mod anthropic_messages;
mod assemble;
#[cfg(feature = "bedrock_converse")]
pub mod bedrock_converse;
mod calls;
mod client_tools;
#[cfg(feature = "cohere")]
pub mod cohere;
mod content;
mod dialect;
mod effort;
mod exceptions;
mod extra;
mod fields;
mod foreign;
#[cfg(feature = "gemini")]
pub mod gemini;
#[cfg(feature = "hunyuan")]
pub mod hunyuan;
mod json;
mod lane;
mod lenient;
mod media;
#[cfg(feature = "ollama")]
pub mod ollama;
pub mod openai_chat;
#[cfg(feature = "openai_responses")]
pub mod openai_responses;
mod opening;
mod path;
mod policy;
mod profile;
#[cfg(feature = "qianfan_v1")]
pub mod qianfan_v1;
mod quirks;
mod report;
mod sampling;
mod scan;
pub mod schema;
mod sequence;
mod tagged;
mod template;
mod think;
#[cfg(feature = "anthropic_messages")]
mod thinking;
pub mod time;
mod unspoken;
mod verbatim;
mod whole;

pub use assemble::{Assembler, ToolFragment};
pub use client_tools::{ClientTools, function_name};
pub use dialect::{
    Decoder, Dialect, Encoder, Frame, FrameWriter, Framing, Incoming, ServerDialect, Target,
    WireError, WireRequest,
};
pub use extra::{DIALECT, Extra};
pub use foreign::Foreign;
pub use json::merge;
pub use policy::Policy;
pub use profile::{Profile, ReasoningReplay};
pub use quirks::overridden;
pub use think::{ThinkPiece, ThinkSplitter};
pub use time::rfc3339;
pub use unspoken::unspoken;
pub use verbatim::Outline;
