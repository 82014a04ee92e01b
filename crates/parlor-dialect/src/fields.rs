//! Reads whatever stands where an answer's field should be, borrowed.

use crate::json::{self, Object, Text};
use crate::lenient::nothing;
use crate::scan::Scan;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

/// Declares an object that is read leniently: a field may be missing, null or
/// of another type, unknown fields go to `extras`, and what is no object at
/// all reads as an empty one that isn't `present`.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $name:ident, $(ignored: $($ignored:literal)|+,)? extras: $extras:literal, {
            $( $(#[$field_meta:meta])* $field:ident: $type:ty = $key:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(crate) struct $name<'a> {
            $( $(#[$field_meta])* pub(crate) $field: $type, )+
            /// Fields that have no name here.
            pub(crate) extras: Extras<'a, $extras>,
            /// Whether there was an object at all.
            pub(crate) present: bool,
        }

        impl<'de: 'a, 'a> $crate::fields::Fill<'de> for $name<'a> {
            fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
                struct Reader<'p, 'a>(&'p mut $name<'a>);
                impl<'de: 'a, 'a> Visitor<'de> for Reader<'_, 'a> {
                    type Value = ();
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
                        let read = self.0;
                        read.present = true;
                        while let Some(key) = map.next_key::<Text<'de>>()? {
                            match &*key {
                                $( $key => map.next_value_seed(Place(&mut read.$field))?, )+
                                $( $($ignored)|+ => {
                                    map.next_value::<IgnoredAny>()?;
                                } )?
                                _ => read.extras.push((key, map.next_value()?)),
                            }
                        }
                        Ok(())
                    }
                    nothing!(scalars);
                    nothing!(list);
                }
                deserializer.deserialize_any(Reader(self))
            }

            fn scan(&mut self, scan: &mut $crate::scan::Scan<'de>) -> Option<()> {
                if scan.null() {
                    return Some(());
                }
                self.present = true;
                scan.object(|scan, key| match key {
                    $( $key => self.$field.scan(scan), )+
                    $( $($ignored)|+ => scan.value().map(drop), )?
                    _ => {
                        let mut value = Raw::default();
                        value.scan(scan)?;
                        self.extras.push((key.into(), value));
                        Some(())
                    }
                })
            }
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut read = Self::default();
                read.fill(deserializer)?;
                Ok(read)
            }
        }
    };
}

/// Reads into a place that is there already: the objects here are large, and
/// handing them from reader to reader would cost more than reading them.
pub(crate) trait Fill<'de> {
    fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error>;

    /// Reads the same from plain JSON. `None` for what isn't plain: the place
    /// may then be half filled and is to be made anew.
    fn scan(&mut self, scan: &mut Scan<'de>) -> Option<()>;
}

/// Reads a text: by its bytes where it is plain, else as any JSON.
pub(crate) fn read<'de, T: Fill<'de> + Default>(
    text: &'de str,
    place: &mut T,
) -> serde_json::Result<()> {
    let mut scan = Scan::new(text);
    if place.scan(&mut scan).is_some() && scan.is_at_end() {
        return Ok(());
    }
    *place = T::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    place.fill(&mut reader).and_then(|()| reader.end())
}

/// Reads plain JSON in which one text of at least this length is left as it
/// stands, and gives that text. `None` for what isn't plain or has no such text:
/// the place may then be half filled.
pub(crate) fn read_leaving<'de, T: Fill<'de>>(
    text: &'de str,
    long: usize,
    place: &mut T,
) -> Option<&'de str> {
    let mut scan = Scan::leaving(text, long);
    place.scan(&mut scan)?;
    scan.is_at_end().then(|| scan.left()).flatten()
}

