//! The commands, a file each.

pub(crate) mod chat;
mod config;
mod doctor;
pub(crate) mod history;
mod keys;
mod models;
mod providers;
mod table;
pub(crate) mod templates;
mod usage;

pub(crate) use chat::chat;
pub(crate) use config::config;
pub(crate) use doctor::doctor;
pub(crate) use history::history;
pub(crate) use keys::keys;
pub(crate) use models::{known_models, models};
pub(crate) use providers::providers;
pub(crate) use templates::templates;
pub(crate) use usage::usage;
