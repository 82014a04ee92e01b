//! What goes over the wire, as types.

pub(super) use crate::content::Content;
use crate::json::Text;
pub(super) use crate::json::{
    Fields, Object, block, kind_of, parse, take_bool, take_object, take_text, text_block,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// The name of the frames of an event stream that hold an event each.
pub(super) const CHUNK: &str = "chunk";

/// Such a frame.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Chunk<'a> {
    /// The event, in base64.
    #[serde(borrow)]
    pub(super) bytes: Text<'a>,
}

/// One event of a stream; fields beyond these are read where they are rare.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StreamEvent<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    pub(super) index: Option<u64>,
    #[serde(borrow)]
    pub(super) delta: Option<Delta<'a>>,
    #[serde(borrow)]
    pub(super) content_block: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) message: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

/// What a `content_block_delta` adds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Delta<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) text: Text<'a>,
    #[serde(borrow)]
    pub(super) thinking: Text<'a>,
    #[serde(borrow)]
    pub(super) partial_json: Text<'a>,
    #[serde(borrow)]
    pub(super) signature: Text<'a>,
    #[serde(borrow)]
    pub(super) citation: Option<&'a RawValue>,
}

/// The body of a request. Content blocks are objects, since what core doesn't
/// model in them must come back as it went.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) system: Option<Content>,
    pub(super) messages: Vec<Message>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tools: Option<Vec<Object>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) tool_choice: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_sequences: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thinking: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) output_config: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) metadata: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service_tier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<Object>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stream: Option<bool>,
    #[serde(flatten)]
    pub(super) rest: Object,
}

/// One message of a request.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Message {
    pub(super) role: Cow<'static, str>,
    #[serde(default)]
    pub(super) content: Content,
    #[serde(flatten)]
    pub(super) rest: Object,
}

impl Message {
    pub(super) fn new(role: &'static str, blocks: Vec<Object>) -> Self {
        Self {
            role: role.into(),
            content: Content::Blocks(blocks),
            rest: Object::new(),
        }
    }

    /// One that says a text and no more.
    pub(super) fn of_text(role: &'static str, text: &str) -> Self {
        Self {
            role: role.into(),
            content: Content::Text(text.to_owned()),
            rest: Object::new(),
        }
    }
}
