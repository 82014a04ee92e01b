//! What goes over the wire, as types.

use crate::json::Text;
pub(super) use crate::json::{Fields, Object, parse, take_bool, take_object, take_text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The keys of content blocks that are read and written by name.
pub(super) mod keys {
    pub(in super::super) const TEXT: &str = "text";
    pub(in super::super) const REASONING: &str = "reasoningContent";
    pub(in super::super) const TOOL_USE: &str = "toolUse";
    pub(in super::super) const TOOL_RESULT: &str = "toolResult";
    pub(in super::super) const CITED: &str = "citationsContent";
    pub(in super::super) const CACHE_POINT: &str = "cachePoint";
}

/// One event of a stream; fields beyond these are read where they are rare.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct StreamEvent<'a> {
    pub(super) content_block_index: Option<u64>,
    #[serde(borrow)]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(super) start: Option<&'a RawValue>,
    /// Padding.
    #[serde(borrow)]
    pub(super) p: Text<'a>,
}

/// What a `contentBlockDelta` adds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Delta<'a> {
    #[serde(borrow)]
    pub(super) text: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) tool_use: Option<ToolDelta<'a>>,
    #[serde(borrow)]
    pub(super) reasoning_content: Option<ReasoningDelta<'a>>,
    #[serde(borrow)]
    pub(super) citation: Option<&'a RawValue>,
}

/// More of a call's input.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolDelta<'a> {
    #[serde(borrow)]
    pub(super) input: Option<&'a RawValue>,
}

/// More of the model's thoughts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ReasoningDelta<'a> {
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) signature: Text<'a>,
    #[serde(borrow)]
    pub(super) redacted_content: Text<'a>,
}

/// The body of a request. Content blocks are objects with one key, since what
/// core doesn't model in them must come back as it went.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Body {
    #[serde(deserialize_with = "crate::json::null_default")]
    pub(super) messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<Vec<Object>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inference_config: Option<InferenceConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_config: Option<ToolConfig>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_config: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) additional_model_request_fields: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) request_metadata: Option<Object>,
    #[serde(flatten)]
    pub(super) rest: Object,
}

/// One message of a request.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) role: String,
    #[serde(default, deserialize_with = "crate::json::null_default")]
    pub(super) content: Vec<Object>,
    #[serde(flatten)]
    pub(super) rest: Object,
}

impl Message {
    pub(super) fn new(role: &str, content: Vec<Object>) -> Self {
        Self {
            role: role.to_owned(),
            content,
            rest: Object::new(),
        }
    }
}

/// How to sample, and when to stop.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct InferenceConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_sequences: Option<Vec<String>>,
    #[serde(flatten)]
    pub(super) rest: Object,
}

/// Tools and the choice among them.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ToolConfig {
    #[serde(deserialize_with = "crate::json::null_default")]
    pub(super) tools: Vec<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Object>,
    #[serde(flatten)]
    pub(super) rest: Object,
}

/// A block: an object with one key.
pub(super) fn block(key: &str, value: impl Into<Value>) -> Object {
    Object::from_iter([(key.to_owned(), value.into())])
}

/// The key of a block and what is under it: the first that isn't null.
pub(super) fn split(block: Object) -> Option<(String, Value)> {
    block.into_iter().find(|(_, value)| !value.is_null())
}

/// The key of a block; empty if it has none.
pub(super) fn key_of(block: &Object) -> &str {
    let said = block.iter().find(|(_, value)| !value.is_null());
    said.map_or("", |(key, _)| key)
}
