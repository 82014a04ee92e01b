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
//!
//! # Tests of a program
//!
//! A program that talks to models is tested without any by [`Scripted`], which plays what it is
//! told: answers, calls of tools, waits, errors, breaks in the middle. It keeps every request, so
//! that a test can look at what was sent. Nothing else of this crate is needed for that:
//!
//! ```toml
//! [dev-dependencies]
//! parlor-testkit = { version = "0.1", default-features = false }
//! ```
//!
//! | feature | what it adds |
//! |---|---|
//! | `servers` (default) | servers, recordings, [`Sage`], and the suites that grade providers |

#[cfg(feature = "servers")]
mod api_server;
#[cfg(feature = "servers")]
mod batch_server;
#[cfg(feature = "servers")]
mod cassette;
#[cfg(feature = "servers")]
pub mod conformance;
#[cfg(feature = "servers")]
mod dialect_server;
#[cfg(feature = "servers")]
mod event_stream;
#[cfg(feature = "servers")]
pub mod fault;
#[cfg(feature = "servers")]
mod http;
mod layer_suite;
#[cfg(feature = "servers")]
mod recorded;
#[cfg(feature = "servers")]
mod recorder;
#[cfg(feature = "servers")]
mod replay;
#[cfg(feature = "servers")]
mod sage;
mod scripted;

#[cfg(feature = "servers")]
pub use api_server::{ApiAnswer, ApiServer};
#[cfg(feature = "servers")]
pub use batch_server::{BatchAnswer, BatchServer};
#[cfg(feature = "servers")]
pub use cassette::{
    Cassette, Expected, ExpectedError, ExpectedToolCall, ExpectedUsage, InclusiveUsage,
    RecordedRequest, RecordedResponse, Source,
};
#[cfg(feature = "servers")]
pub use conformance::Conformance;
#[cfg(feature = "servers")]
pub use dialect_server::{DialectServer, DialectSite};
#[cfg(feature = "servers")]
pub use http::{Pace, SeenRequest};
pub use layer_suite::layer_suite;
#[cfg(feature = "servers")]
pub use recorded::replay_recorded;
#[cfg(feature = "servers")]
pub use recorder::{Answer, Exchange, Recorder, Redaction};
#[cfg(feature = "servers")]
pub use replay::{Cuts, ReplayServer};
#[cfg(feature = "servers")]
pub use sage::Sage;
pub use scripted::{Exchanges, Script, Scripted};
