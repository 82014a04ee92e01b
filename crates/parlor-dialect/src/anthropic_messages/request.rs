//! Requests, written and read.

mod from_wire;
mod media;
mod messages;
mod pass;
mod to_wire;
mod tools;
mod writer;

pub(super) use from_wire::from_wire;
pub(super) use pass::pass;
pub(super) use to_wire::to_wire;
