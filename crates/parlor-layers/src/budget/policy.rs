//! What may be spent in which time, and what is spent.

use super::BudgetLayer;
use crate::estimate::OutputEstimate;
use crate::limits::{Amount, Scope, Window};
use crate::{Configurable, Stores};
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// So much.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Allowance {
    /// Money, in whole units of the policy's currency (dollars, not cents).
    Money(f64),
    /// Tokens of input and output together.
    Tokens(u64),
}

/// The accounts hold money in thousand-millionths of its unit, so that one
/// token of the cheapest model is more than nothing.
const FRACTIONS: f64 = 1e9;

impl Allowance {
    /// In the unit of the accounts.
    pub(super) fn units(self) -> u64 {
        match self {
            // A cast from a float saturates, and makes nothing of NaN.
            Self::Money(amount) => (amount * FRACTIONS).round() as u64,
            Self::Tokens(tokens) => tokens,
        }
    }

    /// The same kind of allowance from units of the accounts.
    pub(super) fn of_units(self, units: u64) -> Self {
        match self {
            Self::Money(_) => Self::Money(units as f64 / FRACTIONS),
            Self::Tokens(_) => Self::Tokens(units),
        }
    }

    pub(super) fn is_money(self) -> bool {
        matches!(self, Self::Money(_))
    }

    /// As a person reads it: `4.98 USD`, `1200 tokens`.
    pub(super) fn in_words(self, currency: &str) -> String {
        match self {
            Self::Tokens(tokens) => format!("{tokens} tokens"),
            // Two digits where they say enough.
            Self::Money(amount) if amount >= 0.1 || amount == 0.0 => {
                format!("{amount:.2} {currency}")
            }
            Self::Money(amount) => format!("{amount:.6} {currency}"),
        }
    }
}

/// An allowance for a time.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct BudgetLimit {
    /// How much.
    pub allowance: Allowance,
    /// In which time. [`Window::Life`] is as long as the store keeps the
    /// account, which in memory is the layer's life.
    pub window: Window,
}

impl BudgetLimit {
    /// So much money, in whole units of the policy's currency.
    pub fn money(amount: f64, window: Window) -> Self {
        Self {
            allowance: Allowance::Money(amount),
            window,
        }
    }

    /// So many tokens of input and output together.
    pub fn tokens(tokens: u64, window: Window) -> Self {
        Self {
            allowance: Allowance::Tokens(tokens),
            window,
        }
    }

    /// As a person reads it: `5.00 USD a day`.
    pub(super) fn in_words(&self, currency: &str) -> String {
        let allowance = self.allowance.in_words(currency);
        match self.window {
            Window::Day => format!("{allowance} a day"),
            Window::Month => format!("{allowance} a month"),
            Window::Life => format!("{allowance} in all"),
            Window::Rolling(time) => format!("{allowance} in {}", Words(time)),
        }
    }

    /// When there will be more, for a person.
    pub(super) fn renewal(&self, after: Option<Duration>) -> String {
        match (self.window, after) {
            (Window::Life, _) | (_, None) => "It doesn't renew.".to_owned(),
            (Window::Day, Some(after)) => {
                format!("It renews at midnight UTC, in {}.", Words(after))
            }
            (Window::Month, Some(after)) => {
                let after = Words(after);
                format!("It renews on the first of the month at midnight UTC, in {after}.")
            }
            (Window::Rolling(_), Some(after)) => {
                format!("There will be enough in {}.", Words(after))
            }
        }
    }
}

/// A time in its two largest units, or in seconds.
struct Words(Duration);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = self.0.as_secs() / 60;
        match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
            (0, 0, 0) => write!(f, "{:?}", self.0),
            (0, 0, minutes) => write!(f, "{minutes} min"),
            (0, hours, 0) => write!(f, "{hours} h"),
            (0, hours, minutes) => write!(f, "{hours} h {minutes} min"),
            (days, 0, _) => write!(f, "{days} d"),
            (days, hours, _) => write!(f, "{days} d {hours} h"),
        }
    }
}

/// What a limit has left.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Spent {
    /// The limit.
    pub limit: BudgetLimit,
    /// What is spent or reserved of it.
    pub used: Allowance,
    /// When all or a part of that is free again; `None` is never, or no need.
    pub renews: Option<Duration>,
}

impl Spent {
    pub(super) fn new(limit: BudgetLimit, units: u64, renews: Option<Duration>) -> Self {
        Self {
            limit,
            used: limit.allowance.of_units(units),
            renews,
        }
    }
}

