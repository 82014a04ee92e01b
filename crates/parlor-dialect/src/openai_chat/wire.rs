//! The format as types: strict to write, lenient to read.

mod answer;
mod lenient;
pub(super) mod request;

pub(super) use answer::{Call, Choice, Chunk, Delta};
pub(super) use lenient::{Extras, Fill, Raw, says_something};
