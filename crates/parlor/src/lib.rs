//! One program, every chat model: the facade over parlor's crates.
