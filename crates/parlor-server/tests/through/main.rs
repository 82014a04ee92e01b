//! Recorded exchanges served through the gateway to clients of the provider's own dialect.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod agents;
mod forms;
mod ids;
mod kept;
mod layers;
mod recordings;
mod support;
mod surfaces;
mod thoughts;
