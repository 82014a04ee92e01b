//! What tokens cost: dated prices per million, and sums that are unknown rather than guessed.

use crate::usage::Usage;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Prices of one model, per million tokens.
///
/// They are list prices of the day in [`as_of`](Self::as_of): good for an
/// estimate, never an invoice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Price {
    /// Price of a million input tokens.
    pub input: f64,
    /// Price of a million output tokens, thinking included.
    pub output: f64,
    /// Price of a million input tokens read from the provider's cache; `None`
    /// when they have no price of their own and cost as much as others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<f64>,
    /// Price of a million input tokens written to the provider's cache; `None`
    /// when it isn't known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<f64>,
    /// ISO 4217 code of the currency, such as `USD` or `CNY`.
    pub currency: Cow<'static, str>,
    /// Most input tokens of one call for which these prices hold; above it a
    /// dearer tier begins, which isn't kept here. `None` when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_input: Option<u64>,
    /// The day on which the prices were read, `YYYY-MM-DD`; empty when unknown.
    pub as_of: Cow<'static, str>,
}

/// An amount of money, with the day of the prices it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Cost {
    /// The amount, in whole units of the currency (dollars, not cents).
    pub amount: f64,
    /// ISO 4217 code of the currency.
    pub currency: Cow<'static, str>,
    /// The day of the prices, `YYYY-MM-DD`; empty when unknown.
    pub as_of: Cow<'static, str>,
}

impl Cost {
    /// An amount in a currency, by prices of a day.
    pub fn new(
        amount: f64,
        currency: impl Into<Cow<'static, str>>,
        as_of: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            amount,
            currency: currency.into(),
            as_of: as_of.into(),
        }
    }
}

impl Price {
    /// A price in dollars, with nothing known beyond the two amounts.
    pub fn usd(input: f64, output: f64) -> Self {
        Self {
            input,
            output,
            cached_input: None,
            cache_write: None,
            currency: Cow::Borrowed("USD"),
            max_input: None,
            as_of: Cow::Borrowed(""),
        }
    }

    /// The same prices times a factor, such as the share of them that is paid in
    /// a batch.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        let times = |price: Option<f64>| price.map(|it| it * factor);
        Self {
            input: self.input * factor,
            output: self.output * factor,
            cached_input: times(self.cached_input),
            cache_write: times(self.cache_write),
            ..self.clone()
        }
    }

    /// What an answer cost, or `None` when that isn't known: input or output
    /// wasn't counted, a dearer tier began, cache writes or audio have no known
    /// price, or the counts contradict each other.
    ///
    /// A usage that doesn't tell of a cache is priced as without one.
    pub fn cost(&self, usage: &Usage) -> Option<Cost> {
        let (input, output) = (usage.input_tokens?, usage.output_tokens?);
        let read = usage.cached_input_tokens.unwrap_or(0);
        let written = usage.cache_write_tokens.unwrap_or(0);
        let audio = [usage.input_audio_tokens, usage.output_audio_tokens];
        if self.max_input.is_some_and(|limit| input > limit)
            || audio
                .iter()
                .any(|count| count.is_some_and(|count| count > 0))
        {
            return None;
        }
        let plain = input.checked_sub(read.checked_add(written)?)?;
        let write_price = match self.cache_write {
            Some(price) => price,
            None if written == 0 => 0.0,
            None => return None,
        };
        let amount = millions(plain) * self.input
            + millions(read) * self.cached_input.unwrap_or(self.input)
            + millions(written) * write_price
            + millions(output) * self.output;
        Some(Cost {
            amount,
            currency: self.currency.clone(),
            as_of: self.as_of.clone(),
        })
    }
}

fn millions(tokens: u64) -> f64 {
    tokens as f64 / 1_000_000.0
}
