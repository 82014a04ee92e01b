//! Reading JSON leniently and merging it.

use crate::scan::plain;
use serde::de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

/// A JSON object whose keys aren't all known.
pub(crate) type Object = Map<String, Value>;

/// The fields of an object that is read once per answer, each as it came.
pub(crate) type Fields<'a> = BTreeMap<Text<'a>, &'a RawValue>;

/// Reads `null` as the default; for `#[serde(default, deserialize_with = …)]`.
pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Merges `extra` into `body`: objects key by key, everything else replaced.
pub fn merge(body: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (key, value) in extra {
        match (body.get_mut(key), value) {
            (Some(Value::Object(mine)), Value::Object(theirs)) => merge(mine, theirs),
            _ => {
                body.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A code or id that is text in some replies and a number in others.
pub(crate) fn text_or_number(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Reads what stands raw in an object; nothing if it is of another form.
pub(crate) fn parse<T: DeserializeOwned + Default>(raw: &RawValue) -> T {
    let repaired = || {
        let text = repair(raw.get().as_bytes())?;
        serde_json::from_str(&text).ok()
    };
    let read = serde_json::from_str(raw.get()).ok();
    read.or_else(repaired).unwrap_or_default()
}

/// An object of this type.
pub(crate) fn block(kind: &str) -> Object {
    Object::from_iter([("type".to_owned(), Value::String(kind.to_owned()))])
}

/// The type of an object; empty if it has none.
pub(crate) fn kind_of(object: &Object) -> &str {
    let kind = object.get("type").and_then(Value::as_str);
    kind.unwrap_or_default()
}

/// Takes a text out of an object; anything else stays in it.
pub(crate) fn take_text(object: &mut Object, key: &str) -> Option<String> {
    match object.get_mut(key)? {
        Value::String(text) => {
            let text = std::mem::take(text);
            object.shift_remove(key);
            Some(text)
        }
        _ => None,
    }
}

/// Takes a truth value out of an object; anything else stays in it.
pub(crate) fn take_bool(object: &mut Object, key: &str) -> Option<bool> {
    let value = object.get(key)?.as_bool()?;
    object.shift_remove(key);
    Some(value)
}

/// Takes an object out of an object; anything else stays in it.
pub(crate) fn take_object(object: &mut Object, key: &str) -> Option<Object> {
    match object.get_mut(key)? {
        Value::Object(inner) => {
            let inner = std::mem::take(inner);
            object.shift_remove(key);
            Some(inner)
        }
        _ => None,
    }
}

/// A text block.
pub(crate) fn text_block(text: impl Into<String>) -> Object {
    let mut block = Object::with_capacity(2);
    block.insert("type".to_owned(), "text".into());
    block.insert("text".to_owned(), Value::String(text.into()));
    block
}

/// A text of a frame, borrowed unless it has escapes. Null and everything that
/// is no text reads as empty. It needs `#[serde(default, borrow)]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text<'a>(pub(crate) Cow<'a, str>);

impl<'a> Text<'a> {
    /// The text where it stands in the frame.
    pub(crate) fn borrowed(&self) -> Option<&'a str> {
        match self.0 {
            Cow::Borrowed(text) => Some(text),
            Cow::Owned(_) => None,
        }
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        self
    }
}

impl<'a> From<&'a str> for Text<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(text))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(text.to_owned()))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(""))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(""))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(""))
            }
            fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(""))
            }
            fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(""))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Cow::Borrowed(""))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Cow::Borrowed(""))
            }
        }
        deserializer.deserialize_any(Reader).map(Self)
    }
}

/// Reads a frame or a body. What serde_json refuses in text, though servers
/// send it, is repaired in `scratch` and read from there: see [`repair`]. A
/// byte order mark is passed over.
pub(crate) fn read<'a, T: Deserialize<'a>>(
    data: &'a [u8],
    scratch: &'a mut String,
) -> serde_json::Result<T> {
    let data = data.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(data);
    let read = match std::str::from_utf8(data) {
        // Read as a text, so that not each string in it is looked through again.
        Ok(text) => serde_json::from_str(text),
        Err(_) => serde_json::from_slice(data),
    };
    match read {
        Ok(read) => Ok(read),
        Err(error) => match repair(data) {
            Some(text) => {
                *scratch = text;
                serde_json::from_str(scratch)
            }
            None => Err(error),
        },
    }
}

