//! A client's own body for a host of the same dialect, with what is the gateway's to set in it.
//!
//! What the client wrote wins over what is configured for the model, as it does in a request that is
//! written anew: a configured field goes in where the client says nothing of it. Where both have an
//! object of that name, which would have to be merged, or where the host's quirks ask for other words
//! than the dialect's usual ones, the body is not passed but written anew.

use crate::dialect::WireRequest;
use crate::scan;
use bytes::Bytes;
use parlor_core::{Member, Words};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::ops::Range;

/// How long a piece of a client's body is that isn't copied.
const LONG: usize = 16 << 10;

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
        let found = members.find(|it| self.is(it, name))?;
        std::str::from_utf8(self.at(&found.value)).ok()
    }

    /// Where the values of members of these names stand, in order.
    pub fn spans(&self, names: &[&str]) -> Vec<Range<usize>> {
        let members = self.members.iter();
        let members = members.filter(|it| names.iter().any(|name| self.is(it, name)));
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
        self.put(set, &mut out);
        out
    }

    /// Puts the body with these members set.
    fn put(&self, set: &[(&str, String)], out: &mut impl Out) {
        let start = self.body.iter().position(|it| *it == b'{');
        let start = start.map_or(0, |it| it + 1);
        out.span(self.body, 0..start);
        let mut new = set.iter().filter(|(name, _)| self.get(name).is_none());
        let mut next = new.next();
        while let Some((name, value)) = next {
            out.text(&Value::from(*name).to_string());
            out.text(":");
            out.text(value);
            next = new.next();
            if next.is_some() || !self.members.is_empty() {
                out.text(",");
            }
        }
        let mut done = start;
        for member in &*self.members {
            if let Some((_, value)) = set.iter().find(|(it, _)| self.is(member, it)) {
                out.span(self.body, done..member.value.start);
                out.text(value);
                done = member.value.end;
            }
        }
        out.span(self.body, done..self.body.len());
    }

    fn at(&self, span: &Range<usize>) -> &'a [u8] {
        self.body.get(span.clone()).unwrap_or_default()
    }

    /// Whether a member is called so, its escapes read.
    fn is(&self, member: &Member, name: &str) -> bool {
        let written = self.at(&member.name);
        if !written.contains(&b'\\') {
            return written == name.as_bytes();
        }
        let quoted = [b"\"", written, b"\""].concat();
        serde_json::from_slice::<String>(&quoted).is_ok_and(|it| it == name)
    }
}

/// What a body is put into.
trait Out {
    /// Takes what stands there in the client's body.
    fn span(&mut self, body: &[u8], span: Range<usize>);

    /// Takes what is set.
    fn text(&mut self, text: &str);
}

impl Out for Vec<u8> {
    fn span(&mut self, body: &[u8], span: Range<usize>) {
        self.extend_from_slice(body.get(span).unwrap_or_default());
    }

    fn text(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }
}

/// A body in pieces, the long ones of which are the client's own memory.
struct Pieces<'a> {
    body: &'a Bytes,
    done: Vec<Bytes>,
    open: Vec<u8>,
}

impl Out for Pieces<'_> {
    fn span(&mut self, body: &[u8], span: Range<usize>) {
        match body.get(span.clone()) {
            Some(bytes) if bytes.len() >= LONG => {
                let open = std::mem::take(&mut self.open);
                if !open.is_empty() {
                    self.done.push(open.into());
                }
                self.done.push(self.body.slice(span));
            }
            bytes => self.open.extend_from_slice(bytes.unwrap_or_default()),
        }
    }

    fn text(&mut self, text: &str) {
        self.open.extend_from_slice(text.as_bytes());
    }
}

/// A body that is about to be passed.
pub(crate) struct Passed<'a> {
    body: &'a Bytes,
    outline: Outline<'a>,
    set: Vec<(&'a str, String)>,
}

impl<'a> Passed<'a> {
    /// The client's body.
    pub(crate) fn new(words: &'a Words) -> Option<Self> {
        let outline = Outline::known(&words.body, &words.members)?;
        Some(Self {
            body: &words.body,
            outline,
            set: Vec::new(),
        })
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

    /// The request to a path with the body.
    pub(crate) fn into_wire(self, path: impl Into<String>) -> WireRequest {
        if self.body.len() < LONG {
            return WireRequest::new(path, self.outline.with(&self.set));
        }
        let mut pieces = Pieces {
            body: self.body,
            done: Vec::new(),
            open: Vec::new(),
        };
        self.outline.put(&self.set, &mut pieces);
        let mut wire = WireRequest::new(path, pieces.open);
        wire.before = pieces.done;
        wire
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
    fn a_long_body_is_passed_in_pieces_that_are_its_own_memory() {
        for long in [0, LONG, 3 * LONG] {
            let text = "a".repeat(long);
            for body in [
                format!("{{\"x\":\"{text}\",\"model\":\"m\",\"y\":1}}"),
                format!("{{\"model\":\"m\",\"x\":\"{text}\"}}"),
                format!("{{\"x\":\"{text}\",\"model\":\"m\",\"y\":\"{text}\"}}"),
                format!("{{\"x\":\"{text}\"}}"),
            ] {
                let words = Words::new("of-tests", body.clone().into());
                let own = words.body.as_ptr_range();
                let passed = Passed::new(&words).unwrap();
                let wire = passed.set("model", "\"n\"".to_owned()).into_wire("/");
                let joined = [wire.before.concat(), wire.body].concat();
                assert_eq!(joined, set(&body, &[("model", "\"n\"")]).into_bytes());
                let copied = wire.before.iter().filter(|it| !own.contains(&it.as_ptr()));
                assert!(copied.map(Bytes::len).sum::<usize>() < LONG, "{long}");
            }
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
