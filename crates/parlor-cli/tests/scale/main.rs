//! Two processes of the service over one PostgreSQL and one Redis, which are killed and started
//! again, and are killed themselves.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod approvals;
#[path = "../../../parlor-server/tests/talk/client.rs"]
mod client;
#[path = "../common/mod.rs"]
mod common;
mod ends;
#[path = "../../../parlor-server/tests/talk/fed.rs"]
mod fed;
mod load;
mod node;
#[path = "../../../parlor-store/tests/servers/mod.rs"]
mod servers;
mod stores;
mod turns;

/// The chat service's own document is held to elsewhere.
fn hold(_: &str, _: &str, _: u16, _: &serde_json::Value) {}
