//! What the headers of a response tell: waiting times, limits, request ids.

use parlor_core::{RateLimit, ResponseMetadata, Retry, Warning, WarningKind};
use parlor_dialect::time::{http_date, unix_seconds};
use reqwest::header::{HeaderMap, HeaderValue};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Headers that carry the provider's id of the request, in order of preference.
const REQUEST_ID: &[&str] = &[
    "x-request-id",
    "request-id",
    "x-goog-request-id",
    "x-amzn-requestid",
    "apim-request-id",
    "x-tc-requestid",
    "x-bce-request-id",
    "msh-request-id",
    "x-trace-id",
    "x-generation-id",
    "x-ds-trace-id",
    "x-debug-trace-id",
    "mistral-correlation-id",
    "cf-ray",
];

/// Headers in which a provider says what it wants known, such as that a model
/// ends soon.
const WARNINGS: &[&str] = &["x-api-warning"];

/// Words for what a limit counts, and the usual ones for them.
const SYNONYMS: &[(&str, &str)] = &[("req-minute", "requests"), ("tokens-minute", "tokens")];

/// The longest time until a limit's reset that is believed: what is longer is
/// a date in seconds since 1970.
const LONGEST_RESET: Duration = Duration::from_secs(7 * 24 * 3600);

/// The longest wait that is believed; quotas of a month are real.
const LONGEST_WAIT: Duration = Duration::from_secs(366 * 24 * 3600);

pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    // A handful of headers against a list: quicker than to look up the list.
    let told = headers.iter().filter_map(|(name, value)| {
        let place = REQUEST_ID.iter().position(|known| name == known)?;
        let text = value.to_str().ok()?.trim();
        (!text.is_empty()).then_some((place, text))
    });
    let first = told.min_by_key(|(place, _)| *place);
    first.map(|(_, text)| text.to_owned())
}

/// The same headers in memory of their own. Those of a response lie in the
/// buffer of its connection, which can't be used again as long as they live.
pub(crate) fn detached(mut headers: HeaderMap) -> HeaderMap {
    for value in headers.values_mut() {
        // What was a value is one.
        if let Ok(own) = HeaderValue::from_bytes(value.as_bytes()) {
            *value = own;
        }
    }
    headers
}

pub(crate) fn metadata(headers: &HeaderMap) -> ResponseMetadata {
    let mut metadata = ResponseMetadata::default();
    metadata.request_id = request_id(headers);
    metadata.rate_limits = rate_limits(headers, SystemTime::now());
    metadata
}

/// What the provider wants known beside the answer.
pub(crate) fn warnings(headers: &HeaderMap) -> impl Iterator<Item = Warning> {
    WARNINGS.iter().filter_map(|name| {
        let message = text(headers, name)?;
        Some(Warning::new(WarningKind::Notice, "request", message))
    })
}

/// Headers as plain text, names in lower case; what isn't text is left out.
pub(crate) fn plain(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), text(value)?)))
        .collect()
}

/// What the headers say about trying again: `x-should-retry: false` rules,
/// then `retry-after-ms` and `retry-after` (seconds or a date).
pub(crate) fn retry(headers: &HeaderMap, known: Retry) -> Retry {
    Advice::of(headers).retry(known)
}

/// What headers say about trying again.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Advice {
    should: Option<bool>,
    after: Option<Duration>,
}

