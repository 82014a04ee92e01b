//! JSON that is still being written, read as far as it has come.

use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

/// As deep as serde_json reads.
const MAX_DEPTH: usize = 127;

/// How many unfinished pieces a reading may leave out, each in the next.
const MOST_LEFT_OUT: usize = 8;

/// JSON that comes in pieces, as a value at any time.
///
/// What is open is closed: objects, arrays and texts end where they have come
/// to. What can't be told yet is left out: a number that may go on, a literal or
/// an escape that isn't whole, a key without a value. So the value is always a
/// beginning of the one that it will be.
///
/// Each piece costs as much as it is long, times the depth at which it stands.
///
/// ```
/// use parlor_agent::PartialJson;
/// use serde_json::json;
///
/// let mut partial = PartialJson::new();
/// assert!(partial.push(r#"{"title": "A ho"#));
/// assert_eq!(partial.value(), Some(&json!({"title": "A ho"})));
/// assert!(partial.push(r#"use", "rooms": [3, 4"#));
/// assert_eq!(partial.value(), Some(&json!({"title": "A house", "rooms": [3]})));
/// ```
#[derive(Debug, Clone, Default)]
pub struct PartialJson {
    root: Option<Value>,
    /// The containers that are open, outermost first.
    open: Vec<Open>,
    state: State,
    /// The key, number or literal that is being read.
    scratch: String,
    escape: Escape,
    /// The first half of a pair of surrogates.
    half: Option<u16>,
    changes: u64,
}

#[derive(Debug, Clone)]
enum Open {
    Array,
    /// With the key that was read last.
    Object(String),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Value,
    FirstItem,
    FirstKey,
    NextKey,
    Colon,
    Key,
    Text,
    Number,
    Word,
    AfterValue,
    Whole,
    Broken,
}

#[derive(Debug, Clone, Copy, Default)]
enum Escape {
    #[default]
    None,
    Begun,
    /// `\u` with so many digits.
    Unicode(u16, u8),
}

impl PartialJson {
    /// Nothing has come yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece, cut anywhere between characters. False once it is
    /// no JSON, and from then on; what had come before stays. What follows a
    /// whole value is passed over.
    pub fn push(&mut self, piece: &str) -> bool {
        let mut rest = piece;
        while !rest.is_empty() {
            let used = match self.state {
                State::Whole | State::Broken => break,
                State::Text | State::Key => self.text(rest),
                _ => self.token(rest.as_bytes().first().copied().unwrap_or_default()),
            };
            rest = rest.get(used..).unwrap_or_default();
        }
        self.state != State::Broken
    }

    /// The value so far.
    pub fn value(&self) -> Option<&Value> {
        self.root.as_ref()
    }

    /// Whether it has come to its end.
    pub fn is_whole(&self) -> bool {
        self.state == State::Whole
    }

