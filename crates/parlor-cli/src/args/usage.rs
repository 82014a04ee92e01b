//! What can be asked of usage.

use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use parlor::agent::UsageBy;
use parlor_store::ServedBy;

use super::{Common, Listing};

const DAY: Duration = Duration::from_secs(86_400);

/// How to add up what models were used for.
#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    /// A row for each of these, with commas between them
    #[arg(
        long,
        value_name = "WHAT",
        value_delimiter = ',',
        default_value = "model"
    )]
    by: Vec<By>,
    /// What `parlor serve` answered, instead of conversations
    #[arg(long)]
    served: bool,
    /// Only from then on: a day (UTC) as 2026-11-01, or a span back from now as 12h, 7d, 4w
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(crate) since: Option<SystemTime>,
    #[command(flatten)]
    pub(crate) listing: Listing,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// By what usage is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Model,
    Day,
    /// Of the service: the key that was shown
    Key,
    /// Of the service: the provider that answered
    Provider,
}

impl UsageArgs {
    pub(crate) fn by(&self) -> UsageBy {
        self.by.iter().fold(UsageBy::default(), |all, by| match by {
            By::Model => all.model(),
            By::Day => all.day(),
            By::Key | By::Provider => all,
        })
    }

    /// By what the service's requests are added up, where they are meant.
    pub(crate) fn served(&self) -> Option<ServedBy> {
        let of_service = |by: &By| matches!(by, By::Key | By::Provider);
        if !self.served && !self.by.iter().any(of_service) {
            return None;
        }
        let mut all = ServedBy::default();
        for by in &self.by {
            match by {
                By::Model => all.model = true,
                By::Day => all.day = true,
                By::Key => all.key = true,
                By::Provider => all.provider = true,
            }
        }
        Some(all)
    }
}

fn since(text: &str) -> Result<SystemTime, String> {
    let expected = || "expected a day as 2026-11-01, or a span as 12h, 7d or 4w".to_owned();
    if let Some(days) = days_from_1970(text) {
        return Ok(SystemTime::UNIX_EPOCH + DAY * days);
    }
    let span = span(text).ok_or_else(expected)?;
    // What lies further back than the count of time is everything.
    let passed = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    Ok(SystemTime::UNIX_EPOCH + passed.saturating_sub(span))
}

/// A span such as 12h, 7d or 4w.
pub(super) fn span(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        'h' => DAY / 24,
        'd' => DAY,
        'w' => DAY * 7,
        _ => return None,
    };
    let number: u32 = text.get(..text.len() - 1)?.parse().ok()?;
    unit.checked_mul(number)
}

/// The days from the first of 1970 to a day, by a calendar whose years begin in March.
pub(crate) fn days_from_1970(day: &str) -> Option<u32> {
    let mut parts = day.split('-');
    let mut next = |digits: usize| -> Option<i64> {
        let part = parts.next().filter(|part| part.len() == digits)?;
        part.parse().ok()
    };
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if parts.next().is_some() || !(1..=length).contains(&day) {
        return None;
    }
    let (year, month) = match month {
        1..=2 => (year - 1, month + 9),
        _ => (year, month - 3),
    };
    let leaps = year / 4 - year / 100 + year / 400;
    let days = 365 * year + leaps + (153 * month + 2) / 5 + day - 1;
    u32::try_from(days - 719_468).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_and_what_is_none_is_refused() {
        let days = ["1970-01-01", "1972-02-29", "2000-02-29", "2026-11-21"];
        assert_eq!(
            days.map(days_from_1970),
            [Some(0), Some(789), Some(11_016), Some(20_778)]
        );
        for wrong in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-1",
            "1969-12-31",
            "x",
            "",
        ] {
            assert_eq!(days_from_1970(wrong), None, "{wrong}");
        }
        for wrong in ["d", "7", "-7d", "7é", ""] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
        assert_eq!(since("999999w"), Ok(SystemTime::UNIX_EPOCH));
        let week = since("7d").unwrap().elapsed().unwrap();
        assert!((DAY * 7..DAY * 8).contains(&week), "{week:?}");
    }
}
