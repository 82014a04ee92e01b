//! Usage that is kept while an answer streams.

use super::Usage;
use serde_json::Value;

/// The deepest nesting of an object that is packed: half of what can be read again.
const MAX_DEPTH: u32 = 64;

/// Usage that is kept for as long as a stream is open.
///
/// Some providers tell it first and once more at the end, and as a tree their own object takes
/// several times the room of its text. [`pack`](Self::pack) makes text of it until it is asked for.
#[derive(Debug, Clone)]
pub struct KeptUsage {
    /// `None` while it is packed.
    whole: Option<Box<Usage>>,
    packed: Option<Box<Packed>>,
}

#[derive(Debug, Clone)]
struct Packed {
    /// The figures in the order of [`Usage::figures`], zero where one isn't known.
    figures: [u64; 7],
    /// A bit for each figure that is known.
    known: u8,
    raw: Box<str>,
}

impl KeptUsage {
    /// Keeps usage as it is.
    pub fn new(usage: Box<Usage>) -> Self {
        Self {
            whole: Some(usage),
            packed: None,
        }
    }

    /// Keeps it in little room from now on, where it can be told again to the last digit.
    pub fn pack(&mut self) {
        if let Some(packed) = self.whole.as_deref().and_then(Packed::new) {
            self.packed = Some(Box::new(packed));
            self.whole = None;
        }
    }

    /// What is kept.
    pub fn get(&mut self) -> &mut Usage {
        let packed = self.packed.take();
        self.whole.get_or_insert_with(|| unpacked(packed))
    }

    /// The same, for good.
    pub fn into_usage(self) -> Box<Usage> {
        self.whole.unwrap_or_else(|| unpacked(self.packed))
    }
}

/// One of the two is always there.
fn unpacked(packed: Option<Box<Packed>>) -> Box<Usage> {
    Box::new(packed.map(|it| it.unpack()).unwrap_or_default())
}

impl Packed {
    /// `None` where it wouldn't be the same again, or saves nothing.
    fn new(usage: &Usage) -> Option<Self> {
        let raw = usage.raw.as_ref().filter(|it| is_exact(it, MAX_DEPTH))?;
        let raw = serde_json::to_string(raw).ok()?;
        let figures = usage.figures();
        let bits = (0..).zip(&figures);
        Some(Self {
            known: bits.fold(0, |known, (at, it)| known | (u8::from(it.is_some()) << at)),
            figures: figures.map(Option::unwrap_or_default),
            raw: raw.into_boxed_str(),
        })
    }

    fn unpack(&self) -> Usage {
        let mut usage = Usage {
            raw: serde_json::from_str(&self.raw).ok(),
            ..Usage::default()
        };
        let figures = usage.figures_mut().into_iter().zip(self.figures);
        for (at, (figure, number)) in (0..).zip(figures) {
            *figure = (self.known & (1 << at) != 0).then_some(number);
        }
        usage
    }
}

/// Whether a value is the same when it is read again as it was written.
fn is_exact(value: &Value, depth: u32) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(list) => list.iter().all(|it| is_exact(it, depth)),
        Value::Object(fields) => fields.values().all(|it| is_exact(it, depth)),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_packed_is_the_same() {
        for raw in [
            None,
            Some(json!(null)),
            Some(json!({"z": 1, "a": {"b": [u64::MAX, i64::MIN, "\u{1f600}\"\n"]}, "n": null})),
            Some(json!({"cost": 0.1 + 0.2, "tokens": 3})),
        ] {
            let usage = Usage {
                input_tokens: Some(9),
                raw,
                ..Usage::default()
            };
            let mut kept = KeptUsage::new(Box::new(usage.clone()));
            for _ in 0..2 {
                kept.pack();
                kept.pack();
                assert_eq!(*kept.clone().into_usage(), usage);
                assert_eq!(*kept.get(), usage);
            }
        }
    }

    #[test]
    fn a_number_that_is_no_whole_one_stays_as_it_is() {
        let usage = Usage {
            raw: Some(json!({"costs": [{"of": 0.5}]})),
            ..Usage::default()
        };
        let mut kept = KeptUsage::new(Box::new(usage));
        kept.pack();
        assert!(kept.packed.is_none());
    }
}
