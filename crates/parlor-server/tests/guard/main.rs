//! What a service does where others fail it, break off, or mean harm.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

mod clients;
mod elsewhere;
mod judge;
mod leaving;
mod media;
mod page;
mod secrets;
mod security;
mod sendings;
mod shape;
mod stage;
mod tee;
mod upstream;
