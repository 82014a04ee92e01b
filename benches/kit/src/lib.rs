//! What every client is measured by: the same work, counted in the same way.
//!
//! A client is a program that implements [`Client`] and hands it to [`main`].
//! Each run does one scenario and prints its figures as a line of JSON.

mod asked;
mod client;
mod count;
mod scenario;

pub use asked::Asked;
pub use client::{Client, Dialect, Prompt};
pub use count::Counting;
pub use scenario::run as main;
