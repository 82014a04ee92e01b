//! Other ways to read an answer as it comes: by lines, by sentences, twice, several together.

mod cut;
mod handler;
mod merge;
mod tee;

pub use handler::{Handler, Handlers, Processed, process_stream};
pub use merge::Merged;
pub use tee::tee;

use crate::run::{Run, RunEvent};
use cut::{Cut, Cutter};
use futures_util::stream::{self, Stream, StreamExt};
use parlor_core::{ChatStream, CompactString, Event, PartKind, Result};
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The text of the first choice as it comes, from a [`ChatStream`] or a [`Run`].
pub struct Said<'a>(Pin<Box<dyn Stream<Item = Result<Piece>> + Send + 'a>>);

enum Piece {
    Text(CompactString),
    /// What follows doesn't go on with what came before: a tool was called, or
    /// the model is asked anew.
    Break,
}

fn piece(event: Event) -> Option<Piece> {
    match event {
        Event::TextDelta {
            choice: 0, text, ..
        } => Some(Piece::Text(text)),
        Event::PartStarted {
            choice: 0, kind, ..
        } => match kind {
            // Text may be in several parts where nothing comes between.
            PartKind::Text | PartKind::Refusal => None,
            _ => Some(Piece::Break),
        },
        _ => None,
    }
}

impl From<ChatStream> for Said<'static> {
    fn from(stream: ChatStream) -> Self {
        let pieces = stream.filter_map(|event| std::future::ready(event.map(piece).transpose()));
        Self(Box::pin(pieces))
    }
}

impl<'a> From<Run<'a>> for Said<'a> {
    fn from(run: Run<'a>) -> Self {
        let pieces = stream::unfold(run, |mut run| async {
            loop {
                let piece = match run.next().await? {
                    Ok(RunEvent::Model(event)) => piece(event),
                    Ok(RunEvent::StepStarted(_)) => Some(Piece::Break),
                    Ok(_) => None,
                    Err(error) => return Some((Err(error), run)),
                };
                if let Some(piece) = piece {
                    return Some((Ok(piece), run));
                }
            }
        });
        Self(Box::pin(pieces))
    }
}

impl fmt::Debug for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Said").finish_non_exhaustive()
    }
}

/// The lines of an answer's text, each as soon as it is whole, without their
/// ends (LF or CRLF).
///
/// ```
/// use parlor_agent::lines;
/// use parlor_core::{ChatModelExt, Echo};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut lines = lines(Echo::new().ask_stream("one\ntwo three").await?);
/// assert_eq!(lines.next().await.unwrap()?, "one");
/// assert_eq!(lines.next().await.unwrap()?, "two three");
/// assert!(lines.next().await.is_none());
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
pub fn lines<'a>(source: impl Into<Said<'a>>) -> Pieces<'a> {
    Pieces::new(source.into(), Cut::Lines)
}

/// The sentences of an answer's text, each as soon as its end is sure, without
/// the white space around them: for reading aloud.
///
/// A sentence ends with `.`, `!`, `?` or `…` before white space, with `。`, `！`,
/// `？`, `｡` or `।` wherever they stand, and at the end of a line; quotation
/// marks and brackets that close right behind belong to it. It doesn't end
/// after initials, the number of a list's item, and some abbreviations of
/// English, French and German. That is a guess, and wrong at times: `etc.` ends a
/// sentence here always and `plan B.` never, and a language that marks no
/// ends, as Thai, has none but those of its lines.
///
/// ```
/// use parlor_agent::sentences;
/// use parlor_core::{ChatModelExt, Echo};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let answer = Echo::new().ask_stream("Dr. No is 3.5 m tall! 真的吗？是的。").await?;
/// let mut sentences = sentences(answer);
/// assert_eq!(sentences.next().await.unwrap()?, "Dr. No is 3.5 m tall!");
/// assert_eq!(sentences.next().await.unwrap()?, "真的吗？");
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
pub fn sentences<'a>(source: impl Into<Said<'a>>) -> Pieces<'a> {
    Pieces::new(source.into(), Cut::Sentences)
}

/// An answer's text in [lines](lines()) or [sentences](sentences()): a stream.
///
/// Where the answer breaks off, what had come is the last piece, and then comes
/// the error. Dropping it cancels the request.
pub struct Pieces<'a> {
    source: Said<'a>,
    cutter: Cutter,
    ready: VecDeque<String>,
    /// What comes after the pieces that are ready.
    end: Option<Option<parlor_core::Error>>,
}

impl<'a> Pieces<'a> {
    fn new(source: Said<'a>, cut: Cut) -> Self {
        Self {
            source,
            cutter: Cutter::new(cut),
            ready: VecDeque::new(),
            end: None,
        }
    }

    /// The same pieces, of at most this many bytes: a longer one comes in
    /// several, sentences cut at white space where there is some. 16 KiB where
    /// nothing else is said; at least four.
    #[must_use]
    pub fn with_limit(mut self, bytes: usize) -> Self {
        self.cutter.set_limit(bytes);
        self
    }

    /// The next piece; `None` after the end.
    ///
    /// # Errors
    /// Whatever broke the answer.
    pub async fn next(&mut self) -> Option<Result<String>> {
        StreamExt::next(self).await
    }
}

impl Stream for Pieces<'_> {
    type Item = Result<String>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(piece) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(piece)));
            }
            if let Some(end) = &mut this.end {
                return Poll::Ready(end.take().map(Err));
            }
            match std::task::ready!(this.source.0.as_mut().poll_next(cx)) {
                Some(Ok(Piece::Text(text))) => this.cutter.push(&text, &mut this.ready),
                Some(Ok(Piece::Break)) => this.cutter.flush(&mut this.ready),
                last => {
                    this.cutter.flush(&mut this.ready);
                    this.end = Some(last.and_then(Result::err));
                }
            }
        }
    }
}

impl fmt::Debug for Pieces<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pieces").finish_non_exhaustive()
    }
}
