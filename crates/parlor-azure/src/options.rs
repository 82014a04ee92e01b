//! What only Azure OpenAI understands.

use parlor_core::{ChatRequest, ToolDefinition};
use parlor_dialect::openai_responses::{self, ResponsesOptions};
use serde::Serialize;
use serde_json::Value;

/// The id under which the provider's options are known.
const ID: &str = "azure-openai";

/// Settings that only Azure OpenAI understands. They go into the request's
/// `extra` under `azure-openai` and from there into the body.
///
/// ```
/// use parlor_azure::AzureOptions;
/// use parlor_core::ChatRequest;
/// use serde_json::json;
///
/// let mut options = AzureOptions::default();
/// options.verbosity = Some("low".into());
/// options.data_sources = vec![json!({
///     "type": "azure_search",
///     "parameters": {"endpoint": "https://acme.search.windows.net", "index_name": "manuals"},
/// })];
/// let request = options.apply(ChatRequest::from("How is it cleaned?"));
/// assert_eq!(request.extra["azure-openai"]["verbosity"], "low");
/// ```
///
/// What only the Responses API understands is in [`responses`](Self::responses),
/// for models of `azure-responses`:
///
/// ```
/// # use parlor_azure::AzureOptions;
/// # use parlor_core::ChatRequest;
/// let mut options = AzureOptions::default();
/// options.responses.truncation = Some("auto".into());
/// options.responses.previous_response_id = Some("resp_1".into());
/// let request = options.apply(ChatRequest::from("And then?"));
/// let extra = &request.extra["azure-openai"];
/// assert_eq!(extra["truncation"], "auto");
/// assert_eq!(extra["previous_response_id"], "resp_1");
/// ```
///
/// Source: Azure OpenAI REST API reference, "Chat completions", "Responses".
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AzureOptions {
    /// Data of one's own that the model answers from: objects with `type` and
    /// `parameters`. By versions alone, not in the present API.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub data_sources: Vec<Value>,
    /// Who asks and by which application, for Microsoft Defender: an object
    /// with `application_name`, `end_user_id`, `source_ip`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_security_context: Option<Value>,
    /// How long answers are: `low`, `medium` or `high`; `gpt-5` and later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<String>,
    /// Whether the resource keeps the completion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<bool>,
    /// Requests with one key are routed to where the prompt is likely cached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt_cache_key: Option<String>,
    /// Text that much of the answer will repeat:
    /// `{"type": "content", "content": …}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Value>,
    /// What only the Responses API understands. Its `store` counts more than
    /// the one above.
    #[serde(flatten)]
    pub responses: ResponsesOptions,
}

impl AzureOptions {
    /// The request with these settings.
    pub fn apply(&self, request: ChatRequest) -> ChatRequest {
        request.with_options(ID, self)
    }
}

/// A built-in tool of the Responses API, in its own words, for models of
/// `azure-responses`.
///
/// ```
/// use parlor_azure::built_in;
/// use parlor_core::ChatRequest;
/// use serde_json::json;
///
/// let run = built_in(json!({"type": "code_interpreter", "container": {"type": "auto"}}));
/// let request = ChatRequest::from("What is 17 to the power of 13?").with_tool(run);
/// ```
pub fn built_in(tool: Value) -> ToolDefinition {
    openai_responses::built_in(ID, tool)
}
