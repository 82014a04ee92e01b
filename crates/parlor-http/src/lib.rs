//! The transport: one HTTP model over any dialect, framing, timeouts, error mapping.

pub mod framing;
