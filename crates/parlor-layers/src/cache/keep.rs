//! Which answers are kept, how they are written, and the recording of a stream.

use super::CacheLayer;
use crate::key::CacheKey;
use crate::weight::weight;
use bytes::Bytes;
use futures_core::Stream;
use parlor_core::{
    ArgumentsForm, ChatResponse, ChatStream, Collector, Event, EventStream, FinishKind, Part,
    ResponseMetadata, Result,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// An answer as it stands in a store: JSON, with when it was made.
#[derive(Serialize)]
struct Written<'a> {
    made_ms: u64,
    answer: &'a ChatResponse,
}

#[derive(Deserialize)]
struct Read {
    made_ms: u64,
    answer: ChatResponse,
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX))
}

/// The answer as bytes, without what is true of its exchange only.
pub(super) fn write(mut answer: ChatResponse) -> serde_json::Result<Bytes> {
    let request_id = answer.metadata.request_id.take();
    answer.metadata = ResponseMetadata::default();
    answer.metadata.request_id = request_id;
    answer.raw = None;
    let made_ms = now_ms();
    let answer = &answer;
    serde_json::to_vec(&Written { made_ms, answer }).map(Bytes::from)
}

/// The answer in these bytes and how old it is.
pub(super) fn read(bytes: &[u8]) -> serde_json::Result<(ChatResponse, Duration)> {
    let Read { made_ms, answer } = serde_json::from_slice(bytes)?;
    let age = Duration::from_millis(now_ms().saturating_sub(made_ms));
    Ok((answer, age))
}

/// Whether an answer is whole and worth giving again: see the module's docs.
pub(super) fn is_worth_keeping(answer: &ChatResponse) -> bool {
    let whole = |part: &Part| match part {
        Part::ToolCall(call) => {
            call.arguments.form != ArgumentsForm::Cut && call.arguments.parse().is_ok()
        }
        _ => true,
    };
    !answer.interrupted
        && answer.metadata.reused.is_none()
        && !answer.choices.is_empty()
        && answer.choices.iter().all(|choice| {
            let reason = choice.finish_reason.as_ref().map(|reason| reason.kind);
            matches!(reason, Some(FinishKind::Stop | FinishKind::ToolCalls))
                && !choice.message.parts.is_empty()
                && choice.message.parts.iter().all(whole)
        })
}

/// A stream that keeps a copy of what it passes on, and keeps the answer when
/// it is complete.
pub(super) struct Recorder {
    events: EventStream,
    /// `None` when there is nothing to keep any more.
    tape: Option<Tape>,
    /// The answer on its way into the store, and the event held back meanwhile.
    keeping: Option<(Keeping, Event)>,
}

type Keeping = Pin<Box<dyn Future<Output = ()> + Send>>;

struct Tape {
    layer: CacheLayer,
    key: CacheKey,
    collector: Collector,
    bytes: usize,
    request_id: Option<String>,
    later: Arc<OnceLock<Box<ResponseMetadata>>>,
}

impl Recorder {
    pub(super) fn record(mut stream: ChatStream, layer: CacheLayer, key: CacheKey) -> ChatStream {
        if stream.metadata().reused.is_some() {
            return stream;
        }
        let tape = Tape {
            layer,
            key,
            collector: Collector::new(stream.info().provider.clone()),
            bytes: 0,
            request_id: stream.metadata().request_id.clone(),
            later: stream.later_metadata(),
        };
        stream.watch_events(|events| Self {
            events,
            tape: Some(tape),
            keeping: None,
        })
    }
}

impl Tape {
    /// Takes the next event; false when the answer grows too long.
    fn push(&mut self, event: &Event) -> bool {
        // Of usages only one is kept, however many come.
        if !matches!(event, Event::Usage { .. }) {
            self.bytes = self.bytes.saturating_add(weight(event));
        }
        if self.bytes > self.layer.shared.policy.max_answer_bytes {
            return false;
        }
        self.collector.push(event);
        true
    }

    fn keep(self) -> Keeping {
        let mut answer = self.collector.into_response();
        let later = self.later.get();
        answer.metadata.request_id = match later {
            Some(later) => later.request_id.clone(),
            None => self.request_id,
        };
        answer.metadata.reused = later.and_then(|later| later.reused);
        Box::pin(async move { self.layer.keep(&self.key, Cow::Owned(answer)).await })
    }
}

impl Stream for Recorder {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.keeping.is_none() {
            let item = ready!(this.events.as_mut().poll_next(cx));
            let Some(Ok(event)) = item else {
                this.tape = None;
                return Poll::Ready(item);
            };
            if let Some(tape) = &mut this.tape
                && !tape.push(&event)
            {
                this.tape = None;
            }
            let complete = event.is_terminal();
            match this.tape.take_if(|_| complete) {
                Some(tape) => this.keeping = Some((tape.keep(), event)),
                None => return Poll::Ready(Some(Ok(event))),
            }
        }
        if let Some((keeping, _)) = &mut this.keeping {
            ready!(keeping.as_mut().poll(cx));
        }
        let kept = this.keeping.take();
        Poll::Ready(kept.map(|(_, event)| Ok(event)))
    }
}
