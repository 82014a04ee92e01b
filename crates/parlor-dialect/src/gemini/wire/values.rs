//! Forms that hosts differ in: lists of one, numbers as texts, words as numbers.

use crate::fields::Fill;
use crate::lenient::nothing;
use crate::scan::Scan;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// A list that mostly has one element: that one needs no allocation. An
/// element that stands bare is a list of one.
#[derive(Debug)]
pub(in crate::gemini) struct Few<T> {
    first: Option<T>,
    others: Vec<T>,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self {
            first: None,
            others: Vec::new(),
        }
    }
}

impl<T> Few<T> {
    pub(in crate::gemini) fn push(&mut self, item: T) {
        match self.first {
            None => self.first = Some(item),
            Some(_) => self.others.push(item),
        }
    }

    pub(in crate::gemini) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(&self.others)
    }

    pub(in crate::gemini) fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

impl<T> IntoIterator for Few<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>;
    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.others)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
            type Value = Few<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            nothing!(scalars);
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let first = seq.next_element()?;
                let mut others = Vec::new();
                while let Some(next) = seq.next_element()? {
                    others.push(next);
                }
                Ok(Few { first, others })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let first = T::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Few {
                    first: Some(first),
                    others: Vec::new(),
                })
            }
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<'de, T: Deserialize<'de> + Fill<'de> + Default> Fill<'de> for Few<T> {
    fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = Deserialize::deserialize(deserializer)?;
        Ok(())
    }

    fn scan(&mut self, scan: &mut Scan<'de>) -> Option<()> {
        *self = Self::default();
        match scan.peek()? {
            b'[' => scan.list(|scan| match &self.first {
                None => self.first.insert(T::default()).scan(scan),
                Some(_) => {
                    let mut item = T::default();
                    item.scan(scan)?;
                    self.others.push(item);
                    Some(())
                }
            }),
            b'{' => self.first.insert(T::default()).scan(scan),
            _ => scan.null().then_some(()),
        }
    }
}

/// A number, a boolean or a word: hosts differ in which of them they send.
#[derive(Debug, Default, Clone, PartialEq)]
pub(in crate::gemini) enum Scalar<'a> {
    /// Null, nothing, or something else altogether.
    #[default]
    Nothing,
    /// A boolean.
    Bool(bool),
    /// A whole number, not negative.
    Count(u64),
    /// A text.
    Text(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The count; a text of digits is one too, as protobuf writes long numbers.
    pub(in crate::gemini) fn count(&self) -> Option<u64> {
        match self {
            Self::Count(count) => Some(*count),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Whether it is true.
    pub(in crate::gemini) fn is_true(&self) -> bool {
        *self == Self::Bool(true)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for Reader<'a> {
            type Value = Scalar<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, a boolean or a word")
            }
            fn visit_bool<E>(self, yes: bool) -> Result<Self::Value, E> {
                Ok(Scalar::Bool(yes))
            }
            fn visit_u64<E>(self, count: u64) -> Result<Self::Value, E> {
                Ok(Scalar::Count(count))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
                Ok(Scalar::Nothing)
            }
            fn visit_f64<E>(self, count: f64) -> Result<Self::Value, E> {
                Ok(match count >= 0.0 && count.fract() == 0.0 {
                    true => Scalar::Count(count as u64),
                    false => Scalar::Nothing,
                })
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Scalar::Text(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Scalar::Nothing)
            }
            nothing!(list);
            nothing!(object);
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

impl<'de: 'a, 'a> Fill<'de> for Scalar<'a> {
    fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = Deserialize::deserialize(deserializer)?;
        Ok(())
    }

    fn scan(&mut self, scan: &mut Scan<'de>) -> Option<()> {
        *self = match scan.peek()? {
            b'"' => Scalar::Text(scan.string()?.into()),
            b'0'..=b'9' => Scalar::Count(scan.number()?),
            b't' | b'f' | b'n' => match scan.value()? {
                "true" => Scalar::Bool(true),
                "false" => Scalar::Bool(false),
                _ => Scalar::Nothing,
            },
            _ => return None,
        };
        Some(())
    }
}
