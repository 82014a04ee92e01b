//! The clients as programs, for the tables.

pub mod build;
