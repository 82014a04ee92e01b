//! A stream that goes on after a break.

use super::answer::Answer;
use crate::attempt::dried_up;
use futures_core::Stream;
use parlor_core::{ChatModel, ChatStream, Error, Event, EventStream, Result};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::{Sleep, sleep};

type Opening = Pin<Box<dyn Future<Output = Result<ChatStream>> + Send>>;

pub(super) struct ResumeStream {
    state: State,
    answer: Box<Answer>,
    model: Arc<dyn ChatModel>,
    /// What a continuation's event came to, before it is shown.
    out: VecDeque<Event>,
}

enum State {
    /// The first attempt.
    Flowing(EventStream),
    /// The wait before a continuation.
    Waiting(Pin<Box<Sleep>>),
    /// A continuation is on its way.
    Opening(Opening),
    GoingOn(EventStream),
    Ended,
}

impl ResumeStream {
    pub(super) fn new(events: EventStream, answer: Answer, model: Arc<dyn ChatModel>) -> Self {
        Self {
            state: State::Flowing(events),
            answer: Box::new(answer),
            model,
            out: VecDeque::new(),
        }
    }

    /// The state after a break, or the error where nothing follows.
    fn after(&mut self, error: Option<Error>) -> Result<()> {
        // A broken attempt ends before the next one begins.
        self.state = State::Ended;
        let error = error.unwrap_or_else(|| dried_up(self.model.info()));
        let wait = self.answer.broke(error)?;
        self.state = State::Waiting(Box::pin(sleep(wait)));
        Ok(())
    }

    fn open(&self) -> Opening {
        let (model, request) = (self.model.clone(), self.answer.request());
        Box::pin(async move { model.stream(&request).await })
    }
}

impl Stream for ResumeStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(event) = this.out.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            match &mut this.state {
                State::Flowing(events) => match ready!(events.as_mut().poll_next(cx)) {
                    Some(Ok(event)) => {
                        this.answer.hear(&event);
                        return Poll::Ready(Some(Ok(event)));
                    }
                    failed => this.after(failed.and_then(Result::err))?,
                },
                State::Waiting(wait) => {
                    ready!(wait.as_mut().poll(cx));
                    this.state = State::Opening(this.open());
                }
                State::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(stream) => this.state = State::GoingOn(stream.into_events()),
                    Err(error) => this.after(Some(error))?,
                },
                State::GoingOn(events) => match ready!(events.as_mut().poll_next(cx)) {
                    Some(Ok(event)) => {
                        let over = event.is_terminal();
                        this.answer.go_on(event, &mut this.out);
                        match this.answer.is_complete() {
                            true => this.state = State::Ended,
                            false if over => this.after(None)?,
                            false => {}
                        }
                    }
                    failed => this.after(failed.and_then(Result::err))?,
                },
                State::Ended => return Poll::Ready(None),
            }
        }
    }
}
