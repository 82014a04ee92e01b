//! What only Gemini understands.

use parlor_core::ChatRequest;
use serde::Serialize;
use serde_json::Value;

/// Settings that only Gemini understands. They go into the request's `extra`
/// under `gemini` and from there into the body.
///
/// ```
/// use parlor_core::ChatRequest;
/// use parlor_gemini::{GeminiOptions, SafetySetting};
///
/// let mut options = GeminiOptions::default();
/// options.safety_settings = vec![SafetySetting::new(
///     "HARM_CATEGORY_HARASSMENT",
///     "BLOCK_ONLY_HIGH",
/// )];
/// let request = options.apply(ChatRequest::from("Tell a rude joke."));
/// assert_eq!(
///     request.extra["gemini"]["safetySettings"][0]["threshold"],
///     "BLOCK_ONLY_HIGH"
/// );
/// ```
///
/// Source: Gemini API reference, "GenerateContentRequest".
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct GeminiOptions {
    /// What to block, by category.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub safety_settings: Vec<SafetySetting>,
    /// A cached content's name, `cachedContents/…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cached_content: Option<String>,
    /// Fields of `generationConfig` that parlor has no name for, such as
    /// `speechConfig` or `imageConfig`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generation_config: Option<Value>,
}

/// How likely harm must be for an answer to be blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct SafetySetting {
    /// Such as `HARM_CATEGORY_HARASSMENT`.
    pub category: String,
    /// Such as `BLOCK_ONLY_HIGH`.
    pub threshold: String,
}

impl SafetySetting {
    /// A threshold for a category.
    pub fn new(category: impl Into<String>, threshold: impl Into<String>) -> Self {
        Self {
            category: category.into(),
            threshold: threshold.into(),
        }
    }
}

impl GeminiOptions {
    /// The request with these settings.
    pub fn apply(&self, request: ChatRequest) -> ChatRequest {
        request.with_options("gemini", self)
    }
}
