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
    /// The tokens that the model can hold, where that is known.
    pub(crate) window: Option<u64>,
    /// Whether nobody said how many tokens there were, so that the usage is a guess.
    pub(crate) is_guess: bool,
}

impl Figures {
    /// Short: `acme/quick-1 · 41 tok (3 % of 128k) · $0.0002 · 0.9 s (first 0.2 s, 57 tok/s)`.
    pub(crate) fn line(&self) -> String {
        let mut words = vec![self.model.clone()];
        words.extend(
            self.usage
                .total_tokens()
                .map(|tokens| format!("{} tok{}", self.tokens(tokens), self.gauge(tokens))),
        );
        words.extend(self.money());
        words.push(format!("{}{}", span(self.total), self.pace()));
        words.join(" · ")
    }

    /// A number of tokens, marked where it is a guess.
    pub(crate) fn tokens(&self, tokens: u64) -> String {
        format!("{}{}", self.mark(), grouped(tokens))
    }

    /// What it cost, marked likewise.
    pub(crate) fn money(&self) -> Option<String> {
        let cost = self.cost.as_ref()?;
        Some(format!("{}{}", self.mark(), money(cost)))
    }

    pub(crate) fn mark(&self) -> &'static str {
        if self.is_guess { "~" } else { "" }
    }

    /// How full the window is, once that says anything.
    fn gauge(&self, tokens: u64) -> String {
        match self.window {
            Some(window) if tokens.saturating_mul(100) >= window && window > 0 => {
                format!(
                    " ({} % of {})",
                    tokens.saturating_mul(100) / window,
                    short(window)
                )
            }
            _ => String::new(),
        }
    }

    /// How fast it came, where it took long enough to say.
    fn pace(&self) -> String {
        let first = self.first.filter(|_| self.total >= Duration::from_secs(1));
        match (first, self.speed()) {
            (Some(first), Some(speed)) => {
                let mark = self.mark();
                format!(" (first {}, {mark}{speed:.0} tok/s)", span(first))
            }
            (Some(first), None) => format!(" (first {})", span(first)),
            _ => String::new(),
        }
    }

    /// Tokens of output a second, from the first of them on.
    pub(crate) fn speed(&self) -> Option<f64> {
        let tokens = self.usage.output_tokens?;
        let writing = self.total.checked_sub(self.first?)?.as_secs_f64();
        (writing > 0.05 && tokens > 1).then(|| tokens as f64 / writing)
    }
}

/// A number of tokens as lists show it.
pub(crate) fn short(tokens: u64) -> String {
    match tokens {
        1_000_000.. => format!("{}M", tokens / 1_000_000),
        1_000.. => format!("{}k", tokens / 1_000),
        few => few.to_string(),
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
        _ => amount.trim_end_matches('0').trim_end_matches('.'),
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
        assert_eq!(of(0.000_004), "$0");
        assert_eq!(of(0.999_96), "$1");
        assert_eq!(money(&Cost::new(2.0, "CHF", "")), "2.00 CHF");
    }

    #[test]
    fn what_is_a_guess_is_marked() {
        let mut figures = Figures {
            model: "acme/quick-1".to_owned(),
            cost: Some(Cost::new(0.25, "USD", "")),
            is_guess: true,
            ..Figures::default()
        };
        figures.usage.input_tokens = Some(30);
        figures.usage.output_tokens = Some(11);
        assert_eq!(figures.line(), "acme/quick-1 · ~41 tok · ~$0.25 · 0 ms");
        figures.is_guess = false;
        assert_eq!(figures.line(), "acme/quick-1 · 41 tok · $0.25 · 0 ms");
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(grouped(12), "12");
    }
}
