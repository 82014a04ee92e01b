//! Puts what was taken out of a request back into a stream.

use super::table::{Restoration, Table};
use crate::texts;
use futures_core::Stream;
use parlor_core::{ArgumentsForm, CompactString, Error, Event, EventStream, Result};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// What the deltas of a part are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
    Arguments,
}

/// The end of a part's text, which may be the beginning of a placeholder. It
/// is shorter than the longest of them.
struct Held {
    choice: u32,
    part: u32,
    kind: Kind,
    text: CompactString,
}

impl Held {
    fn event(self) -> Event {
        let (choice, part, text) = (self.choice, self.part, self.text);
        match self.kind {
            Kind::Text => Event::TextDelta { choice, part, text },
            Kind::Reasoning => Event::ReasoningDelta { choice, part, text },
            Kind::Arguments => Event::ArgumentsDelta { choice, part, text },
        }
    }
}

/// A stream with values for placeholders.
pub(super) struct Restored {
    events: EventStream,
    table: Arc<Table>,
    held: Vec<Held>,
    /// Open calls whose arguments aren't JSON.
    plain: Vec<(u32, u32)>,
    /// What comes before anything further of the inner stream.
    ready: VecDeque<Option<Result<Event>>>,
}

impl Restored {
    pub(super) fn new(events: EventStream, table: Arc<Table>) -> Self {
        Self {
            events,
            table,
            held: Vec::new(),
            plain: Vec::new(),
            ready: VecDeque::new(),
        }
    }

    /// The delta as it is shown; `None` while all of it is held.
    fn delta(&mut self, mut delta: Held) -> Option<Event> {
        let (choice, part, kind) = (delta.choice, delta.part, delta.kind);
        let of_part = |it: &Held| (it.choice, it.part) == (choice, part);
        if let Some(at) = self.held.iter().position(of_part) {
            let mut text = self.held.swap_remove(at).text;
            text.push_str(&delta.text);
            delta.text = text;
        }
        let json = match kind {
            Kind::Text => self.table.json,
            Kind::Reasoning => false,
            Kind::Arguments => !self.plain.contains(&(choice, part)),
        };
        if let Some((restored, begun)) = self.table.restored(&delta.text, json) {
            if !begun.is_empty() {
                let text = begun.into();
                self.held.push(Held {
                    choice,
                    part,
                    kind,
                    text,
                });
            }
            delta.text = restored.into();
        }
        (!delta.text.is_empty()).then(|| delta.event())
    }

    /// Lets go of what is held of this part, or of all.
    fn release(&mut self, part: Option<(u32, u32)>) {
        let mut at = 0;
        while let Some(held) = self.held.get(at) {
            if part.is_none_or(|part| part == (held.choice, held.part)) {
                let event = self.held.remove(at).event();
                self.ready.push_back(Some(Ok(event)));
            } else {
                at += 1;
            }
        }
    }

    /// What comes of an event, unless something is to come before it.
    fn event(&mut self, event: Event) -> Option<Event> {
        let delta = |choice, part, text, kind| Held {
            choice,
            part,
            kind,
            text,
        };
        match event {
            Event::TextDelta { choice, part, text } => {
                self.delta(delta(choice, part, text, Kind::Text))
            }
            Event::ReasoningDelta { choice, part, text } => {
                self.delta(delta(choice, part, text, Kind::Reasoning))
            }
            Event::ArgumentsDelta { choice, part, text } => {
                self.delta(delta(choice, part, text, Kind::Arguments))
            }
            Event::PartStarted {
                choice,
                part,
                ref call,
                ..
            } => {
                if call
                    .as_ref()
                    .is_some_and(|it| it.form == ArgumentsForm::Text)
                {
                    self.plain.push((choice, part));
                }
                Some(event)
            }
            Event::Citation {
                choice,
                part,
                mut citation,
            } => {
                texts::citation(&mut citation, &mut Restoration(&self.table));
                Some(Event::Citation {
                    choice,
                    part,
                    citation,
                })
            }
            mut event => {
                if let Event::PartFinished {
                    choice,
                    part,
                    content,
                    ..
                } = &mut event
                {
                    let place = (*choice, *part);
                    if let Some(content) = content {
                        texts::edit(content, &mut Restoration(&self.table));
                    }
                    self.plain.retain(|it| *it != place);
                    self.release(Some(place));
                    if !self.ready.is_empty() {
                        self.ready.push_back(Some(Ok(event)));
                        return None;
                    }
                }
                Some(event)
            }
        }
    }
}

/// The error with what was taken out put back into its partial response.
pub(super) fn restored_error(table: &Table, mut error: Error) -> Error {
    match error.take_partial() {
        Some(mut partial) => {
            table.restore(&mut partial);
            error.with_partial(partial)
        }
        None => error,
    }
}

impl Stream for Restored {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(item) = this.ready.pop_front() {
                return Poll::Ready(item);
            }
            match ready!(this.events.as_mut().poll_next(cx)) {
                Some(Ok(event)) => {
                    if let Some(event) = this.event(event) {
                        return Poll::Ready(Some(Ok(event)));
                    }
                }
                end => {
                    this.release(None);
                    let end = end.map(|item| item.map_err(|it| restored_error(&this.table, it)));
                    this.ready.push_back(end);
                }
            }
        }
    }
}
