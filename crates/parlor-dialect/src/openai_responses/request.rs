//! Requests, both ways.

mod from_wire;
mod input;
mod knobs;
mod media;
mod outputs;
mod pass;
mod to_wire;
mod tools;

pub(super) use from_wire::from_wire;
pub(super) use pass::pass;
pub(super) use to_wire::to_wire;
pub(super) use tools::read as read_tool;
