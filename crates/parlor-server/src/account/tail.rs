//! The requests that ended last, for those who watch: so many, in memory, of this process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use parlor::{Cost, Usage};
use parlor_store::UsageEvent;
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::access::Caller;

/// How many requests are remembered.
pub(crate) const MOST: usize = 512;

/// How many may watch at once.
const WATCHERS: usize = 64;

/// The most letters of a name that is told: clients make them up.
const NAME: usize = 120;

/// The requests that ended last.
#[derive(Debug)]
pub(crate) struct Tail {
    ring: Mutex<Ring>,
    /// Tells how many there were so far.
    news: watch::Sender<u64>,
    watchers: Arc<Semaphore>,
    /// Tells the numbers of this process from those of one before it.
    run: String,
}

#[derive(Debug, Default)]
struct Ring {
    /// How many there were before the first one that is remembered.
    gone: u64,
    last: VecDeque<(UsageEvent, Caller)>,
    is_over: bool,
}

/// One request that has ended. Nothing in it is of what was asked or answered.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Seen {
    /// Its id, as the answer's `x-request-id` has it.
    id: String,
    /// When it came, in milliseconds since 1970.
    at_ms: u64,
    /// The name of the key that was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    /// The dialect that the client spoke.
    dialect: &'static str,
    /// The model as the client called it.
    asked: String,
    /// The provider that answered, or would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// The model of that provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// `completed`, `left` where its client went away, or the kind of the failure.
    outcome: &'static str,
    /// The status of the answer's head.
    status: u16,
    /// Why the answer ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<&'static str>,
    /// What it used.
    usage: Usage,
    /// Whether that is an estimate in a part.
    is_estimated: bool,
    /// Whether the answer had been made before, for another request.
    is_reused: bool,
    /// What it cost, where the price is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Cost>,
    /// Milliseconds to the first event.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_event_ms: Option<f64>,
    /// Milliseconds to its end.
    total_ms: f64,
}

/// What there was after a place.
#[derive(Debug, Default)]
pub(crate) struct Since {
    /// With their numbers, the oldest first.
    pub(crate) seen: Vec<(u64, Seen)>,
    /// How many were forgotten before they were read.
    pub(crate) missed: u64,
    /// Where to go on.
    pub(crate) next: u64,
    pub(crate) is_over: bool,
}

impl Tail {
    pub(crate) fn new() -> Self {
        Self {
            ring: Mutex::default(),
            news: watch::Sender::new(0),
            watchers: Arc::new(Semaphore::new(WATCHERS)),
            run: format!("{:08x}", fastrand::u32(..)),
        }
    }

    /// Takes a request that has ended.
    pub(crate) fn note(&self, mut event: UsageEvent, caller: Caller) {
        // It is told by the name that it was asked for by.
        event.served = None;
        let model = event.model.as_mut();
        for name in model.into_iter().chain([&mut event.asked]) {
            shorten(name);
        }
        let mut ring = self.ring();
        if ring.last.len() >= MOST {
            ring.last.pop_front();
            ring.gone += 1;
        }
        ring.last.push_back((event, caller));
        let count = ring.gone + ring.last.len() as u64;
        drop(ring);
        // Nobody else needs a lock to be told.
        if self.news.receiver_count() > 0 {
            self.news.send_replace(count);
        }
    }

    /// Has those who watch leave.
    pub(crate) fn close(&self) {
        self.ring().is_over = true;
        self.news.send_modify(|_| {});
    }

    /// A place among those who watch, and what tells when there is more.
    pub(crate) fn watch(&self) -> Option<(OwnedSemaphorePermit, watch::Receiver<u64>)> {
        let room = Arc::clone(&self.watchers).try_acquire_owned().ok()?;
        Some((room, self.news.subscribe()))
    }

    /// The place before the last ones that are remembered, so many of them.
    pub(crate) fn before_last(&self, count: usize) -> u64 {
        let ring = self.ring();
        let over = ring.last.len().saturating_sub(count);
        ring.gone + over as u64
    }

    /// The place after a request that somebody read, by its id: where that is of this process.
    pub(crate) fn after(&self, id: &str) -> Option<u64> {
        let (run, number) = id.split_once('-')?;
        let number: u64 = number.parse().ok()?;
        (run == self.run).then(|| number.saturating_add(1))
    }

    /// The id of a request by its number.
    pub(crate) fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.run)
    }

    /// What there is after a place that this caller may see, so many of them.
    pub(crate) fn since(&self, place: u64, caller: &Caller, most: usize) -> Since {
        let ring = self.ring();
        let end = ring.gone + ring.last.len() as u64;
        let begin = place.clamp(ring.gone, end);
        let mut since = Since {
            missed: ring.gone.saturating_sub(place),
            next: begin,
            is_over: ring.is_over,
            ..Since::default()
        };
        let skipped = usize::try_from(begin - ring.gone).unwrap_or(usize::MAX);
        for (event, by) in ring.last.iter().skip(skipped) {
            if since.seen.len() >= most {
                break;
            }
            if may_see(caller, by) {
                since.seen.push((since.next, Seen::of(event, by)));
            }
            since.next += 1;
        }
        since
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // Nothing panics while it is held.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who holds a key that was given out sees what was asked with it, and nothing else.
fn may_see(caller: &Caller, by: &Caller) -> bool {
    match (caller, by) {
        (Caller::Given(mine), Caller::Given(theirs)) => mine.id == theirs.id,
        (Caller::Given(_), _) => false,
        _ => true,
    }
}

fn shorten(name: &mut String) {
    if let Some((at, _)) = name.char_indices().nth(NAME) {
        name.truncate(at);
        name.push('…');
        // What was cut off is let go.
        name.shrink_to_fit();
    }
}

impl Seen {
    fn of(event: &UsageEvent, by: &Caller) -> Self {
        let ms = |micros: u64| micros as f64 / 1e3;
        Self {
            id: event.request_id.clone(),
            at_ms: event.at_ms,
            key: match by {
                Caller::Given(key) => Some(key.name.clone()),
                _ => event.key.clone(),
            },
            dialect: event.dialect,
            asked: event.asked.clone(),
            provider: event.provider.clone(),
            model: event.model.clone(),
            outcome: event.outcome.as_str(),
            status: event.status,
            finish: event.finish.map(|it| it.as_str()),
            usage: event.usage.clone(),
            is_estimated: event.is_estimated,
            is_reused: event.is_reused,
            cost: event.cost.clone(),
            first_event_ms: event.first_event_us.map(ms),
            total_ms: ms(event.total_us),
        }
    }
}