/// What to do with a call whose price isn't known, where money is limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UnknownPrice {
    /// Refuse it, since the budget couldn't hold it.
    #[default]
    Refuse,
    /// Count it for nothing, with a warning on the response.
    Free,
}

/// What may be spent, and by whom.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BudgetPolicy {
    /// The limits; every one holds. None by default.
    pub limits: Vec<BudgetLimit>,
    /// ISO 4217 code of the currency of the limits. A price in another is an
    /// unknown one. `USD` by default.
    pub currency: Cow<'static, str>,
    /// Who shares the limits. All calls by default.
    pub scope: Scope,
    /// What to do with a call whose price isn't known. It is refused by default.
    pub unknown_price: UnknownPrice,
    /// What output is expected of a call until its answer is there.
    pub output: OutputEstimate,
    /// What the budget is called in errors and in the store: layers of one name
    /// and one store share their accounts. `budget` by default.
    pub name: String,
}

impl Default for BudgetPolicy {
    fn default() -> Self {
        Self {
            limits: Vec::new(),
            currency: Cow::Borrowed("USD"),
            scope: Scope::All,
            unknown_price: UnknownPrice::Refuse,
            output: OutputEstimate::Max,
            name: "budget".to_owned(),
        }
    }
}

impl BudgetPolicy {
    /// The default policy with a limit on dollars.
    pub fn usd(amount: f64, window: Window) -> Self {
        Self::default().with(BudgetLimit::money(amount, window))
    }

    /// The default policy with a limit on tokens.
    pub fn tokens(tokens: u64, window: Window) -> Self {
        Self::default().with(BudgetLimit::tokens(tokens, window))
    }

    /// The same policy with one more limit.
    #[must_use]
    pub fn with(mut self, limit: BudgetLimit) -> Self {
        self.limits.push(limit);
        self
    }
}

/// `[layers.budget]` of a configuration: `usd` or `tokens`, each
/// `_per_{hour, day, month}` or `_in_all`, and the fields `scope`, `output` and
/// `unknown_price` of [`BudgetPolicy`]. Days and months are those of the
/// calendar, in UTC; with `rolling` they are the last 24 hours and 30 days. An
/// hour is always the last 60 minutes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct BudgetSettings {
    scope: Scope,
    unknown_price: UnknownPrice,
    output: OutputEstimate,
    rolling: bool,
    #[serde(flatten)]
    limits: BTreeMap<String, Value>,
}

impl BudgetSettings {
    fn into_policy(self) -> Result<BudgetPolicy, String> {
        let mut limits = Vec::new();
        for (key, value) in self.limits {
            let (unit, window) = limit_key(&key, self.rolling).ok_or_else(|| {
                format!("unknown key `{key}`; limits are called such as `usd_per_day`")
            })?;
            let amount = serde_json::from_value::<Amount>(value);
            let amount = amount.map_err(|error| format!("`{key}`: {error}"))?;
            limits.push(match unit {
                Unit::Usd => BudgetLimit::money(amount.0, window),
                Unit::Tokens => BudgetLimit::tokens(amount.count(), window),
            });
        }
        if limits.is_empty() {
            return Err("there is no limit; set one such as `usd_per_day`".into());
        }
        Ok(BudgetPolicy {
            limits,
            scope: self.scope,
            unknown_price: self.unknown_price,
            output: self.output,
            ..BudgetPolicy::default()
        })
    }
}

enum Unit {
    Usd,
    Tokens,
}

fn limit_key(key: &str, rolling: bool) -> Option<(Unit, Window)> {
    const DAY: Duration = Duration::from_secs(86_400);
    let (unit, window) = key.split_once('_')?;
    let unit = match unit {
        "usd" => Unit::Usd,
        "tokens" => Unit::Tokens,
        _ => return None,
    };
    let window = match (window, rolling) {
        ("per_hour", _) => Window::Rolling(DAY / 24),
        ("per_day", false) => Window::Day,
        ("per_day", true) => Window::Rolling(DAY),
        ("per_month", false) => Window::Month,
        ("per_month", true) => Window::Rolling(DAY * 30),
        ("in_all", _) => Window::Life,
        _ => return None,
    };
    Some((unit, window))
}

impl Configurable for BudgetLayer {
    type Settings = BudgetSettings;

    fn configured(settings: BudgetSettings) -> Result<Self, String> {
        settings.into_policy().map(Self::new)
    }

    fn within(self, stores: &Stores) -> Self {
        match &stores.limits {
            Some(store) => self.with_store(store.clone()),
            None => self,
        }
    }
}
