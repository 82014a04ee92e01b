//! Requests, both ways.

mod alternate;
mod assistant;
mod from_wire;
mod knobs;
mod media;
mod messages;
mod pass;
mod read_messages;
mod reasoning;
mod to_wire;
mod tools;

pub(super) use from_wire::from_wire;
pub(crate) use media::{cache_field, take_cache};
pub(super) use pass::pass;
pub(super) use to_wire::to_wire;
