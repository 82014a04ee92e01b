//! How providers failed last, told from the requests that went to them: nothing is sent to find out.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use parlor::{Error, ErrorKind};
use parlor_store::{Outcome, UsageEvent};

use crate::chat::Failure;

/// How many failures in a row make a provider one that is down.
const IN_A_ROW: u32 = 3;

/// How long a failure counts.
const RECENT: Duration = Duration::from_secs(60);

/// The most providers that are remembered; there are no more instances than that.
const MOST: usize = 1024;

/// The providers that failed.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// How many failed last, so that a success needs no lock as a rule.
    count: AtomicUsize,
    troubles: Mutex<HashMap<String, Trouble>>,
}

/// How a provider fails.
#[derive(Debug, Clone)]
pub(crate) struct Trouble {
    provider: String,
    kind: ErrorKind,
    /// None where something went well since.
    in_a_row: u32,
    last: Instant,
}

impl Health {
    /// What became of a request.
    pub(crate) fn note(&self, event: &UsageEvent) {
        let Some(provider) = &event.provider else {
            return;
        };
        match event.outcome {
            Outcome::Failed(kind) if is_of_provider(kind) => {
                let mut troubles = self.troubles();
                if troubles.len() >= MOST && !troubles.contains_key(provider) {
                    return;
                }
                let trouble = troubles.entry(provider.clone()).or_insert_with(|| Trouble {
                    provider: provider.clone(),
                    kind,
                    in_a_row: 0,
                    last: Instant::now(),
                });
                let is_old = trouble.last.elapsed() > RECENT;
                trouble.in_a_row = if is_old { 1 } else { trouble.in_a_row + 1 };
                trouble.kind = kind;
                trouble.last = Instant::now();
                self.count.store(failing(&troubles), Ordering::Relaxed);
            }
            // One that was answered before the failure began says nothing, but is soon followed.
            Outcome::Completed if self.count.load(Ordering::Relaxed) > 0 => {
                let mut troubles = self.troubles();
                if let Some(trouble) = troubles.get_mut(provider) {
                    trouble.in_a_row = 0;
                }
                self.count.store(failing(&troubles), Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// How a provider failed of late, if it did.
    pub(crate) fn of(&self, provider: &str) -> Option<Trouble> {
        self.last(provider).filter(Trouble::is_recent)
    }

    /// How a provider failed last, however long ago and whatever went well since.
    pub(crate) fn last(&self, provider: &str) -> Option<Trouble> {
        self.troubles().get(provider).cloned()
    }

    fn troubles(&self) -> MutexGuard<'_, HashMap<String, Trouble>> {
        self.troubles.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failing(troubles: &HashMap<String, Trouble>) -> usize {
    troubles.values().filter(|it| it.in_a_row > 0).count()
}

impl Trouble {
    /// Whether it is so of late.
    pub(crate) fn is_recent(&self) -> bool {
        self.in_a_row > 0 && self.last.elapsed() <= RECENT
    }

    /// What it failed with, and how long ago.
    pub(crate) fn last(&self) -> (ErrorKind, Duration) {
        (self.kind, self.last.elapsed())
    }

    /// How often it failed with nothing between that went well.
    pub(crate) fn in_a_row(&self) -> u32 {
        self.in_a_row
    }

    /// Whether there is little point in asking.
    pub(crate) fn is_down(&self) -> bool {
        self.in_a_row >= IN_A_ROW
    }

    /// In words for people.
    pub(crate) fn why(&self) -> Failure {
        let times = match self.in_a_row {
            1 => "once".to_owned(),
            times => format!("{times} times in a row"),
        };
        let ago = self.last.elapsed().as_secs();
        let provider = &self.provider;
        let message = format!(
            "{provider} failed {times}, last {ago} s ago ({})",
            self.kind
        );
        Failure::from(&Error::new(self.kind, message))
    }
}

/// Whether a failure says something of the provider rather than of the request.
fn is_of_provider(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Authentication
            | ErrorKind::Connection
            | ErrorKind::Overloaded
            | ErrorKind::QuotaExhausted
            | ErrorKind::Server
            | ErrorKind::Timeout(_)
            | ErrorKind::Truncated
    )
}
