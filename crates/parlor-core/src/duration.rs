//! Durations as people write them: `500ms`, `10s`, `1m30s`.

use serde::Serializer;
use serde::de::{Deserializer, Error, Visitor};
use std::fmt;
use std::time::Duration;

/// What to say that was expected where a text is no duration.
pub const EXPECTED: &str = "a duration such as \"500ms\", \"10s\", \"2m\" or \"1m30s\"";

/// Reads `500ms`, `10s`, `1.5s`, `2m`, `1h`, `7d`, `1m30s`.
///
/// ```
/// use std::time::Duration;
///
/// let read = parlor_core::duration::parse;
/// assert_eq!(read("1m30s"), Some(Duration::from_secs(90)));
/// assert_eq!(read("90"), None);
/// assert_eq!(parlor_core::duration::write(Duration::from_millis(1500)), "1500ms");
/// ```
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = Duration::ZERO;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(digits);
        let letters = after
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(after.len());
        let (unit, tail) = after.split_at(letters);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = tail.trim_start();
    }
    Some(total)
}

/// Writes a duration so that [`parse`] reads the same, to a millisecond: `90s`,
/// `1500ms`.
pub fn write(duration: Duration) -> String {
    match duration.subsec_millis() {
        0 => format!("{}s", duration.as_secs()),
        _ => format!("{}ms", duration.as_millis()),
    }
}

/// For serde's `serialize_with` on an optional duration.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match duration {
        Some(duration) => serializer.serialize_str(&write(*duration)),
        None => serializer.serialize_none(),
    }
}

/// For serde's `deserialize_with` on an optional duration.
///
/// # Errors
/// That a duration was [expected](EXPECTED).
pub fn deserialize<'de, D>(deserializer: D) -> Result<Option<Duration>, D::Error>
where
    D: Deserializer<'de>,
{
    struct Reader;
    impl Visitor<'_> for Reader {
        type Value = Option<Duration>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(EXPECTED)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Option<Duration>, E> {
            let wrong = || E::custom(format_args!("expected {EXPECTED}"));
            parse(text).map(Some).ok_or_else(wrong)
        }
    }
    deserializer.deserialize_str(Reader)
}
