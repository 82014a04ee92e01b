//! What a call took of the limits, until it is known what it uses.

use super::line::Line;
use super::{Counts, Shared};
use crate::limits::Receipt;
use crate::meter::{Bill, Spent};
use parlor_core::Usage;
use std::sync::Arc;

/// What a call took of the limits.
pub(super) struct Reservation {
    shared: Arc<Shared>,
    /// Told when there are tokens that may be given back.
    line: Option<Arc<Line>>,
    receipts: Vec<(Counts, Receipt)>,
}

impl Reservation {
    pub(super) fn new(
        shared: &Arc<Shared>,
        line: &Arc<Line>,
        counts: Vec<Counts>,
        receipts: Vec<Receipt>,
    ) -> Self {
        let tokens = counts.iter().any(|it| *it != Counts::Requests);
        if tokens {
            line.begin();
        }
        Self {
            shared: shared.clone(),
            line: tokens.then(|| line.clone()),
            receipts: counts.into_iter().zip(receipts).collect(),
        }
    }
}

impl Bill for Reservation {
    fn settle(mut self, spent: Spent) {
        let (input, output) = match &spent {
            Spent::Nothing => (0, 0),
            Spent::Used { usage, whole } => {
                let output = usage.output_tokens.unwrap_or_default();
                if *whole {
                    self.shared.estimator.learn(output);
                }
                (self.input(usage), output)
            }
            Spent::Unknown => return,
        };
        for (counts, receipt) in self.receipts.drain(..) {
            let used = match counts {
                Counts::Requests => continue,
                Counts::InputTokens => input,
                Counts::OutputTokens => output,
                Counts::Tokens => input.saturating_add(output),
            };
            self.shared.store.settle(receipt, used);
        }
    }
}

impl Reservation {
    fn input(&self, usage: &Usage) -> u64 {
        let cached = match self.shared.policy.count_cached {
            true => 0,
            false => usage.cached_input_tokens.unwrap_or_default(),
        };
        usage
            .input_tokens
            .unwrap_or_default()
            .saturating_sub(cached)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.end();
        }
    }
}
