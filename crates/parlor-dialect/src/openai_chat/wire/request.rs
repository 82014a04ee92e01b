//! Requests, as they are written and read.

use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The body of a request. What has no field here is in `rest`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Request<'a> {
    /// Empty where the path names it.
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    pub(crate) model: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream_options: Option<Map<String, Value>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) tools: Option<Vec<Tool<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tool_choice: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_format: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stop: Option<Stop<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) n: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) top_logprobs: Option<u32>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) service_tier: Option<Cow<'a, str>>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// Stop sequences: one or several.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Stop<'a> {
    One(String),
    Many(Cow<'a, [String]>),
}

/// A message of a request.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Message<'a> {
    #[serde(borrow)]
    pub(crate) role: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Content::is_absent")]
    pub(crate) content: Content<'a>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) tool_calls: Option<Vec<ToolCall<'a>>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) tool_call_id: Option<Cow<'a, str>>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// The content of a message.
#[derive(Debug, Default)]
pub(crate) enum Content<'a> {
    #[default]
    Absent,
    Null,
    Text(Cow<'a, str>),
    Parts(Vec<ContentPart<'a>>),
}

impl Content<'_> {
    fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Absent | Self::Null => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Parts(parts) => parts.serialize(serializer),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form<'a> {
            Text(#[serde(borrow)] Cow<'a, str>),
            #[serde(borrow)]
            Parts(Vec<ContentPart<'a>>),
            Null(()),
        }
        Ok(match Form::deserialize(deserializer)? {
            Form::Text(text) => Self::Text(text),
            Form::Parts(parts) => Self::Parts(parts),
            Form::Null(()) => Self::Null,
        })
    }
}

/// A part of a content: its type, its text where it has one, and the rest.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ContentPart<'a> {
    #[serde(
        borrow,
        rename = "type",
        default,
        skip_serializing_if = "str::is_empty"
    )]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<Cow<'a, str>>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

impl<'a> ContentPart<'a> {
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self {
            kind: "text".into(),
            text: Some(text.into()),
            rest: Map::new(),
        }
    }

    /// A part whose field is called like its type.
    pub(crate) fn new(kind: &'static str, value: Value) -> Self {
        let mut rest = Map::new();
        rest.insert(kind.to_owned(), value);
        Self {
            kind: kind.into(),
            text: None,
            rest,
        }
    }

    /// Its text, if it is a text and nothing more.
    pub(crate) fn plain(&self) -> Option<&str> {
        let plain = self.kind == "text" && self.rest.is_empty();
        self.text.as_deref().filter(|_| plain)
    }
}

/// A tool call in the history.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct ToolCall<'a> {
    #[serde(borrow, default)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow, rename = "type", default = "function")]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) function: Option<Called<'a>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) custom: Option<Given<'a>>,
    /// The call's place: it follows from its order.
    #[serde(default, skip_serializing, rename = "index")]
    pub(crate) _index: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

fn function() -> Cow<'static, str> {
    "function".into()
}

/// A function and its arguments.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Called<'a> {
    #[serde(borrow, default)]
    pub(crate) name: Cow<'a, str>,
    #[serde(default, deserialize_with = "arguments")]
    pub(crate) arguments: Cow<'a, str>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// A custom tool and its input.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Given<'a> {
    #[serde(borrow, default)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) input: Cow<'a, str>,
}

/// Arguments are a text; some clients send the object itself.
fn arguments<'a, 'de: 'a, D: Deserializer<'de>>(from: D) -> Result<Cow<'a, str>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => text.into(),
        Value::Null => "".into(),
        other => other.to_string().into(),
    })
}

/// A tool on offer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tool<'a> {
    #[serde(borrow, rename = "type", default = "function")]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) function: Option<Function<'a>>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}

/// A function on offer.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Function<'a> {
    #[serde(borrow)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) parameters: Option<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) strict: Option<bool>,
    #[serde(flatten)]
    pub(crate) rest: Map<String, Value>,
}
