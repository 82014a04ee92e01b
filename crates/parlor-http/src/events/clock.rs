//! The time limits of one stream.

use crate::endpoint::Timeouts;
use crate::model::after;
use parlor_core::TimeoutKind;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
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
///
/// The alarm isn't put off with every event: one that goes off before the wait
/// is due is set anew. And before one is set at all, or sooner than it is, the
/// body is asked once more, since that takes less time and mostly bytes have
/// come. So most waits cost no more than to read the time.
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
    /// When the present wait has taken too long.
    due: Option<Due>,
    alarm: Option<Pin<Box<Sleep>>>,
    /// Whom the alarm wakes.
    waker: Waker,
    /// Whether the body was asked once more in the present wait.
    insisted: bool,
}

#[derive(Clone, Copy)]
struct Due {
    at: Instant,
    kind: TimeoutKind,
    /// Whether it was due once and the grace runs.
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
            due: None,
            alarm: None,
            waker: Waker::noop().clone(),
            insisted: false,
        }
    }

    /// An event has come: the next wait begins anew.
    pub(super) fn progress(&mut self) {
        self.begun = true;
        self.due = None;
    }

    /// Whether only the protocol's last words are awaited from now on, which is
    /// done for a while only.
    pub(super) fn ending(&mut self, ending: bool) {
        if self.ending != ending {
            self.ending = ending;
            self.due = None;
        }
    }

    /// Has no limit to the wait for the last words but the idle one.
    pub(super) fn never_ending(&mut self) {
        self.end = None;
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
            let due = match self.due {
                Some(due) => due,
                None => {
                    let Some(due) = self.begin() else {
                        return Poll::Pending;
                    };
                    self.insisted = false;
                    *self.due.insert(due)
                }
            };
            ready!(self.poll_until(due.at, cx));
            if due.kind == TimeoutKind::Total {
                return Poll::Ready(due.kind);
            }
            if due.at.elapsed() > WOKEN_WITHIN {
                self.due = None;
            } else if due.rang {
                return Poll::Ready(due.kind);
            } else {
                self.due = Some(Due {
                    at: Instant::now() + GRACE,
                    rang: true,
                    ..due
                });
            }
        }
    }

    /// When a wait that begins now takes too long; `None` where nothing limits it.
    fn begin(&self) -> Option<Due> {
        let now = Instant::now();
        let (limit, kind) = match self.begun {
            true => (self.idle, TimeoutKind::Idle),
            false => (self.first, TimeoutKind::FirstEvent),
        };
        let mut soonest = after(now, limit).map(|at| (at, kind));
        let mut sooner = |at: Option<Instant>, kind| {
            if let Some(at) = at
                && soonest.is_none_or(|it| at < it.0)
            {
                soonest = Some((at, kind));
            }
        };
        if self.ending {
            sooner(after(now, self.end), TimeoutKind::Idle);
        }
        sooner(self.total, TimeoutKind::Total);
        let (at, kind) = soonest?;
        Some(Due {
            at,
            kind,
            rang: false,
        })
    }

    /// Ready at that time.
    fn poll_until(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let alarm = self.alarm.as_ref().filter(|it| it.deadline() <= at);
        match alarm {
            Some(alarm) if !alarm.is_elapsed() && self.waker.will_wake(cx.waker()) => {
                return Poll::Pending;
            }
            None if !self.insisted => {
                self.insisted = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            _ => {}
        }
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if alarm.deadline() > at {
            alarm.as_mut().reset(at);
        }
        self.waker.clone_from(cx.waker());
        while alarm.as_mut().poll(cx).is_ready() {
            if alarm.deadline() >= at {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(at);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
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
    async fn an_event_leaves_the_alarm_and_the_next_wait_is_whole() {
        let mut clock = clock();
        clock.progress();
        let set = |clock: &Clock| clock.alarm.as_ref().map(|it| it.deadline());
        assert_eq!(poll(&mut clock), Poll::Pending);
        assert_eq!(set(&clock), None, "the body is asked once more first");
        assert_eq!(poll(&mut clock), Poll::Pending);
        let first = set(&clock);
        assert!(first.is_some());
        advance(LIMIT / 2).await;
        clock.progress();
        assert_eq!(poll(&mut clock), Poll::Pending);
        assert_eq!(set(&clock), first);
        assert!(about(LIMIT, alarm(&mut clock).await.1));
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
