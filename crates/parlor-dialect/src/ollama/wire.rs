//! What goes over the wire, as Ollama's API has it.

use crate::fields::{Fill, Json, by_value};
use crate::json::{Text, null_default};
use crate::scan::Scan;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;

/// A request as it is written.
#[derive(Debug, Default, Serialize)]
pub(super) struct Body<'a> {
    pub(super) model: &'a str,
    pub(super) messages: Vec<WireMessage>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) tools: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) format: Option<Value>,
    #[serde(skip_serializing_if = "Options::is_empty")]
    pub(super) options: Options<'a>,
    pub(super) stream: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) think: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) logprobs: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_logprobs: Option<u32>,
}

/// The options that core has words for.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Options<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) num_predict: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_k: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) top_p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) presence_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) frequency_penalty: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) seed: Option<i64>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) stop: &'a [String],
}

impl Options<'_> {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A request as a client sent it; what isn't named here stays in `rest`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReadRequest {
    #[serde(deserialize_with = "null_default")]
    pub(super) model: String,
    #[serde(deserialize_with = "null_default")]
    pub(super) messages: Vec<WireMessage>,
    #[serde(deserialize_with = "null_default")]
    pub(super) tools: Vec<Value>,
    #[serde(deserialize_with = "null_default")]
    pub(super) options: Map<String, Value>,
    pub(super) stream: Option<bool>,
    pub(super) logprobs: Option<bool>,
    pub(super) top_logprobs: Option<u32>,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// A message, of a request or of an answer.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WireMessage {
    #[serde(deserialize_with = "null_default")]
    pub(super) role: String,
    #[serde(deserialize_with = "null_default")]
    pub(super) content: String,
    #[serde(
        deserialize_with = "null_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub(super) thinking: String,
    /// Base64.
    #[serde(
        deserialize_with = "null_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) images: Vec<String>,
    #[serde(
        deserialize_with = "null_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) tool_calls: Vec<WireCall>,
    /// Since 0.9.6.
    #[serde(
        deserialize_with = "null_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub(super) tool_name: String,
    /// Since 0.12.10.
    #[serde(
        deserialize_with = "null_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub(super) tool_call_id: String,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// A tool call, of a request or of an answer.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WireCall {
    /// Since 0.12.10.
    #[serde(
        deserialize_with = "null_default",
        skip_serializing_if = "String::is_empty"
    )]
    pub(super) id: String,
    #[serde(deserialize_with = "null_default")]
    pub(super) function: WireFunction,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// What a tool call calls.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WireFunction {
    /// Numbers the calls of an answer. Servers send 0 for all of them or
    /// nothing, so it is not read but dropped.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u32>,
    #[serde(deserialize_with = "null_default")]
    pub(super) name: String,
    /// An object.
    pub(super) arguments: Option<Box<RawValue>>,
    #[serde(flatten)]
    pub(super) rest: Map<String, Value>,
}

/// Fields that have no name here, with their JSON.
pub(super) type Rest<'a> = Vec<(Text<'a>, Json<'a>)>;

/// Declares an object that is read leniently: null is the same as missing and
/// unknown fields gather in `rest`. Nothing is allocated for an object that
/// has only borrowed fields; serde's own `flatten` would copy all of it.
macro_rules! lenient {
    (
        $(#[$meta:meta])*
        struct $name:ident { $( $(#[$fmeta:meta])* $field:ident: $type:ty, )+ }
        ignoring $( $ignored:literal )|*
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(super) struct $name<'a> {
            $( $(#[$fmeta])* pub(super) $field: $type, )+
            pub(super) rest: Rest<'a>,
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl<'de> Visitor<'de> for Reader {
                    type Value = $name<'de>;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut read = $name::default();
                        while let Some(key) = map.next_key::<Text<'de>>()? {
                            match &*key {
                                $( stringify!($field) => {
                                    read.$field = map.next_value::<Option<_>>()?.unwrap_or_default();
                                } )+
                                $( $ignored )|* => { map.next_value::<IgnoredAny>()?; }
                                _ => {
                                    let value = map.next_value::<Json<'de>>()?;
                                    if value.get() != "null" {
                                        read.rest.push((key, value));
                                    }
                                }
                            }
                        }
                        Ok(read)
                    }
                }
                deserializer.deserialize_map(Reader)
            }
        }

        impl<'de: 'a, 'a> Fill<'de> for $name<'a> {
            fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
                *self = Deserialize::deserialize(deserializer)?;
                Ok(())
            }

            fn scan(&mut self, scan: &mut Scan<'de>) -> Option<()> {
                *self = Self::default();
                scan.object(|scan, key| match key {
                    $( stringify!($field) => match scan.null() {
                        true => {
                            self.$field = Default::default();
                            Some(())
                        }
                        false => self.$field.scan(scan),
                    }, )+
                    $( $ignored )|* => scan.value().map(drop),
                    _ => {
                        if !scan.null() {
                            let value = Json::scanned(scan)?;
                            self.rest.push((key.into(), value));
                        }
                        Some(())
                    }
                })
            }
        }
    };
}

by_value! {
    WireCall: |scan| serde_json::from_str(scan.value()?).ok(),
    WireLogprob: |scan| serde_json::from_str(scan.value()?).ok(),
}

lenient! {
    /// A line of a streamed answer; a whole answer is the last line alone.
    struct Line {
        model: Text<'a>,
        created_at: Text<'a>,
        message: LineMessage<'a>,
        done: Option<bool>,
        done_reason: Text<'a>,
        logprobs: Vec<WireLogprob>,
        /// A text; the line is then an error.
        error: Option<Json<'a>>,
    }
    ignoring "object"
}

lenient! {
    /// The message of a line: each text is a delta.
    struct LineMessage {
        content: Text<'a>,
        thinking: Text<'a>,
        images: Vec<Text<'a>>,
        tool_calls: Vec<WireCall>,
    }
    ignoring "role"
}

/// A token and its log probability.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct WireLogprob {
    #[serde(deserialize_with = "null_default")]
    pub(super) token: String,
    #[serde(deserialize_with = "null_default")]
    pub(super) logprob: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes: Option<Vec<u8>>,
    #[serde(
        deserialize_with = "null_default",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub(super) top_logprobs: Vec<WireLogprob>,
}

/// A line as it is written.
#[derive(Debug, Default, Serialize)]
pub(super) struct WriteLine<'a> {
    pub(super) model: &'a str,
    pub(super) created_at: &'a str,
    pub(super) message: WriteMessage<'a>,
    pub(super) done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) done_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "<[WireLogprob]>::is_empty")]
    pub(super) logprobs: &'a [WireLogprob],
    /// Counts, durations, and what core doesn't model.
    #[serde(flatten)]
    pub(super) rest: Option<&'a Map<String, Value>>,
}

/// The message of a line as it is written.
#[derive(Debug, Serialize)]
pub(super) struct WriteMessage<'a> {
    pub(super) role: &'a str,
    pub(super) content: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) thinking: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub(super) images: &'a [String],
    #[serde(skip_serializing_if = "<[WireCall]>::is_empty")]
    pub(super) tool_calls: &'a [WireCall],
    #[serde(flatten)]
    pub(super) rest: Option<&'a Map<String, Value>>,
}

impl Default for WriteMessage<'_> {
    fn default() -> Self {
        Self {
            role: "assistant",
            content: "",
            thinking: "",
            images: &[],
            tool_calls: &[],
            rest: None,
        }
    }
}
