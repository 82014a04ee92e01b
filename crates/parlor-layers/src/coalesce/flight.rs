//! One source that many readers share: a log that each reads from its beginning.
//!
//! Nobody is in charge of the source: whichever reader has read the whole log
//! and wants more polls it. The source gets the flight itself as its waker, which
//! wakes every waiting reader; so it doesn't matter which of them polled last,
//! whether that one is still there, or whether it looks again.
//!
//! What holds whenever the lock is free: if the source is ready to be polled
//! (`woken`) and nobody polls it, every reader that waits has been woken since.

mod turn;

use crate::key::CacheKey;
use futures_core::Stream;
use parlor_core::{Error, ErrorKind, Result};
use std::collections::{HashMap, VecDeque};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use turn::Turn;

/// What a flight's log is made of.
pub(super) trait Entry: Clone + Send + 'static {
    /// The memory that it takes, in bytes.
    fn weight(&self) -> usize;
    /// Whether nothing comes after it.
    fn is_last(&self) -> bool;
}

pub(super) type Source<T> = Pin<Box<dyn Stream<Item = Result<T>> + Send>>;

/// The flights that can be joined.
pub(super) struct Flights<T> {
    open: Mutex<HashMap<CacheKey, Arc<Flight<T>>>>,
    /// How long a log may be for its flight to be joined, and how far a reader
    /// may be behind.
    max_bytes: usize,
}

impl<T: Entry> Flights<T> {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self {
            open: Mutex::default(),
            max_bytes,
        }
    }

    /// A reader of the flight of this key, if there is one to join.
    pub(super) fn join(self: &Arc<Self>, key: CacheKey) -> Option<Reader<T>> {
        let open = self.open();
        let flight = open.get(&key)?;
        let seat = flight.state().join()?;
        Some(self.reader(flight.clone(), seat))
    }

    /// A reader of the flight of this key, which begins now if there is none to
    /// join.
    pub(super) fn join_or_begin(
        self: &Arc<Self>,
        key: CacheKey,
        source: impl FnOnce() -> Source<T>,
    ) -> Reader<T> {
        let mut open = self.open();
        if let Some(flight) = open.get(&key)
            && let Some(seat) = flight.state().join()
        {
            return self.reader(flight.clone(), seat);
        }
        let flight = Arc::new(Flight {
            key,
            state: Mutex::new(State::new(source())),
        });
        let stale = open.insert(key, flight.clone());
        drop(open);
        drop(stale);
        self.reader(flight, 0)
    }

    fn reader(self: &Arc<Self>, flight: Arc<Flight<T>>, seat: usize) -> Reader<T> {
        Reader {
            flights: self.clone(),
            flight,
            seat,
            counts: false,
            ended: false,
        }
    }

    /// Lets nobody join the flight any more.
    fn close(&self, flight: &Arc<Flight<T>>) {
        let mut open = self.open();
        let mine = |it: &Arc<Flight<T>>| Arc::ptr_eq(it, flight);
        let closed = match open.get(&flight.key).is_some_and(mine) {
            true => open.remove(&flight.key),
            false => None,
        };
        drop(open);
        drop(closed);
    }

    fn open(&self) -> MutexGuard<'_, HashMap<CacheKey, Arc<Flight<T>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Flight<T> {
    key: CacheKey,
    state: Mutex<State<T>>,
}

/// Nothing foreign runs under the lock: no poll, no wake, no drop of a waker or
/// of the source.
struct State<T> {
    /// `None` while a reader polls it, and after the end.
    source: Option<Source<T>>,
    /// Whether there is reason to poll the source.
    woken: bool,
    log: VecDeque<T>,
    /// How many entries were taken off the front of the log.
    gone: usize,
    bytes: usize,
    end: Option<Result<()>>,
    /// Whether it can be joined: the log is whole and the end is not there.
    open: bool,
    /// Whether a reader counts what the source consumes.
    counted: bool,
    /// One for each reader; those of readers who left are free.
    seats: Vec<Option<Seat>>,
    readers: usize,
}

#[derive(Default)]
struct Seat {
    /// The number of the entry to be read next.
    next: usize,
    /// Who waits for more.
    waker: Option<Waker>,
}

