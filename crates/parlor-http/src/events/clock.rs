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

/// How late a poll may come after its alarm and still be the one that the alarm
/// woke. A caller that comes back later than that wasn't waiting.
const WOKEN_WITHIN: Duration = Duration::from_secs(1);

/// How long an alarm that went off waits for bytes that have come meanwhile:
/// where the caller kept the thread busy, nobody has taken them off the socket.
const GRACE: Duration = Duration::from_millis(20);

/// The time limits of one stream.
///
/// Those to the first event and between events count only while the caller
/// waits: from the poll that found nothing until the next event. A caller that
/// went away over an alarm has its wait begun anew. The total counts always.
pub(super) struct Clock {
    /// What the opening left of the time to the first event.
    first: Option<Duration>,
    total: Option<Instant>,
    idle: Option<Duration>,
    end: Option<Duration>,
    /// Whether only the protocol's last words are awaited.
    ending: bool,
    /// Whether an event has come.
    pub(super) begun: bool,
    alarm: Option<Alarm>,
    /// A used alarm, kept so that waiting doesn't allocate.
    spare: Option<Pin<Box<Sleep>>>,
}

struct Alarm {
    timer: Pin<Box<Sleep>>,
    kind: TimeoutKind,
    /// Whether it has gone off once and the grace runs.
    rang: bool,
}

impl Clock {
    /// The limits of an exchange that began then.
    pub(super) fn new(limits: &Timeouts, begun: Instant) -> Self {
        Self {
            first: limits
                .first_event
                .map(|limit| limit.saturating_sub(begun.elapsed())),
            total: after(begun, limits.total),
            idle: limits.idle,
            end: limits.end,
            ending: false,
            begun: false,
            alarm: None,
            spare: None,
        }
    }

    /// An event has come: the next wait begins anew.
    pub(super) fn progress(&mut self) {
        self.begun = true;
        self.rewind();
    }

    /// Whether only the protocol's last words are awaited from now on, which is
    /// done for a while only.
    pub(super) fn ending(&mut self, ending: bool) {
        if self.ending != ending {
            self.ending = ending;
            self.rewind();
        }
    }

    /// Has no limit to the wait for the last words but the idle one.
    pub(super) fn never_ending(&mut self) {
        self.end = None;
    }

