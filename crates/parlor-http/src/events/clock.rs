//! The time limits of one stream.

use crate::endpoint::Timeouts;
use crate::model::after;
use parlor_core::TimeoutKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long to wait for the end of a body whose answer is complete.
const LINGER: Duration = Duration::from_millis(50);

/// The time limits of one stream. The clock runs only while the caller waits.
pub(super) struct Clock {
    first: Option<Instant>,
    total: Option<Instant>,
    idle: Option<Duration>,
    /// Whether an event has come.
    pub(super) begun: bool,
    alarm: Option<(Pin<Box<Sleep>>, TimeoutKind)>,
    /// A used alarm, kept so that waiting doesn't allocate.
    spare: Option<Pin<Box<Sleep>>>,
}

impl Clock {
    /// The limits of an exchange that began then.
    pub(super) fn new(limits: &Timeouts, begun: Instant) -> Self {
        Self {
            first: after(begun, limits.first_event),
            total: after(begun, limits.total),
            idle: limits.idle,
            begun: false,
            alarm: None,
            spare: None,
        }
    }

    /// An event has come: the next wait begins anew.
    pub(super) fn progress(&mut self) {
        self.begun = true;
        if let Some((alarm, _)) = self.alarm.take() {
            self.spare = Some(alarm);
        }
    }

    /// The answer is complete: from now on wait no longer than [`LINGER`].
    pub(super) fn linger(&mut self) {
        if self.idle != Some(LINGER) {
            self.progress();
            self.idle = Some(LINGER);
            self.total = None;
        }
    }

    /// Ready when a time limit has run out.
    pub(super) fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<TimeoutKind> {
        if self.alarm.is_none() {
            let next = match self.begun {
                true => after(Instant::now(), self.idle).map(|it| (it, TimeoutKind::Idle)),
                false => self.first.map(|it| (it, TimeoutKind::FirstEvent)),
            };
            let total = self.total.map(|it| (it, TimeoutKind::Total));
            let soonest = next.into_iter().chain(total).min_by_key(|it| it.0);
            let Some((deadline, kind)) = soonest else {
                return Poll::Pending;
            };
            let alarm = match self.spare.take() {
                Some(mut alarm) => {
                    alarm.as_mut().reset(deadline);
                    alarm
                }
                None => Box::pin(sleep_until(deadline)),
            };
            self.alarm = Some((alarm, kind));
        }
        match &mut self.alarm {
            Some((alarm, kind)) => {
                ready!(alarm.as_mut().poll(cx));
                Poll::Ready(*kind)
            }
            None => Poll::Pending,
        }
    }
}
