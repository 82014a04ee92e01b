//! Reads whatever stands where an answer's field should be, borrowed.

use crate::json::Text;
use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;
use std::marker::PhantomData;

/// Methods of a visitor for values that are as good as absent.
macro_rules! absent {
    () => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
        fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
            Ok(Self::Value::default())
        }
    };
}

/// Declares an object that is read leniently: a field may be missing, null or
/// of another type, unknown fields go to `extras`, and what is no object at
/// all reads as an empty one.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $name:ident, ignored: $($ignored:literal)|+, extras: $extras:literal, {
            $( $(#[$field_meta:meta])* $field:ident: $type:ty = $key:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(crate) struct $name<'a> {
            $( $(#[$field_meta])* pub(crate) $field: $type, )+
            /// Fields that have no name here.
            pub(crate) extras: Extras<'a, $extras>,
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader<'a>(PhantomData<&'a ()>);
                impl<'de: 'a, 'a> Visitor<'de> for Reader<'a> {
                    type Value = $name<'a>;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut read = $name::default();
                        while let Some(key) = map.next_key::<Text<'de>>()? {
                            match &*key {
                                $( $key => read.$field = map.next_value()?, )+
                                $($ignored)|+ => {
                                    map.next_value::<IgnoredAny>()?;
                                }
                                _ => read.extras.push((key, map.next_value()?)),
                            }
                        }
                        Ok(read)
                    }
                    fn visit_seq<A: SeqAccess<'de>>(
                        self,
                        mut seq: A,
                    ) -> Result<Self::Value, A::Error> {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        Ok($name::default())
                    }
                    absent!();
                }
                deserializer.deserialize_any(Reader(PhantomData))
            }
        }
    };
}

/// A list whose first `N` items take no memory of their own. Null reads as an
/// absent list, an object as a list of one, anything else as absent.
#[derive(Debug)]
pub(crate) struct List<T, const N: usize> {
    inline: [Option<T>; N],
    rest: Vec<T>,
    /// Whether there was a list at all, empty or not.
    pub(crate) present: bool,
}

impl<T, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self {
            inline: std::array::from_fn(|_| None),
            rest: Vec::new(),
            present: false,
        }
    }
}

impl<T, const N: usize> List<T, N> {
    pub(crate) fn push(&mut self, item: T) {
        match self.inline.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(item),
            None => self.rest.push(item),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.inline.iter().flatten().chain(&self.rest)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for List<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader<T, const N: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Reader<T, N> {
            type Value = List<T, N>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = List {
                    present: true,
                    ..List::default()
                };
                while let Some(item) = seq.next_element()? {
                    list.push(item);
                }
                Ok(list)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let mut list = List {
                    present: true,
                    ..List::default()
                };
                list.push(T::deserialize(MapAccessDeserializer::new(map))?);
                Ok(list)
            }
            absent!();
        }
        deserializer.deserialize_any(Reader(PhantomData))
    }
}

/// A whole number of at least 0, also written as a float or as text; anything
/// else is none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Number(pub(crate) Option<u64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Number;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_u64<E>(self, number: u64) -> Result<Number, E> {
                Ok(Number(Some(number)))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Number, E> {
                Ok(Number(u64::try_from(number).ok()))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Number, E> {
                // The cast saturates, and what isn't in range is no number.
                Ok(Number((number >= 0.0).then_some(number as u64)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Number, E> {
                Ok(Number(text.parse().ok()))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Number, E> {
                Ok(Number(None))
            }
            fn visit_unit<E>(self) -> Result<Number, E> {
                Ok(Number(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Number, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Number, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Number(None))
            }
        }
        deserializer.deserialize_any(Reader)
    }
}

/// JSON that is read later, if at all; null is none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Raw<'a>(Option<&'a RawValue>);

impl<'a> Raw<'a> {
    /// Its text, unless it says nothing: null, `""`, `[]`, `{}`, `false`.
    pub(crate) fn said(self) -> Option<&'a str> {
        self.0
            .map(RawValue::get)
            .filter(|text| says_something(text))
    }

    /// Reads it; what doesn't fit is none.
    pub(crate) fn read<T: Deserialize<'a>>(self) -> Option<T> {
        serde_json::from_str(self.said()?).ok()
    }
}

/// Whether a JSON text is more than an empty value.
pub(crate) fn says_something(json: &str) -> bool {
    !matches!(json, "null" | "\"\"" | "[]" | "{}" | "false")
}

impl<'de: 'a, 'a> Deserialize<'de> for Raw<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self((raw.get() != "null").then_some(raw)))
    }
}

/// Fields that the reader doesn't know, by name.
pub(crate) type Extras<'a, const N: usize> = List<(Text<'a>, Raw<'a>), N>;

pub(crate) use {absent, object};
