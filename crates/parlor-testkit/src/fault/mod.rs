//! A server that breaks what servers break, and the table of what it can break.
//!
//! Each [`Fault`] is a case that has broken some client. It is built for a [`Wire`] and a
//! [`Mode`], bytes and expectation side by side, so [`Fault::expect`] says what a correct client
//! makes of exactly the bytes that the server sends. Where a case can't occur,
//! [`Fault::applies`] says why.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use parlor_testkit::fault::{FAULTS, FaultServer, Mode, Wire};
//!
//! let server = FaultServer::start().await?;
//! for fault in FAULTS {
//!     let Ok(expect) = fault.expect(Wire::OpenAiChat, Mode::Stream) else { continue };
//!     let base_url = server.url(fault.name);
//!     // Call a client with `base_url`; compare its outcome with `expect.outcomes`.
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`FaultSuite`] does just that with every case of a dialect, for clients behind
//! [`ChatModel`](parlor_core::ChatModel).
//!
//! A decoder that knows no connection is tested with [`Fault::sent`], the same bytes as data.
//!
//! Nothing here sleeps to be in step with the client. A stall lasts until the client hangs up, at
//! most for [`Pace::patience`](crate::Pace). A drip is 100 pieces with a pause of one
//! [`Pace::unit`](crate::Pace) before each, so half a second by default, in which no two events
//! are more than about 25 units apart: a client under test has its clocks for the first event
//! and for idleness well above that, and well below the patience.

mod answer;
mod cases;
mod compare;
mod expect;
mod render;
mod report;
mod scene;
mod server;
mod suite;
mod table;

pub use expect::{Choice, DropAt, Expect, Failure, Outcome, Partial, Reading, ToolCall};
pub use report::{FaultOutcome, FaultReport, FaultRow};
pub use scene::{Mode, Wire};
pub use server::FaultServer;
pub use suite::FaultSuite;
pub use table::{FAULTS, Fault, Sent};
