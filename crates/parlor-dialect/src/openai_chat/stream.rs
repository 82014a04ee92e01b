//! Streams, both ways.

mod decode;
mod encode;
mod reasoning;
mod state;

pub use decode::ChatDecoder;
pub use encode::ChatEncoder;
pub(super) use reasoning::join;
pub(super) use state::Kept;
