//! Anthropic models for parlor.
//!
//! | | |
//! |---|---|
//! | id | `anthropic` |
//! | key | `ANTHROPIC_API_KEY` (`x-api-key`), or `ANTHROPIC_AUTH_TOKEN` (bearer) |
//! | address | `ANTHROPIC_BASE_URL`, else `https://api.anthropic.com` |
//!
//! What only this provider understands is in [`AnthropicOptions`].

mod config;
mod model;
mod options;

pub use config::{Anthropic, PROVIDERS, base_url};
pub use model::model;
pub use options::AnthropicOptions;
