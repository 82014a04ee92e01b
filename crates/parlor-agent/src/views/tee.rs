//! One answer for two readers.

use futures_util::Stream;
use parlor_core::{ChatStream, Event, Result};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Two streams of one answer: each yields every event.
///
/// A reader may be ahead of the other by `lag` events, at least one, and then
/// waits for it: so both must be read side by side, or one of them dropped.
/// The request is cancelled when both are. Tee a stream before anything is
/// read of it: what was is in neither.
///
/// ```
/// use parlor_agent::{lines, tee};
/// use parlor_core::{ChatModelExt, Echo};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (shown, kept) = tee(Echo::new().ask_stream("one\ntwo").await?, 16);
/// let mut lines = lines(shown);
/// let show = async {
///     while let Some(line) = lines.next().await {
///         assert!(["one", "two"].contains(&&*line?));
///     }
///     Ok(())
/// };
/// let ((), whole) = futures_util::future::try_join(show, kept.response()).await?;
/// assert_eq!(whole.text(), "one\ntwo");
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
pub fn tee(mut stream: ChatStream, lag: usize) -> (ChatStream, ChatStream) {
    let info = Arc::new(stream.info().clone());
    let metadata = stream.metadata().clone();
    let later = stream.later_metadata();
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            source: Some(Box::pin(stream.into_events())),
            ahead: [VecDeque::new(), VecDeque::new()],
            gone: [false; 2],
        }),
        wakers: Arc::default(),
        lag: lag.max(1),
    });
    let reader = |own| {
        let shared = shared.clone();
        ChatStream::new(info.clone(), Reader { shared, own })
            .with_metadata(metadata.clone())
            .with_later_metadata(later.clone())
    };
    (reader(0), reader(1))
}

struct Shared {
    state: Mutex<State>,
    wakers: Arc<Wakers>,
    lag: usize,
}

struct State {
    /// `None` once it has ended.
    source: Option<Pin<Box<dyn Stream<Item = Result<Event>> + Send>>>,
    /// What each reader has still to read of what the other has read.
    ahead: [VecDeque<Result<Event>>; 2],
    gone: [bool; 2],
}

/// Who waits: for the source, or for the other. Both are woken by either, since
/// the source knows only who polled it last.
#[derive(Default)]
struct Wakers(Mutex<[Option<Waker>; 2]>);

impl Wakers {
    fn lock(&self) -> MutexGuard<'_, [Option<Waker>; 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Wakers {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let waiting = std::mem::take(&mut *self.lock());
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

struct Reader {
    shared: Arc<Shared>,
    /// Its number, 0 or 1.
    own: usize,
}

impl Reader {
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        let (own, other) = (self.own, 1 - self.own);
        // Before anything is looked at, so that nothing that happens then is missed.
        self.shared.wakers.lock()[own] = Some(cx.waker().clone());
        let mut state = self.shared.state();
        if let Some(item) = state.ahead[own].pop_front() {
            return Poll::Ready(Some(item));
        }
        let waits = !state.gone[other] && state.ahead[other].len() >= self.shared.lag;
        if waits {
            return Poll::Pending;
        }
        let Some(source) = &mut state.source else {
            return Poll::Ready(None);
        };
        let both = Waker::from(self.shared.wakers.clone());
        let item = std::task::ready!(source.as_mut().poll_next(&mut Context::from_waker(&both)));
        if !matches!(&item, Some(Ok(event)) if !event.is_terminal()) {
            state.source = None;
        }
        if let Some(item) = &item
            && !state.gone[other]
        {
            state.ahead[other].push_back(item.clone());
        }
        Poll::Ready(item)
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stream for Reader {
    type Item = Result<Event>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.poll(cx);
        if polled.is_ready() {
            // There is something for the other, or room; this one is awake.
            self.shared.wakers.lock()[self.own] = None;
            self.shared.wakers.wake_by_ref();
        }
        polled
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.gone[self.own] = true;
        state.ahead[self.own].clear();
        drop(state);
        self.shared.wakers.wake_by_ref();
    }
}
