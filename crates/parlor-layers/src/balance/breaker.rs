//! Whether a target may be asked, by how it fared: a circuit breaker.

use super::BreakerPolicy;
use std::time::Duration;
use tokio::time::Instant;

/// The circuit of one target.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// Failures with no success between them.
    in_a_row: u32,
    /// How often it opened since the last success: each time it waits longer.
    opened: u32,
    window: Window,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Calls pass.
    Closed,
    /// No call passes before this time; then one may probe.
    Open(Instant),
    /// One call is finding out.
    Probing,
}

impl Breaker {
    pub(super) fn new() -> Self {
        Self {
            state: State::Closed,
            in_a_row: 0,
            opened: 0,
            window: Window::default(),
        }
    }

    /// Lets a call pass, or not; `Some(true)` makes it the probe.
    pub(super) fn pass(&mut self, now: Instant) -> Option<bool> {
        match self.state {
            State::Closed => Some(false),
            State::Open(due) if now >= due => {
                self.state = State::Probing;
                Some(true)
            }
            State::Open(_) | State::Probing => None,
        }
    }

    /// Whether a call would pass.
    pub(super) fn is_passable(&self, now: Instant) -> bool {
        match self.state {
            State::Closed => true,
            State::Open(due) => now >= due,
            State::Probing => false,
        }
    }

    /// When it may be probed; `None` where it needn't be, or is being probed.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.state {
            State::Open(due) => Some(due),
            State::Closed | State::Probing => None,
        }
    }

    /// A call has begun to answer.
    pub(super) fn answered(&mut self, is_probe: bool) {
        if is_probe && self.state == State::Probing {
            self.state = State::Closed;
            self.in_a_row = 0;
            self.window = Window::default();
        }
    }

    /// A call has ended well.
    pub(super) fn succeeded(&mut self, now: Instant, policy: &BreakerPolicy) {
        self.in_a_row = 0;
        self.opened = 0;
        self.window.count(now, policy.window, false);
    }

    /// A call has failed by the target's fault. `named` is how long the
    /// provider asks to be left alone. Gives how long the circuit is open if it
    /// opens now.
    pub(super) fn failed(
        &mut self,
        is_probe: bool,
        named: Option<Duration>,
        now: Instant,
        policy: &BreakerPolicy,
    ) -> Option<Duration> {
        let named = named.filter(|wait| !wait.is_zero());
        match self.state {
            State::Closed => {
                self.in_a_row = self.in_a_row.saturating_add(1);
                self.window.count(now, policy.window, true);
                let opens = named.is_some()
                    || self.in_a_row >= policy.failures
                    || self.window.fails(policy);
                opens.then(|| self.open(named, now, policy))
            }
            State::Probing if is_probe => Some(self.open(named, now, policy)),
            // A call from before it opened.
            State::Open(due) => {
                let later = after(now, named?.min(policy.max_cool_down));
                self.state = State::Open(due.max(later));
                None
            }
            State::Probing => None,
        }
    }

    /// The probe ended without telling anything.
    pub(super) fn released(&mut self, now: Instant) {
        if self.state == State::Probing {
            self.state = State::Open(now);
        }
    }

    fn open(&mut self, named: Option<Duration>, now: Instant, policy: &BreakerPolicy) -> Duration {
        let factor = 1_u32.checked_shl(self.opened).unwrap_or(u32::MAX);
        let own = policy.cool_down.saturating_mul(factor);
        let wait = named.unwrap_or(own).min(policy.max_cool_down);
        self.opened = self.opened.saturating_add(1);
        self.in_a_row = 0;
        self.window = Window::default();
        self.state = State::Open(after(now, wait));
        wait
    }
}

/// The end of a wait. One beyond the clock's reach is as good as never.
fn after(now: Instant, wait: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(86_400 * 365 * 30);
    now.checked_add(wait).unwrap_or_else(|| now + NEVER)
}

/// Calls and failures of the recent past, in two halves that take turns.
#[derive(Debug, Default)]
struct Window {
    /// When the present half began.
    began: Option<Instant>,
    now: Counts,
    before: Counts,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    calls: u32,
    failures: u32,
}

impl Window {
    fn count(&mut self, now: Instant, window: Duration, failed: bool) {
        let half = window / 2;
        let began = *self.began.get_or_insert(now);
        let passed = now.saturating_duration_since(began);
        if passed >= window {
            *self = Self::default();
            self.began = Some(now);
        } else if passed >= half {
            self.before = std::mem::take(&mut self.now);
            self.began = Some(began + half);
        }
        self.now.calls = self.now.calls.saturating_add(1);
        self.now.failures = self.now.failures.saturating_add(failed.into());
    }

    fn fails(&self, policy: &BreakerPolicy) -> bool {
        let calls = self.now.calls.saturating_add(self.before.calls);
        let failures = self.now.failures.saturating_add(self.before.failures);
        calls >= policy.least_calls && f64::from(failures) >= policy.ratio * f64::from(calls)
    }
}
