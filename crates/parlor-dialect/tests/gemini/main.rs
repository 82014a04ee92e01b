//! The Gemini dialect, through its public interface.

#![allow(clippy::unwrap_used)]

mod calls;
mod damage;
mod error;
mod features;
mod grounding;
mod read;
mod request;
mod support;
mod thinking;
mod wire_requests;
mod write;
