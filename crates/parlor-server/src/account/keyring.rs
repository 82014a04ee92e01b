//! The keys that a store gave out, looked up through a short memory.
//!
//! While the store is away, a key that was known in the last hour is known still; one that wasn't
//! is neither right nor wrong, whatever was said of it before: its holder is told to come again.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lru::LruCache;
use parlor::{Error, ErrorKind, Result, Retry};
use parlor_store::{ServiceKey, Store};

/// How long what the store said holds: a key that is revoked may go on so long.
const FRESH: Duration = Duration::from_secs(10);
/// How long it holds while the store is away.
const STALE: Duration = Duration::from_secs(3600);
/// How long the store may take.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a store that was away isn't asked again by those who have an answer.
const REST: Duration = Duration::from_secs(1);
/// The most keys, right and wrong ones, that are remembered.
const MOST: usize = 10_000;

/// The keys of a store.
pub(crate) struct Keyring {
    store: Store,
    kept: Mutex<Kept>,
    is_away: AtomicBool,
}

struct Kept {
    /// By the digest of what was shown.
    keys: LruCache<[u8; 32], Answer<Option<Arc<ServiceKey>>>>,
    /// Whether there is any key.
    any: Option<Answer<bool>>,
    rests_until: Option<Instant>,
}

/// What the store said, and when.
#[derive(Clone)]
struct Answer<T> {
    said: T,
    at: Instant,
}

impl<T> Answer<T> {
    fn now(said: T) -> Self {
        let at = Instant::now();
        Self { said, at }
    }
}

impl Keyring {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            kept: Mutex::new(Kept {
                keys: LruCache::unbounded(),
                any: None,
                rests_until: None,
            }),
            is_away: AtomicBool::new(false),
        }
    }

    /// Whether the store didn't answer when it was last asked.
    pub(crate) fn is_away(&self) -> bool {
        self.is_away.load(Ordering::Relaxed)
    }

    /// The key that was shown, if it was given out and holds.
    pub(crate) async fn find(&self, digest: [u8; 32], shown: &str) -> Result<Arc<ServiceKey>> {
        let known = self.kept().keys.get(&digest).cloned();
        let ask = async {
            let found = self.store.service_key_of(shown).await?;
            Ok(found.map(Arc::new))
        };
        // One that was wrong may have been given out since.
        let found = self.answer(known, ask, Option::is_some).await?;
        if let Some(new) = found.new {
            let mut kept = self.kept();
            kept.keys.put(digest, new);
            if kept.keys.len() > MOST {
                kept.keys.pop_lru();
            }
        }
        let wrong = |message: &'static str| Err(Error::new(ErrorKind::Authentication, message));
        match found.said {
            None => wrong("the key of this service is wrong"),
            Some(key) if key.revoked_ms.is_some() => wrong("the key of this service was revoked"),
            Some(key) if key.terms.expires_ms.is_some_and(|end| end <= now_ms()) => {
                wrong("the key of this service has expired")
            }
            Some(key) => Ok(key),
        }
    }

    /// Whether any key was given out: then one is asked for.
    pub(crate) async fn has_any(&self) -> Result<bool> {
        let known = self.kept().any.clone();
        let ask = async { Ok(!self.store.service_keys().await?.is_empty()) };
        let found = self.answer(known, ask, |_| true).await?;
        if let Some(new) = found.new {
            self.kept().any = Some(new);
        }
        Ok(found.said)
    }

    /// Makes the store answer, and says whether it does.
    pub(crate) async fn ping(&self) -> Result<()> {
        let ask = async { Ok(!self.store.service_keys().await?.is_empty()) };
        self.answer(None, ask, |_| true).await.map(drop)
    }

    /// What the store says, or said not long ago. While it is away, what it said of `holds`
    /// goes on, and nothing else.
    async fn answer<T: Clone>(
        &self,
        known: Option<Answer<T>>,
        ask: impl Future<Output = Result<T>>,
        holds: impl Fn(&T) -> bool,
    ) -> Result<Found<T>> {
        let now = Instant::now();
        let rests = self.kept().rests_until.is_some_and(|until| now < until);
        let stays = known.as_ref().is_some_and(|it| holds(&it.said));
        let patience = if rests && stays { STALE } else { FRESH };
        if let Some(known) = &known
            && now.duration_since(known.at) < patience
        {
            let said = known.said.clone();
            return Ok(Found { said, new: None });
        }
        let asked = tokio::time::timeout(PATIENCE, ask).await;
        match asked {
            Ok(Ok(said)) => {
                self.is_away.store(false, Ordering::Relaxed);
                self.kept().rests_until = None;
                let new = Some(Answer::now(said.clone()));
                Ok(Found { said, new })
            }
            failed => {
                self.is_away.store(true, Ordering::Relaxed);
                self.kept().rests_until = Some(now + REST);
                match known {
                    Some(known) if stays && now.duration_since(known.at) < STALE => {
                        let said = known.said;
                        Ok(Found { said, new: None })
                    }
                    _ => Err(away(failed.ok().and_then(Result::err))),
                }
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing panics while it is held.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// What is said, and what is to be remembered of it.
struct Found<T> {
    said: T,
    new: Option<Answer<T>>,
}

/// That the key can't be looked up for now.
fn away(source: Option<Error>) -> Error {
    let message = "the store of this service's keys is away";
    let error = Error::new(ErrorKind::Overloaded, message)
        .with_status(503)
        .with_retry(Retry::Later(Some(REST)));
    match source {
        Some(source) => error.with_source(source),
        None => error,
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    let passed = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap_or_default();
    i64::try_from(passed.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use parlor_store::KeyTerms;

    #[tokio::test]
    async fn while_the_store_is_away_no_key_is_wrong() {
        let store = Store::memory().await.unwrap();
        let (_, right) = store
            .add_service_key("team", KeyTerms::default())
            .await
            .unwrap();
        let keyring = Keyring::new(store.clone());
        let [known, unknown] = [[1; 32], [2; 32]];
        assert!(keyring.find(known, right.expose()).await.is_ok());
        let shown = format!("{}0", right.expose());
        let wrong = keyring.find(unknown, &shown).await.unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Authentication);
        store.close().await;
        for (_, answer) in keyring.kept().keys.iter_mut() {
            answer.at = answer.at.checked_sub(FRESH * 2).unwrap();
        }
        // The store is asked once, and rests the second time.
        for _ in 0..2 {
            assert!(keyring.find(known, right.expose()).await.is_ok());
            let away = keyring.find(unknown, &shown).await.unwrap_err();
            assert_eq!(away.kind(), ErrorKind::Overloaded);
        }
    }
}
