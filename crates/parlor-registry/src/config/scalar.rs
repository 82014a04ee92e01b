//! Small values: durations, time limits, one-or-many strings.

use std::fmt;
use std::time::Duration;

use parlor_core::duration;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A time limit that a person has set. There is one or there is none, so the
/// list is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// No limit: `"off"`.
    Off,
    /// A limit such as `"10s"`.
    After(Duration),
}

impl Limit {
    /// The limit as the rest of the program takes it: `None` for no limit.
    pub fn duration(self) -> Option<Duration> {
        match self {
            Limit::Off => None,
            Limit::After(duration) => Some(duration),
        }
    }
}

/// The four time limits of a call. `None` leaves the transport's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Timeouts {
    /// Until the connection stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connect: Option<Limit>,
    /// From the request to the first event of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_event: Option<Limit>,
    /// Between two events.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle: Option<Limit>,
    /// For the whole call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<Limit>,
}

impl Timeouts {
    /// These limits, completed by others where nothing was said.
    #[must_use]
    pub fn or(self, other: Timeouts) -> Self {
        Self {
            connect: self.connect.or(other.connect),
            first_event: self.first_event.or(other.first_event),
            idle: self.idle.or(other.idle),
            total: self.total.or(other.total),
        }
    }
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Limit::Off => serializer.serialize_str("off"),
            Limit::After(limit) => serializer.serialize_str(&duration::write(*limit)),
        }
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl Visitor<'_> for Reader {
            type Value = Limit;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}, or \"off\"", duration::EXPECTED)
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Limit, E> {
                if text == "off" {
                    return Ok(Limit::Off);
                }
                match duration::parse(text) {
                    Some(Duration::ZERO) => Err(E::custom(
                        "a limit of zero ends every call; write \"off\" for none",
                    )),
                    Some(duration) => Ok(Limit::After(duration)),
                    None => Err(E::custom(format_args!(
                        "expected {}, or \"off\"",
                        duration::EXPECTED
                    ))),
                }
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

/// For serde's `deserialize_with` on a list that may be written as one string.
///
/// # Errors
/// That a string or a list of strings was expected.
pub fn one_or_many<'de, D>(deserializer: D) -> Result<Vec<String>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Reader;
    impl<'de> Visitor<'de> for Reader {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string or a list of strings")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Vec<String>, E> {
            Ok(vec![text.to_owned()])
        }
        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<String>, A::Error> {
            let mut all = Vec::new();
            while let Some(text) = seq.next_element()? {
                all.push(text);
            }
            Ok(all)
        }
    }
    deserializer.deserialize_any(Reader)
}
