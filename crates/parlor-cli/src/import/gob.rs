//! Values as Go's `encoding/gob` writes them, read into JSON.
//!
//! <https://pkg.go.dev/encoding/gob>: messages with their length, each the definition of a type or
//! a value; a number below 128 is a byte, a greater one follows the count of its bytes.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// How deep types may stand in one another.
const DEPTH: usize = 64;

/// Why something can't be read.
type Wrong = &'static str;

/// A type that a stream defines.
#[derive(Debug, Clone)]
enum Type {
    List(i64),
    Map(i64, i64),
    Struct(Vec<(String, i64)>),
}

/// Reads the first value of a stream.
pub(super) fn value(bytes: &[u8]) -> Result<Value, Wrong> {
    let mut stream = Bytes(bytes);
    let mut types: HashMap<i64, Type> = known();
    while !stream.0.is_empty() {
        let length = stream.number()?;
        let mut message = Bytes(stream.take(length)?);
        match message.signed()? {
            defined if defined < 0 => {
                let told = message.value(&types, WIRE, DEPTH)?;
                types.insert(
                    -defined,
                    defined_by(&told).ok_or("a type is of no known sort")?,
                );
            }
            id => {
                // A value that is no struct has a byte before it.
                if !matches!(types.get(&id), Some(Type::Struct(_))) {
                    message.take(1)?;
                }
                return message.value(&types, id, DEPTH);
            }
        }
    }
    Err("there is no value")
}

const WIRE: i64 = 16;

/// The types that tell of types.
fn known() -> HashMap<i64, Type> {
    let fields = |fields: &[(&str, i64)]| {
        let fields = fields.iter().map(|(name, id)| ((*name).to_owned(), *id));
        Type::Struct(fields.collect())
    };
    HashMap::from([
        (
            WIRE,
            fields(&[("array", 17), ("slice", 19), ("struct", 20), ("map", 23)]),
        ),
        (17, fields(&[("common", 18), ("elem", 2), ("len", 2)])),
        (18, fields(&[("name", 6), ("id", 2)])),
        (19, fields(&[("common", 18), ("elem", 2)])),
        (20, fields(&[("common", 18), ("fields", 22)])),
        (21, fields(&[("name", 6), ("id", 2)])),
        (22, Type::List(21)),
        (23, fields(&[("common", 18), ("key", 2), ("elem", 2)])),
    ])
}

fn defined_by(told: &Value) -> Option<Type> {
    let list = told["slice"]["elem"]
        .as_i64()
        .or(told["array"]["elem"].as_i64());
    if let Some(elem) = list {
        return Some(Type::List(elem));
    }
    if let Some(elem) = told["map"]["elem"].as_i64() {
        return Some(Type::Map(told["map"]["key"].as_i64()?, elem));
    }
    told.get("struct")?;
    let fields = told["struct"]["fields"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let fields = fields.into_iter().map(|it| {
        let name = it["name"].as_str()?.to_owned();
        Some((name, it["id"].as_i64()?))
    });
    Some(Type::Struct(fields.collect::<Option<_>>()?))
}

/// What is left to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], Wrong> {
        let length = usize::try_from(length).map_err(|_| "a length is beyond the file")?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or("it ends too early")?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, Wrong> {
        let first = *self.take(1)?.first().ok_or("it ends too early")?;
        if first < 128 {
            return Ok(u64::from(first));
        }
        let bytes = self.take(u64::from(first.wrapping_neg()))?;
        if bytes.len() > 8 {
            return Err("a number is too wide");
        }
        Ok(bytes
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte)))
    }

    fn signed(&mut self) -> Result<i64, Wrong> {
        let number = self.number()?;
        let half = (number >> 1).cast_signed();
        Ok(if number & 1 == 1 { !half } else { half })
    }

    fn value(&mut self, types: &HashMap<i64, Type>, id: i64, depth: usize) -> Result<Value, Wrong> {
        let depth = depth
            .checked_sub(1)
            .ok_or("its types stand too deep in one another")?;
        Ok(match id {
            1 => (self.number()? != 0).into(),
            2 => self.signed()?.into(),
            3 => self.number()?.into(),
            4 => f64::from_bits(self.number()?.swap_bytes()).into(),
            5 | 6 => {
                let length = self.number()?;
                String::from_utf8_lossy(self.take(length)?).into()
            }
            id => match types.get(&id) {
                None => return Err("it has a type that isn't known"),
                Some(Type::List(elem)) => {
                    let count = self.number()?;
                    // Each takes a byte at least.
                    if count > self.0.len() as u64 {
                        return Err("it ends too early");
                    }
                    let items = (0..count).map(|_| self.value(types, *elem, depth));
                    items.collect::<Result<Vec<_>, _>>()?.into()
                }
                Some(Type::Map(key, elem)) => {
                    let count = self.number()?;
                    if count > self.0.len() as u64 {
                        return Err("it ends too early");
                    }
                    let mut map = Map::new();
                    for _ in 0..count {
                        let key = self.value(types, *key, depth)?;
                        let name = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                        map.insert(name, self.value(types, *elem, depth)?);
                    }
                    map.into()
                }
                Some(Type::Struct(fields)) => {
                    let mut told = Map::new();
                    let mut at: u64 = 0;
                    loop {
                        let step = self.number()?;
                        if step == 0 {
                            break told.into();
                        }
                        at = at.checked_add(step).ok_or("a field has no place")?;
                        let field = usize::try_from(at - 1).ok().and_then(|at| fields.get(at));
                        let (name, id) = field.ok_or("a field has no place")?;
                        told.insert(name.clone(), self.value(types, *id, depth)?);
                    }
                }
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Written by Go 1.26: two messages of a struct with `Content` and `Role`.
    const OLD: &str = "0dff8b020102ff8c0001ff8a000026ff89030101036f6c6401ff8a0001020107436f6e7465\
        6e74010c000104526f6c65010c00000022ff8c00020102686901047573657200010568656c6c6f010961737369\
        7374616e7400";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
        let pairs = digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8);
        pairs.collect()
    }

    #[test]
    fn what_go_wrote_is_read() {
        let read = value(&bytes(OLD)).unwrap();
        let expected = json!([
            {"Content": "hi", "Role": "user"},
            {"Content": "hello", "Role": "assistant"},
        ]);
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_cut_or_changed_is_an_error_and_never_a_panic() {
        let whole = bytes(OLD);
        for end in 0..whole.len() {
            assert!(value(&whole[..end]).is_err(), "{end}");
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xf8, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                let _ = value(&changed);
            }
        }
    }
}
