//! Streams, both ways.

mod chunk;
mod content;
mod decode;
mod encode;
mod parse;
mod reasoning;
mod single;
mod state;
mod tools;

pub use decode::ChatDecoder;
pub use encode::ChatEncoder;
pub(super) use parse::{parse, trimmed};
pub(super) use reasoning::join;
pub(super) use state::{Kept, fields, unknown};
pub(super) use tools::BUNDLE;
