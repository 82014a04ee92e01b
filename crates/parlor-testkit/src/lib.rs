//! Fault server, replay, scripted models and conformance suites for provider authors.
//!
//! | to test | with |
//! |---|---|
//! | a provider: that it does what all do | [`conformance`] |
//! | a provider or transport: that what servers break doesn't break it | [`fault`] |
//! | a dialect: against recorded exchanges | [`Cassette`], [`ReplayServer`] |
//! | a provider itself, and keep what it said | [`Recorder`], [`Redaction`] |
//! | a client of a dialect: against any model behind a server | [`DialectServer`] |
//! | a layer | [`layer_suite`] |
//! | what hands in batches: against a server that takes them | [`BatchServer`] |
//! | an agent or a program: without a server | [`Scripted`], [`Sage`] |
//!
//! It is a development dependency: nothing here belongs in a program.

mod api_server;
mod batch_server;
mod cassette;
pub mod conformance;
mod dialect_server;
mod event_stream;
pub mod fault;
mod http;
mod layer_suite;
mod recorded;
mod recorder;
mod replay;
mod sage;
mod scripted;

pub use api_server::{ApiAnswer, ApiServer};
pub use batch_server::{BatchAnswer, BatchServer};
pub use cassette::{
    Cassette, Expected, ExpectedError, ExpectedToolCall, ExpectedUsage, InclusiveUsage,
    RecordedRequest, RecordedResponse, Source,
};
pub use conformance::Conformance;
pub use dialect_server::{DialectServer, DialectSite};
pub use http::{Pace, SeenRequest};
pub use layer_suite::layer_suite;
pub use recorded::replay_recorded;
pub use recorder::{Answer, Exchange, Recorder, Redaction};
pub use replay::{Cuts, ReplayServer};
pub use sage::Sage;
pub use scripted::{Exchanges, Script, Scripted};
