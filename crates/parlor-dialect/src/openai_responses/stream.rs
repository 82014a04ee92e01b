//! Streamed answers, read and written.

mod decoder;
mod done;
mod encode_calls;
mod encode_text;
mod encoder;
mod items;
mod open;
mod pieces;

pub use decoder::ResponsesDecoder;
pub(super) use decoder::{ECHOES, KNOWN};
pub use encoder::ResponsesEncoder;
pub(super) use open::take_logprobs;
