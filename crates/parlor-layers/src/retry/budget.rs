//! A bucket of retries that successes refill.

use std::sync::atomic::{AtomicU64, Ordering};

/// Holds thousandths of a retry, so that it needs no lock.
pub(crate) struct Budget {
    left: AtomicU64,
    full: u64,
    earned: u64,
}

const RETRY: u64 = 1000;

impl Budget {
    pub(crate) fn new(retries: u32, earned_per_success: f64) -> Self {
        let full = u64::from(retries) * RETRY;
        Self {
            left: AtomicU64::new(full),
            full,
            // A cast from a float saturates, and makes nothing of NaN.
            earned: (earned_per_success * RETRY as f64).round() as u64,
        }
    }

    /// Takes one retry; false if there is none.
    pub(crate) fn spend(&self) -> bool {
        self.update(|left| left.checked_sub(RETRY))
    }

    /// Puts back what a success earns.
    pub(crate) fn earn(&self) {
        self.update(|left| Some(left.saturating_add(self.earned).min(self.full)));
    }

    // The figure stands alone: nothing else is read by its order.
    fn update(&self, change: impl FnMut(u64) -> Option<u64>) -> bool {
        let relaxed = Ordering::Relaxed;
        self.left.fetch_update(relaxed, relaxed, change).is_ok()
    }
}
