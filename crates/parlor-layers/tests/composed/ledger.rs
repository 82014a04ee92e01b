//! A store of limits that keeps count of what is reserved and not settled.

use async_trait::async_trait;
use parlor_core::Result;
use parlor_layers::limits::{Claim, LimitStore, MemoryStore, Receipt, Reserved, Window};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    store: MemoryStore,
    unsettled: AtomicUsize,
}

impl Ledger {
    /// How many receipts were given out and not settled.
    pub(crate) fn unsettled(&self) -> usize {
        self.unsettled.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl LimitStore for Ledger {
    async fn reserve(&self, claims: &[Claim]) -> Result<Reserved> {
        let reserved = self.store.reserve(claims).await?;
        if let Reserved::Granted(receipts) = &reserved {
            self.unsettled.fetch_add(receipts.len(), Ordering::Relaxed);
        }
        Ok(reserved)
    }

    fn settle(&self, receipt: Receipt, used: u64) {
        let before = self.unsettled.fetch_sub(1, Ordering::Relaxed);
        assert!(before > 0, "settled twice");
        self.store.settle(receipt, used);
    }

    fn hold(&self, account: &str, window: Window, at_least: u64, until: Duration) {
        self.store.hold(account, window, at_least, until);
    }

    async fn used(&self, account: &str, window: Window) -> Result<(u64, Option<Duration>)> {
        self.store.used(account, window).await
    }
}