/// JSON with its text repaired: invalid UTF-8 and lone surrogate escapes
/// become U+FFFD, bare control characters are escaped. `None` if there is
/// nothing to repair.
pub(crate) fn repair(data: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(data);
    let mut changed = matches!(text, Cow::Owned(_));
    let mut out = String::with_capacity(text.len());
    let mut in_string = false;
    let mut rest = &*text;
    while let Some(first) = rest.chars().next() {
        let mut taken = first.len_utf8();
        match first {
            '"' => {
                in_string = !in_string;
                out.push(first);
            }
            '\\' if in_string => match unicode_escape(rest.as_bytes()) {
                Some(0xD800..=0xDBFF)
                    if rest
                        .as_bytes()
                        .get(6..)
                        .and_then(unicode_escape)
                        .is_some_and(|low| (0xDC00..=0xDFFF).contains(&low)) =>
                {
                    taken = 12;
                    out.push_str(&rest[..taken]);
                }
                Some(0xD800..=0xDFFF) => {
                    changed = true;
                    taken = 6;
                    out.push('\u{FFFD}');
                }
                _ => {
                    taken += rest[1..].chars().next().map_or(0, char::len_utf8);
                    out.push_str(&rest[..taken]);
                }
            },
            '\0'..='\x1F' if in_string => {
                changed = true;
                out.push_str(&format!("\\u{:04x}", u32::from(first)));
            }
            _ => out.push(first),
        }
        rest = &rest[taken..];
    }
    changed.then_some(out)
}

/// Reads the inside of a JSON string up to its closing quote, and gives it with
/// what follows, the quote first. One with escapes is written to `scratch`.
/// `None` for what is no JSON and for what would have to be repaired.
pub(crate) fn string<'a>(data: &'a [u8], scratch: &'a mut String) -> Option<(&'a str, &'a [u8])> {
    let (plain, mut rest) = split_plain(data)?;
    if rest.first() == Some(&b'"') {
        return Some((plain, rest));
    }
    scratch.clear();
    scratch.push_str(plain);
    while rest.first() == Some(&b'\\') {
        let (letter, used) = unescape(rest)?;
        scratch.push(letter);
        let (plain, tail) = split_plain(rest.get(used..)?)?;
        scratch.push_str(plain);
        rest = tail;
    }
    (rest.first() == Some(&b'"')).then_some((scratch, rest))
}

/// How long the inside of a JSON string is, and whether it has no escapes.
/// `None` for what ends too soon or has bare control characters.
pub(crate) fn pass_string(data: &[u8]) -> Option<(usize, bool)> {
    let mut at = plain(data);
    let is_plain = data.get(at) == Some(&b'"');
    while data.get(at) != Some(&b'"') {
        if data.get(at) != Some(&b'\\') {
            return None;
        }
        let tail = data.get(at.checked_add(2)?..)?;
        at += 2 + plain(tail);
    }
    Some((at, is_plain))
}

/// How long the inside of a JSON string is. `None` for what is no JSON and for
/// what would have to be repaired.
pub(crate) fn sound_string(data: &[u8]) -> Option<usize> {
    let mut at = plain(data);
    while data.get(at) == Some(&b'\\') {
        at += unescape(data.get(at..)?)?.1;
        at += plain(data.get(at..)?);
    }
    (data.get(at) == Some(&b'"')).then_some(at)
}

/// Leaves of bytes the [sound](sound_string) inside of a JSON string that begins
/// there and goes to their end, its escapes read. What an escape stands for is
/// never longer than the escape, so this takes no other memory.
pub(crate) fn unescape_in_place(bytes: &mut Vec<u8>, start: usize) {
    let (mut from, mut to) = (start, 0);
    loop {
        let run = plain(bytes.get(from..).unwrap_or_default());
        bytes.copy_within(from..from + run, to);
        (from, to) = (from + run, to + run);
        let Some((letter, used)) = bytes.get(from..).and_then(unescape) else {
            break;
        };
        let mut utf8 = [0; 4];
        for byte in letter.encode_utf8(&mut utf8).bytes() {
            bytes[to] = byte;
            to += 1;
        }
        from += used;
    }
    bytes.truncate(to);
}

/// Splits off what stands for itself in a JSON string.
fn split_plain(data: &[u8]) -> Option<(&str, &[u8])> {
    let (plain, rest) = data.split_at_checked(plain(data))?;
    Some((std::str::from_utf8(plain).ok()?, rest))
}

/// The letter of the escape that the data begins with, and the escape's length.
fn unescape(data: &[u8]) -> Option<(char, usize)> {
    let letter = match data.get(1)? {
        letter @ (b'"' | b'\\' | b'/') => char::from(*letter),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => {
            let unit = unicode_escape(data)?;
            if let Some(letter) = char::from_u32(unit.into()) {
                return Some((letter, 6));
            }
            let pair = [unit, unicode_escape(data.get(6..)?)?];
            let letter = char::decode_utf16(pair).next()?.ok()?;
            return Some((letter, 12));
        }
    };
    Some((letter, 2))
}

