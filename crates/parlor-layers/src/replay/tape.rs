//! Recording an exchange, and playing a recorded one.

use super::Shared;
use super::files::Recording;
use super::form::{self, By, Head, Line, Opened};
use super::{ReplayMode, scrub};
use futures_core::Stream;
use parlor_core::{
    ChatResponse, ChatStream, Error, ErrorKind, Event, EventStream, ModelInfo, ResponseMetadata,
    Result,
};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What one exchange is recorded on.
pub(super) struct Tape {
    shared: Arc<Shared>,
    number: usize,
    /// `None` when it is kept or thrown away.
    head: Option<Head>,
    lines: Vec<Line>,
}

impl Tape {
    pub(super) fn new(shared: Arc<Shared>, number: usize, head: Head) -> Self {
        Self {
            shared,
            number,
            head: Some(head),
            lines: Vec::new(),
        }
    }

    pub(super) fn call(mut self, answer: &Result<ChatResponse>) {
        match answer {
            Ok(answer) => {
                let mut answer = answer.clone();
                answer.metadata.latency = Default::default();
                self.lines.push(Line::Response(Box::new(answer)));
                self.keep();
            }
            Err(error) => self.refused(error),
        }
    }

    /// A call, or the opening of a stream, that failed.
    pub(super) fn refused(mut self, error: &Error) {
        let kind = error.kind();
        let unanswered = error.status().is_none()
            && error.partial().is_none()
            && matches!(
                kind,
                ErrorKind::Connection
                    | ErrorKind::Timeout(_)
                    | ErrorKind::Configuration
                    | ErrorKind::Authentication
                    | ErrorKind::Cancelled
            );
        if unanswered && self.is_auto() {
            self.head = None;
            return;
        }
        self.lines.push(form::failure(error));
        self.keep();
    }

    pub(super) fn stream(mut self, stream: ChatStream, asked: &ModelInfo) -> ChatStream {
        let info = stream.info();
        let other = info.provider != asked.provider || info.model != asked.model;
        let mut metadata: ResponseMetadata = stream.metadata().clone();
        metadata.latency = Default::default();
        self.lines.push(Line::Opened(Opened {
            by: other.then(|| By {
                provider: info.provider.clone(),
                model: info.model.clone(),
            }),
            metadata,
        }));
        stream.watch_events(|events| Taping {
            events,
            tape: Some(self),
        })
    }

    fn is_auto(&self) -> bool {
        self.shared.policy.mode == ReplayMode::Auto
    }

    fn keep(&mut self) {
        let Some(head) = self.head.take() else {
            return;
        };
        let secrets = &self.shared.policy.secrets;
        scrub::pieces(secrets, &mut self.lines);
        let lines = self.lines.drain(..).filter_map(|line| {
            let mut line = serde_json::to_value(line).ok()?;
            scrub::value(secrets, &mut line);
            Some(line.to_string())
        });
        let lines = lines.collect();
        self.shared.keep(self.number, Recording { head, lines });
    }
}

/// What is dropped before its end is recorded up to there.
impl Drop for Tape {
    fn drop(&mut self) {
        if self.lines.is_empty() && self.is_auto() {
            return;
        }
        self.lines.push(Line::Dropped {});
        self.keep();
    }
}

/// A stream that is recorded.
struct Taping {
    events: EventStream,
    /// `None` when it has ended.
    tape: Option<Tape>,
}

impl Stream for Taping {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.events.as_mut().poll_next(cx));
        let over = match (&item, &mut self.tape) {
            (Some(Ok(event)), Some(tape)) => {
                tape.lines.push(Line::Event(event.clone()));
                event.is_terminal()
            }
            (Some(Err(error)), Some(tape)) => {
                // What had come is in the lines before.
                let mut error = error.clone();
                error.take_partial();
                tape.lines.push(form::failure(&error));
                true
            }
            (None, _) => true,
            (_, None) => false,
        };
        if over && let Some(mut tape) = self.tape.take() {
            tape.keep();
        }
        Poll::Ready(item)
    }
}

/// A recorded stream.
pub(super) fn play(recording: &Recording, asked: &Arc<ModelInfo>) -> Result<ChatStream> {
    let mut lines = recording.lines()?.into_iter().peekable();
    let opened = match lines.next_if(|it| matches!(it, Line::Opened(_))) {
        Some(Line::Opened(opened)) => opened,
        _ => Opened::default(),
    };
    let info = match opened.by {
        Some(by) => Arc::new(ModelInfo::new(by.provider, by.model)),
        None => asked.clone(),
    };
    let mut items = Vec::new();
    for line in lines {
        match line {
            Line::Event(event) => items.push(Ok(event)),
            // The opening failed where nothing opened it.
            Line::Error(form) => items.push(Err(form::error(&form).map_err(unreadable)?)),
            Line::Dropped {} => items.push(Err(dropped())),
            _ => return Err(recording.wrong()),
        }
    }
    if !recording.is_open()
        && let Some(Err(error)) = items.pop()
    {
        return Err(error);
    }
    let events = Played(items.into_iter());
    Ok(ChatStream::new(info, events).with_metadata(opened.metadata))
}

impl Recording {
    /// A recorded answer.
    pub(super) fn answer(&self) -> Result<ChatResponse> {
        match self.lines()?.into_iter().next() {
            Some(Line::Response(answer)) => Ok(*answer),
            Some(Line::Error(form)) => Err(form::error(&form).map_err(unreadable)?),
            Some(Line::Dropped {}) => Err(dropped()),
            _ => Err(self.wrong()),
        }
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(
        ErrorKind::Decode,
        format!("a recorded error can't be read: {error}"),
    )
    .with_help("Record it anew.")
}

fn dropped() -> Error {
    let message = "the recording ends here, since the call or stream was dropped";
    Error::new(ErrorKind::Validation, message)
        .with_help("Drop it here too, or record it anew and go on.")
}

struct Played(std::vec::IntoIter<Result<Event>>);

impl Stream for Played {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next())
    }
}
