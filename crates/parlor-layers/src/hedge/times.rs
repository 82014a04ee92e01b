//! How soon first events have been coming.

use super::HedgePolicy;
use std::time::Duration;

/// The newest times to the first event, of which a percentile is taken.
#[derive(Default)]
pub(super) struct Times {
    seen: Vec<Duration>,
    next: usize,
}

impl Times {
    const MOST: usize = 256;

    pub(super) fn add(&mut self, time: Duration) {
        match self.seen.get_mut(self.next) {
            Some(oldest) => *oldest = time,
            None => self.seen.push(time),
        }
        self.next = (self.next + 1) % Self::MOST;
    }

    pub(super) fn percentile(&self, policy: &HedgePolicy) -> Option<Duration> {
        if self.seen.len() < policy.least_samples {
            return None;
        }
        let mut seen = self.seen.clone();
        seen.sort_unstable();
        // A cast from a float saturates, and makes nothing of NaN.
        let rank = (policy.percentile * seen.len() as f64).ceil() as usize;
        let last = seen.len().checked_sub(1)?;
        seen.get(rank.saturating_sub(1).min(last)).copied()
    }
}