/// As [`json::read`], into a place: by its bytes where it is plain.
pub(crate) fn read_repaired<'de, T: Fill<'de> + Deserialize<'de> + Default>(
    data: &'de [u8],
    scratch: &'de mut String,
    place: &mut T,
) -> serde_json::Result<()> {
    if let Ok(text) = std::str::from_utf8(data) {
        let mut scan = Scan::new(text);
        if place.scan(&mut scan).is_some() && scan.is_at_end() {
            return Ok(());
        }
    }
    *place = json::read(data, scratch)?;
    Ok(())
}

/// A place to be filled.
pub(crate) struct Place<'p, T>(pub(crate) &'p mut T);

impl<'de, T: Fill<'de>> DeserializeSeed<'de> for Place<'_, T> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.0.fill(deserializer)
    }
}

/// Small things are handed over; how they are read from plain JSON stands
/// beside them.
macro_rules! by_value {
    ($($type:ty: $scan:expr),+ $(,)?) => { $(
        impl<'de: 'a, 'a> Fill<'de> for $type {
            fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
                *self = Deserialize::deserialize(deserializer)?;
                Ok(())
            }

            fn scan(&mut self, scan: &mut $crate::scan::Scan<'de>) -> Option<()> {
                let read: fn(&mut $crate::scan::Scan<'de>) -> Option<Self> = $scan;
                *self = read(scan)?;
                Some(())
            }
        }
    )+ };
}

by_value! {
    Text<'a>: |scan| match scan.null() {
        true => Some(Text::default()),
        false => scan.string().map(Text::from),
    },
    Option<Text<'a>>: |scan| match scan.null() {
        true => Some(None),
        false => scan.string().map(|text| Some(text.into())),
    },
    Raw<'a>: |scan| match scan.null() {
        true => Some(Raw(None)),
        false => scan.value().map(|json| Raw(Some(json))),
    },
    Object: |scan| serde_json::from_str(scan.value()?).ok(),
    Option<Json<'a>>: |scan| match scan.null() {
        true => Some(None),
        false => scan.value().map(|json| Some(Json(json))),
    },
    Option<bool>: |scan| match scan.value()? {
        "true" => Some(Some(true)),
        "false" => Some(Some(false)),
        "null" => Some(None),
        _ => None,
    },
}

impl<'de> Fill<'de> for Number {
    fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = Deserialize::deserialize(deserializer)?;
        Ok(())
    }

    fn scan(&mut self, scan: &mut Scan<'de>) -> Option<()> {
        *self = match scan.null() {
            true => Self(None),
            false => Self(Some(scan.number()?)),
        };
        Some(())
    }
}

/// A list and nothing else: any other value is an error.
impl<'de, T: Deserialize<'de> + Fill<'de> + Default> Fill<'de> for Vec<T> {
    fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        *self = Deserialize::deserialize(deserializer)?;
        Ok(())
    }

    fn scan(&mut self, scan: &mut Scan<'de>) -> Option<()> {
        self.clear();
        scan.list(|scan| {
            let mut item = T::default();
            item.scan(scan)?;
            self.push(item);
            Some(())
        })
    }
}

/// Null is none; else the object is filled where it stays.
impl<'de, T: Fill<'de> + Default> Fill<'de> for Option<Box<T>> {
    fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        struct Reader<'p, T>(&'p mut Option<Box<T>>);
        impl<'de, T: Fill<'de> + Default> Visitor<'de> for Reader<'_, T> {
            type Value = ();
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }
            fn visit_none<E>(self) -> Result<(), E> {
                *self.0 = None;
                Ok(())
            }
            fn visit_unit<E>(self) -> Result<(), E> {
                *self.0 = None;
                Ok(())
            }
            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<(), D::Error> {
                self.0.insert(Box::default()).fill(inner)
            }
        }
        deserializer.deserialize_option(Reader(self))
    }

    fn scan(&mut self, scan: &mut Scan<'de>) -> Option<()> {
        if scan.null() {
            *self = None;
            return Some(());
        }
        self.insert(Box::default()).scan(scan)
    }
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

    /// The item of a list of one.
    pub(crate) fn only(&mut self) -> Option<&mut T> {
        let mut items = self.inline.iter_mut().flatten().chain(&mut self.rest);
        let first = items.next()?;
        items.next().is_none().then_some(first)
    }
}

