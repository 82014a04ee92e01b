//! What a key may: its models, and its limits, reserved before a request and settled after it.

use std::sync::Arc;
use std::time::Duration;

use parlor::layers::limits::{Claim, LimitStore, Receipt, Reserved, Window};
use parlor::{Cost, Error, ErrorKind, Price, Result, Retry, Usage};
use parlor_store::{Allowed, ServiceKey, Span};

use crate::config::OnStoreFailure;
use crate::layered::away;

const MINUTE: Window = Window::Rolling(Duration::from_secs(60));
/// What output is expected of a request that doesn't limit it.
const OUTPUT: u64 = 500;
/// Accounts hold money in thousand-millionths of its unit.
const FRACTIONS: f64 = 1e9;

/// Where limits are kept, and what holds while that is away.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) store: Arc<dyn LimitStore>,
    pub(crate) on_failure: OnStoreFailure,
}

/// What a request may come to.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) input: u64,
    pub(crate) output: Option<u64>,
    pub(crate) choices: u64,
}

/// What was reserved for a request.
#[derive(Debug)]
pub(crate) struct Reservation {
    store: Arc<dyn LimitStore>,
    held: Vec<(Counts, Receipt)>,
}

/// What an account counts.
#[derive(Debug, Clone)]
enum Counts {
    Requests,
    Tokens,
    Money(String),
}

/// What a request came to, as far as limits go.
pub(crate) enum Came<'a> {
    /// Nothing that anybody pays for.
    Nothing,
    /// This.
    To(&'a Usage),
    /// Nobody knows.
    Unknown,
}

/// Whether a key may ask a model by this name.
pub(crate) fn may_ask(key: &ServiceKey, name: &str) -> Result<()> {
    let models = &key.terms.models;
    if models.is_empty() || models.iter().any(|it| fits(it, name)) {
        return Ok(());
    }
    let message = format!("the key `{}` may not ask the model {name}", key.name);
    Err(Error::new(ErrorKind::Permission, message)
        .with_status(403)
        .with_help("Ask a model that the key is for, or have its terms changed."))
}

