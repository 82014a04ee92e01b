//! A client's own bytes beside the request they were read as, and a provider's own beside its answer.
//!
//! A gateway whose client speaks the dialect of the model's provider passes bytes through, and what
//! is read of them serves everything in between: retry, fallback, limits, caches and accounts see a
//! [`ChatRequest`] and [`Event`](crate::Event)s as always. Two rules keep that safe for layers that
//! know nothing of it:
//!
//! - A request can be changed only by who has cloned it, and [a clone](Verbatim) has lost the bytes.
//!   [`ChatRequest::same`] keeps them, for who only needs a request of its own.
//! - A stream whose events are [mapped](crate::ChatStream::map_events) has lost them too, unless by
//!   [`ChatStream::watch_events`](crate::ChatStream::watch_events), which promises to change nothing.
//!   A whole answer is given in its bytes only while it equals what was read of them.

use crate::request::ChatRequest;
use crate::response::ChatResponse;
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A request in the bytes of the client that sent it.
#[non_exhaustive]
pub struct Words {
    /// The name of the dialect they are in.
    pub dialect: &'static str,
    /// The body.
    pub body: Bytes,
    /// Where in the body the fields stand that are the gateway's to set, such as the model's name;
    /// rising, none within another.
    pub own: Vec<Range<usize>>,
    /// Where the members of the object stand that the body is, in their order; none where nobody looked.
    pub members: Vec<Member>,
    /// Headers that go to the provider; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Whether a stream tells the client its usage in a frame of its own.
    pub tells_usage: bool,
    /// Whether there are thoughts in it that nobody signed, in a dialect whose thoughts are signed.
    pub unsigned: bool,
    answer: Mutex<Option<(ChatResponse, Bytes)>>,
}

/// Where a member of a JSON object stands in its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name, without the quotes, as it is written.
    pub name: Range<usize>,
    /// Its value.
    pub value: Range<usize>,
}

impl Words {
    /// A body in this dialect.
    pub fn new(dialect: &'static str, body: Bytes) -> Self {
        Self {
            dialect,
            body,
            own: Vec::new(),
            members: Vec::new(),
            headers: Vec::new(),
            tells_usage: true,
            unsigned: false,
            answer: Mutex::new(None),
        }
    }

    /// The body without what is the gateway's to set: what makes two requests the same.
    pub fn kept(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(0).chain(self.own.iter().map(|it| it.end));
        let ends = self.own.iter().map(|it| it.start);
        let ends = ends.chain(std::iter::once(self.body.len()));
        starts
            .zip(ends)
            .map(|(start, end)| self.body.get(start..end).unwrap_or_default())
    }

    /// Keeps a whole answer in the provider's bytes beside what was read of them.
    pub fn answered(&self, response: &ChatResponse, body: Bytes) {
        *lock(&self.answer) = Some((response.clone(), body));
    }

    /// The bytes of a whole answer, if they say what it says.
    pub fn answer(&self, response: &ChatResponse) -> Option<Bytes> {
        let (read, body) = lock(&self.answer).take()?;
        let same = read.choices == response.choices
            && read.id == response.id
            && read.model == response.model
            && read.usage == response.usage
            && read.native == response.native
            && read.interrupted == response.interrupted;
        same.then_some(body)
    }
}

/// Says nothing of what is in them.
impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words")
            .field("dialect", &self.dialect)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The [`Words`] of a request's client, for as long as the request says the same.
///
/// They are no part of the request's value: a clone has none, since it may be changed, all are
/// equal, and they aren't written.
#[derive(Debug, Default)]
pub struct Verbatim(Option<Arc<Words>>);

impl Verbatim {
    /// The words, where a client of this dialect sent them.
    pub fn of(&self, dialect: &str) -> Option<&Arc<Words>> {
        self.0.as_ref().filter(|words| words.dialect == dialect)
    }

    /// The words, whatever they are in.
    pub fn words(&self) -> Option<&Arc<Words>> {
        self.0.as_ref()
    }
}

impl From<Arc<Words>> for Verbatim {
    fn from(words: Arc<Words>) -> Self {
        Self(Some(words))
    }
}

impl Clone for Verbatim {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl PartialEq for Verbatim {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl ChatRequest {
    /// The same request for another owner, who changes nothing in it: unlike a clone, it is still
    /// what the client [wrote](Verbatim).
    #[must_use]
    pub fn same(&self) -> Self {
        let mut same = self.clone();
        same.verbatim = Verbatim(self.verbatim.0.clone());
        same
    }
}

/// The bytes of a streamed answer as they came, from who reads its frames to who passes them on.
///
/// The reader [pushes](Self::push) what arrives and [releases](Self::release) it frame by frame; the
/// other side [takes](Self::take) what was released. Nothing is copied. Cheap to clone.
#[derive(Default)]
pub struct Tap(Arc<Mutex<State>>);

impl Clone for Tap {
    fn clone(&self) -> Self {
        lock(&self.0).is_shared = true;
        Self(self.0.clone())
    }
}

#[derive(Default)]
struct State {
    /// Released, before `pieces`.
    out: VecDeque<Bytes>,
    pieces: VecDeque<Bytes>,
    /// How many bytes of `pieces` are released.
    ready: usize,
    off: bool,
    told: bool,
    /// Whether there is, or was, somebody else.
    is_shared: bool,
    follows: Option<Tap>,
}

impl Tap {
    /// Takes bytes that have come, unless nobody else holds this tap any more, though somebody did.
    pub fn push(&self, bytes: Bytes) {
        let mut state = lock(&self.0);
        if state.off || (state.is_shared && Arc::strong_count(&self.0) == 1) {
            state.turn_off();
        } else if !bytes.is_empty() {
            state.pieces.push_back(bytes);
        }
    }