impl Advice {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let should = match text(headers, "x-should-retry") {
            Some("false") => Some(false),
            Some("true") => Some(true),
            _ => None,
        };
        let after = retry_after(headers);
        Self { should, after }
    }

    /// The advice, where this is known without the headers.
    pub(crate) fn retry(&self, known: Retry) -> Retry {
        match (self.should, known) {
            (Some(false), _) => Retry::Never,
            (Some(true), Retry::Never) => Retry::Later(self.after),
            (_, Retry::Later(after)) => Retry::Later(self.after.or(after)),
            (_, known) => known,
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let millis = text(headers, "retry-after-ms").and_then(|it| seconds(it, 0.001, LONGEST_WAIT));
    millis.or_else(|| {
        let value = text(headers, "retry-after")?;
        seconds(value, 1.0, LONGEST_WAIT).or_else(|| {
            let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
            let then = Duration::from_secs(http_date(value, now.as_secs())?);
            Some(then.saturating_sub(now))
        })
    })
}

fn seconds(text: &str, unit: f64, longest: Duration) -> Option<Duration> {
    let count: f64 = text.parse().ok()?;
    let wait = Duration::try_from_secs_f64(count * unit).ok()?;
    (wait <= longest).then_some(wait)
}

/// Reads `…ratelimit-<limit|remaining|reset>-<what>` and
/// `…ratelimit-<what>-<limit|remaining|reset>`.
fn rate_limits(headers: &HeaderMap, now: SystemTime) -> BTreeMap<String, RateLimit> {
    let mut limits = BTreeMap::<String, RateLimit>::new();
    for (name, value) in headers {
        let Some(words) = after_mark(name.as_str()) else {
            continue;
        };
        let known = ["limit", "remaining", "reset"]
            .into_iter()
            .find_map(|field| {
                let rest = words
                    .strip_prefix(field)
                    .and_then(|it| it.strip_prefix('-'));
                let rest = rest.or_else(|| words.strip_suffix(field)?.strip_suffix('-'));
                Some((field, rest?))
            });
        let (Some((field, what)), Ok(value)) = (known, value.to_str()) else {
            continue;
        };
        let synonym = SYNONYMS.iter().find(|it| it.0 == what);
        let what = synonym.map_or(what, |it| it.1);
        let limit = limits.entry(what.replace('-', "_")).or_default();
        match field {
            "limit" => limit.limit = value.parse().ok(),
            "remaining" => limit.remaining = value.parse().ok(),
            _ => limit.reset_ms = reset_ms(value, now),
        }
    }
    limits
}

/// What follows the first `ratelimit-` in a header's name. Names are too short
/// for a search that prepares itself.
fn after_mark(name: &str) -> Option<&str> {
    const MARK: &[u8] = b"ratelimit-";
    let mut windows = name.as_bytes().windows(MARK.len());
    let at = windows.position(|it| it == MARK)?;
    name.get(at + MARK.len()..)
}

/// Milliseconds until a reset written as `1m30.5s`, as seconds, or as a time
/// of RFC 3339.
fn reset_ms(text: &str, now: SystemTime) -> Option<u64> {
    let wait = seconds(text, 1.0, LONGEST_RESET)
        .or_else(|| go_duration(text))
        .or_else(|| {
            let then = SystemTime::UNIX_EPOCH + Duration::from_secs(unix_seconds(text)?);
            Some(then.duration_since(now).unwrap_or_default())
        })?;
    u64::try_from(wait.as_millis()).ok()
}

fn go_duration(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_digit() && it != '.')?;
        let (number, tail) = rest.split_at(end);
        let end = tail
            .find(|it: char| it.is_ascii_digit())
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let unit = match unit {
            "h" => 3600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * unit;
        rest = tail;
    }
    Duration::try_from_secs_f64(total).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &str)| {
            let value = HeaderValue::from_str(value).unwrap();
            (HeaderName::from_static(name), value)
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn waits_are_read_in_all_their_forms() {
        let later = |pairs| retry(&headers(pairs), Retry::Later(None));
        let secs = |it| Retry::Later(Some(Duration::from_secs_f64(it)));
        assert_eq!(later(&[("retry-after", "2")]), secs(2.0));
        assert_eq!(later(&[("retry-after", "0.5")]), secs(0.5));
        assert_eq!(
            later(&[("retry-after-ms", "250"), ("retry-after", "9")]),
            secs(0.25)
        );
        assert_eq!(
            later(&[("retry-after", "Thu, 01 Jan 1970 00:00:00 GMT")]),
            secs(0.0)
        );
        assert_eq!(later(&[("retry-after", "2678400")]), secs(2_678_400.0));
        assert_eq!(later(&[("retry-after", "soon")]), Retry::Later(None));
        assert_eq!(later(&[("retry-after", "-1")]), Retry::Later(None));
        assert_eq!(later(&[("retry-after", "1e300")]), Retry::Later(None));
        assert_eq!(
            later(&[("x-should-retry", "false"), ("retry-after", "1")]),
            Retry::Never
        );
        assert_eq!(
            retry(&headers(&[("retry-after", "1")]), Retry::Never),
            Retry::Never
        );
    }

    #[test]
    fn both_ways_of_naming_limits_are_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_255_200);
        let limits = rate_limits(
            &headers(&[
                ("x-ratelimit-limit-tokens", "1000"),
                ("x-ratelimit-reset-tokens", "1m30.5s"),
                ("acme-ratelimit-input-tokens-remaining", "7"),
                ("acme-ratelimit-input-tokens-reset", "2026-11-21T10:00:30Z"),
                ("x-ratelimit-remaining-req-minute", "3"),
            ]),
            now,
        );
        assert_eq!(limits["tokens"].limit, Some(1000));
        assert_eq!(limits["tokens"].reset_ms, Some(90_500));
        assert_eq!(limits["input_tokens"].remaining, Some(7));
        assert_eq!(limits["input_tokens"].reset_ms, Some(30_000));
        assert_eq!(limits["requests"].remaining, Some(3));
    }
}
