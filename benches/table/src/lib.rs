//! The clients as programs, and the tables as text, for all that writes tables.

pub mod build;
pub mod machine;
pub mod upstream;
pub mod write;
