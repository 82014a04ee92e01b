//! The places where an instance's key may be, and what looking there came to.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use parlor_core::{Error, Result};

use crate::{Env, Key, KeySource};

/// How long a key program that failed isn't run again.
const FAILED_FOR: Duration = Duration::from_secs(5);

/// The places where an instance's key may be, and the key once it was found.
///
/// Clones share what was found, so a key program runs once per instance; one that
/// failed is not run again for some seconds.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    sources: Arc<[KeySource]>,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Held while looking, so that two callers don't both ask a person.
    looking: Mutex<()>,
    /// What looking came to; held for a moment only.
    outcome: Mutex<Outcome>,
}

#[derive(Debug, Default)]
struct Outcome {
    found: Option<Key>,
    failed: Option<(Instant, Error)>,
}

impl Keys {
    /// These places, in the order in which they are looked through.
    pub fn new(sources: Vec<KeySource>) -> Self {
        Self {
            sources: sources.into(),
            shared: Arc::default(),
        }
    }

    /// The places, in order.
    pub fn sources(&self) -> &[KeySource] {
        &self.sources
    }

    /// The key that was found before; nothing is looked for.
    pub fn found(&self) -> Option<Key> {
        self.outcome().found.clone()
    }

    /// Whether [`find`](Self::find) may take long now: what it knows is no answer, and
    /// a program would be run, a file opened or a person asked.
    pub fn may_take_long(&self, env: &Env) -> bool {
        let outcome = self.outcome();
        if outcome.found.is_some() {
            return false;
        }
        for source in self.sources.iter() {
            match source {
                KeySource::Explicit(key) if key.is_empty() => {}
                KeySource::Explicit(_) => return false,
                KeySource::Env(names) if env.first(names).is_none() => {}
                KeySource::Env(_) => return false,
                KeySource::Command(_) => return outcome.failure().is_none(),
                _ => return true,
            }
        }
        false
    }

    /// The first key found. It is remembered; that there is none is not.
    ///
    /// # Errors
    /// As [`KeySource::find`]. The failure of a program is remembered for five seconds.
    pub fn find(&self, instance: &str, env: &Env) -> Result<Option<Key>> {
        let looking = self.shared.looking.lock();
        let _looking = looking.unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = self.found() {
            return Ok(Some(found));
        }
        for source in self.sources.iter() {
            let is_program = matches!(source, KeySource::Command(_));
            if let (true, Some(error)) = (is_program, self.outcome().failure()) {
                return Err(error.clone());
            }
            let found = source.find(instance, env).inspect_err(|error| {
                if is_program {
                    self.outcome().failed = Some((Instant::now(), error.clone()));
                }
            })?;
            if found.is_some() {
                self.outcome().found.clone_from(&found);
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn outcome(&self) -> MutexGuard<'_, Outcome> {
        let outcome = self.shared.outcome.lock();
        outcome.unwrap_or_else(PoisonError::into_inner)
    }
}

impl Outcome {
    /// The failure of a program that isn't run again yet.
    fn failure(&self) -> Option<&Error> {
        let (at, error) = self.failed.as_ref()?;
        (at.elapsed() < FAILED_FOR).then_some(error)
    }
}
