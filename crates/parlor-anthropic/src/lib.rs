//! Anthropic models for parlor.
//!
//! | | |
//! |---|---|
//! | id | `anthropic` |
//! | key | `ANTHROPIC_API_KEY` (`x-api-key`), or `ANTHROPIC_AUTH_TOKEN` (bearer) |
//! | address | `ANTHROPIC_BASE_URL`, else `https://api.anthropic.com` |
//!
//! What only this provider understands is in [`AnthropicOptions`] and
//! [`betas`]; its tools in [`built_in`] and beside it; documents to cite in
//! [`cited`]; what a request takes in [`count_tokens`]; many requests at once,
//! answered within a day at half the price, in [`batches()`].
//!
//! An answer that ends with [`Pause`](parlor_core::FinishKind::Pause) isn't
//! over: the provider, which runs tools itself, has come to the end of a turn's
//! time. To go on, ask again with the answer's message at the end of the
//! conversation, as it came.

mod batches;
pub mod betas;
mod config;
mod documents;
mod model;
mod options;
mod tokens;
mod tools;

pub use batches::batches;
pub use config::{Anthropic, PROVIDERS, base_url};
pub use documents::{cited, cited_pieces, search_result};
pub use model::model;
pub use options::{AnthropicOptions, Container, McpServer, Thinking};
pub use tokens::count_tokens;
pub use tools::{
    WebFetch, WebSearch, bash, built_in, code_execution, memory, text_editor, tool_search,
};