/// Whether a name is of a pattern, in which `*` stands for any letters.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut left) = name.strip_prefix(begin) else {
        return false;
    };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return left.ends_with(piece);
        }
        match left.find(piece) {
            Some(at) => left = left.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

/// Reserves what a request may use; `None` where nothing is limited, or where the store of limits
/// is away and that is to be borne.
pub(crate) async fn reserve(
    limits: &Limits,
    key: &ServiceKey,
    expected: &Expected,
    price: Option<&Price>,
) -> Result<Option<Reservation>> {
    let mut wanted: Vec<(Counts, Claim)> = Vec::new();
    let terms = &key.terms;
    let output = expected.output.unwrap_or(OUTPUT);
    let output = output.saturating_mul(expected.choices);
    let tokens = expected.input.saturating_add(output);
    let account = |what: &str| format!("key/{}/{what}", key.id);
    if let Some(limit) = terms.requests_per_minute {
        let claim = Claim::new(account("requests"), MINUTE, limit, 1);
        wanted.push((Counts::Requests, claim));
    }
    if let Some(limit) = terms.tokens_per_minute {
        // One that is larger than the limit has the whole of it.
        let claim = Claim::new(account("tokens"), MINUTE, limit, tokens.min(limit));
        wanted.push((Counts::Tokens, claim));
    }
    for budget in &terms.budgets {
        let window = window(budget.per);
        let (counts, amount) = match &budget.currency {
            None => (Counts::Tokens, tokens),
            Some(currency) => {
                let mut usage = Usage::default();
                usage.input_tokens = Some(expected.input);
                usage.output_tokens = Some(output);
                let cost = price.and_then(|it| money(it, currency, &usage));
                let cost = cost.ok_or_else(|| unpriced(key, currency))?;
                (Counts::Money(currency.clone()), cost)
            }
        };
        let what = budget.currency.as_deref().unwrap_or("tokens");
        let name = account(&format!("{what}/{window:?}"));
        wanted.push((counts, Claim::new(name, window, units(budget), amount)));
    }
    if wanted.is_empty() {
        return Ok(None);
    }
    let claims: Vec<Claim> = wanted.iter().map(|(_, claim)| claim.clone()).collect();
    match limits.store.reserve(&claims).await {
        Ok(Reserved::Granted(receipts)) => Ok(Some(Reservation {
            store: Arc::clone(&limits.store),
            held: wanted.into_iter().map(|it| it.0).zip(receipts).collect(),
        })),
        Ok(Reserved::Full { claim, after, .. }) => {
            let full = wanted.get(claim);
            Err(refused(key, full, after))
        }
        Err(_) if limits.on_failure == OnStoreFailure::Allow => Ok(None),
        Err(error) => Err(away(error)),
    }
}

impl Reservation {
    /// Puts what was used in place of what was reserved.
    pub(crate) fn settle(self, came: &Came<'_>, cost: Option<&Cost>) {
        for (counts, receipt) in self.held {
            let used = match (&counts, came) {
                (_, Came::Unknown) => receipt.amount,
                // It was asked, whatever came of it.
                (Counts::Requests, _) => 1,
                (_, Came::Nothing) => 0,
                (Counts::Tokens, Came::To(usage)) => usage.total_tokens().unwrap_or(receipt.amount),
                (Counts::Money(currency), Came::To(_)) => {
                    let cost = cost.and_then(|it| fractions(it, currency));
                    cost.unwrap_or(receipt.amount)
                }
            };
            self.store.settle(receipt, used);
        }
    }
}

fn window(span: Span) -> Window {
    match span {
        Span::Day => Window::Day,
        Span::Month => Window::Month,
        _ => Window::Life,
    }
}

/// An allowance in the unit of its account.
fn units(allowed: &Allowed) -> u64 {
    match allowed.currency {
        // A cast from a float saturates.
        Some(_) => (allowed.amount * FRACTIONS).round() as u64,
        None => allowed.amount as u64,
    }
}

fn money(price: &Price, currency: &str, usage: &Usage) -> Option<u64> {
    fractions(&price.cost(usage)?, currency)
}

fn fractions(cost: &Cost, currency: &str) -> Option<u64> {
    let known = cost.currency == currency && cost.amount.is_finite();
    known.then(|| (cost.amount * FRACTIONS).round() as u64)
}

fn unpriced(key: &ServiceKey, currency: &str) -> Error {
    let message = format!(
        "the key `{}` has a budget in {currency}, and the price of this model isn't known in it",
        key.name
    );
    Error::new(ErrorKind::Permission, message)
        .with_status(403)
        .with_help("Ask a model whose price is known, or have its price set in the configuration.")
}

fn refused(key: &ServiceKey, full: Option<&(Counts, Claim)>, after: Option<Duration>) -> Error {
    let (kind, what) = match full {
        Some((Counts::Requests, claim)) => (
            ErrorKind::RateLimited,
            format!("{} requests a minute", claim.limit),
        ),
        Some((Counts::Tokens, claim)) if claim.window == MINUTE => (
            ErrorKind::RateLimited,
            format!("{} tokens a minute", claim.limit),
        ),
        Some((counts, claim)) => {
            let amount = match counts {
                Counts::Money(currency) => {
                    format!("{:.2} {currency}", claim.limit as f64 / FRACTIONS)
                }
                _ => format!("{} tokens", claim.limit),
            };
            let span = match claim.window {
                Window::Day => " a day",
                Window::Month => " a month",
                _ => "",
            };
            (ErrorKind::QuotaExhausted, format!("{amount}{span}"))
        }
        None => (ErrorKind::RateLimited, "its limit".to_owned()),
    };
    let message = format!("the key `{}` has used up its {what}", key.name);
    let error = Error::new(kind, message).with_status(429);
    match after {
        Some(after) => error
            .with_retry(Retry::Later(Some(after)))
            .with_help("Wait, or have the key's limit raised."),
        None => error.with_help("Have the key's limit raised: it doesn't renew by itself."),
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_letters() {
        for (pattern, name, is_right) in [
            ("gpt-4o", "gpt-4o", true),
            ("gpt-4o", "gpt-4o-mini", false),
            ("gpt-*", "gpt-4o-mini", true),
            ("*", "anything", true),
            ("*/gpt-*-mini", "openai/gpt-4o-mini", true),
            ("*/gpt-*-mini", "openai/gpt-4o", false),
            ("a*a", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern, name), is_right, "{pattern} {name}");
        }
    }
}
