//! The program as people use it, a file for each subject, and one binary that is linked once.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "helpers of tests, and what is skipped is told"
)]

mod address;
mod bad_input;
mod batch;
mod bindings;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod config;
mod config_schema;
mod consent;
mod conversation;
mod demo;
mod documented;
mod env_file;
mod faults;
mod first_minutes;
mod import;
mod interrupt;
mod keys;
mod killed;
mod lists;
mod log;
mod mcp;
mod meanwhile;
mod menus;
mod network;
mod next;
mod oneshot;
mod picker;
mod profiles;
mod providers;
mod routes;
mod schema;
mod screens;
mod serve_tools;
mod shaped_turns;
mod shell;
mod slash;
mod templates;
mod terminal;
mod tools;
mod unanswered;
mod usage;