impl<'de, T: Fill<'de> + Default, const N: usize> Fill<'de> for List<T, N> {
    fn fill<D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        struct Reader<'p, T, const N: usize>(&'p mut List<T, N>);
        impl<'de, T: Fill<'de> + Default, const N: usize> Visitor<'de> for Reader<'_, T, N> {
            type Value = ();
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
                let list = self.0;
                list.present = true;
                for slot in &mut list.inline {
                    let place = slot.insert(T::default());
                    if seq.next_element_seed(Place(place))?.is_none() {
                        *slot = None;
                        return Ok(());
                    }
                }
                loop {
                    let mut item = T::default();
                    if seq.next_element_seed(Place(&mut item))?.is_none() {
                        return Ok(());
                    }
                    list.rest.push(item);
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
                let mut item = T::default();
                item.fill(MapAccessDeserializer::new(map))?;
                self.0.present = true;
                self.0.push(item);
                Ok(())
            }
            nothing!(scalars);
        }
        deserializer.deserialize_any(Reader(self))
    }

    fn scan(&mut self, scan: &mut Scan<'de>) -> Option<()> {
        // A list that is said twice is rare enough to be left to the other.
        if self.present {
            return None;
        }
        if scan.null() {
            return Some(());
        }
        self.present = true;
        scan.list(
            |scan| match self.inline.iter_mut().find(|slot| slot.is_none()) {
                Some(slot) => slot.insert(T::default()).scan(scan),
                None => {
                    let mut item = T::default();
                    item.scan(scan)?;
                    self.rest.push(item);
                    Some(())
                }
            },
        )
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
            nothing!(list);
            nothing!(object);
        }
        deserializer.deserialize_any(Reader)
    }
}

/// JSON where it stands, which is read later, if at all.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Json<'a>(pub(crate) &'a str);

impl<'a> Json<'a> {
    /// Its text.
    pub(crate) fn get(self) -> &'a str {
        self.0
    }

    /// What a scan passes over as one value.
    pub(crate) fn scanned(scan: &mut Scan<'a>) -> Option<Self> {
        scan.value().map(Self)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(|raw| Self(raw.get()))
    }
}

/// JSON that is read later, if at all; null is none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Raw<'a>(Option<&'a str>);

impl<'a> Raw<'a> {
    /// Its text, unless it says nothing: null, `""`, `[]`, `{}`, `false`.
    pub(crate) fn said(self) -> Option<&'a str> {
        self.0.filter(|text| says_something(text))
    }

    /// Its text, however little it says.
    pub(crate) fn text(self) -> Option<&'a str> {
        self.0
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
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        Ok(Self((raw != "null").then_some(raw)))
    }
}

/// Fields that the reader doesn't know, by name.
pub(crate) type Extras<'a, const N: usize> = List<(Text<'a>, Raw<'a>), N>;

impl<const N: usize> Extras<'_, N> {
    /// Those that aren't null and are wanted by name and JSON, in the order of
    /// their names; `None` if one can't be read or comes twice.
    pub(crate) fn sorted(&self, wanted: impl Fn(&str, &str) -> bool) -> Option<Object> {
        let said = self.iter().filter_map(|(name, raw)| {
            let json = raw.text()?;
            wanted(name, json).then_some((&**name, json))
        });
        let mut said: Vec<_> = said.collect();
        said.sort_unstable_by_key(|it| it.0);
        let mut fields = Object::with_capacity(said.len());
        for (name, json) in &said {
            fields.insert((*name).to_owned(), serde_json::from_str(json).ok()?);
        }
        (fields.len() == said.len()).then_some(fields)
    }
}

pub(crate) use {by_value, object};
