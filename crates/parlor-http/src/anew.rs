//! A stream that is asked for anew when the first it says is that the token is refused.

use crate::events::EventReader;
use crate::model::Asked;
use crate::wire::Boxed;
use futures_core::Stream;
use parlor_core::{ErrorKind, Event, Result};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

type Opening = Boxed<'static, Result<EventReader>>;

/// The events of a stream, or of the second one after a refusal in the place of
/// the first event: there it was no status, so the stream was open by then.
pub(crate) struct Anew {
    reader: EventReader,
    /// Gone when something was said, and what comes stands.
    asked: Option<Asked<'static>>,
    opening: Option<Opening>,
}

impl Anew {
    pub(crate) fn new(reader: EventReader, asked: Asked<'static>) -> Self {
        Self {
            reader,
            asked: Some(asked),
            opening: None,
        }
    }
}

impl Stream for Anew {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.opening.is_none() {
            let item = ready!(Pin::new(&mut this.reader).poll_next(cx));
            let (error, asked) = match (item, this.asked.take()) {
                (Some(Err(error)), Some(asked)) if error.kind() == ErrorKind::Authentication => {
                    (error, asked)
                }
                (item, _) => return Poll::Ready(item),
            };
            let (head, extensions) = this.reader.exchange();
            let later = this.reader.later_metadata();
            let tap = this.reader.tap();
            this.opening = Some(Box::pin(async move {
                match asked.renews(&error, &head, &extensions).await? {
                    true => {
                        let reader = asked.open().await?.telling(later);
                        if let Some(tap) = tap {
                            tap.follow(reader.tap());
                        }
                        Ok(reader)
                    }
                    false => Err(error),
                }
            }));
        }
        if let Some(opening) = &mut this.opening {
            let opened = ready!(opening.as_mut().poll(cx));
            this.opening = None;
            match opened {
                Ok(reader) => this.reader = reader,
                Err(error) => return Poll::Ready(Some(Err(error))),
            }
        }
        Pin::new(&mut this.reader).poll_next(cx)
    }
}
