//! Accounts of what is used in windows of time, for the layers that keep limits.
//!
//! A layer [reserves](LimitStore::reserve) what a call may use before it is sent,
//! and [settles](LimitStore::settle) it with what the call did use. The accounts
//! are in a store: [`MemoryStore`], or one that several instances of a program
//! share. The layer decides what is counted and in which unit; the store adds up.

mod amount;
mod memory;

pub(crate) use amount::Amount;
pub use memory::MemoryStore;

use async_trait::async_trait;
use parlor_core::{ChatRequest, Result};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::time::Duration;

/// The time over which use is added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Window {
    /// The time that just went by, so long: whatever is looked at, no stretch of
    /// this length has more in it than the limit.
    Rolling(Duration),
    /// The calendar day, in UTC.
    Day,
    /// The calendar month, in UTC.
    Month,
    /// As long as the store keeps the account: it never renews.
    Life,
}

/// Who shares an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scope {
    /// All calls.
    #[default]
    All,
    /// The calls with the same [`user`](ChatRequest::user); those without one
    /// share an account too.
    User,
}

impl Scope {
    /// What tells the accounts of one scope apart.
    pub(crate) fn key(self, request: &ChatRequest) -> &str {
        match self {
            Self::All => "",
            Self::User => request.user.as_deref().unwrap_or_default(),
        }
    }
}

/// What a call wants of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claim {
    /// The account's name; one name always goes with one window.
    pub account: String,
    /// When it renews.
    pub window: Window,
    /// The most that may be in it at a time.
    pub limit: u64,
    /// What is wanted, in the account's unit.
    pub amount: u64,
}

impl Claim {
    /// A claim on an account.
    pub fn new(account: impl Into<String>, window: Window, limit: u64, amount: u64) -> Self {
        Self {
            account: account.into(),
            window,
            limit,
            amount,
        }
    }
}

/// What was reserved of one account, to settle it with.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Receipt {
    /// The account's name.
    pub account: String,
    /// When it renews.
    pub window: Window,
    /// What was taken.
    pub amount: u64,
    /// The store's own note on where it was put.
    pub note: u64,
}

impl Receipt {
    /// A receipt for a claim, with a note that only the store reads.
    pub fn new(claim: &Claim, note: u64) -> Self {
        Self {
            account: claim.account.clone(),
            window: claim.window,
            amount: claim.amount,
            note,
        }
    }
}

/// What came of several claims: all were granted, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// A receipt for each claim, in their order.
    Granted(Vec<Receipt>),
    /// One account can't grant its claim.
    Full {
        /// Which claim, by its index.
        claim: usize,
        /// What is in the account.
        used: u64,
        /// When there will be room if nothing is given back; `None` is never.
        after: Option<Duration>,
    },
}

/// Keeps accounts of what is used.
///
/// Share one among layers, or among instances of a program, to make them keep
/// one limit together; [`MemoryStore`] is the default of each layer.
#[async_trait]
pub trait LimitStore: Debug + Send + Sync {
    /// Takes what is claimed of all the accounts, or nothing of any.
    ///
    /// # Behavior
    /// - Atomic: calls at the same time never take more than a limit together.
    /// - A claim fits if what is in the account and its amount make no more than
    ///   its limit; one of nothing always fits.
    /// - Of several claims that don't fit, the one with the longest wait is told.
    /// - A reservation whose holder died counts until its window is over, and
    ///   no longer.
    ///
    /// # Errors
    /// Where the store can't be reached. The call is not sent then.
    async fn reserve(&self, claims: &[Claim]) -> Result<Reserved>;

    /// Puts what was used in place of what was reserved.
    ///
    /// # Behavior
    /// - Called once for each receipt, from a drop too: so it neither waits nor
    ///   fails. A store over a network sends it on by itself.
    /// - What was reserved too much is given back where it was taken, if that
    ///   window still counts. What was used beyond it is added as of now, past
    ///   the limit if need be, so that later calls pay for it.
    fn settle(&self, receipt: Receipt, used: u64);

    /// Makes an account look at least so full for some time, because its
    /// provider says so.
    ///
    /// # Behavior
    /// - It replaces what was said before of the same account.
    /// - It never waits and never fails, as [`settle`](Self::settle).
    fn hold(&self, account: &str, window: Window, at_least: u64, until: Duration);

    /// What is in an account, reservations included, and when all or a part of
    /// it renews next; `None` is never, or no need.
    ///
    /// # Errors
    /// Where the store can't be reached.
    async fn used(&self, account: &str, window: Window) -> Result<(u64, Option<Duration>)>;
}
