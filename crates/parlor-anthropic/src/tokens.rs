//! What a request would take.

use parlor_core::{ChatModel, ChatRequest, Result};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::{Profile, Target};
use parlor_http::{HttpModel, Method};

/// The tokens that a request's prompt comes to, its instructions, tools and
/// documents included, counted by the provider. Counting is free of charge.
///
/// ```no_run
/// # async fn run(config: &parlor_registry::ProviderConfig) -> parlor_core::Result<()> {
/// use parlor_anthropic::{count_tokens, model};
/// use parlor_core::ChatRequest;
///
/// let model = model("claude-haiku-4-5", config)?;
/// let tokens = count_tokens(&model, &ChatRequest::from("Why is the sky blue?")).await?;
/// assert!(tokens > 0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As a call of the model; `Decode`, when the answer tells of no tokens.
///
/// Source: Claude API reference, "Count tokens in a Message".
pub async fn count_tokens(
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
