//! Fault server, replay, scripted models and conformance suites for provider authors.

mod cassette;
pub mod conformance;
mod dialect_server;
pub mod fault;
mod http;
mod layer_suite;
mod replay;
mod sage;
mod scripted;

pub use cassette::{
    Cassette, Expected, ExpectedError, ExpectedToolCall, ExpectedUsage, InclusiveUsage,
    RecordedRequest, RecordedResponse, Source,
};
pub use conformance::Conformance;
pub use dialect_server::{DialectServer, DialectSite};
pub use http::{Pace, SeenRequest};
pub use layer_suite::layer_suite;
pub use replay::{Cuts, ReplayServer};
pub use sage::Sage;
pub use scripted::{Exchanges, Script, Scripted};
