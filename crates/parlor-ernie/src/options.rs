//! What only ERNIE understands.

use parlor_core::ChatRequest;
use serde::Serialize;

/// Settings that only ERNIE understands. They go into the request's `extra`
/// under `qianfan` and from there into the body.
///
/// ```
/// use parlor_core::ChatRequest;
/// use parlor_ernie::{ErnieOptions, WebSearch};
///
/// let mut options = ErnieOptions::default();
/// options.web_search = Some(WebSearch::with_citations());
/// options.penalty_score = Some(1.2);
/// let request = options.apply(ChatRequest::from("What is new?"));
/// assert_eq!(request.extra["qianfan"]["web_search"]["enable_citation"], true);
/// ```
///
/// Source: cloud.baidu.com, Qianfan, "Chat completions V2".
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ErnieOptions {
    /// The provider's own search of the web; what it found comes as
    /// [`Source`](parlor_core::Source) parts of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web_search: Option<WebSearch>,
    /// How much repetition is held against the model, 1 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty_score: Option<f64>,
    /// The same for models of other makers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repetition_penalty: Option<f64>,
}

/// How the web is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WebSearch {
    /// Whether the model may search.
    pub enable: bool,
    /// Whether the answer refers to what was found by its number.
    pub enable_citation: bool,
    /// Whether the answer tells what was found.
    pub enable_trace: bool,
}

impl WebSearch {
    /// Search that tells what it found.
    pub fn on() -> Self {
        Self {
            enable: true,
            enable_citation: false,
            enable_trace: true,
        }
    }

    /// The same with references in the answer.
    pub fn with_citations() -> Self {
        Self {
            enable_citation: true,
            ..Self::on()
        }
    }
}

impl ErnieOptions {
    /// The request with these settings.
    pub fn apply(&self, request: ChatRequest) -> ChatRequest {
        request.with_options("qianfan", self)
    }
}

/// Settings that only the first generation of the API understands. They go into
/// the request's `extra` under `qianfan-v1` and from there into the body.
///
/// ```
/// use parlor_core::ChatRequest;
/// use parlor_ernie::V1Options;
///
/// let mut options = V1Options::default();
/// options.enable_citation = Some(true);
/// let request = options.apply(ChatRequest::from("What is new?"));
/// assert_eq!(request.extra["qianfan-v1"]["enable_citation"], true);
/// ```
///
/// Source: cloud.baidu.com, `WENXINWORKSHOP`, "ERNIE-3.5-8K".
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct V1Options {
    /// Whether the provider's own search of the web is switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_search: Option<bool>,
    /// Whether the answer refers to what was found by its number; what it found
    /// comes as [`Source`](parlor_core::Source) parts of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_citation: Option<bool>,
    /// How much repetition is held against the model, 1 to 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty_score: Option<f64>,
}

impl V1Options {
    /// The request with these settings.
    pub fn apply(&self, request: ChatRequest) -> ChatRequest {
        request.with_options("qianfan-v1", self)
    }
}
