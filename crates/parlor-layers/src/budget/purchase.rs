//! What a call took of the budgets, until it is known what it uses.

use super::Shared;
use crate::limits::Receipt;
use crate::meter::{Bill, Spent};
use futures_core::Stream;
use parlor_core::{ChatModel, Event, EventStream, Result, Usage, Warning};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

pub(super) struct Purchase {
    shared: Arc<Shared>,
    model: Arc<dyn ChatModel>,
    /// One for each limit, in their order.
    receipts: Vec<Receipt>,
}

impl Purchase {
    pub(super) fn new(
        shared: Arc<Shared>,
        model: Arc<dyn ChatModel>,
        receipts: Vec<Receipt>,
    ) -> Self {
        Self {
            shared,
            model,
            receipts,
        }
    }

    fn settle_used(self, usage: &Usage) {
        let cost = self.shared.cost(self.model.info(), usage);
        let tokens = usage.total_tokens();
        let limits = &self.shared.policy.limits;
        for (receipt, limit) in self.receipts.into_iter().zip(limits) {
            let used = match limit.allowance.is_money() {
                true => cost,
                false => tokens,
            };
            // What has no price after all keeps what was reserved.
            if let Some(used) = used {
                self.shared.store.settle(receipt, used);
            }
        }
    }
}

impl Bill for Purchase {
    fn settle(self, spent: Spent) {
        match spent {
            Spent::Nothing => {
                for receipt in self.receipts {
                    self.shared.store.settle(receipt, 0);
                }
            }
            Spent::Used { usage, whole } => {
                if whole {
                    let output = usage.output_tokens.unwrap_or_default();
                    self.shared.estimator.learn(output);
                }
                self.settle_used(&usage);
            }
            Spent::Unknown => {}
        }
    }
}

/// A stream with a warning after its first event.
pub(super) struct Noted {
    events: EventStream,
    warning: Option<Warning>,
    started: bool,
}

impl Noted {
    pub(super) fn new(events: EventStream, warning: Warning) -> Self {
        Self {
            events,
            warning: Some(warning),
            started: false,
        }
    }
}

impl Stream for Noted {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.started
            && let Some(warning) = self.warning.take()
        {
            let warning = Box::new(warning);
            return Poll::Ready(Some(Ok(Event::Warning { warning })));
        }
        let item = ready!(self.events.as_mut().poll_next(cx));
        self.started |= matches!(item, Some(Ok(Event::Started { .. })));
        Poll::Ready(item)
    }
}
