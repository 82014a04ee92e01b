//! A client's own body for a host of the same dialect, with what is the gateway's to set in it.
//!
//! What the client wrote wins over what is configured for the model, as it does in a request that is
//! written anew: a configured field goes in where the client says nothing of it. Where both have an
//! object of that name, which would have to be merged, or where the host's quirks ask for other words
//! than the dialect's usual ones, the body is not passed but written anew.

use crate::json::Text;
use parlor_core::Words;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::fmt;
use std::ops::Range;

/// The members of a JSON object in the order of its bytes, and where their values stand.
#[derive(Debug)]
pub struct Outline<'a> {
    body: &'a [u8],
    members: Vec<(Text<'a>, &'a RawValue)>,
}

impl<'a> Outline<'a> {
    /// The outline of a body; `None` for one that is no JSON object.
    pub fn of(body: &'a [u8]) -> Option<Self> {
        let Members(members) = serde_json::from_slice(body).ok()?;
        Some(Self { body, members })
    }

    /// The value of the last member of this name, as JSON.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let found = self.members.iter().rev().find(|(it, _)| &**it == name);
        found.map(|(_, value)| value.get())
    }

    /// Where the values of members of these names stand, in order.
    pub fn spans(&self, names: &[&str]) -> Vec<Range<usize>> {
        let members = self.members.iter();
        let members = members.filter(|(name, _)| names.contains(&&**name));
        members.map(|(_, value)| self.span(value)).collect()
    }

    /// The body with these members set; those that it lacks come first.
    pub fn with(&self, set: &[(&str, String)]) -> Vec<u8> {
        let added: usize = set.iter().map(|(name, it)| name.len() + it.len() + 8).sum();
        let mut out = Vec::with_capacity(self.body.len() + added);
        let start = self.body.iter().position(|it| *it == b'{');
        let start = start.map_or(0, |it| it + 1);
        out.extend_from_slice(self.body.get(..start).unwrap_or_default());
        let mut new = set.iter().filter(|(name, _)| self.get(name).is_none());
        let mut next = new.next();
        while let Some((name, value)) = next {
            out.extend_from_slice(Value::from(*name).to_string().as_bytes());
            out.push(b':');
            out.extend_from_slice(value.as_bytes());
            next = new.next();
            if next.is_some() || !self.members.is_empty() {
                out.push(b',');
            }
        }
        let mut done = start;
        for (name, old) in &self.members {
            if let Some((_, value)) = set.iter().find(|(it, _)| *it == &**name) {
                let span = self.span(old);
                out.extend_from_slice(self.body.get(done..span.start).unwrap_or_default());
                out.extend_from_slice(value.as_bytes());
                done = span.end;
            }
        }
        out.extend_from_slice(self.body.get(done..).unwrap_or_default());
        out
    }

    fn span(&self, value: &RawValue) -> Range<usize> {
        // The value is borrowed from the body.
        let start = (value.get().as_ptr() as usize).saturating_sub(self.body.as_ptr() as usize);
        start..start + value.get().len()
    }
}

/// A body that is about to be passed.
pub(crate) struct Passed<'a> {
    outline: Outline<'a>,
    set: Vec<(&'a str, String)>,
}

impl<'a> Passed<'a> {
    /// The client's body.
    pub(crate) fn new(words: &'a Words) -> Option<Self> {
        let outline = Outline::of(&words.body)?;
        let set = Vec::new();
        Some(Self { outline, set })
    }

    /// The same for an answer that is streamed or isn't, where the client says so in this field;
    /// nothing where it wants the other.
    pub(crate) fn streamed(self, stream: bool, unless_said: bool) -> Option<Self> {
        let said = match self.outline.get("stream") {
            None | Some("null") => unless_said,
            Some(said) => said == "true",
        };
        (said == stream).then_some(self)
    }

    /// What the client says of a field.
    pub(crate) fn said(&self, name: &str) -> Option<&'a str> {
        self.outline.get(name)
    }

    /// Sets a field, whatever the client says of it.
    pub(crate) fn set(mut self, name: &'a str, value: String) -> Self {
        self.set.push((name, value));
        self
    }

    /// Adds what is configured where the client says nothing; nothing comes of it where the two
    /// would have to be merged.
    pub(crate) fn beneath(mut self, fields: Option<&'a Map<String, Value>>) -> Option<Self> {
        for (name, value) in fields.into_iter().flatten() {
            match self.outline.get(name) {
                Some(said) if said.starts_with('{') && value.is_object() => return None,
                Some(_) => {}
                None => self.set.push((name, value.to_string())),
            }
        }
        Some(self)
    }

    /// The body to send.
    pub(crate) fn into_body(self) -> Vec<u8> {
        self.outline.with(&self.set)
    }
}

struct Members<'a>(Vec<(Text<'a>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(Text<'de>, &'de RawValue)>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Reader).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(body: &str, fields: &[(&str, &str)]) -> String {
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, (*v).to_owned())).collect();
        let outline = Outline::of(body.as_bytes()).unwrap();
        String::from_utf8(outline.with(&fields)).unwrap()
    }

    #[test]
    fn nothing_but_the_field_is_touched() {
        let body = " {\n \"a\" : [1, 2.50e1],\t\"model\":\"x\" , \"z\":{\"model\":\"y\"}}\n";
        assert_eq!(
            set(body, &[("model", "\"long name\"")]),
            " {\n \"a\" : [1, 2.50e1],\t\"model\":\"long name\" , \"z\":{\"model\":\"y\"}}\n"
        );
        assert_eq!(
            set("{\"a\":1}", &[("b", "2"), ("c", "3")]),
            "{\"b\":2,\"c\":3,\"a\":1}"
        );
        assert_eq!(set("{ }", &[("b", "2"), ("c", "3")]), "{\"b\":2,\"c\":3 }");
        assert_eq!(
            set("{\"\\u006dodel\":1,\"model\":2}", &[("model", "3")]),
            "{\"\\u006dodel\":3,\"model\":3}"
        );
        assert!(Outline::of(b"[1]").is_none());
        assert!(Outline::of(b"{\"a\":").is_none());
    }
}