impl<T: Entry> Flight<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Entry> Wake for Flight<T> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waiting = {
            let mut state = self.state();
            state.woken = true;
            state.waiting()
        };
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl<T: Entry> State<T> {
    /// A flight with its first reader in seat 0.
    fn new(source: Source<T>) -> Self {
        Self {
            source: Some(source),
            woken: true,
            log: VecDeque::new(),
            gone: 0,
            bytes: 0,
            end: None,
            open: true,
            counted: false,
            seats: vec![Some(Seat::default())],
            readers: 1,
        }
    }

    fn join(&mut self) -> Option<usize> {
        if !self.open {
            return None;
        }
        self.readers += 1;
        let free = self.seats.iter().position(Option::is_none);
        Some(
            match free.and_then(|at| Some((at, self.seats.get_mut(at)?))) {
                Some((at, seat)) => {
                    *seat = Some(Seat::default());
                    at
                }
                None => {
                    self.seats.push(Some(Seat::default()));
                    self.seats.len() - 1
                }
            },
        )
    }

    fn seat(&mut self, seat: usize) -> Option<&mut Seat> {
        self.seats.get_mut(seat)?.as_mut()
    }

    /// What this reader reads next; `None` if it must wait.
    fn read(&mut self, seat: usize, max_bytes: usize) -> Option<Option<Result<T>>> {
        let gone = self.gone;
        let place = self.seats.get_mut(seat)?.as_mut()?;
        let Some(at) = place.next.checked_sub(gone) else {
            return Some(Some(Err(fell_behind(max_bytes))));
        };
        if let Some(entry) = self.log.get(at) {
            place.next += 1;
            return Some(Some(Ok(entry.clone())));
        }
        match &self.end {
            Some(Ok(())) => Some(None),
            Some(Err(error)) => Some(Some(Err(error.clone()))),
            None => None,
        }
    }

    /// Notes who waits, and gives back who is noted no longer.
    fn wait(&mut self, seat: usize, waker: &Waker) -> Option<Waker> {
        let noted = &mut self.seat(seat)?.waker;
        match noted {
            Some(noted) if noted.will_wake(waker) => None,
            _ => noted.replace(waker.clone()),
        }
    }

    /// All who wait, to be woken. It allocates only if there are any.
    fn waiting(&mut self) -> Vec<Waker> {
        let seats = self.seats.iter_mut().flatten();
        seats.filter_map(|seat| seat.waker.take()).collect()
    }

    /// Puts an entry on the log, and takes off what all have read or, beyond the
    /// bound, what those who are too far behind haven't.
    fn push(&mut self, entry: T, max_bytes: usize) {
        let newest = entry.weight();
        self.bytes = self.bytes.saturating_add(newest);
        self.log.push_back(entry);
        if self.open && self.bytes <= max_bytes {
            return;
        }
        self.open = false;
        let seats = self.seats.iter().flatten();
        let slowest = seats
            .map(|seat| seat.next)
            .filter(|next| *next >= self.gone);
        let slowest = slowest.min().unwrap_or(self.gone);
        // The newest entry doesn't count: everybody is behind it, whatever its size.
        while self.gone < slowest || self.bytes.saturating_sub(newest) > max_bytes {
            let Some(entry) = self.log.pop_front() else {
                break;
            };
            self.bytes = self.bytes.saturating_sub(entry.weight());
            self.gone += 1;
        }
    }

    fn finish(&mut self, end: Result<()>) {
        self.end = Some(end);
        self.open = false;
    }
}

fn fell_behind(max_bytes: usize) -> Error {
    Error::new(
        ErrorKind::Truncated,
        format!("the reader fell more than {max_bytes} bytes behind the answer that it shares"),
    )
    .with_help("Read faster, raise `max_bytes` of coalescing, or ask alone.")
}

/// Reads a flight from its beginning. The last one to leave ends it.
pub(super) struct Reader<T: Entry> {
    flights: Arc<Flights<T>>,
    flight: Arc<Flight<T>>,
    seat: usize,
    /// Whether this one counts what the source consumes.
    counts: bool,
    /// Whether it has read the end.
    ended: bool,
}

impl<T: Entry> Reader<T> {
    /// Whether this reader is to count what the source consumes: the first that
    /// asks, and the next one if that leaves before the end.
    pub(super) fn counts(&mut self) -> bool {
        let mut state = self.flight.state();
        self.counts |= !state.counted;
        state.counted |= self.counts;
        self.counts
    }
}

impl<T: Entry> Stream for Reader<T> {
    type Item = Result<T>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let mut state = this.flight.state();
            if let Some(item) = state.read(this.seat, this.flights.max_bytes) {
                this.ended |= match &item {
                    Some(Ok(entry)) => entry.is_last(),
                    Some(Err(_)) | None => state.end.is_some(),
                };
                return Poll::Ready(item);
            }
            // Noted before the poll, so that no wake in the midst of it is missed.
            let stale = state.wait(this.seat, cx.waker());
            let source = match state.woken {
                true => state.source.take(),
                false => None,
            };
            state.woken &= source.is_none();
            drop(state);
            drop(stale);
            let Some(source) = source else {
                return Poll::Pending;
            };
            if Turn::new(this, source).poll().is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl<T: Entry> Drop for Reader<T> {
    fn drop(&mut self) {
        let mut state = self.flight.state();
        let seat = state.seats.get_mut(self.seat).and_then(Option::take);
        state.readers -= 1;
        state.counted &= !self.counts || self.ended;
        let left = (state.readers == 0).then(|| {
            state.open = false;
            (state.source.take(), mem::take(&mut state.log))
        });
        drop(state);
        drop(seat);
        if left.is_some() {
            self.flights.close(&self.flight);
        }
    }
}