    /// How often the value has changed: for those who look only when it has.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// Reads the value so far. Where it can't be read it is read without the
    /// piece that is still being written, the innermost first, then what that
    /// one is in: an unfinished text that is no word of an enum, an object
    /// that lacks a field. `None` where that doesn't help either.
    pub fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        self.read_with(|value| T::deserialize(value).ok())
    }

    pub(crate) fn read_with<T>(&mut self, read: impl Fn(&Value) -> Option<T>) -> Option<T> {
        if let Some(value) = self.root.as_ref().and_then(&read) {
            return Some(value);
        }
        let unfinished = match self.state {
            State::Text => self.open.len(),
            _ => self.open.len().saturating_sub(1),
        };
        for depth in (0..unfinished).rev().take(MOST_LEFT_OUT) {
            let member = self.take_member(depth)?;
            let value = self.root.as_ref().and_then(&read);
            self.put_member(depth, member);
            if value.is_some() {
                return value;
            }
        }
        None
    }

    /// One byte outside of texts; how many were used.
    fn token(&mut self, byte: u8) -> usize {
        match (self.state, byte) {
            (State::Number, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E') => {
                self.scratch.push(char::from(byte));
            }
            (State::Number, _) => {
                self.end_number();
                return 0;
            }
            (State::Word, b'a'..=b'z') => {
                self.scratch.push(char::from(byte));
                self.word();
            }
            (State::Word, _) => self.state = State::Broken,
            (_, b' ' | b'\t' | b'\n' | b'\r') => {}
            (State::FirstItem, b']') | (State::FirstKey, b'}') => self.close(),
            (State::AfterValue, b']') if matches!(self.open.last(), Some(Open::Array)) => {
                self.close();
            }
            (State::AfterValue, b'}') if matches!(self.open.last(), Some(Open::Object(_))) => {
                self.close();
            }
            (State::AfterValue, b',') => {
                self.state = match self.open.last() {
                    Some(Open::Array) => State::Value,
                    _ => State::NextKey,
                };
            }
            (State::FirstKey | State::NextKey, b'"') => {
                self.scratch.clear();
                self.state = State::Key;
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::Value | State::FirstItem, byte) => self.begin(byte),
            _ => self.state = State::Broken,
        }
        1
    }

    fn begin(&mut self, byte: u8) {
        let (value, state, open) = match byte {
            b'"' => (Value::String(String::new()), State::Text, None),
            b'[' => (
                Value::Array(Vec::new()),
                State::FirstItem,
                Some(Open::Array),
            ),
            b'{' => {
                let open = Open::Object(String::new());
                (Value::Object(Map::new()), State::FirstKey, Some(open))
            }
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                self.scratch.clear();
                self.scratch.push(char::from(byte));
                self.state = match byte.is_ascii_lowercase() {
                    true => State::Word,
                    false => State::Number,
                };
                return;
            }
            _ => return self.state = State::Broken,
        };
        if open.is_some() && self.open.len() >= MAX_DEPTH {
            return self.state = State::Broken;
        }
        self.place(value);
        self.open.extend(open);
        self.state = state;
    }

    fn end_number(&mut self) {
        match serde_json::from_str::<Number>(&self.scratch) {
            Ok(number) => {
                self.place(Value::Number(number));
                self.after_value();
            }
            Err(_) => self.state = State::Broken,
        }
    }

    fn word(&mut self) {
        let words = [
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("null", Value::Null),
        ];
        let found = words
            .into_iter()
            .find(|(word, _)| word.starts_with(&self.scratch));
        match found {
            None => self.state = State::Broken,
            Some((word, value)) if word.len() == self.scratch.len() => {
                self.place(value);
                self.after_value();
            }
            Some(_) => {}
        }
    }

    fn close(&mut self) {
        self.open.pop();
        self.after_value();
    }

    fn after_value(&mut self) {
        self.state = match self.open.is_empty() {
            true => State::Whole,
            false => State::AfterValue,
        };
    }

    /// The next piece of a text; how many bytes were used.
    fn text(&mut self, rest: &str) -> usize {
        match self.escape {
            Escape::None => {
                let ends = |byte: u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
                let end = rest.bytes().position(ends).unwrap_or(rest.len());
                if end > 0 {
                    self.add_text(rest.get(..end).unwrap_or_default());
                    return end;
                }
                match rest.as_bytes().first() {
                    Some(b'"') => self.end_text(),
                    Some(b'\\') => self.escape = Escape::Begun,
                    _ => self.state = State::Broken,
                }
                1
            }
            Escape::Begun => {
                let Some(letter) = rest.chars().next() else {
                    return 0;
                };
                self.escape = Escape::None;
                match letter {
                    '"' | '\\' | '/' => self.add_text(letter.encode_utf8(&mut [0; 4])),
                    'b' => self.add_text("\u{8}"),
                    'f' => self.add_text("\u{c}"),
                    'n' => self.add_text("\n"),
                    'r' => self.add_text("\r"),
                    't' => self.add_text("\t"),
                    'u' => self.escape = Escape::Unicode(0, 0),
                    _ => self.state = State::Broken,
                }
                letter.len_utf8()
            }
            Escape::Unicode(code, digits) => {
                let digit = rest.chars().next();
                let Some(digit) = digit.and_then(|it| it.to_digit(16)) else {
                    self.state = State::Broken;
                    return rest.len();
                };
                // Four digits of four bits each.
                let code = (code << 4) | digit as u16;
                self.escape = Escape::Unicode(code, digits + 1);
                if digits + 1 == 4 {
                    self.escape = Escape::None;
                    self.unit(code);
                }
                1
            }
        }
    }

    /// A unit of UTF-16: a character, or half of one.
    fn unit(&mut self, unit: u16) {
        let half = self.half.take();
        let units = half.into_iter().chain([unit]);
        for read in char::decode_utf16(units) {
            match read {
                Ok(letter) => self.add_text(letter.encode_utf8(&mut [0; 4])),
                Err(lone) if (0xd800..0xdc00).contains(&lone.unpaired_surrogate()) => {
                    self.half = Some(lone.unpaired_surrogate());
                }
                Err(_) => self.add_text("\u{fffd}"),
            }
        }
    }

    fn add_text(&mut self, text: &str) {
        let lone = self.half.take().map(|_| "\u{fffd}");
        if self.state == State::Key {
            self.scratch.extend(lone);
            self.scratch.push_str(text);
            return;
        }
        self.changes += 1;
        if let Some(Value::String(leaf)) = self.node(self.open.len()) {
            leaf.extend(lone);
            leaf.push_str(text);
        }
    }

    fn end_text(&mut self) {
        if self.half.is_some() {
            self.add_text("");
        }
        if self.state == State::Text {
            return self.after_value();
        }
        if let Some(Open::Object(key)) = self.open.last_mut() {
            std::mem::swap(key, &mut self.scratch);
        }
        self.state = State::Colon;
    }

    fn place(&mut self, value: Value) {
        self.changes += 1;
        match self.open.len().checked_sub(1) {
            None => self.root = Some(value),
            Some(depth) => self.put_member(depth, value),
        }
    }

    /// What is being written at a depth: the root at 0.
    fn node(&mut self, depth: usize) -> Option<&mut Value> {
        let mut node = self.root.as_mut()?;
        for open in self.open.iter().take(depth) {
            node = match (open, node) {
                (Open::Array, Value::Array(list)) => list.last_mut()?,
                (Open::Object(key), Value::Object(map)) => map.get_mut(key)?,
                _ => return None,
            };
        }
        Some(node)
    }

    fn put_member(&mut self, depth: usize, value: Value) {
        let key = match self.open.get(depth) {
            Some(Open::Object(key)) => key.clone(),
            _ => String::new(),
        };
        match self.node(depth) {
            Some(Value::Array(list)) => list.push(value),
            Some(Value::Object(map)) => {
                map.insert(key, value);
            }
            _ => {}
        }
    }

    fn take_member(&mut self, depth: usize) -> Option<Value> {
        let key = match self.open.get(depth)? {
            Open::Object(key) => key.clone(),
            Open::Array => String::new(),
        };
        match self.node(depth)? {
            Value::Array(list) => list.pop(),
            Value::Object(map) => map.shift_remove(&key),
            _ => None,
        }
    }
}
