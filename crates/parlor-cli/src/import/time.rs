//! Times as other programs write them.

use std::path::Path;
use std::time::SystemTime;

use crate::args::days_from_1970;

/// Milliseconds since 1970 of `2026-11-21T22:05:01.838+00:00` and its like; without a zone it is
/// UTC.
pub(super) fn ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let (day, rest) = (text.get(..10)?, text.get(11..)?);
    let days = i64::from(days_from_1970(day)?);
    let clock = rest.get(..8)?;
    let mut parts = clock.split(':').map(|it| it.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let rest = rest.get(8..)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            rest.split_at(end)
        }
        None => ("", rest),
    };
    let thousandths = format!("{fraction:0<3}");
    let thousandths: i64 = thousandths.get(..3)?.parse().ok()?;
    let zone = zone.trim();
    let offset = match zone.strip_prefix(['+', '-']) {
        Some(offset) => {
            let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
            let hours: i64 = digits.get(..2)?.parse().ok()?;
            let minutes: i64 = digits.get(2..4).unwrap_or("0").parse().ok()?;
            let minutes = hours * 60 + minutes;
            if zone.starts_with('-') {
                -minutes
            } else {
                minutes
            }
        }
        None => 0,
    };
    let minutes = (days * 24 + hours) * 60 + minutes - offset;
    Some((minutes * 60 + seconds) * 1000 + thousandths)
}

/// When a file was last written.
pub(super) fn written(path: &Path) -> i64 {
    let written = std::fs::metadata(path).and_then(|it| it.modified()).ok();
    let passed = written.and_then(|it| it.duration_since(SystemTime::UNIX_EPOCH).ok());
    passed.map_or(0, |it| i64::try_from(it.as_millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_zones() {
        let known = 1_795_298_701_000;
        for text in [
            "2026-11-21T22:05:01Z",
            "2026-11-21 22:05:01",
            "2026-11-21T23:05:01+01:00",
            "2026-11-21T14:35:01.000-0730",
            "2026-11-21 22:05:01.000000+00:00",
        ] {
            assert_eq!(ms(text), Some(known), "{text}");
        }
        assert_eq!(ms("2026-11-21T22:05:01.5Z"), Some(known + 500));
        for wrong in ["", "2026-11-21", "2026-13-21T22:05:01Z", "yesterday, 10:00"] {
            assert_eq!(ms(wrong), None, "{wrong}");
        }
    }
}
