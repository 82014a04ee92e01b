//! Reads plain JSON by its bytes alone, in one pass.
//!
//! Most of what comes is plain: objects without white space oddities, texts
//! without escapes, whole numbers. That is read here at a fraction of what a
//! reader for all of JSON costs. Anything else is no error: it is left to serde,
//! which reads everything and rules on what is JSON.

use crate::json::{pass_string, sound_string};
use parlor_core::Member;

/// How deep values may be that are passed over.
pub(crate) const MAX_DEPTH: usize = 8;

/// After how many bytes a text is a long one.
const LONG: usize = 256;

/// A place in a JSON text. Each method moves on behind what it read, or gives
/// `None` for what isn't plain; the text is then to be read in another way.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// How long a text is that may be left as it stands.
    long: Option<usize>,
    left: Option<&'a str>,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            long: None,
            left: None,
        }
    }

    /// The same that gives one text of at least this length as it stands, its
    /// escapes too: see [`left`](Self::left).
    pub(crate) fn leaving(text: &'a str, long: usize) -> Self {
        Self {
            long: Some(long),
            ..Self::new(text)
        }
    }

    /// The text whose escapes, if it has any, are still to be read. They can be.
    pub(crate) fn left(&self) -> Option<&'a str> {
        self.left
    }

    /// Whether nothing but blanks follows.
    pub(crate) fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// The next byte that is no blank.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.as_bytes().get(self.at)? {
                b' ' | b'\n' | b'\r' | b'\t' => self.at += 1,
                byte => return Some(*byte),
            }
        }
    }

    /// Passes over this byte, if it is the next one.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Passes over `null`, if it is next.
    pub(crate) fn null(&mut self) -> bool {
        let is_next = self.peek() == Some(b'n') && self.rest().starts_with(b"null");
        self.at += if is_next { 4 } else { 0 };
        is_next
    }

    /// A text without escapes.
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        if !self.take(b'"') {
            return None;
        }
        let plain = plain(self.rest());
        let length = match self.long {
            Some(long) if self.left.is_none() => self.leave(plain, long)?,
            _ => plain,
        };
        let text = self.text.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        self.take_quote().then_some(text)
    }

    /// Leaves a text that is long, and gives its length.
    fn leave(&mut self, plain: usize, long: usize) -> Option<usize> {
        let rest = self.rest();
        let length = match rest.get(plain) {
            Some(b'\\') => plain + sound_string(rest.get(plain..)?)?,
            _ => plain,
        };
        if length >= long {
            self.left = self.text.get(self.at..self.at.checked_add(length)?);
        }
        (length >= long || length == plain).then_some(length)
    }

    fn take_quote(&mut self) -> bool {
        let is_next = self.rest().first() == Some(&b'"');
        self.at += usize::from(is_next);
        is_next
    }

    /// A whole number of at least 0.
    pub(crate) fn number(&mut self) -> Option<u64> {
        self.peek()?;
        let start = self.at;
        self.at = self.behind(skip_number(self.rest())?);
        self.text.get(start..self.at)?.parse().ok()
    }

    /// The JSON of any value.
    pub(crate) fn value(&mut self) -> Option<&'a str> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => self.pass_string()?,
            _ => self.at = self.behind(skip_value(self.rest(), MAX_DEPTH)?),
        }
        self.text.get(start..self.at)
    }

    /// Where this rest of the text begins.
    fn behind(&self, rest: &[u8]) -> usize {
        self.text.len().saturating_sub(rest.len())
    }

    /// Passes over a text that may have escapes of one letter.
    fn pass_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            self.at += plain(self.rest());
            match self.rest() {
                [b'"', ..] => {
                    self.at += 1;
                    return Some(());
                }
                [
                    b'\\',
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                    ..,
                ] => self.at += 2,
                _ => return None,
            }
        }
    }

    /// Reads an object; `field` reads the value of each field.
    pub(crate) fn object(
        &mut self,
        mut field: impl FnMut(&mut Self, &'a str) -> Option<()>,
    ) -> Option<()> {
        if !self.take(b'{') {
            return None;
        }
        if self.take(b'}') {
            return Some(());
        }
        loop {
            let name = self.string()?;
            if !self.take(b':') {
                return None;
            }
            field(self, name)?;
            if !self.take(b',') {
                return self.take(b'}').then_some(());
            }
        }
    }

    /// Reads a list; `item` reads each item.
    pub(crate) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        if !self.take(b'[') {
            return None;
        }
        if self.take(b']') {
            return Some(());
        }
        loop {
            item(self)?;
            if !self.take(b',') {
                return self.take(b']').then_some(());
            }
        }
    }
}

