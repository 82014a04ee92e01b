//! Accounts in memory.

mod account;

use super::{Claim, LimitStore, Receipt, Reserved, Window};
use account::Account;
use async_trait::async_trait;
use parlor_core::Result;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// How many accounts there are before the empty ones are looked for.
const SWEEP_FROM: usize = 1024;

/// Keeps accounts in memory, shared by all who hold it.
///
/// Rolling windows go by tokio's clock, calendar windows by the system's. A
/// rolling window is cut into 64 slots, and what is in a slot counts from the
/// slot's end: so a limit is never passed, and room comes at most one slot late.
///
/// It holds at most a number of accounts, 100,000 by default, of a kilobyte or
/// so each. When so many have something in them, further ones are kept as one
/// that they share.
pub struct MemoryStore {
    accounts: Mutex<Accounts>,
    clock: Clock,
}

struct Clock {
    began: Instant,
    wall: Box<dyn Fn() -> SystemTime + Send + Sync>,
}

impl Clock {
    /// Milliseconds on the clock that a window goes by.
    fn now(&self, window: Window) -> u64 {
        account::millis(match window {
            Window::Rolling(_) => self.began.elapsed(),
            _ => (self.wall)().duration_since(UNIX_EPOCH).unwrap_or_default(),
        })
    }
}

struct Accounts {
    by_name: HashMap<Box<str>, Account>,
    /// What names have in common for which there was no room.
    crowd: HashMap<Window, Account>,
    max: usize,
    sweep_at: usize,
}

impl Accounts {
    /// The account of a name as it is now, and what its clock says.
    fn open(&mut self, name: &str, window: Window, clock: &Clock) -> (&mut Account, u64) {
        if !self.by_name.contains_key(name) {
            let count = self.by_name.len();
            if count >= self.sweep_at.min(self.max) {
                self.by_name.retain(|_, account| {
                    account.renew(clock.now(account.window));
                    !account.is_empty()
                });
                self.sweep_at = (self.by_name.len() * 2).max(SWEEP_FROM);
            }
        }
        let crowded = self.by_name.len() >= self.max && !self.by_name.contains_key(name);
        let account = match crowded {
            true => self.crowd.entry(window).or_insert(Account::new(window)),
            false => {
                let account = self.by_name.entry(name.into());
                account.or_insert_with(|| Account::new(window))
            }
        };
        let now = clock.now(account.window);
        account.renew(now);
        (account, now)
    }
}

impl MemoryStore {
    /// A store with no accounts.
    pub fn new() -> Self {
        Self {
            accounts: Mutex::new(Accounts {
                by_name: HashMap::new(),
                crowd: HashMap::new(),
                max: 100_000,
                sweep_at: SWEEP_FROM,
            }),
            clock: Clock {
                began: Instant::now(),
                wall: Box::new(SystemTime::now),
            },
        }
    }

    /// The same store with another clock for calendar windows.
    #[must_use]
    pub fn with_wall_clock(
        mut self,
        wall: impl Fn() -> SystemTime + Send + Sync + 'static,
    ) -> Self {
        self.clock.wall = Box::new(wall);
        self
    }

    /// The same store with room for so many accounts.
    #[must_use]
    pub fn with_max_accounts(self, max: usize) -> Self {
        self.accounts().max = max;
        self
    }

    /// How many accounts it holds; those that are empty are forgotten later.
    pub fn accounts_held(&self) -> usize {
        let accounts = self.accounts();
        accounts.by_name.len() + accounts.crowd.len()
    }

    fn accounts(&self) -> MutexGuard<'_, Accounts> {
        // Nothing panics while it is held.
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("accounts_held", &self.accounts_held())
            .finish_non_exhaustive()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LimitStore for MemoryStore {
    async fn reserve(&self, claims: &[Claim]) -> Result<Reserved> {
        let mut accounts = self.accounts();
        let mut full: Option<(usize, u64, Option<Duration>)> = None;
        for (index, claim) in claims.iter().enumerate() {
            let (account, now) = accounts.open(&claim.account, claim.window, &self.clock);
            if let Err(after) = account.room(claim.limit, claim.amount, now) {
                let longer = full.is_none_or(|(_, _, longest)| {
                    let never = |after: Option<Duration>| after.unwrap_or(Duration::MAX);
                    never(after) > never(longest)
                });
                if longer {
                    full = Some((index, account.used(), after));
                }
            }
        }
        if let Some((claim, used, after)) = full {
            return Ok(Reserved::Full { claim, used, after });
        }
        let receipts = claims.iter().map(|claim| {
            let (account, now) = accounts.open(&claim.account, claim.window, &self.clock);
            Receipt::new(claim, account.add(claim.amount, now))
        });
        Ok(Reserved::Granted(receipts.collect()))
    }

    fn settle(&self, receipt: Receipt, used: u64) {
        let mut accounts = self.accounts();
        let (account, now) = accounts.open(&receipt.account, receipt.window, &self.clock);
        match used.checked_sub(receipt.amount) {
            Some(beyond) => {
                account.add(beyond, now);
            }
            None => account.take_back(receipt.amount - used, receipt.note),
        }
    }

    fn hold(&self, account: &str, window: Window, at_least: u64, until: Duration) {
        let mut accounts = self.accounts();
        let (account, now) = accounts.open(account, window, &self.clock);
        account.hold(at_least, now.saturating_add(account::millis(until)));
    }

    async fn used(&self, account: &str, window: Window) -> Result<(u64, Option<Duration>)> {
        let mut accounts = self.accounts();
        let (account, now) = accounts.open(account, window, &self.clock);
        Ok((account.used(), account.renews(now)))
    }
}
