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

by_value!(Content<'a>: |scan| {
    let text = match scan.null() {
        true => "",
        false => scan.string()?,
    };
    Some(Content {
        text: text.into(),
        parts: Vec::new(),
    })
});

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scan::Scan;

    const FRAMES: [&str; 4] = [
        r#"{"id":"c-1","object":"chat.completion.chunk","created":17,"model":"m","service_tier":"x","fp":null,"choices":[{"index":0,"delta":{"role":"assistant","content":"é a","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"p":"ab"}"#,
        r#"{"id":"c","choices":[{"index":1,"delta":{"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]}},{"message":{"content":null,"function_call":null}}]}"#,
        r#" { "choices" : [ ] , "usage" : { "n" : 9 , "d" : [ 1, true ] } , "error" : {} } "#,
        r#"{"choices":[{"index":0,"message":{"content":"hi","function_call":{"name":"f","input":"x"}},"delta":null}],"choices":[],"created":"1","x":-1.5}"#,
    ];

    /// What the two readers make of a text, if they take it.
    fn both(json: &str) -> (Option<String>, Option<String>) {
        let (mut scanned, mut filled) = (Chunk::default(), Chunk::default());
        let mut scan = Scan::new(json);
        let is_plain = scanned.scan(&mut scan).is_some() && scan.is_at_end();
        let mut reader = serde_json::Deserializer::from_str(json);
        let read = filled.fill(&mut reader).and_then(|()| reader.end());
        (
            is_plain.then(|| format!("{scanned:?}")),
            read.is_ok().then(|| format!("{filled:?}")),
        )
    }

    #[test]
    fn usual_chunks_are_plain() {
        for json in &FRAMES[..3] {
            let (scanned, filled) = both(json);
            assert!(scanned.is_some(), "{json}");
            assert_eq!(scanned, filled, "{json}");
        }
    }

    #[test]
    fn what_is_plain_reads_the_same_by_both_readers() {
        let others = [
            "",
            "\"",
            "\\",
            "\\\"",
            "\\n",
            "\\x",
            "\\u0041",
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "0",
            "7",
            "-",
            ".",
            "e5",
            " ",
            "\n",
            "\u{b}",
            "\0",
            "é",
            "null",
            "true",
            "[]",
            "{}",
            "\"\"",
            ",\"choices\":[]",
            ",\"id\":3",
            "\u{7f}",
        ];
        let mut plain = 0;
        for json in FRAMES {
            for (at, letter) in json.char_indices() {
                for other in others {
                    let changed = [&json[..at], other, &json[at + letter.len_utf8()..]].concat();
                    if let (Some(scanned), filled) = both(&changed) {
                        assert_eq!(Some(scanned), filled, "{changed}");
                        plain += 1;
                    }
                }
            }
        }
        assert!(plain > 1000, "{plain}");
    }

    #[test]
    fn a_plain_value_in_place_of_any_other_reads_the_same() {
        let values = [
            "null",
            "true",
            "\"a\"",
            "\"\"",
            "\"\\\"\"",
            "12",
            "-1",
            "0.5",
            "01",
            "1e3",
            "[]",
            "[1]",
            "[null]",
            "[\"a\"]",
            "{}",
            "{\"a\":1}",
            "{\"index\":2}",
            "{\"content\":\"x\"}",
            "[{}]",
            "999999999999999999999",
            "nul",
            "{\"a\"}",
            "[1,]",
            "{,}",
        ];
        for json in FRAMES {
            for (at, _) in json.match_indices(':') {
                let (head, tail) = json.split_at(at + 1);
                for value in values {
                    for name in [
                        "\"id\"",
                        "\"choices\"",
                        "\"delta\"",
                        "\"tool_calls\"",
                        "\"n\"",
                    ] {
                        let changed = format!("{head}{value},{name}:{tail}");
                        if let (Some(scanned), filled) = both(&changed) {
                            assert_eq!(Some(scanned), filled, "{changed}");
                        }
                    }
                }
            }
        }
    }
}
