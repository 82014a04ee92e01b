//! What the fuzz targets share.

mod framing;

pub use framing::{Input, Seen, any_chunking_gives_the_same_frames, frames};
