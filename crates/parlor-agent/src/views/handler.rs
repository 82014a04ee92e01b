//! A stream of events made into a stream of one's own.

use futures_util::{Stream, StreamExt};
use parlor_core::{
    ArgumentsForm, ChatResponse, ChatStream, Event, FinishReason, Part, Result, ToolCall,
};
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Makes what one likes of what an answer says.
///
/// # Behavior
/// - Each method takes what it is called for and gives what
///   [`process_stream`] yields for it, or `None` to pass over it. One that isn't
///   written passes over everything.
/// - They are called in the order of the stream, and only while it is polled.
/// - All but [`event`](Self::event) are about the first choice.
pub trait Handler {
    /// What comes out.
    type Output;

    /// More of the text, a refusal's included.
    ///
    /// # Behavior
    /// - `text` is never empty, and may be cut anywhere between characters.
    fn text(&mut self, text: &str) -> Option<Self::Output> {
        let _ = text;
        None
    }

    /// More of the reasoning.
    ///
    /// # Behavior
    /// - As [`text`](Self::text).
    fn reasoning(&mut self, text: &str) -> Option<Self::Output> {
        let _ = text;
        None
    }

    /// A tool call.
    ///
    /// # Behavior
    /// - It is whole, and may be one that the provider runs. One that was cut
    ///   goes to [`event`](Self::event).
    fn call(&mut self, call: &ToolCall) -> Option<Self::Output> {
        let _ = call;
        None
    }

    /// The end of the choice.
    ///
    /// # Behavior
    /// - Called once, or not at all where the answer breaks off or the prompt
    ///   was blocked.
    fn finish(&mut self, reason: &FinishReason) -> Option<Self::Output> {
        let _ = reason;
        None
    }

    /// Everything else: other choices, parts that begin and end, citations,
    /// usage, warnings.
    ///
    /// # Behavior
    /// - Never called for what the other methods were called for.
    fn event(&mut self, event: &Event) -> Option<Self::Output> {
        let _ = event;
        None
    }
}

fn handle<H: Handler + ?Sized>(handler: &mut H, event: &Event) -> Option<H::Output> {
    match event {
        Event::TextDelta {
            choice: 0, text, ..
        } => handler.text(text),
        Event::ReasoningDelta {
            choice: 0, text, ..
        } => handler.reasoning(text),
        Event::Finished {
            choice: 0, reason, ..
        } => handler.finish(reason),
        Event::PartFinished {
            choice: 0,
            content: Some(content),
            ..
        } => match &**content {
            Part::ToolCall(call) if call.arguments.form != ArgumentsForm::Cut => handler.call(call),
            _ => handler.event(event),
        },
        other => handler.event(other),
    }
}

type On<A, T> = Box<dyn FnMut(&A) -> Option<T> + Send>;

/// A [`Handler`] of closures.
pub struct Handlers<T> {
    text: On<str, T>,
    reasoning: On<str, T>,
    call: On<ToolCall, T>,
    finish: On<FinishReason, T>,
    event: On<Event, T>,
}

impl<T> Default for Handlers<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Handlers<T> {
    /// Passes over everything.
    pub fn new() -> Self {
        Self {
            text: Box::new(|_| None),
            reasoning: Box::new(|_| None),
            call: Box::new(|_| None),
            finish: Box::new(|_| None),
            event: Box::new(|_| None),
        }
    }

    /// The same with what to make of text: [`Handler::text`].
    #[must_use]
    pub fn on_text(mut self, make: impl FnMut(&str) -> Option<T> + Send + 'static) -> Self {
        self.text = Box::new(make);
        self
    }

    /// The same with what to make of reasoning: [`Handler::reasoning`].
    #[must_use]
    pub fn on_reasoning(mut self, make: impl FnMut(&str) -> Option<T> + Send + 'static) -> Self {
        self.reasoning = Box::new(make);
        self
    }