/// Where a text begins that is borrowed from the data; `None` if it is empty
/// or isn't.
pub(crate) fn offset(data: &[u8], text: &str) -> Option<usize> {
    let start = text.as_ptr().addr().checked_sub(data.as_ptr().addr())?;
    let found = data.get(start..start.checked_add(text.len())?)?;
    (!found.is_empty()).then_some(start)
}

/// A byte in each of eight.
const fn all(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Marks, of eight bytes, the first one that doesn't stand for itself in a JSON
/// string by its highest bit; bytes behind it may be marked likewise.
fn marked(eight: u64) -> u64 {
    let is_zero = |it: u64| it.wrapping_sub(all(1)) & !it;
    let is_control = eight.wrapping_sub(all(b' ')) & !eight;
    let is_quote = is_zero(eight ^ all(b'"'));
    let is_escape = is_zero(eight ^ all(b'\\'));
    (is_control | is_quote | is_escape) & all(0x80)
}

/// The same, and whatever isn't printable ASCII.
fn marked_text(eight: u64) -> u64 {
    let beyond = eight | (eight & !all(0x80)).wrapping_add(all(1));
    marked(eight) | (beyond & all(0x80))
}

/// How many bytes come before the first that is marked, or all; eight are looked
/// at in one go.
fn before(data: &[u8], marked: fn(u64) -> u64) -> usize {
    let (eights, rest) = data.as_chunks::<8>();
    for (at, eight) in eights.iter().enumerate() {
        let marks = marked(u64::from_le_bytes(*eight));
        if marks != 0 {
            return at * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let mut last = [b' '; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    let marks = marked(u64::from_le_bytes(last));
    let clear = marks.trailing_zeros() as usize / 8;
    data.len() - rest.len() + clear.min(rest.len())
}

/// How many bytes stand for themselves in a JSON string.
pub(crate) fn plain(data: &[u8]) -> usize {
    // A long text goes on for long, and is looked at in larger pieces.
    let Some((first, rest)) = data.split_at_checked(LONG) else {
        return before(data, marked);
    };
    let short = before(first, marked);
    if short < LONG {
        return short;
    }
    let (pieces, _) = rest.as_chunks::<64>();
    let whole = pieces.iter().take_while(|it| is_plain(it)).count() * 64;
    LONG + whole + before(rest.get(whole..).unwrap_or_default(), marked)
}

/// Whether all bytes stand for themselves: eight at a time, which doesn't need a
/// compiler that looks at many bytes in one go.
fn is_plain(piece: &[u8; 64]) -> bool {
    let (eights, _) = piece.as_chunks::<8>();
    let marks = |any, eight: &[u8; 8]| any | marked(u64::from_le_bytes(*eight));
    eights.iter().fold(0, marks) == 0
}

/// What follows the inside of a JSON string; `None` unless it is plain ASCII.
pub(crate) fn skip_text(data: &[u8]) -> Option<&[u8]> {
    let rest = data.get(before(data, marked_text)..)?;
    (!rest.is_empty()).then_some(rest)
}

/// What follows a whole number; `None` unless it is one of at most 18 digits.
pub(crate) fn skip_number(data: &[u8]) -> Option<&[u8]> {
    let digits = data.iter().take_while(|it| it.is_ascii_digit()).count();
    let is_sound = matches!(digits, 1..=18) && (digits == 1 || data.first() != Some(&b'0'));
    is_sound.then(|| data.get(digits..)).flatten()
}

/// What follows a JSON value; `None` unless its texts are plain ASCII, its
/// numbers whole and its depth no more than this.
pub(crate) fn skip_value(data: &[u8], depth: usize) -> Option<&[u8]> {
    let (first, inside) = data.split_first()?;
    let end = match first {
        b'{' => b'}',
        b'[' => b']',
        b'"' => return skip_text(inside)?.strip_prefix(b"\""),
        b'0'..=b'9' => return skip_number(data),
        _ => {
            let mut words = [&b"null"[..], b"true", b"false"].into_iter();
            return words.find_map(|word| data.strip_prefix(word));
        }
    };
    let depth = depth.checked_sub(1)?;
    let mut rest = skip_blanks(inside);
    if rest.first() == Some(&end) {
        return rest.get(1..);
    }
    loop {
        if end == b'}' {
            let key = skip_text(rest.strip_prefix(b"\"")?)?;
            rest = skip_blanks(skip_blanks(key.strip_prefix(b"\"")?).strip_prefix(b":")?);
        }
        let (next, tail) = skip_blanks(skip_value(rest, depth)?).split_first()?;
        match next {
            b',' => rest = skip_blanks(tail),
            next if *next == end => return Some(tail),
            _ => return None,
        }
    }
}

/// Where the members of an object stand that is all of a text; `None` for what isn't one, and for bare
/// control characters in its strings. Of what the values are only strings and brackets are looked at.
pub(crate) fn members(text: &str) -> Option<Vec<Member>> {
    let mut scan = Scan::new(text);
    let mut members = Vec::with_capacity(16);
    if !scan.take(b'{') {
        return None;
    }
    let mut is_over = scan.take(b'}');
    while !is_over {
        if !scan.take(b'"') {
            return None;
        }
        let begin = scan.at;
        scan.at += string_end(scan.rest())?;
        let name = begin..scan.at - 1;
        if !scan.take(b':') {
            return None;
        }
        scan.peek()?;
        let begin = scan.at;
        scan.at += value_end(scan.rest())?;
        let value = begin..scan.at;
        members.push(Member { name, value });
        is_over = scan.take(b'}');
        if !is_over && !scan.take(b',') {
            return None;
        }
    }
    scan.is_at_end().then_some(members)
}

/// How many bytes a string has, its closing quote with it.
fn string_end(inside: &[u8]) -> Option<usize> {
    pass_string(inside).map(|(length, _)| length + 1)
}

/// How many bytes a value has.
fn value_end(data: &[u8]) -> Option<usize> {
    let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
    match data.first()? {
        b'"' => return Some(1 + string_end(data.get(1..)?)?),
        b'{' | b'[' => {}
        _ => {
            let end = data.iter().position(ends)?;
            return (end > 0).then_some(end);
        }
    }
    let marks = |byte: &u8| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']');
    let (mut at, mut closing) = (0, Vec::new());
    loop {
        at += data.get(at..)?.iter().position(marks)?;
        let mark = *data.get(at)?;
        at += 1;
        match mark {
            b'"' => at += string_end(data.get(at..)?)?,
            b'{' => closing.push(b'}'),
            b'[' => closing.push(b']'),
            _ if closing.pop() != Some(mark) => return None,
            _ if closing.is_empty() => return Some(at),
            _ => {}
        }
    }
}

fn skip_blanks(mut data: &[u8]) -> &[u8] {
    while let Some(rest) = data.strip_prefix(b" ") {
        data = rest;
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_passed_over_up_to_the_same_byte_wherever_it_is() {
        for byte in 0..=u8::MAX {
            for at in 0..20 {
                for then in [b'a', b'"', b'!', b' ', 0, 0xFF] {
                    let mut data = vec![b'a'; at];
                    data.extend([byte, then, b'b', then]);
                    let ends = |it: &u8| matches!(it, b'"' | b'\\' | 0..b' ');
                    let first = data.iter().position(ends).unwrap_or(data.len());
                    assert_eq!(plain(&data), first, "{data:?}");
                    let ends = |it: &u8| ends(it) || *it > b'~';
                    let first = data.iter().position(ends);
                    let rest = skip_text(&data).map(|rest| data.len() - rest.len());
                    assert_eq!(rest, first, "{data:?}");
                }
            }
        }
    }

    #[test]
    fn a_long_text_ends_where_a_short_one_would() {
        for byte in [b'"', b'\\', b'\n', 0, 0x1F] {
            for at in (0..LONG + 200).chain([1000, 5000]) {
                let mut data = vec![0xC3; at];
                assert_eq!(plain(&data), at);
                data.extend([byte, b'a', b'"', b'a']);
                assert_eq!(plain(&data), at);
                data.extend([b'a'; 200]);
                assert_eq!(plain(&data), at);
            }
        }
    }

    #[test]
    fn what_is_passed_over_is_sound() {
        for sound in [
            "{}",
            "[ ]",
            r#"{ "a" : [1, {"b": "c d"}, null] , "e":{}}"#,
            r#"[true,false,"",0,120]"#,
        ] {
            let data = format!("{sound},");
            assert!(serde_json::from_str::<serde_json::Value>(sound).is_ok());
            assert_eq!(skip_value(data.as_bytes(), MAX_DEPTH), Some(&b","[..]));
        }
        let deep = ["[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1)].concat();
        for other in [
            "",
            "{",
            "[",
            "{1:2}",
            "[1,]",
            r#"{"a":1,}"#,
            r#"{"a"}"#,
            r#"{"a",1}"#,
            r#"{"a":}"#,
            "[1 2]",
            "[-1]",
            "[1.5]",
            "[01]",
            "[nul]",
            r#"["\n"]"#,
            "[\"\n\"]",
            r#"["é"]"#,
            "[\t]",
            r#"["a]"#,
            "[1}",
            "[NaN]",
            &deep,
        ] {
            assert_eq!(skip_value(other.as_bytes(), MAX_DEPTH), None, "{other}");
        }
    }
}
