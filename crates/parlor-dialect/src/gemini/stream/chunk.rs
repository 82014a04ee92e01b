//! A chunk with one text, as it is written.

use serde::Serialize;
use serde_json::Value;

/// A chunk with one text, written without building it first.
#[derive(Debug, Serialize)]
pub(super) struct TextChunk<'a> {
    pub(super) candidates: [TextCandidate<'a>; 1],
    #[serde(rename = "usageMetadata", skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Value>,
    #[serde(rename = "modelVersion", skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<&'a str>,
    #[serde(rename = "createTime", skip_serializing_if = "Option::is_none")]
    pub(super) created: Option<&'a str>,
    #[serde(rename = "responseId", skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a str>,
}

#[derive(Debug, Serialize)]
pub(super) struct TextCandidate<'a> {
    pub(super) content: TextContent<'a>,
    pub(super) index: u32,
}

#[derive(Debug, Serialize)]
pub(super) struct TextContent<'a> {
    pub(super) parts: [TextPart<'a>; 1],
    pub(super) role: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct TextPart<'a> {
    pub(super) text: &'a str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) thought: bool,
}