    /// The same with what to make of calls: [`Handler::call`].
    #[must_use]
    pub fn on_call(mut self, make: impl FnMut(&ToolCall) -> Option<T> + Send + 'static) -> Self {
        self.call = Box::new(make);
        self
    }

    /// The same with what to make of the end: [`Handler::finish`].
    #[must_use]
    pub fn on_finish(
        mut self,
        make: impl FnMut(&FinishReason) -> Option<T> + Send + 'static,
    ) -> Self {
        self.finish = Box::new(make);
        self
    }

    /// The same with what to make of all else: [`Handler::event`].
    #[must_use]
    pub fn on_event(mut self, make: impl FnMut(&Event) -> Option<T> + Send + 'static) -> Self {
        self.event = Box::new(make);
        self
    }
}

impl<T> Handler for Handlers<T> {
    type Output = T;

    fn text(&mut self, text: &str) -> Option<T> {
        (self.text)(text)
    }

    fn reasoning(&mut self, text: &str) -> Option<T> {
        (self.reasoning)(text)
    }

    fn call(&mut self, call: &ToolCall) -> Option<T> {
        (self.call)(call)
    }

    fn finish(&mut self, reason: &FinishReason) -> Option<T> {
        (self.finish)(reason)
    }

    fn event(&mut self, event: &Event) -> Option<T> {
        (self.event)(event)
    }
}

impl<T> fmt::Debug for Handlers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handlers").finish_non_exhaustive()
    }
}

/// Makes a stream of one's own of an answer's events.
///
/// ```
/// use parlor_agent::{Handlers, process_stream};
/// use parlor_core::{ChatModelExt, Echo};
///
/// #[derive(Debug, PartialEq)]
/// enum Shown {
///     Word(String),
///     End,
/// }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let handler = Handlers::new()
///     .on_text(|text| Some(Shown::Word(text.trim().to_owned())))
///     .on_finish(|_| Some(Shown::End));
/// let mut shown = process_stream(Echo::new().ask_stream("one two").await?, handler);
/// assert_eq!(shown.next().await.unwrap()?, Shown::Word("one".to_owned()));
/// assert_eq!(shown.next().await.unwrap()?, Shown::Word("two".to_owned()));
/// assert_eq!(shown.next().await.unwrap()?, Shown::End);
/// assert!(shown.next().await.is_none());
/// assert_eq!(shown.into_parts().1.text(), "one two");
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
pub fn process_stream<H: Handler>(stream: ChatStream, handler: H) -> Processed<H> {
    Processed { stream, handler }
}

/// What a [`Handler`] makes of an answer, as it comes: a stream.
///
/// It ends after the answer's end, or with the error that broke it. Dropping it
/// cancels the request.
pub struct Processed<H> {
    stream: ChatStream,
    handler: H,
}

impl<H: Handler + Unpin> Processed<H> {
    /// What comes next; `None` after the end.
    ///
    /// # Errors
    /// Whatever broke the answer; the error carries the partial response.
    pub async fn next(&mut self) -> Option<Result<H::Output>> {
        StreamExt::next(self).await
    }

    /// Goes on to the end for the handler's sake, and gives it back with the
    /// answer.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn finish(mut self) -> Result<(H, ChatResponse)> {
        while let Some(made) = self.next().await {
            made?;
        }
        Ok(self.into_parts())
    }
}

impl<H> Processed<H> {
    /// Stops here: the handler, and the answer as far as it has come.
    pub fn into_parts(self) -> (H, ChatResponse) {
        (self.handler, self.stream.stop())
    }
}

impl<H: Handler + Unpin> Stream for Processed<H> {
    type Item = Result<H::Output>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let made = match ready!(this.stream.poll_next_unpin(cx)) {
                Some(Ok(event)) => handle(&mut this.handler, &event),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            if let Some(made) = made {
                return Poll::Ready(Some(Ok(made)));
            }
        }
    }
}

impl<H> fmt::Debug for Processed<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Processed")
            .field("stream", &self.stream)
            .finish_non_exhaustive()
    }
}
