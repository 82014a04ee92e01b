//! Short programs that show parlor at work.
//!
//! Each takes a model id as its first argument and uses the built-in `echo`
//! without one: `cargo run -p examples --example hello -- openai/gpt-5.4-mini`.

/// The model id from the command line, else `echo`.
pub fn model_id() -> String {
    std::env::args().nth(1).unwrap_or_else(|| "echo".to_owned())
}
