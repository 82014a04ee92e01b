//! Ollama's own chat, read and written through the public interface.

#![allow(clippy::unwrap_used)]

mod damage;
mod error;
mod incoming;
mod read;
mod reasoning;
mod request;
mod support;
mod write;
