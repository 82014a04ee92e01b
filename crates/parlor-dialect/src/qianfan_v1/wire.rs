//! Answers and their chunks, and their words in the common dialect's places.

use crate::json::{self, Text};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

type Raw<'a> = Option<&'a RawValue>;

/// A whole answer, or a chunk of a stream.
#[derive(Default)]
pub(super) struct Answer<'a> {
    id: Raw<'a>,
    created: Raw<'a>,
    result: Raw<'a>,
    function_call: Raw<'a>,
    finish_reason: Raw<'a>,
    is_end: Raw<'a>,
    is_truncated: Raw<'a>,
    need_clear_history: Raw<'a>,
    ban_round: Raw<'a>,
    pub(super) usage: Raw<'a>,
    /// Fields that have no name here.
    rest: Vec<(Text<'a>, &'a RawValue)>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Answer<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Answer<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an answer")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Answer<'de>, A::Error> {
                let mut read = Answer::default();
                while let Some(key) = map.next_key::<Text<'de>>()? {
                    let place = match &*key {
                        "id" => &mut read.id,
                        "created" => &mut read.created,
                        "result" => &mut read.result,
                        "function_call" => &mut read.function_call,
                        "finish_reason" => &mut read.finish_reason,
                        "is_end" => &mut read.is_end,
                        "is_truncated" => &mut read.is_truncated,
                        "need_clear_history" => &mut read.need_clear_history,
                        "ban_round" => &mut read.ban_round,
                        "usage" => &mut read.usage,
                        "object" | "sentence_id" => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                        _ => {
                            read.rest.push((key, map.next_value()?));
                            continue;
                        }
                    };
                    let value: &RawValue = map.next_value()?;
                    *place = Some(value).filter(|it| it.get() != "null");
                }
                Ok(read)
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// A call as the model makes it.
#[derive(Default, Deserialize)]
struct Called<'a> {
    #[serde(borrow, default)]
    name: Raw<'a>,
    #[serde(borrow, default)]
    arguments: Raw<'a>,
    #[serde(borrow, default)]
    thoughts: Raw<'a>,
}

/// Whether a value says yes.
fn yes(raw: Raw<'_>) -> bool {
    raw.is_some_and(|it| matches!(it.get(), "true" | "1"))
}

/// The text of a value, if it is one that isn't empty.
fn text(raw: Raw<'_>) -> Option<&str> {
    raw.map(RawValue::get)
        .filter(|it| it.len() > 2 && it.starts_with('"'))
}

impl<'a> Answer<'a> {
    /// Reads a body or a frame; `None` where it is no answer, such as a
    /// failure.
    pub(super) fn read(data: &'a [u8], scratch: &'a mut String) -> Option<Self> {
        let answer: Self = json::read(data, scratch).ok()?;
        let speaks = [answer.result, answer.function_call, answer.is_end];
        speaks.iter().any(Option::is_some).then_some(answer)
    }

    /// Whether it is the last chunk.
    pub(super) fn is_end(&self) -> bool {
        yes(self.is_end)
    }

    /// The word for why the answer ended. Only the last chunk's means it.
    fn finish(&self, calls: bool) -> &'a str {
        let normal = "\"normal\"";
        match text(self.finish_reason) {
            Some(word) if word != normal => word,
            _ if yes(self.is_truncated) => "\"length\"",
            None if calls => "\"function_call\"",
            _ => normal,
        }
    }

    /// Appends it in the common dialect's places: `ended`, with why it ended
    /// and what it used.
    pub(super) fn write(&self, ended: bool, out: &mut Vec<u8>) {
        let call = self.function_call.map(RawValue::get);
        let call: Called<'_> = call
            .and_then(|it| serde_json::from_str(it).ok())
            .unwrap_or_default();
        let calls = text(call.name).is_some();
        let mut object = Object::begin(out);
        object.field("id", self.id);
        object.field("created", self.created);
        object.key("choices");
        object.raw("[{\"index\":0,\"delta\":");
        let mut delta = Object::begin(object.out);
        delta.field("content", self.result);
        delta.field("reasoning_content", call.thoughts);
        if calls {
            delta.key("tool_calls");
            delta.raw("[{\"index\":0,\"function\":");
            let mut function = Object::begin(delta.out);
            function.field("name", call.name);
            function.field("arguments", call.arguments);
            function.end();
            delta.raw("}]");
        }
        delta.end();
        if ended {
            object.raw(",\"finish_reason\":");
            object.raw(self.finish(calls));
        }
        object.raw("}]");
        if ended {
            object.field("usage", self.usage);
        }
        if yes(self.need_clear_history) {
            object.field("need_clear_history", self.need_clear_history);
            object.field("ban_round", self.ban_round);
        }
        for (name, value) in &self.rest {
            object.key(name);
            object.raw(value.get());
        }
        object.end();
    }
}

/// An object that is being written.
struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Object<'o> {
    fn begin(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    fn end(self) {
        self.out.push(b'}');
    }

    fn raw(&mut self, json: &str) {
        self.out.extend_from_slice(json.as_bytes());
    }

    fn key(&mut self, name: &str) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        // A text is always written.
        let _ = serde_json::to_writer(&mut *self.out, name);
        self.out.push(b':');
    }

    fn field(&mut self, name: &str, value: Raw<'_>) {
        if let Some(value) = value {
            self.key(name);
            self.raw(value.get());
        }
    }
}
