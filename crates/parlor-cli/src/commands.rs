//! The commands, a file each.

mod chat;
mod doctor;
mod models;
mod providers;
mod table;

pub(crate) use chat::chat;
pub(crate) use doctor::doctor;
pub(crate) use models::models;
pub(crate) use providers::providers;
