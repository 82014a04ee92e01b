//! What can be asked of the service.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand, ValueEnum};
use parlor_store::{Allowed, Span};

use super::usage::{days_from_1970, span};
use super::{Common, Listing};

pub(super) const EXAMPLES: &str = "\
The page is at the address that is printed; clients take it, or it with /v1, as their base URL:
  parlor serve --open
  parlor serve --check

Paths: /v1/chat/completions, /v1/responses, /v1/messages, /v1beta/models/…, /api/chat. A model is
named as everywhere: provider/model, or a name or route of the configuration. Settings are in
[serve] of the configuration; options win. SIGHUP has the configuration read again. Ctrl-C ends it
when the answers on their way are done.

Keys for others, each with what it may; they are shown once and kept as digests:
  parlor serve keys add team --models 'gpt-*' --rpm 60 --budget '5 USD/month'
  parlor serve keys list
  parlor usage --by key,model";

/// Where to serve, and whom.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(subcommand)]
    pub(crate) action: Option<ServeAction>,
    /// Address to listen at; 127.0.0.1:8484 where nothing is configured
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) bind: Option<SocketAddr>,
    /// File with the keys that clients may show, one on a line; only its owner may read it
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,
    /// File with names of models above the configuration's: a JSON mapping, or TOML with [models]
    #[arg(long, value_name = "FILE")]
    pub(crate) models: Option<PathBuf>,
    /// Let everybody ask who reaches an address beyond this machine
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Open the page in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Only check what is configured
    #[arg(long)]
    pub(crate) check: bool,
    /// Only print the document of the chat service's API, in OpenAPI
    #[arg(long)]
    pub(crate) openapi: bool,
    /// Say on stderr what becomes of each request, a JSON object on a line
    #[arg(long, value_name = "FORM")]
    pub(crate) log: Option<LogForm>,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// The form of what is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogForm {
    /// What a person reads
    Text,
    /// A JSON object on a line
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServeAction {
    /// Keys of the service: give them out, list and revoke them
    Keys(ServeKeysArgs),
}

/// What to do with the keys of the service.
#[derive(Debug, Args)]
pub(crate) struct ServeKeysArgs {
    #[command(subcommand)]
    pub(crate) action: ServeKeysAction,
    #[command(flatten)]
    pub(crate) listing: Listing,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServeKeysAction {
    /// Make a key and print it, once
    Add(NewKey),
    /// List the keys and what each may; never the key
    List,
    /// Make a key void, by its name or id; services notice within ten seconds
    Revoke(WhichKey),
}

/// A key to be made.
#[derive(Debug, Args)]
pub(crate) struct NewKey {
    /// What it is called in lists and reports
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Models that it may ask, as clients name them; `*` stands for any letters (repeatable)
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    pub(crate) models: Vec<String>,
    /// Requests in any minute
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) rpm: Option<u64>,
    /// Tokens in any minute, input and output together
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) tpm: Option<u64>,
    /// What it may use: `5 USD/month`, `100000 tokens/day`, or in all `20 USD` (repeatable)
    #[arg(long, value_name = "AMOUNT", value_parser = budget)]
    pub(crate) budget: Vec<Allowed>,
    /// When it ends: a day (UTC) as 2027-01-31, or a span from now as 12h, 30d, 4w
    #[arg(long, value_name = "WHEN", value_parser = expires)]
    pub(crate) expires: Option<i64>,
}

/// Which key is meant.
#[derive(Debug, Args)]
pub(crate) struct WhichKey {
    /// Its name, its id, or its beginning as lists show it
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
}

fn budget(text: &str) -> Result<Allowed, String> {
    let expected = || "expected such as '5 USD/month', '100000 tokens/day' or '20 USD'".to_owned();
    let (amount, span) = match text.split_once('/') {
        None => (text, Span::Life),
        Some((amount, "day")) => (amount, Span::Day),
        Some((amount, "month")) => (amount, Span::Month),
        Some(_) => return Err(expected()),
    };
    let (number, unit) = amount.trim().split_once(' ').ok_or_else(expected)?;
    let number: f64 = number.parse().map_err(|_| expected())?;
    if !number.is_finite() || number <= 0.0 {
        return Err(expected());
    }
    let currency = match unit.trim() {
        "tokens" => None,
        unit if unit.len() == 3 && unit.bytes().all(|it| it.is_ascii_uppercase()) => {
            Some(unit.to_owned())
        }
        _ => return Err(expected()),
    };
    Ok(Allowed::new(number, currency, span))
}

/// The end of a day, or a time from now, in milliseconds since 1970.
fn expires(text: &str) -> Result<i64, String> {
    let expected = || "expected a day as 2027-01-31, or a span as 12h, 30d or 4w".to_owned();
    const DAY: i64 = 86_400_000;
    if let Some(days) = days_from_1970(text) {
        return Ok((i64::from(days) + 1) * DAY);
    }
    let span = span(text).ok_or_else(expected)?;
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
    let end = now.checked_add(span).ok_or_else(expected)?;
    i64::try_from(end.as_millis()).map_err(|_| expected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_written_as_people_say_them() {
        let usd = Some("USD".to_owned());
        let life = Allowed::new(20.0, usd.clone(), Span::Life);
        assert_eq!(budget("20 USD"), Ok(life));
        let month = Allowed::new(4.5, usd, Span::Month);
        assert_eq!(budget("4.5 USD/month"), Ok(month));
        let tokens = Allowed::new(1e5, None, Span::Day);
        assert_eq!(budget("100000 tokens/day"), Ok(tokens));
        for wrong in [
            "5",
            "USD 5",
            "-1 USD",
            "5 dollars",
            "5 USD/year",
            "nan USD",
            "",
        ] {
            assert!(budget(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_ends_with_its_last_day() {
        assert_eq!(expires("1970-01-01"), Ok(86_400_000));
        assert!(expires("30d").unwrap() > 29 * 86_400_000);
        assert!(expires("soon").is_err());
    }
}
