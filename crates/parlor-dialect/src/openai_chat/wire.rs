//! The format as types: strict to write, lenient to read.

mod answer;
pub(super) mod request;

pub(super) use crate::fields::{Extras, Fill, Raw, says_something};
pub(super) use answer::{Call, Choice, Chunk, Delta};
