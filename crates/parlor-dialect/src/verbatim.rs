//! A client's own body for a host of the same dialect, with what is the gateway's to set in it.
//!
//! What the client wrote wins over what is configured for the model, as it does in a request that is
//! written anew: a configured field goes in where the client says nothing of it. Where both have an
//! object of that name, which would have to be merged, or where the host's quirks ask for other words
//! than the dialect's usual ones, the body is not passed but written anew.

use crate::scan;
use parlor_core::{Member, Words};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::ops::Range;

/// The members of a JSON object in the order of its bytes, and where their values stand.
///
/// Only what is around them is looked at closely: that the values are JSON is for whoever reads them.
#[derive(Debug)]
pub struct Outline<'a> {
    body: &'a [u8],
    members: Cow<'a, [Member]>,
}

impl<'a> Outline<'a> {
    /// The outline of a body; `None` for one that is no JSON object, isn't UTF-8, or has bare control
    /// characters in its texts.
    pub fn of(body: &'a [u8]) -> Option<Self> {
        let members = scan::members(std::str::from_utf8(body).ok()?)?.into();
        Some(Self { body, members })
    }

    /// The outline of a body whose members are known to stand there; where none is known, they are
    /// looked for.
    pub fn known(body: &'a [u8], members: &'a [Member]) -> Option<Self> {
        match members {
            [] => Self::of(body),
            known => Some(Self {
                body,
                members: known.into(),
            }),
        }
    }

    /// The value of the last member of this name, as JSON.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        let mut members = self.members.iter().rev();
        let found = members.find(|it| self.name(it) == name)?;
        std::str::from_utf8(self.at(&found.value)).ok()
    }

    /// Where the values of members of these names stand, in order.
    pub fn spans(&self, names: &[&str]) -> Vec<Range<usize>> {
        let members = self.members.iter();
        let members = members.filter(|it| names.contains(&&*self.name(it)));
        members.map(|it| it.value.clone()).collect()
    }

    /// Where all of them stand.
    pub fn into_members(self) -> Vec<Member> {
        self.members.into_owned()
    }

    /// The body with these members set; those that it lacks come first.
    pub fn with(&self, set: &[(&str, String)]) -> Vec<u8> {
        let added: usize = set.iter().map(|(name, it)| name.len() + it.len() + 8).sum();
        let mut out = Vec::with_capacity(self.body.len() + added);
        let start = self.body.iter().position(|it| *it == b'{');
        let start = start.map_or(0, |it| it + 1);
        out.extend_from_slice(self.at(&(0..start)));
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
        for member in &*self.members {
            let name = self.name(member);
            if let Some((_, value)) = set.iter().find(|(it, _)| *it == name) {
                out.extend_from_slice(self.at(&(done..member.value.start)));
                out.extend_from_slice(value.as_bytes());
                done = member.value.end;
            }
        }
        out.extend_from_slice(self.body.get(done..).unwrap_or_default());
        out
    }

    fn at(&self, span: &Range<usize>) -> &'a [u8] {
        self.body.get(span.clone()).unwrap_or_default()
    }

    /// The name of a member, its escapes read.
    fn name(&self, member: &Member) -> Cow<'a, str> {
        let written = std::str::from_utf8(self.at(&member.name)).unwrap_or_default();
        match written.contains('\\') {
            false => written.into(),
            true => serde_json::from_str(&format!("\"{written}\"")).unwrap_or_default(),
        }
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
        let outline = Outline::known(&words.body, &words.members)?;
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
        for other in [
            &b""[..],
            b"[1]",
            b"{",
            b"{\"a\"",
            b"{\"a\":",
            b"{\"a\":}",
            b"{\"a\":1",
            b"{\"a\":1,}",
            b"{\"a\":[1}",
            b"{\"a\":\"b}",
            b"{\"a\":\"\n\"}",
            b"{\"a\":\"\xff\"}",
            b"{\"a\":1} {",
            b"{\"a\" 1}",
            b"{a:1}",
        ] {
            assert!(Outline::of(other).is_none(), "{}", other.escape_ascii());
        }
    }

    #[test]
    fn values_are_found_whatever_is_in_them() {
        let body = r#"{"a":{"b":"}\"]{"},"c":[[],{},"\\"],"d":"\u00e4\\", "e" : -1.5e3 ,"f":null}"#;
        let outline = Outline::of(body.as_bytes()).unwrap();
        let read: Map<String, Value> = serde_json::from_str(body).unwrap();
        assert_eq!(outline.into_members().len(), read.len());
        for (name, value) in &read {
            let outline = Outline::of(body.as_bytes()).unwrap();
            let found: Value = serde_json::from_str(outline.get(name).unwrap()).unwrap();
            assert_eq!(&found, value, "{name}");
        }
    }
}
