//! What only the Responses API understands.

use super::NAME;
use parlor_core::{ChatRequest, Native, Origin, ToolDefinition};
use serde::Serialize;
use serde_json::Value;

/// The provider whose API it is.
const PROVIDER: &str = "openai";

/// Settings that only the Responses API understands, on every host that has it.
/// [`apply`](Self::apply) puts them into the request's `extra` under `openai`,
/// from where they go into the body; the options of another host take them in.
///
/// ```
/// use parlor_core::ChatRequest;
/// use parlor_dialect::openai_responses::ResponsesOptions;
///
/// let mut options = ResponsesOptions::default();
/// options.store = Some(true);
/// options.include = vec!["web_search_call.action.sources".into()];
/// let request = options.apply(ChatRequest::from("Who won?"));
/// assert_eq!(request.extra["openai"]["store"], true);
/// ```
///
/// An answer that is kept can be gone on from by its id, with new messages
/// alone:
///
/// ```
/// # use parlor_core::ChatRequest;
/// # use parlor_dialect::openai_responses::ResponsesOptions;
/// let mut options = ResponsesOptions::default();
/// options.previous_response_id = Some("resp_1".into());
/// let request = options.apply(ChatRequest::from("And the year before?"));
/// assert_eq!(request.extra["openai"]["previous_response_id"], "resp_1");
/// ```
///
/// Source: OpenAI API reference, "Create a model response".
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ResponsesOptions {
    /// Whether the provider keeps the answer, for 30 days or more. Left out it
    /// doesn't, unless the request goes on from an answer or a conversation
    /// that it keeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// The id of a kept answer to go on from; its conversation is not sent
    /// again, but instructions and tools are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_response_id: Option<String>,
    /// The id of a conversation that the provider holds; what is sent and
    /// answered is added to it. Not together with `previous_response_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversation: Option<String>,
    /// What the answer is to tell beside the usual, such as
    /// `file_search_call.results` or `code_interpreter_call.outputs`. Encrypted
    /// thoughts and log probabilities are asked for without it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<String>,
    /// `auto` lets the provider drop the oldest items of a conversation that is
    /// too long; `disabled`, the default, makes that an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncation: Option<String>,
    /// The most calls of built-in tools in one answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tool_calls: Option<u64>,
    /// A stored prompt: `{"id": …, "version": …, "variables": {…}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Value>,
    /// How the provider shortens a long conversation:
    /// `[{"type": "compaction", "compact_threshold": …}]`. What it makes of it
    /// comes back as a native part and is sent again as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context_management: Option<Value>,
}

impl ResponsesOptions {
    /// The request to the provider whose API it is with these settings.
    pub fn apply(&self, request: ChatRequest) -> ChatRequest {
        request.with_options(PROVIDER, self)
    }
}

/// A built-in tool of the Responses API as this provider has it, in the API's
/// own words.
pub fn built_in(provider: &str, tool: Value) -> ToolDefinition {
    ToolDefinition::Native(Native::new(Origin::new(provider, NAME), tool))
}
