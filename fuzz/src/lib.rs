//! What the fuzz targets share.

mod decoding;
mod framing;

pub use decoding::any_bytes_are_borne;
pub use framing::{Input, Seen, any_chunking_gives_the_same_frames, frames};
