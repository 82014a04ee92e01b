//! Requests, both ways.

mod alternate;
mod assistant;
mod from_wire;
mod knobs;
mod media;
mod messages;
mod read_messages;
mod reasoning;
mod to_wire;
mod tools;

pub(super) use from_wire::from_wire;
pub(super) use to_wire::to_wire;
