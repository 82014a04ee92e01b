//! Streamed answers, read and written.

mod decoder;
mod encoder;

pub use decoder::MessagesDecoder;
pub use encoder::MessagesEncoder;
