//! Turns on their way: the service owns them, whoever reads.

mod elsewhere;
mod heard;
mod run;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parlor::agent::TurnId;
use parlor::{Error, ErrorKind, Result};
use parlor_store::Relay;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep};

use super::approvals::{Approvals, Remembered};
use super::log::Log;
pub(super) use elsewhere::{Elsewhere, News, is_last};
pub(super) use run::{Begun, go, is_without_end, without_end};

/// The most turns that are on their way at once.
const ROOM: usize = 512;

/// How many turns that ended are held for readers who come back, and how many bytes of them.
const HELD: usize = 256;
const HELD_BYTES: usize = 64 * 1024 * 1024;

/// How long turns that are told to end may take to be kept.
const KEEPING: Duration = Duration::from_secs(10);

/// The status of a conversation that has another turn on its way.
const BUSY: u16 = 409;

/// How long a turn that has told its end may take to make room for the next, and how often that is
/// looked at.
const ENDING: Duration = Duration::from_millis(400);
const SOON: Duration = Duration::from_millis(20);

/// The turns on their way, and those that ended lately.
#[derive(Debug)]
pub(crate) struct Turns {
    known: Mutex<Known>,
    room: Arc<Semaphore>,
    /// How many are on their way, or have their conversation still.
    count: watch::Sender<usize>,
    /// The way to other instances of the service.
    pub(super) relay: Option<Arc<dyn Relay>>,
    /// What may always run, by conversation.
    pub(super) remembered: Remembered,
}

#[derive(Debug, Default)]
struct Known {
    /// By conversation: one at a time.
    going: HashMap<String, Arc<Going>>,
    ended: VecDeque<Arc<Going>>,
    is_closing: bool,
}

/// One turn on its way.
#[derive(Debug)]
pub(super) struct Going {
    pub(super) conversation: String,
    pub(super) id: TurnId,
    pub(super) log: Log,
    /// Its calls that a person is asked about.
    pub(super) approvals: Approvals,
    end: watch::Sender<Option<Ended>>,
}

/// Who told a turn to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// Somebody who had heard enough.
    Stopped,
    /// The service, which ends itself.
    Closed,
}

impl Going {
    /// Tells it to end; what has come is kept.
    pub(super) fn stop(&self, by: Ended) {
        self.end.send_if_modified(|end| end.replace(by).is_none());
    }

    /// Waits until it is told to end.
    async fn stopped(&self) -> Ended {
        let mut told = self.end.subscribe();
        let told = told.wait_for(Option::is_some).await;
        // The sender is this one's own.
        told.ok().and_then(|it| *it).unwrap_or(Ended::Stopped)
    }
}

/// The place of a turn among those on their way, from before it is kept until it ends.
#[derive(Debug)]
pub(super) struct Place {
    turns: Arc<Turns>,
    conversation: String,
    /// By what other instances know who has the conversation.
    holder: String,
    _room: OwnedSemaphorePermit,
}

