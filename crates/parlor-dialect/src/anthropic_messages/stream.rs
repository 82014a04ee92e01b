//! Streamed answers, read and written.

mod blocks;
mod decoder;
mod encoder;
mod open;
mod pieces;

pub use decoder::MessagesDecoder;
pub use encoder::MessagesEncoder;
pub(super) use open::input_text;
