//! Fault server, replay, scripted models and conformance suites for provider authors.

mod cassette;
pub mod fault;
mod http;
mod scripted;

pub use cassette::{
    Cassette, Expected, ExpectedError, ExpectedToolCall, ExpectedUsage, InclusiveUsage,
    RecordedRequest, RecordedResponse, Source,
};
pub use scripted::{Exchanges, Script, Scripted};
