//! Stand-ins for providers: servers on this machine that speak each provider's own protocol, and
//! whose answers are scripted.
//!
//! They show parlor at work without a key and without a network: real requests go over real HTTP
//! to [`StandIns`], written and read by the real crates of the providers. Only who answers is no
//! model. [`Exchange`]s are what went over the wire meanwhile.
//!
//! ```no_run
//! # async fn run() -> std::io::Result<()> {
//! use parlor_demo::{Manner, SCRIPTED, StandIns};
//!
//! let stand_ins = StandIns::start(Manner::default()).await?;
//! // Names such as `ollama/scripted`, with the addresses of the stand-ins.
//! let config = stand_ins.config(&[SCRIPTED]);
//! # let _ = config;
//! # Ok(())
//! # }
//! ```

mod again;
mod batches;
mod connection;
mod exchange;
mod script;
mod speak;
mod stand_in;
mod stand_ins;

pub use again::run_again;
pub use exchange::{Exchange, WireRequest, WireResponse};
pub use script::{OVERLOADED, SCRIPTED, STOP_ME};
pub use stand_in::{
    CHAT, CONTENTS, KEY, KEY_VARIABLE, LOCAL, MESSAGES, RESPONSES, STAND_INS, StandIn,
};
pub use stand_ins::{Manner, StandIns};
