//! Asking what a request's prompt comes to.

use super::AnthropicMessages;
use crate::dialect::{Dialect, Target, WireRequest};
use crate::json::Object;
use parlor_core::{ChatRequest, Error, Result};
use serde_json::Value;

/// What of a request has a say in how long its prompt is; the rest isn't taken.
static PROMPT: &[&str] = &[
    "anthropic_version",
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "mcp_servers",
    "context_management",
    "cache_control",
];

impl AnthropicMessages {
    /// The request that asks what another one's prompt comes to, its
    /// instructions, tools and documents included.
    ///
    /// # Errors
    /// As [`write_request`](Dialect::write_request).
    ///
    /// Source: Claude API reference, "Count tokens in a Message"; Vertex AI,
    /// "Count tokens for Claude models".
    pub fn write_count(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        let mut wire = self.write_request(request, target)?;
        let unreadable = |error: serde_json::Error| Error::decode(error.to_string());
        let mut body: Object = serde_json::from_slice(&wire.body).map_err(unreadable)?;
        // There the path names no model.
        let model = Value::String(target.info.model.clone());
        body.entry("model").or_insert(model);
        body.retain(|field, _| PROMPT.contains(&field.as_str()));
        wire.body = serde_json::to_vec(&body).map_err(unreadable)?;
        wire.path = match &self.quirks.count_path {
            Some(path) => path.clone(),
            None => format!("{}/count_tokens", wire.path),
        };
        Ok(wire)
    }

    /// The tokens that the answer to [`write_count`](Self::write_count) tells of.
    ///
    /// # Errors
    /// `Decode`, when it tells of none.
    pub fn read_count(answer: &Value) -> Result<u64> {
        let tokens = answer.get("input_tokens").and_then(Value::as_u64);
        tokens.ok_or_else(|| Error::decode("the answer tells of no tokens"))
    }
}
