//! What only Anthropic understands.

use parlor_core::ChatRequest;
use serde::Serialize;
use serde_json::Value;

/// Settings that only Anthropic understands. They go into the request's
/// `extra` under `anthropic` and from there into the body, the betas into
/// their header.
///
/// ```
/// use parlor_anthropic::AnthropicOptions;
/// use parlor_core::ChatRequest;
///
/// let mut options = AnthropicOptions::default();
/// options.betas = vec!["context-1m-2025-08-07".into()];
/// let request = options.apply(ChatRequest::from("Summarise this."));
/// assert_eq!(request.extra["anthropic"]["betas"][0], "context-1m-2025-08-07");
/// ```
///
/// Source: Claude API reference, "Messages".
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AnthropicOptions {
    /// Names of beta features; sent as the header `anthropic-beta`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub betas: Vec<String>,
    /// `standard` or `fast`, for the models that know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub speed: Option<String>,
    /// The container of code execution: its id, or an object with skills.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<Value>,
    /// Where inference may run, such as `us`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inference_geo: Option<String>,
    /// Servers of the Model Context Protocol that the provider talks to (beta).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mcp_servers: Vec<Value>,
    /// What the provider may clear from a long conversation (beta).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_management: Option<Value>,
}

impl AnthropicOptions {
    /// The request with these settings.
    pub fn apply(&self, request: ChatRequest) -> ChatRequest {
        request.with_options("anthropic", self)
    }
}
