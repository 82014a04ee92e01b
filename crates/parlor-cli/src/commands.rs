//! The commands, a file each.

mod batch;
pub(crate) mod chat;
mod completions;
mod config;
mod demo;
pub(crate) mod doctor;
pub(crate) mod history;
mod import;
mod keys;
mod man;
mod models;
mod providers;
mod serve;
mod table;
pub(crate) mod templates;
mod usage;

pub(crate) use batch::batch;
pub(crate) use chat::chat;
pub(crate) use completions::completions;
pub(crate) use config::{
    Configured, config, configure, configure_default_model, profiles, set_paths, settable,
};
pub(crate) use demo::demo;
pub(crate) use doctor::doctor;
pub(crate) use history::history;
pub(crate) use import::import;
pub(crate) use keys::keys;
pub(crate) use man::man;
pub(crate) use models::{known_models, larger, models, models_that_begin};
pub(crate) use providers::providers;
pub(crate) use serve::serve;
pub(crate) use templates::templates;
pub(crate) use usage::usage;
