//! Talk to any chat model from the terminal.
fn main() {}
