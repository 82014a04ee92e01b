//! One poll of the source by whichever reader has its turn.

use super::{Entry, Reader, Source};
use parlor_core::{Error, ErrorKind, Result};
use std::task::{Context, Poll, Waker};

/// A reader's turn at the source.
pub(super) struct Turn<'a, T: Entry> {
    reader: &'a Reader<T>,
    source: Option<Source<T>>,
}

impl<'a, T: Entry> Turn<'a, T> {
    pub(super) fn new(reader: &'a Reader<T>, source: Source<T>) -> Self {
        Self {
            reader,
            source: Some(source),
        }
    }

    /// Polls the source once; ready when there is something new to read.
    pub(super) fn poll(mut self) -> Poll<()> {
        let Some(source) = &mut self.source else {
            return Poll::Pending;
        };
        let waker = Waker::from(self.reader.flight.clone());
        let polled = source.as_mut().poll_next(&mut Context::from_waker(&waker));
        self.note(polled)
    }

    fn note(&mut self, polled: Poll<Option<Result<T>>>) -> Poll<()> {
        let Reader {
            flights, flight, ..
        } = self.reader;
        let mut state = flight.state();
        let outcome = match polled {
            Poll::Pending => {
                state.source = self.source.take();
                // Somebody may have come to wait between the wake and now.
                let again = match state.woken {
                    true => state.waiting(),
                    false => Vec::new(),
                };
                drop(state);
                again.into_iter().for_each(Waker::wake);
                return Poll::Pending;
            }
            Poll::Ready(outcome) => outcome,
        };
        let was_open = state.open;
        match outcome {
            Some(Ok(entry)) => {
                let last = entry.is_last();
                state.push(entry, flights.max_bytes);
                match last {
                    true => state.finish(Ok(())),
                    false => {
                        state.source = self.source.take();
                        state.woken = true;
                    }
                }
            }
            Some(Err(error)) => state.finish(Err(error)),
            None => state.finish(Ok(())),
        }
        // This one reads on and need not be woken.
        let own = state.seat(self.reader.seat).and_then(|it| it.waker.take());
        let waiting = state.waiting();
        let closed = was_open && !state.open;
        drop(state);
        drop(own);
        // At the end the source goes before anybody learns of it.
        self.source = None;
        if closed {
            flights.close(flight);
        }
        waiting.into_iter().for_each(Waker::wake);
        Poll::Ready(())
    }
}

impl<T: Entry> Drop for Turn<'_, T> {
    /// A source that is still here has panicked: nobody must wait for it.
    fn drop(&mut self) {
        if self.source.is_some() {
            let error = Error::new(ErrorKind::Unexpected, "the call that others share panicked");
            let _ = self.note(Poll::Ready(Some(Err(error))));
        }
    }
}
