//! Wire formats of chat models, read and written in both directions, without I/O.
//!
//! A [`Dialect`] turns core's words into a provider's bytes and back: as a
//! client (`write_request`, `read_response`, [`Decoder`]) and as a server
//! (`read_request`, `write_response`, [`Encoder`]). Translation always goes
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
//! This crate does no I/O and knows no async and no HTTP client.

pub mod anthropic_messages;
mod assemble;
pub mod bedrock_converse;
mod calls;
pub mod cohere;
mod content;
mod dialect;
mod effort;
mod exceptions;
mod extra;
mod fields;
mod foreign;
pub mod gemini;
pub mod hunyuan;
mod json;
mod lane;
mod lenient;
mod media;
pub mod ollama;
pub mod openai_chat;
pub mod openai_responses;
mod opening;
mod path;
mod policy;
mod profile;
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
mod thinking;
pub mod time;
mod whole;

pub use assemble::{Assembler, ToolFragment};
pub use dialect::{
    Decoder, Dialect, Encoder, Frame, FrameWriter, Framing, Incoming, Target, WireError,
    WireRequest,
};
pub use extra::Extra;
pub use foreign::Foreign;
pub use json::merge;
pub use policy::Policy;
pub use profile::{Profile, ReasoningReplay};
pub use quirks::overridden;
pub use think::{ThinkPiece, ThinkSplitter};
pub use time::rfc3339;
