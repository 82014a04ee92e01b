//! What only OpenAI's Responses API understands.

use parlor_core::ToolDefinition;
use parlor_dialect::openai_responses;
use serde_json::Value;

/// A built-in tool of the Responses API, in its own words.
///
/// What the provider runs comes back as calls with the provider as executor;
/// what the client must run, such as `apply_patch` or `local_shell`, as calls
/// of the client's.
///
/// ```
/// use parlor_core::ChatRequest;
/// use parlor_openai::built_in;
/// use serde_json::json;
///
/// let search = built_in(json!({"type": "web_search", "search_context_size": "low"}));
/// let request = ChatRequest::from("What is new in Oslo?").with_tool(search);
/// ```
pub fn built_in(tool: Value) -> ToolDefinition {
    openai_responses::built_in(crate::config::ID, tool)
}