impl Turns {
    pub(crate) fn new(relay: Option<Arc<dyn Relay>>) -> Arc<Self> {
        Arc::new(Self {
            known: Mutex::default(),
            room: Arc::new(Semaphore::new(ROOM)),
            count: watch::Sender::new(0),
            relay,
            remembered: Remembered::default(),
        })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a conversation for a turn, among all instances of the service.
    pub(super) async fn enter(self: &Arc<Self>, conversation: &str) -> Result<Place> {
        let late = Instant::now() + ENDING;
        let place = loop {
            match self.enter_here(conversation) {
                Err(error)
                    if error.status() == Some(BUSY)
                        && self.is_ending(conversation)
                        && Instant::now() < late =>
                {
                    sleep(SOON).await;
                }
                entered => break entered?,
            }
        };
        if let Some(relay) = &self.relay {
            // Where it is away, two instances may make two branches; nothing is lost by it.
            while let Ok(false) = relay
                .take(conversation, &place.holder, elsewhere::HELD)
                .await
            {
                if Instant::now() >= late {
                    let message = "another turn of this conversation is on its way";
                    return Err(busy(message.to_owned()));
                }
                sleep(SOON).await;
            }
        }
        Ok(place)
    }

    /// Whether the turn of a conversation has told its end, and is about to make room.
    fn is_ending(&self, conversation: &str) -> bool {
        let known = self.known();
        let turn = known.going.get(conversation);
        turn.is_none_or(|turn| turn.log.is_over())
    }

    fn enter_here(self: &Arc<Self>, conversation: &str) -> Result<Place> {
        let refused = |message: String| Error::new(ErrorKind::Overloaded, message).with_status(503);
        let room = Arc::clone(&self.room).try_acquire_owned();
        let room = room.map_err(|_| refused(format!("{ROOM} turns are on their way")))?;
        let mut known = self.known();
        if known.is_closing {
            return Err(refused("the service is about to end".to_owned()));
        }
        if let Some(other) = known.going.get(conversation) {
            let message = match other.id.0 {
                0 => "another turn of this conversation is about to begin".to_owned(),
                id => format!("turn {id} of this conversation is on its way"),
            };
            return Err(busy(message));
        }
        let place = Going::new(conversation, TurnId(0));
        known.going.insert(conversation.to_owned(), Arc::new(place));
        self.count.send_modify(|count| *count += 1);
        Ok(Place {
            turns: Arc::clone(self),
            conversation: conversation.to_owned(),
            holder: format!("{:016x}", fastrand::u64(..)),
            _room: room,
        })
    }

    /// The turn of a conversation that is on its way.
    pub(super) fn of(&self, conversation: &str) -> Option<Arc<Going>> {
        let known = self.known();
        let going = known.going.get(conversation);
        going.filter(|turn| turn.id.0 != 0).cloned()
    }

    /// Whether another instance of the service answers in a conversation. Where nobody can tell,
    /// none does.
    pub(super) async fn is_elsewhere(&self, conversation: &str) -> bool {
        match &self.relay {
            Some(relay) => relay.is_taken(conversation).await.unwrap_or(false),
            None => false,
        }
    }

    /// A turn that is on its way or ended lately.
    pub(super) fn find(&self, conversation: &str, id: TurnId) -> Option<Arc<Going>> {
        let known = self.known();
        let going = known.going.get(conversation).into_iter();
        let mut all = going.chain(known.ended.iter().rev());
        let found = all.find(|turn| turn.id == id && turn.conversation == conversation);
        found.cloned()
    }

    /// Forgets what is held of a conversation, and stops its turn.
    pub(super) fn forget(&self, conversation: &str) {
        self.remembered.forget(conversation);
        let mut known = self.known();
        known.ended.retain(|turn| turn.conversation != conversation);
        if let Some(turn) = known.going.get(conversation) {
            turn.stop(Ended::Stopped);
        }
    }

    /// Lets no turn begin any more, waits for those on their way until `late`, and then has them
    /// keep what they have.
    pub(crate) async fn close(&self, late: impl Future<Output = ()>) {
        self.known().is_closing = true;
        let mut count = self.count.subscribe();
        tokio::select! {
            _ = count.wait_for(|count| *count == 0) => return,
            () = late => {}
        }
        let going: Vec<_> = self.known().going.values().cloned().collect();
        for turn in going {
            turn.stop(Ended::Closed);
        }
        // One that can't be kept in time is in the store as it was kept last.
        let _ = tokio::time::timeout(KEEPING, count.wait_for(|count| *count == 0)).await;
    }
}

fn busy(message: String) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
        .with_status(BUSY)
        .with_help("Wait for its end, or stop it.")
}

impl Going {
    fn new(conversation: &str, id: TurnId) -> Self {
        Self {
            conversation: conversation.to_owned(),
            id,
            log: Log::new(),
            approvals: Approvals::default(),
            end: watch::Sender::new(None),
        }
    }
}

impl Place {
    /// The turn begins.
    fn begin(&self, id: TurnId) -> Arc<Going> {
        let turn = Arc::new(Going::new(&self.conversation, id));
        let mut known = self.turns.known();
        let before = known
            .going
            .insert(self.conversation.clone(), Arc::clone(&turn));
        if let Some(end) = before.and_then(|before| *before.end.borrow()) {
            turn.stop(end);
        }
        turn
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut known = self.turns.known();
        if let Some(turn) = known.going.remove(&self.conversation)
            && turn.id.0 != 0
        {
            known.ended.push_back(turn);
            let bytes = |turn: &Arc<Going>| turn.log.bytes();
            let mut held: usize = known.ended.iter().map(bytes).sum();
            while known.ended.len() > HELD || held > HELD_BYTES {
                let Some(gone) = known.ended.pop_front() else {
                    break;
                };
                held -= bytes(&gone).min(held);
            }
        }
        drop(known);
        let counted = Counted(Arc::clone(&self.turns));
        if let (Some(relay), Ok(runtime)) = (&self.turns.relay, Handle::try_current()) {
            let (relay, holder) = (Arc::clone(relay), std::mem::take(&mut self.holder));
            let conversation = std::mem::take(&mut self.conversation);
            runtime.spawn(async move {
                // Where it fails, the conversation is free after a while.
                let _ = relay.give_back(&conversation, &holder).await;
                drop(counted);
            });
        }
    }
}

/// A turn that counts as one on its way until others know that it isn't.
struct Counted(Arc<Turns>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.count.send_modify(|count| *count -= 1);
    }
}