    /// Lets so many bytes pass, of those that were pushed and neither released nor skipped.
    pub fn release(&self, count: usize) {
        lock(&self.0).ready += count;
    }

    /// Leaves so many bytes out.
    pub fn skip(&self, mut count: usize) {
        let mut state = lock(&self.0);
        while let Some(bytes) = state.take_ready() {
            state.out.push_back(bytes);
        }
        while count > 0
            && let Some(piece) = state.pieces.front_mut()
        {
            let cut = count.min(piece.len());
            let _ = piece.split_to(cut);
            count -= cut;
            if piece.is_empty() {
                state.pieces.pop_front();
            }
        }
    }

    /// Lets nothing more pass: the answer goes on in other words, or isn't in these.
    pub fn turn_off(&self) {
        lock(&self.0).turn_off();
    }

    /// Takes note that the failure which ends the stream is in what was released.
    pub fn tell(&self) {
        lock(&self.0).told = true;
    }

    /// Passes on what another one does: that of the stream which was opened in the place of this
    /// one's, before anything had come; nothing, where that has none.
    pub fn follow(&self, other: Option<Tap>) {
        let mut state = lock(&self.0);
        state.turn_off();
        state.off = other.is_none();
        state.follows = other;
    }

    /// The next bytes that may pass.
    pub fn take(&self) -> Option<Bytes> {
        let mut state = lock(&self.0);
        match &state.follows {
            Some(other) => other.take(),
            None => state.out.pop_front().or_else(|| state.take_ready()),
        }
    }

    /// Whether nothing passes here.
    pub fn is_off(&self) -> bool {
        let state = lock(&self.0);
        state.follows.as_ref().map_or(state.off, Self::is_off)
    }

    /// Whether the failure which ended the stream has been passed on in the provider's words.
    pub fn has_told(&self) -> bool {
        let state = lock(&self.0);
        state.follows.as_ref().map_or(state.told, Self::has_told)
    }
}

impl State {
    fn take_ready(&mut self) -> Option<Bytes> {
        if self.ready == 0 {
            return None;
        }
        let piece = self.pieces.front_mut()?;
        let bytes = match piece.len() <= self.ready {
            true => self.pieces.pop_front()?,
            false => piece.split_to(self.ready),
        };
        self.ready -= bytes.len();
        Some(bytes)
    }

    fn turn_off(&mut self) {
        *self = Self {
            off: true,
            ..Self::default()
        };
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tap").finish_non_exhaustive()
    }
}

fn lock<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said() -> ChatRequest {
        let mut request = ChatRequest::from("Hi");
        let words = Words::new("of-tests", Bytes::from_static(b"{\"model\":\"m\",\"x\":1}"));
        request.verbatim = Arc::new(words).into();
        request
    }

    #[test]
    fn a_clone_may_say_something_else_and_has_no_words() {
        let request = said();
        assert!(request.verbatim.of("of-tests").is_some());
        assert!(request.verbatim.of("another").is_none());
        assert!(request.clone().verbatim.words().is_none());
        assert!(request.same().verbatim.words().is_some());
        assert_eq!(request.clone(), request);
        let written = serde_json::to_value(&request).unwrap();
        assert!(written.get("verbatim").is_none(), "{written}");
    }

    #[test]
    fn an_answer_that_was_changed_has_no_bytes() {
        let request = said();
        let words = request.verbatim.words().unwrap();
        let mut response = ChatResponse::default();
        words.answered(&response, Bytes::from_static(b"{}"));
        assert_eq!(words.answer(&response).as_deref(), Some(&b"{}"[..]));
        words.answered(&response, Bytes::from_static(b"{}"));
        response.choices.push(crate::Choice::new(0));
        assert_eq!(words.answer(&response), None);
    }

    #[test]
    fn what_the_gateway_sets_is_left_out_of_what_is_kept() {
        let mut words = Words::new("of-tests", Bytes::from_static(b"{\"model\":\"m\",\"x\":1}"));
        words.own.push(9..12);
        let kept: Vec<&[u8]> = words.kept().collect();
        assert_eq!(kept, [&b"{\"model\":"[..], b",\"x\":1}"]);
    }

    #[test]
    fn bytes_pass_when_they_are_released() {
        let tap = Tap::default();
        let reader = tap.clone();
        tap.push(Bytes::from_static(b"abcdef"));
        tap.push(Bytes::from_static(b"ghi"));
        assert_eq!(reader.take(), None);
        tap.release(2);
        assert_eq!(reader.take().as_deref(), Some(&b"ab"[..]));
        tap.release(1);
        tap.skip(2);
        tap.release(2);
        let mut came = Vec::new();
        while let Some(bytes) = reader.take() {
            came.extend_from_slice(&bytes);
        }
        assert_eq!(came, b"cfg");
        tap.turn_off();
        tap.push(Bytes::from_static(b"x"));
        tap.release(1);
        assert!(reader.is_off());
        assert_eq!(reader.take(), None);
    }

    #[test]
    fn a_second_stream_takes_the_place_of_the_first() {
        let (first, second) = (Tap::default(), Tap::default());
        let reader = first.clone();
        first.follow(Some(second.clone()));
        second.push(Bytes::from_static(b"ab"));
        second.release(2);
        second.tell();
        assert_eq!(reader.take().as_deref(), Some(&b"ab"[..]));
        assert!(reader.has_told() && !reader.is_off());
        first.follow(None);
        assert!(reader.is_off());
    }

    #[test]
    fn nothing_is_held_for_nobody() {
        let tap = Tap::default();
        tap.push(Bytes::from_static(b"ab"));
        assert!(!tap.is_off());
        drop(tap.clone());
        tap.push(Bytes::from_static(b"ab"));
        assert!(tap.is_off());
    }
}
