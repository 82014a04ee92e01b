//! Several models' answers in one stream.

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};
use parlor_core::{ChatModel, ChatRequest, ChatResponse, ChatStream, Error, Event, Result};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Several answers at once: a stream of events, each with the name of the
/// answer that it belongs to.
///
/// Whoever has something is heard, in turn, so that a fast one can't keep the
/// others from being read. An answer ends with `Completed` or with an error of its own, and the others
/// go on. Meant for a handful.
///
/// ```
/// use parlor_agent::Merged;
/// use parlor_core::{ChatModel, Echo};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let model: Arc<dyn ChatModel> = Arc::new(Echo::new());
/// let mut answers = Merged::ask([model.clone(), model], "Hello");
/// while let Some((name, event)) = answers.next().await {
///     if let Some(text) = event?.text() {
///         assert!(["echo/echo", "echo/echo #2"].contains(&&*name));
///         assert_eq!(text, "Hello");
///     }
/// }
/// for (_, answer) in answers.into_answers() {
///     assert_eq!(answer?.text(), "Hello");
/// }
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Default)]
pub struct Merged {
    answers: Vec<Answer>,
    /// Whose turn it is.
    turn: usize,
}

struct Answer {
    name: Arc<str>,
    state: State,
}

enum State {
    Opening(BoxFuture<'static, Result<ChatStream>>),
    Open(Box<ChatStream>),
    Over(Result<Box<ChatResponse>>),
}

impl Merged {
    /// No answer yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks these models the same. They are asked side by side, from the first
    /// poll on; each answer is called by its model's id, `provider/model`.
    pub fn ask(
        models: impl IntoIterator<Item = Arc<dyn ChatModel>>,
        request: impl Into<ChatRequest>,
    ) -> Self {
        let request = Arc::new(request.into());
        let mut merged = Self::new();
        for model in models {
            let name = model.info().id();
            let request = request.clone();
            let opening = async move { model.stream(&request).await }.boxed();
            merged.add(name, State::Opening(opening));
        }
        merged
    }

    /// The same with an answer that is on its way. A name that is taken gets a
    /// number behind it: `name #2`.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, stream: ChatStream) -> Self {
        self.add(name.into(), State::Open(Box::new(stream)));
        self
    }

    fn add(&mut self, name: String, state: State) {
        let taken = |name: &str| self.answers.iter().any(|it| &*it.name == name);
        let mut unique = name.clone();
        let mut number = 2;
        while taken(&unique) {
            unique = format!("{name} #{number}");
            number += 1;
        }
        let name = unique.into();
        self.answers.push(Answer { name, state });
    }

    /// The names, in the order in which the answers were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.answers.iter().map(|answer| &*answer.name)
    }

    /// What comes next, and from whom; `None` after the end of all.
    pub async fn next(&mut self) -> Option<(Arc<str>, Result<Event>)> {
        StreamExt::next(self).await
    }

    /// Goes on to the end of all, and gives the answers in their order.
    pub async fn all(mut self) -> Vec<(Arc<str>, Result<ChatResponse>)> {
        while self.next().await.is_some() {}
        self.into_answers()
    }

    /// Stops here: the answers in their order, as far as they have come. One
    /// that hasn't begun is empty and marked interrupted.
    pub fn into_answers(self) -> Vec<(Arc<str>, Result<ChatResponse>)> {
        let answers = self.answers.into_iter().map(|Answer { name, state }| {
            let answer = match state {
                State::Over(answer) => answer.map(|answer| *answer),
                State::Open(stream) => Ok(stream.stop()),
                State::Opening(_) => {
                    let mut answer = ChatResponse::default();
                    answer.interrupted = true;
                    Ok(answer)
                }
            };
            (name, answer)
        });
        answers.collect()
    }
}

impl Answer {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        loop {
            match &mut self.state {
                State::Opening(opening) => match std::task::ready!(opening.poll_unpin(cx)) {
                    Ok(stream) => self.state = State::Open(Box::new(stream)),
                    Err(error) => return Poll::Ready(Some(Err(self.fail(error)))),
                },
                State::Open(stream) => match std::task::ready!(stream.poll_next_unpin(cx)) {
                    Some(Ok(event)) => return Poll::Ready(Some(Ok(event))),
                    Some(Err(error)) => return Poll::Ready(Some(Err(self.fail(error)))),
                    None => {
                        // A stream that has ended gives what it has.
                        let answer = Box::new(stream.partial());
                        self.state = State::Over(Ok(answer));
                    }
                },
                State::Over(_) => return Poll::Ready(None),
            }
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        self.state = State::Over(Err(error.clone()));
        error
    }
}

impl Stream for Merged {
    type Item = (Arc<str>, Result<Event>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let count = this.answers.len();
        let (before, after) = this.answers.split_at_mut(this.turn.min(count));
        let in_turn = after.iter_mut().chain(before);
        let mut waits = false;
        for (passed, answer) in in_turn.enumerate() {
            match answer.poll(cx) {
                Poll::Ready(Some(event)) => {
                    let name = answer.name.clone();
                    this.turn = (this.turn + passed + 1) % count;
                    return Poll::Ready(Some((name, event)));
                }
                Poll::Ready(None) => {}
                Poll::Pending => waits = true,
            }
        }
        match waits {
            true => Poll::Pending,
            false => Poll::Ready(None),
        }
    }
}

impl fmt::Debug for Merged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
