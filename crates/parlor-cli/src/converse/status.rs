//! The line under an answer: who answered, how much, what it cost, how long.

use parlor::{Cost, Usage};

use crate::terminal::span;
use std::time::Duration;

/// What an answer came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    pub(crate) model: String,
    pub(crate) usage: Usage,
    pub(crate) cost: Option<Cost>,
    pub(crate) first: Option<Duration>,
    pub(crate) total: Duration,
}

impl Figures {
    /// Short: `acme/quick-1 · 41 tok · $0.0002 · 0.2 s`.
    pub(crate) fn line(&self) -> String {
        let mut words = vec![self.model.clone()];
        words.extend(
            self.usage
                .total_tokens()
                .map(|tokens| format!("{} tok", grouped(tokens))),
        );
        words.extend(self.cost.as_ref().map(money));
        words.push(span(self.total));
        words.join(" · ")
    }

    /// Tokens of output a second, from the first of them on.
    pub(crate) fn speed(&self) -> Option<f64> {
        let tokens = self.usage.output_tokens?;
        let writing = self.total.checked_sub(self.first?)?.as_secs_f64();
        (writing > 0.05 && tokens > 1).then(|| tokens as f64 / writing)
    }
}

/// An amount as people write it, with as many digits as tell something.
pub(crate) fn money(cost: &Cost) -> String {
    let digits = match cost.amount {
        0.0 => 0,
        amount if amount < 0.01 => 5,
        amount if amount < 1.0 => 4,
        _ => 2,
    };
    let amount = format!("{:.digits$}", cost.amount);
    let amount = match digits {
        0..=2 => amount.as_str(),
        _ => amount.trim_end_matches('0'),
    };
    match &*cost.currency {
        "USD" => format!("${amount}"),
        "CNY" => format!("¥{amount}"),
        "EUR" => format!("€{amount}"),
        other => format!("{amount} {other}"),
    }
}

/// So many turns, in words.
pub(crate) fn turns(count: usize) -> String {
    match count {
        1 => "1 turn".to_owned(),
        count => format!("{count} turns"),
    }
}

/// A number with a space between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_the_digits_that_tell_something() {
        let of = |amount| money(&Cost::new(amount, "USD", ""));
        assert_eq!(of(0.0), "$0");
        assert_eq!(of(0.00021), "$0.00021");
        assert_eq!(of(0.25), "$0.25");
        assert_eq!(of(12.3), "$12.30");
        assert_eq!(money(&Cost::new(2.0, "CHF", "")), "2.00 CHF");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(12), "12");
    }
}
