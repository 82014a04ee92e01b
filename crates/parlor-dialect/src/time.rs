//! Points in time as RFC 3339 has them.

/// Seconds since 1970 of a time such as `2026-08-01T10:00:00.123Z`; `None` for
/// another text and for a time before 1970. Fractions are cut off.
pub fn unix_seconds(text: &str) -> Option<u64> {
    let digits = |from: usize, to: usize| -> Option<i64> {
        let part = text.get(from..to)?;
        let all = part.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| part.parse().ok()).flatten()
    };
    let mark = |at: usize, marks: &[u8]| marks.contains(text.as_bytes().get(at)?).then_some(());
    mark(4, b"-")?;
    mark(7, b"-")?;
    mark(10, b"Tt ")?;
    mark(13, b":")?;
    mark(16, b":")?;
    let (year, month, day) = (digits(0, 4)?, digits(5, 7)?, digits(8, 10)?);
    let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let zone = text.get(19..)?.trim_start_matches(['.', ',']);
    let zone = zone.trim_start_matches(|it: char| it.is_ascii_digit());
    let offset = match zone.as_bytes().first() {
        None | Some(b'Z' | b'z') => 0,
        Some(sign @ (b'+' | b'-')) => {
            let hours: i64 = zone.get(1..3)?.parse().ok()?;
            let minutes: i64 = zone.get(4..6)?.parse().ok()?;
            let seconds = hours * 3600 + minutes * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        Some(_) => return None,
    };
    let days = days_from_civil(year, month, day);
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    u64::try_from(seconds).ok()
}

/// Seconds since 1970 of a time in one of the three forms that HTTP has for it
/// ([RFC 9110, 5.6.7](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7)):
/// `Sun, 06 Nov 1994 08:49:37 GMT`, `Sunday, 06-Nov-94 08:49:37 GMT` and
/// `Sun Nov  6 08:49:37 1994`. `None` for another text and for a time before 1970.
///
/// A year of two digits is the last one that isn't more than fifty years after `now`,
/// which is in seconds since 1970.
pub fn http_date(text: &str, now: u64) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = [""; 7];
    let parts = text.split([' ', ',', '-']).filter(|it| !it.is_empty());
    for (word, part) in words.iter_mut().zip(parts) {
        *word = part;
    }
    let (day, month, year, clock) = match words {
        [_, day, month, year, clock, "GMT", ""] => (day, month, year, clock),
        [_, month, day, clock, year, "", ""] => (day, month, year, clock),
        _ => return None,
    };
    let digits = |part: &str| -> Option<i64> {
        let all = part.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| part.parse().ok()).flatten()
    };
    let month = (1..).zip(MONTHS).find(|it| it.1 == month)?.0;
    let (day, full_year) = (digits(day)?, digits(year)?);
    let year = match year.len() {
        4 => full_year,
        2 => {
            let (this_year, ..) = civil_from_days(i64::try_from(now / 86_400).ok()?);
            let latest = this_year + 50;
            latest - (latest - full_year).rem_euclid(100)
        }
        _ => return None,
    };
    let mut clock = clock.splitn(3, ':').map(digits);
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    let is_time = hour < 24 && minute < 60 && second <= 60;
    if !is_time || !(1..=31).contains(&day) {
        return None;
    }
    let days = days_from_civil(year, month, day);
    u64::try_from(days * 86_400 + hour * 3600 + minute * 60 + second).ok()
}

/// Seconds since 1970 as `2026-08-01T10:00:00Z`. Beyond the year 9999, which
/// RFC 3339 can't say, it is that year's end.
pub fn rfc3339(seconds: u64) -> String {
    const END: u64 = 253_402_300_799;
    let seconds = seconds.min(END) as i64;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Days since 1970 of a day of the Gregorian calendar. Years are counted from
/// March, so that the leap day is the last of its year; 400 years have always
/// 146,097 days.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_servers_write() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2026-08-04T19:59:07.278934Z", Some(1_785_873_547)),
            ("2026-08-04T21:59:07+02:00", Some(1_785_873_547)),
            ("2024-02-29T12:00:00-01:30", Some(1_709_213_400)),
            ("2000-03-01T00:00:00Z", Some(951_868_800)),
            ("1969-12-31T23:59:59Z", None),
            ("yesterday", None),
            ("2026-13-01T00:00:00Z", None),
            ("", None),
            ("2026-08-04T19:59:07\u{e9}", None),
        ] {
            assert_eq!(unix_seconds(text), seconds, "{text}");
        }
    }

    #[test]
    fn reads_each_form_that_http_has() {
        let now = unix_seconds("2026-11-22T00:00:00Z").unwrap();
        let then = Some(784_111_777);
        for (text, seconds) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", then),
            ("Sunday, 06-Nov-94 08:49:37 GMT", then),
            ("Sun Nov  6 08:49:37 1994", then),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 29 Feb 2024 23:59:60 GMT", Some(1_709_251_200)),
            ("Friday, 01-Jan-76 00:00:00 GMT", Some(3_345_062_400)),
            ("Saturday, 01-Jan-77 00:00:00 GMT", Some(220_924_800)),
            ("Wed, 31 Dec 1969 23:59:59 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 06 Nov 1994 08:49:37 GMT and more", None),
            ("Sun, 06 Nov 1994 08:49:37 PST", None),
            ("Sun, 06 Now 1994 08:49:37 GMT", None),
            ("Sun, 32 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37:00 GMT", None),
            ("Sun, 06 Nov 1994 08:49 GMT", None),
            ("Sun, 06 Nov 19941 08:49:37 GMT", None),
            ("Sun, +6 Nov 1994 08:49:37 GMT", None),
            ("120", None),
            ("", None),
        ] {
            assert_eq!(http_date(text, now), seconds, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for day in (0..120_000).step_by(37) {
            let seconds = day * 86_400 + day % 86_400;
            assert_eq!(unix_seconds(&rfc3339(seconds)), Some(seconds));
        }
        assert_eq!(rfc3339(u64::MAX), "9999-12-31T23:59:59Z");
    }
}
