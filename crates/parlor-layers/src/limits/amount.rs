//! Amounts and spans as a configuration has them: `100k`, `per_minute`.

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use std::fmt;

/// A whole number, or one as people write it: `"100k"`, `"1.5M"`, `"100_000"`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Amount(pub(crate) f64);

impl Amount {
    /// As a count of things.
    pub(crate) fn count(self) -> u64 {
        // A cast from a float saturates.
        self.0.floor() as u64
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace(['_', ','], "");
        let (number, factor) = match text.char_indices().next_back()? {
            (at, 'k' | 'K') => (text.get(..at)?, 1e3),
            (at, 'm' | 'M') => (text.get(..at)?, 1e6),
            (at, 'b' | 'B' | 'g' | 'G') => (text.get(..at)?, 1e9),
            _ => (text.as_str(), 1.0),
        };
        let number: f64 = number.trim_end().parse().ok()?;
        Self::checked(number * factor)
    }

    fn checked(number: f64) -> Option<Self> {
        (number.is_finite() && number > 0.0).then_some(Self(number))
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Amount;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number above zero, or a text such as \"100k\" or \"1.5M\"")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Amount, E> {
                self.visit_f64(number as f64)
            }
            fn visit_i64<E: Error>(self, number: i64) -> Result<Amount, E> {
                self.visit_f64(number as f64)
            }
            fn visit_f64<E: Error>(self, number: f64) -> Result<Amount, E> {
                let wrong = || E::invalid_value(serde::de::Unexpected::Float(number), &self);
                Amount::checked(number).ok_or_else(wrong)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
                let wrong = || E::invalid_value(serde::de::Unexpected::Str(text), &self);
                Amount::parse(text).ok_or_else(wrong)
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_amounts_as_people_write_them() {
        let read = |json: &str| serde_json::from_str::<Amount>(json).map(Amount::count).ok();
        let cases = [
            ("60", Some(60)),
            ("\"100k\"", Some(100_000)),
            ("\"1.5M\"", Some(1_500_000)),
            ("\"2 000\"", None),
            ("\"2_000\"", Some(2_000)),
            ("\"60\"", Some(60)),
            ("0", None),
            ("-1", None),
            ("\"k\"", None),
            ("\"\"", None),
            ("\"é\"", None),
            ("\"nan\"", None),
        ];
        for (json, amount) in cases {
            assert_eq!(read(json), amount, "{json}");
        }
    }
}
