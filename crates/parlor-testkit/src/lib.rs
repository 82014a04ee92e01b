//! Fault server, replay, scripted models and conformance suites for provider authors.

mod cassette;
pub mod fault;
mod http;
mod layer_suite;
mod replay;
mod scripted;

pub use cassette::{
    Cassette, Expected, ExpectedError, ExpectedToolCall, ExpectedUsage, InclusiveUsage,
    RecordedRequest, RecordedResponse, Source,
};
pub use http::{Pace, SeenRequest};
pub use layer_suite::layer_suite;
pub use replay::{Cuts, ReplayServer};
pub use scripted::{Exchanges, Script, Scripted};