/// The code unit of a `\uXXXX` that the data begins with.
fn unicode_escape(data: &[u8]) -> Option<u16> {
    let digits = data.strip_prefix(b"\\u")?.get(..4)?;
    let hex = digits.iter().all(u8::is_ascii_hexdigit);
    let digits = std::str::from_utf8(digits).ok()?;
    hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Frame<'a> {
        #[serde(default, borrow)]
        text: Text<'a>,
    }

    fn text_of(json: &[u8]) -> Option<String> {
        let mut scratch = String::new();
        let frame: Frame<'_> = read(json, &mut scratch).ok()?;
        Some(frame.text.to_string())
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        let frame: Frame<'_> = serde_json::from_str(r#"{"text":"Hi"}"#).unwrap();
        assert!(matches!(frame.text.0, Cow::Borrowed("Hi")));
    }

    #[test]
    fn whatever_is_no_text_reads_as_empty() {
        for json in [
            "{}",
            r#"{"text":null}"#,
            r#"{"text":{"a":[1]}}"#,
            r#"{"text":[1,"a"]}"#,
            r#"{"text":1.5}"#,
        ] {
            assert_eq!(text_of(json.as_bytes()).as_deref(), Some(""), "{json}");
        }
    }

    #[test]
    fn broken_text_is_repaired() {
        for (json, text) in [
            (br#"{"text":"a\ud83d"}"#.as_slice(), "a\u{FFFD}"),
            (br#"{"text":"\udc00b\ud83d\ude00"}"#, "\u{FFFD}b\u{1F600}"),
            (br#"{"text":"\ud83d\ud83d\ude00"}"#, "\u{FFFD}\u{1F600}"),
            (br#"{"text":"\\ud83d \"\ud83d"}"#, "\\ud83d \"\u{FFFD}"),
            (b"{\"text\":\"a\0\nb\"}", "a\0\nb"),
            (b"{\"text\":\"\xff\xc3\xa9\"}", "\u{FFFD}\u{e9}"),
            (b"\xef\xbb\xbf{\"text\":\"a\"}", "a"),
        ] {
            assert_eq!(text_of(json).as_deref(), Some(text));
        }
        for json in [
            br#"{"text":"a"#.as_slice(),
            b"{\"text\":\"\\",
            b"<html>",
            b"",
        ] {
            assert_eq!(text_of(json), None);
        }
    }

    #[test]
    fn a_string_reads_as_serde_reads_it() {
        for json in [
            r#""""#,
            r#""plain é 😀""#,
            r#""\"\\\/\b\f\n\r\t""#,
            r#""a\u00e9\ud83d\ude00b\n""#,
        ] {
            let data = format!("{}, 1", &json[1..]);
            let mut scratch = "old".to_owned();
            let length = sound_string(data.as_bytes()).unwrap();
            let mut bytes = format!("before{}", &data[..length]).into_bytes();
            unescape_in_place(&mut bytes, "before".len());
            let (text, rest) = string(data.as_bytes(), &mut scratch).unwrap();
            assert_eq!(bytes, text.as_bytes());
            assert_eq!(text, serde_json::from_str::<String>(json).unwrap());
            assert_eq!(rest, b"\", 1");
        }
        for damaged in [
            b"cut".as_slice(),
            b"a\nb\"",
            b"\\n\0\"",
            b"\xff\"",
            b"\\x\"",
            b"\\",
            b"\\u12\"",
            b"\\u+123\"",
            b"\\ud83d\"",
            b"\\ud83da\"",
            b"\\ud83d\\u0041\"",
            b"\\ude00\"",
        ] {
            assert_eq!(string(damaged, &mut String::new()), None, "{damaged:?}");
            let is_sound = sound_string(damaged).is_some();
            assert_eq!(is_sound, damaged == b"\xff\"", "{damaged:?}");
        }
    }

    #[test]
    fn extra_merges_objects_and_replaces_the_rest() {
        let mut body = json!({"a": {"x": 1, "y": [1]}, "b": 2});
        let extra = json!({"a": {"y": [2], "z": 3}, "b": {"c": 4}});
        merge(body.as_object_mut().unwrap(), extra.as_object().unwrap());
        assert_eq!(
            body,
            json!({"a": {"x": 1, "y": [2], "z": 3}, "b": {"c": 4}})
        );
    }
}
