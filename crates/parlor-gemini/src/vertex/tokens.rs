//! What a request to a Claude model would take.

use parlor_core::{ChatModel, ChatRequest, Result};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::{Profile, Target};
use parlor_http::{HttpModel, Method};

/// The tokens that a request's prompt comes to with a model of
/// [`messages`](super::messages), counted by the provider. Counting is free of
/// charge. For Gemini models there is [`count_tokens`](crate::count_tokens).
///
/// ```no_run
/// # async fn run(config: &parlor_registry::ProviderConfig) -> parlor_core::Result<()> {
/// use parlor_core::ChatRequest;
/// use parlor_gemini::vertex::{count_message_tokens, messages};
///
/// let model = messages("claude-haiku-4-5@20251001", config)?;
/// let request = ChatRequest::from("Why is the sky blue?");
/// let tokens = count_message_tokens(&model, &request).await?;
/// assert!(tokens > 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As a call of the model; `Decode`, when the answer tells of no tokens.
///
/// Source: Vertex AI, "Count tokens for Claude models".
pub async fn count_message_tokens(
    model: &HttpModel<AnthropicMessages>,
    request: &ChatRequest,
) -> Result<u64> {
    let profile = Profile::of(&model.info().model);
    let target = Target::new(model.info(), &profile);
    let (dialect, endpoint) = (model.dialect(), model.endpoint());
    let wire = dialect.write_count(request, &target)?;
    let body = Some(wire.body);
    let answer = endpoint.json(dialect, Method::POST, &wire.path, &wire.headers, body);
    AnthropicMessages::read_count(&answer.await?)
}
