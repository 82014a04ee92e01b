//! What media are and how much of them may be sent: formats told by content, sizes, limits.

mod fetch;
mod format;
mod limits;
mod size;

pub use fetch::{FetchedMedia, MediaFetcher};
pub use format::{MediaFormat, MediaFormats};
pub use limits::{KindLimits, MediaLimits, image_size};
