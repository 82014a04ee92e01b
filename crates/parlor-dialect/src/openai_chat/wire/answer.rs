//! Answers as they come: whole ones and the chunks of a stream have one shape.

use crate::fields::{Extras, Fill, List, Number, Place, Raw, by_value, object};
use crate::json::Text;
use crate::lenient::nothing;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

object! {
    /// A chunk of a stream, or a whole answer.
    Chunk, ignored: "object", extras: 8, {
        id: Text<'a> = "id",
        model: Text<'a> = "model",
        created: Number = "created",
        choices: List<Choice<'a>, 1> = "choices",
        usage: Raw<'a> = "usage",
        error: Raw<'a> = "error",
        citations: Raw<'a> = "citations",
        search_results: Raw<'a> = "search_results",
        /// Padding against eavesdroppers who count bytes, and a shorter one.
        obfuscation: Text<'a> = "obfuscation",
        p: Text<'a> = "p",
    }
}

object! {
    /// One choice: `delta` in chunks, `message` in whole answers; some servers
    /// send both.
    Choice, ignored: "object", extras: 4, {
        index: Number = "index",
        delta: Delta<'a> = "delta",
        message: Option<Box<Delta<'a>>> = "message",
        finish_reason: Text<'a> = "finish_reason",
        logprobs: Raw<'a> = "logprobs",
        usage: Raw<'a> = "usage",
        error: Raw<'a> = "error",
    }
}

object! {
    /// A message or a piece of one.
    Delta, ignored: "role" | "padding", extras: 2, {
        content: Content<'a> = "content",
        refusal: Text<'a> = "refusal",
        reasoning_content: Text<'a> = "reasoning_content",
        reasoning: Text<'a> = "reasoning",
        reasoning_text: Text<'a> = "reasoning_text",
        reasoning_details: Raw<'a> = "reasoning_details",
        thinking_blocks: Raw<'a> = "thinking_blocks",
        encrypted_content: Raw<'a> = "encrypted_content",
        tool_calls: List<Call<'a>, 0> = "tool_calls",
        function_call: Option<Box<Function<'a>>> = "function_call",
        audio: Raw<'a> = "audio",
        images: Raw<'a> = "images",
        annotations: Raw<'a> = "annotations",
    }
}

object! {
    /// A tool call or a piece of one.
    Call, ignored: "object", extras: 1, {
        index: Number = "index",
        id: Text<'a> = "id",
        kind: Text<'a> = "type",
        function: Function<'a> = "function",
        custom: Function<'a> = "custom",
    }
}

object! {
    /// The tool and what it is called with: `arguments` of functions, `input`
    /// of custom tools.
    Function, ignored: "object", extras: 1, {
        name: Text<'a> = "name",
        arguments: Raw<'a> = "arguments",
        input: Raw<'a> = "input",
    }
}

impl Function<'_> {
    /// The text of the arguments: a text as it is, an object or a list in its
    /// JSON, null and anything else as nothing.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        let raw = self.arguments.said().or_else(|| self.input.said());
        match raw.map(|raw| (raw.as_bytes().first(), raw)) {
            Some((Some(b'"'), raw)) => {
                let text = serde_json::from_str::<Text<'_>>(raw);
                text.map(|text| text.0).unwrap_or_default()
            }
            Some((Some(b'{' | b'['), raw)) => raw.into(),
            _ => "".into(),
        }
    }

    /// Whether it names no tool and says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.name.is_empty() && self.text().is_empty()
    }
}

by_value!(Content<'a>);

/// The content of a message: a text, or a list of parts that are read later.
#[derive(Debug, Default)]
pub(crate) struct Content<'a> {
    pub(crate) text: Cow<'a, str>,
    pub(crate) parts: Vec<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Content<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Reader<'a> {
            type Value = Content<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of parts")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Content {
                    text: Cow::Borrowed(text),
                    parts: Vec::new(),
                })
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Content {
                    text: Cow::Owned(text.to_owned()),
                    parts: Vec::new(),
                })
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut content = Content::default();
                while let Some(part) = seq.next_element()? {
                    content.parts.push(part);
                }
                Ok(content)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Content::default())
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Content::default())
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}
