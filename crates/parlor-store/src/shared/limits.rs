//! Limits that are kept together: a script that the server runs in one step.

use super::{PATIENCE, SharedStore, away, told};
use async_trait::async_trait;
use parlor_core::Result;
use parlor_layers::limits::{Claim, LimitStore, Receipt, Reserved, Window};
use redis::aio::ConnectionManager;
use redis::{Script, ScriptInvocation};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long the server is left alone when it couldn't be told something.
const REST: Duration = Duration::from_millis(200);
/// How often it is told before that is given up: some minutes, fewer than `SETTLED` in limits.lua.
const TRIES: u32 = 600;

/// What is told to the server when it is there.
pub(super) enum Later {
    Settle(Receipt, u64),
    Hold(String, Window, u64, Duration),
    /// What may have been reserved by this key, though nobody heard of it.
    Undo(Vec<Claim>, String),
}

fn script() -> &'static Script {
    static SCRIPT: OnceLock<Script> = OnceLock::new();
    SCRIPT.get_or_init(|| Script::new(include_str!("limits.lua")))
}

fn key(account: &str) -> String {
    format!("parlor:limits:{account}")
}

/// What one change is known by, so that it is made once though it be told twice.
fn once() -> String {
    format!("parlor:limits:once:{:016x}", fastrand::u64(..))
}

fn word(window: Window) -> String {
    match window {
        Window::Rolling(length) => format!("r{}", length.as_millis()),
        Window::Day => "d".to_owned(),
        Window::Month => "m".to_owned(),
        _ => "l".to_owned(),
    }
}

/// Writes claims as the script reads them.
fn claimed(call: &mut ScriptInvocation<'_>, claims: &[Claim]) {
    for claim in claims {
        call.key(key(&claim.account))
            .arg(word(claim.window))
            .arg(claim.limit)
            .arg(claim.amount);
    }
}

fn time(ms: i64) -> Option<Duration> {
    u64::try_from(ms).ok().map(Duration::from_millis)
}

/// Tells the server what it is to be told, in its order, until nobody has anything to say.
pub(super) async fn work(mut connection: ConnectionManager, mut waiting: mpsc::Receiver<Later>) {
    while let Some(later) = waiting.recv().await {
        let own = once();
        for _ in 0..TRIES {
            let mut call = script().prepare_invoke();
            let mut once = &own;
            match &later {
                Later::Settle(receipt, used) => {
                    call.key(key(&receipt.account))
                        .arg("settle")
                        .arg(word(receipt.window))
                        .arg(receipt.note)
                        .arg(receipt.amount)
                        .arg(*used);
                }
                Later::Hold(account, window, at_least, until) => {
                    call.key(key(account))
                        .arg("hold")
                        .arg(word(*window))
                        .arg(*at_least)
                        .arg(u64::try_from(until.as_millis()).unwrap_or(u64::MAX));
                }
                Later::Undo(claims, reserved) => {
                    call.arg("undo");
                    claimed(&mut call, claims);
                    once = reserved;
                }
            }
            call.key(once);
            let answer = call.invoke_async::<Vec<i64>>(&mut connection);
            let answer = tokio::time::timeout(PATIENCE, answer).await;
            if told(answer).is_ok() {
                break;
            }
            tokio::time::sleep(REST).await;
        }
    }
}

impl SharedStore {
    async fn reserved(&self, claims: &[Claim], once: &str) -> Result<Reserved> {
        let mut call = script().prepare_invoke();
        call.arg("reserve");
        claimed(&mut call, claims);
        call.key(once);
        let answer: Vec<i64> = self.run(&call).await?;
        match answer.as_slice() {
            [1, notes @ ..] if notes.len() == claims.len() => {
                let receipts = claims.iter().zip(notes);
                let receipts = receipts
                    .map(|(claim, note)| Receipt::new(claim, u64::try_from(*note).unwrap_or(0)));
                Ok(Reserved::Granted(receipts.collect()))
            }
            [0, claim, used, after] => Ok(Reserved::Full {
                claim: usize::try_from(*claim).unwrap_or(0),
                used: u64::try_from(*used).unwrap_or(0),
                after: time(*after),
            }),
            _ => Err(away("its answer makes no sense")),
        }
    }
}

/// Tells the server later what was used of a reservation.
fn settle(later: &mpsc::Sender<Later>, receipt: Receipt, used: u64) {
    if receipt.amount != used {
        // Without room it stays reserved until its window is over.
        let _ = later.try_send(Later::Settle(receipt, used));
    }
}

/// What the server reserved: given back where nobody takes it.
struct Untaken {
    reserved: Option<Reserved>,
    later: mpsc::Sender<Later>,
}

impl Untaken {
    fn take(mut self) -> Reserved {
        let reserved = self.reserved.take();
        reserved.unwrap_or_else(|| Reserved::Granted(Vec::new()))
    }
}

impl Drop for Untaken {
    fn drop(&mut self) {
        if let Some(Reserved::Granted(receipts)) = self.reserved.take() {
            for receipt in receipts {
                settle(&self.later, receipt, 0);
            }
        }
    }
}

#[async_trait]
impl LimitStore for SharedStore {
    async fn reserve(&self, claims: &[Claim]) -> Result<Reserved> {
        if claims.is_empty() {
            return Ok(Reserved::Granted(Vec::new()));
        }
        let claims = claims.to_vec();
        let (store, later) = (self.clone(), self.later.clone());
        // Whoever asks may leave while the server reserves.
        let asked = tokio::spawn(async move {
            store.rested()?;
            let once = once();
            match store.reserved(&claims, &once).await {
                Ok(reserved) => Ok(Untaken {
                    reserved: Some(reserved),
                    later,
                }),
                Err(error) => {
                    // A server that answers too late has reserved it all the same.
                    let _ = later.try_send(Later::Undo(claims, once));
                    Err(error)
                }
            }
        });
        match asked.await {
            Ok(untaken) => Ok(untaken?.take()),
            Err(_) => Err(away("it was not asked")),
        }
    }

    fn settle(&self, receipt: Receipt, used: u64) {
        settle(&self.later, receipt, used);
    }

    fn hold(&self, account: &str, window: Window, at_least: u64, until: Duration) {
        let held = Later::Hold(account.to_owned(), window, at_least, until);
        // What a provider says is said again by its next answer.
        let _ = self.later.try_send(held);
    }

    async fn used(&self, account: &str, window: Window) -> Result<(u64, Option<Duration>)> {
        let mut call = script().prepare_invoke();
        call.key(key(account)).arg("used").arg(word(window));
        let answer: Vec<i64> = self.run(&call).await?;
        match answer.as_slice() {
            [used, renews] => Ok((u64::try_from(*used).unwrap_or(0), time(*renews))),
            _ => Err(away("its answer makes no sense")),
        }
    }
}