    /// Puts the alarm back.
    fn rewind(&mut self) {
        if let Some(alarm) = self.alarm.take() {
            self.spare = Some(alarm.timer);
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

    /// Whether the time for the whole exchange has run out.
    pub(super) fn is_over(&self) -> bool {
        self.total.is_some_and(|total| Instant::now() >= total)
    }

    /// Ready when a time limit has run out.
    pub(super) fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Poll<TimeoutKind> {
        loop {
            if self.alarm.is_none() && !self.arm() {
                return Poll::Pending;
            }
            let Some(alarm) = &mut self.alarm else {
                return Poll::Pending;
            };
            ready!(alarm.timer.as_mut().poll(cx));
            if alarm.kind == TimeoutKind::Total {
                return Poll::Ready(alarm.kind);
            }
            let late = alarm.timer.deadline().elapsed();
            if late > WOKEN_WITHIN {
                self.spare = self.alarm.take().map(|it| it.timer);
            } else if !alarm.rang {
                alarm.rang = true;
                alarm.timer.as_mut().reset(Instant::now() + GRACE);
            } else {
                return Poll::Ready(alarm.kind);
            }
        }
    }

    /// Sets the alarm for a wait that begins now; false where nothing limits it.
    fn arm(&mut self) -> bool {
        let now = Instant::now();
        let next = match self.begun {
            true => after(now, self.idle).map(|it| (it, TimeoutKind::Idle)),
            false => after(now, self.first).map(|it| (it, TimeoutKind::FirstEvent)),
        };
        let end = self.end.filter(|_| self.ending);
        let end = after(now, end).map(|it| (it, TimeoutKind::Idle));
        let total = self.total.map(|it| (it, TimeoutKind::Total));
        let limits = [next, end, total].into_iter().flatten();
        let soonest = limits.min_by_key(|it| it.0);
        let Some((deadline, kind)) = soonest else {
            return false;
        };
        let timer = match self.spare.take() {
            Some(mut timer) => {
                timer.as_mut().reset(deadline);
                timer
            }
            None => Box::pin(sleep_until(deadline)),
        };
        self.alarm = Some(Alarm {
            timer,
            kind,
            rang: false,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Waker;
    use tokio::time::advance;

    const LIMIT: Duration = Duration::from_secs(60);

    fn clock() -> Clock {
        let limits = Timeouts {
            first_event: Some(LIMIT),
            idle: Some(LIMIT),
            ..Timeouts::default()
        };
        Clock::new(&limits, Instant::now())
    }

    fn poll(clock: &mut Clock) -> Poll<TimeoutKind> {
        clock.poll_alarm(&mut Context::from_waker(Waker::noop()))
    }

    async fn alarm(clock: &mut Clock) -> (TimeoutKind, Duration) {
        let begun = Instant::now();
        let kind = poll_fn(|cx| clock.poll_alarm(cx)).await;
        (kind, begun.elapsed())
    }

    fn about(limit: Duration, waited: Duration) -> bool {
        (limit..limit + 2 * GRACE).contains(&waited)
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_waits_is_told_in_time() {
        let mut clock = clock();
        let (kind, waited) = alarm(&mut clock).await;
        assert_eq!(kind, TimeoutKind::FirstEvent);
        assert!(about(LIMIT, waited), "{waited:?}");
        clock.progress();
        advance(2 * LIMIT).await;
        let (kind, waited) = alarm(&mut clock).await;
        assert_eq!(kind, TimeoutKind::Idle);
        assert!(about(LIMIT, waited), "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_went_away_over_an_alarm_waits_anew() {
        for begun in [false, true] {
            let mut clock = clock();
            if begun {
                clock.progress();
            }
            assert_eq!(poll(&mut clock), Poll::Pending);
            advance(LIMIT + 2 * WOKEN_WITHIN).await;
            assert_eq!(poll(&mut clock), Poll::Pending, "begun: {begun}");
            let (_, waited) = alarm(&mut clock).await;
            assert!(about(LIMIT, waited), "{waited:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_is_slow_to_begin_has_the_whole_time() {
        let mut clock = clock();
        advance(10 * LIMIT).await;
        assert!(about(LIMIT, alarm(&mut clock).await.1));
    }

    #[tokio::test(start_paused = true)]
    async fn an_alarm_gives_bytes_that_have_come_the_time_to_be_read() {
        let mut clock = clock();
        assert_eq!(poll(&mut clock), Poll::Pending);
        advance(LIMIT + WOKEN_WITHIN / 2).await;
        assert_eq!(poll(&mut clock), Poll::Pending);
        clock.progress();
        assert_eq!(alarm(&mut clock).await.0, TimeoutKind::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn the_last_words_are_awaited_for_a_while_only() {
        for begun in [false, true] {
            let mut clock = clock();
            if begun {
                clock.progress();
            }
            let end = Timeouts::default().end.unwrap();
            assert_eq!(poll(&mut clock), Poll::Pending);
            clock.ending(true);
            assert!(about(end, alarm(&mut clock).await.1), "begun: {begun}");
            // There was more to come after all.
            clock.progress();
            clock.ending(false);
            assert!(about(LIMIT, alarm(&mut clock).await.1));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_total_counts_whatever_the_caller_does() {
        let limits = Timeouts {
            total: Some(LIMIT),
            ..Timeouts::default()
        };
        let mut clock = Clock::new(&limits, Instant::now());
        assert!(!clock.is_over());
        assert_eq!(poll(&mut clock), Poll::Pending);
        advance(10 * LIMIT).await;
        assert!(clock.is_over());
        assert_eq!(poll(&mut clock), Poll::Ready(TimeoutKind::Total));
    }
}
