//! Model ids in the paths of URLs.

use std::borrow::Cow;

/// A model's id as one segment of a path: letters, digits, `-._~` and what is
/// in `kept` stand for themselves, all else is percent-encoded.
pub(crate) fn segment<'a>(model: &'a str, kept: &str) -> Cow<'a, str> {
    let is_plain = |byte: u8| {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        plain || kept.as_bytes().contains(&byte)
    };
    if model.bytes().all(is_plain) {
        return model.into();
    }
    let mut out = String::with_capacity(model.len() + 8);
    for byte in model.bytes() {
        match is_plain(byte) {
            true => out.push(char::from(byte)),
            false => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out.into()
}

/// A path with the model's id in it as a [`segment`], where it wants that.
pub(crate) fn with_model(path: &str, model: &str, kept: &str) -> String {
    match path.contains(MODEL) {
        true => path.replace(MODEL, &segment(model, kept)),
        false => path.to_owned(),
    }
}

/// What stands for the model's id in a path.
const MODEL: &str = "{model}";

/// A segment of a path with its `%XX` undone.
pub(crate) fn unescape(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| *first == b'%');
        let hex = hex.and_then(|it| std::str::from_utf8(it).ok());
        match hex.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_go_both_ways() {
        let arn = "arn:aws:bedrock:us-east-1:1:inference-profile/us.a.b-v1:0";
        let encoded = "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fus.a.b-v1%3A0";
        assert_eq!(segment(arn, ""), encoded);
        assert_eq!(unescape(encoded), arn);
        assert_eq!(segment("a@b:c/d", "@:"), "a@b:c%2Fd");
        assert_eq!(with_model("/m/{model}/x", "a b", ""), "/m/a%20b/x");
        assert_eq!(with_model("/messages", "a b", ""), "/messages");
        assert_eq!(unescape("a%2"), "a%2");
        assert_eq!(unescape("%zz%C3%A9"), "%zz\u{e9}");
    }
}
