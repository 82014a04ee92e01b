//! What is known of one target, and the ticket of a call to it.

use super::breaker::Breaker;
use super::{BalanceLayer, BalancePolicy, BreakerNotice, TargetStatus};
use crate::attempt::OF_THE_MODEL;
use parlor_core::{Error, ModelInfo, Retry};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How much the newest time counts in the mean.
const NEWEST: f64 = 0.3;

/// What is known of one target.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) weight: f64,
    in_flight: AtomicU32,
    health: Mutex<Health>,
}

#[derive(Debug)]
struct Health {
    breaker: Breaker,
    streams: Mean,
    calls: Mean,
    last_error: Option<Error>,
}

/// An exponentially weighted mean of times, with the moment of the newest.
#[derive(Debug, Default, Clone, Copy)]
struct Mean(Option<(f64, Instant)>);

impl Mean {
    fn add(&mut self, time: Duration, now: Instant) {
        let time = time.as_secs_f64();
        let mean = self
            .0
            .map_or(time, |(mean, _)| mean + NEWEST * (time - mean));
        self.0 = Some((mean, now));
    }

    /// The mean, which fades while nothing is measured, so that a target that
    /// was slow once is asked again.
    fn faded(&self, half_life: Duration, now: Instant) -> Option<f64> {
        let (mean, at) = self.0?;
        let idle = now.saturating_duration_since(at).as_secs_f64();
        let half_lives = idle / half_life.as_secs_f64();
        // No half-life at all makes no number, and fades at once.
        Some(match half_lives.is_finite() {
            true => mean * 0.5_f64.powf(half_lives),
            false => 0.0,
        })
    }
}

impl Target {
    pub(super) fn new(weight: f64) -> Self {
        Self {
            weight,
            in_flight: AtomicU32::new(0),
            health: Mutex::new(Health {
                breaker: Breaker::new(),
                streams: Mean::default(),
                calls: Mean::default(),
                last_error: None,
            }),
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// How long it has been taking, in seconds.
    pub(super) fn latency(
        &self,
        streamed: bool,
        policy: &BalancePolicy,
        now: Instant,
    ) -> Option<f64> {
        let health = self.health();
        let mean = match streamed {
            true => health.streams,
            false => health.calls,
        };
        mean.faded(policy.latency_half_life, now)
    }

    pub(super) fn is_passable(&self, now: Instant) -> bool {
        self.health().breaker.is_passable(now)
    }

    /// When it may be asked again, and what it failed with.
    pub(super) fn outage(&self) -> (Option<Instant>, Option<Error>) {
        let health = self.health();
        (health.breaker.due(), health.last_error.clone())
    }

    pub(super) fn status(&self, policy: &BalancePolicy, now: Instant) -> TargetStatus {
        let latency = self.latency(true, policy, now);
        let health = self.health();
        let due = health.breaker.due();
        TargetStatus {
            in_flight: self.in_flight(),
            is_open: !health.breaker.is_passable(now),
            due_in: due.map(|due| due.saturating_duration_since(now)),
            latency: latency.and_then(|it| Duration::try_from_secs_f64(it).ok()),
            last_error: health.last_error.clone(),
        }
    }
}

/// A call to a target: counted while it is there.
pub(super) struct Ticket {
    layer: BalanceLayer,
    pub(super) at: usize,
    begun: Instant,
    is_probe: bool,
}

impl Ticket {
    /// A ticket, if the target's circuit lets a call pass.
    pub(super) fn take(layer: &BalanceLayer, at: usize, now: Instant) -> Option<Self> {
        let target = layer.state.targets.get(at)?;
        let is_probe = target.health().breaker.pass(now)?;
        target.in_flight.fetch_add(1, Ordering::Relaxed);
        Some(Self {
            layer: layer.clone(),
            at,
            begun: now,
            is_probe,
        })
    }

    fn target(&self) -> Option<&Target> {
        self.layer.state.targets.get(self.at)
    }

    /// The answer has begun, or come whole.
    pub(super) fn answered(&mut self, streamed: bool) {
        let is_probe = std::mem::take(&mut self.is_probe);
        let now = Instant::now();
        let time = now.saturating_duration_since(self.begun);
        let Some(target) = self.target() else { return };
        let mut health = target.health();
        health.breaker.answered(is_probe);
        match streamed {
            true => health.streams.add(time, now),
            false => health.calls.add(time, now),
        }
    }

    /// The answer is complete.
    pub(super) fn succeeded(self) {
        if let Some(target) = self.target() {
            let policy = &self.layer.policy.breaker;
            target.health().breaker.succeeded(Instant::now(), policy);
        }
    }

    /// The call has failed. What is the caller's fault tells nothing of the
    /// target.
    pub(super) fn failed(mut self, info: &ModelInfo, error: &Error) {
        if !OF_THE_MODEL.contains(&error.kind()) {
            return;
        }
        let is_probe = std::mem::take(&mut self.is_probe);
        let named = match error.retry() {
            Retry::Later(named) => named,
            _ => None,
        };
        let Some(target) = self.target() else { return };
        let opened = {
            let mut health = target.health();
            health.last_error = Some(error.clone());
            let policy = &self.layer.policy.breaker;
            let now = Instant::now();
            health.breaker.failed(is_probe, named, now, policy)
        };
        if let (Some(cool_down), Some(hook)) = (opened, &self.layer.on_open) {
            hook(&BreakerNotice {
                target: info,
                cool_down,
                error,
            });
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(target) = self.target() else { return };
        target.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.is_probe {
            target.health().breaker.released(Instant::now());
        }
    }
}
