//! A model whose answers have reasoning and solution apart.

mod reader;

use super::Think;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Collector, Error, ModelInfo, Result,
};
use reader::Reader;
use std::sync::Arc;

/// A model whose written reasoning is reasoning: what it puts between
/// `<reasoning>` tags comes as [`Reasoning`](parlor_core::Reasoning) parts and
/// events, and of the rest the solution alone as text.
///
/// ```
/// use parlor_agent::{Apart, Think};
/// use parlor_core::ChatModelExt;
/// # use parlor_testkit::Scripted;
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// # let model = Scripted::answering(
/// #     "<reasoning>7 has no divisors.</reasoning>\n<solution>Yes.</solution>",
/// # );
/// let model = Apart::new(Arc::new(model)).thinking(Think::of_request());
/// let answer = model.ask("Is 7 prime?").await?;
/// assert_eq!(answer.text(), "Yes.");
/// assert_eq!(answer.reasoning(), "7 has no divisors.");
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
///
/// Text is held back only as long as it may be part of a tag, or white space
/// before one. An opening tag counts at the beginning of a line alone. A text
/// without tags passes as it is; what stands before all tags is text, and what
/// follows the solution is reasoning. Reasoning that is never closed, in an answer
/// that ended by itself and has nothing else, is its text too, in a part of its
/// own. A model's own reasoning passes untouched.
///
/// A text that was read apart loses what the provider put on it: its native
/// item, which says the tags, and the spans of its citations.
#[derive(Debug, Clone)]
pub struct Apart {
    inner: Arc<dyn ChatModel>,
    think: Option<Think>,
}

impl Apart {
    /// Reads a model's answers apart; its requests stay as they are.
    pub fn new(inner: Arc<dyn ChatModel>) -> Self {
        Self { inner, think: None }
    }

    /// The same model with this said in every request, as [`Think::put`] does.
    /// Where that has the model reason by itself its answers stay as they are:
    /// it was told of no tags.
    #[must_use]
    pub fn thinking(mut self, think: Think) -> Self {
        self.think = Some(think);
        self
    }

    /// What is sent, where it differs.
    fn request(&self, request: &ChatRequest) -> Option<ChatRequest> {
        let think = self.think.as_ref()?;
        let mut request = request.clone();
        think.put(&mut request, self.info());
        Some(request)
    }

    fn reads(&self) -> bool {
        let think = self.think.as_ref();
        !think.is_some_and(|think| think.is_native(self.info()))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for Apart {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let own = self.request(request);
        let answered = self.inner.chat(own.as_ref().unwrap_or(request)).await;
        match self.reads() {
            true => answered.map(apart).map_err(failed),
            false => answered,
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let own = self.request(request);
        let opened = self.inner.stream(own.as_ref().unwrap_or(request)).await;
        match self.reads() {
            true => opened.map(stream_apart).map_err(failed),
            false => opened,
        }
    }
}

/// The answer with its texts read apart.
fn apart(mut response: ChatResponse) -> ChatResponse {
    let metadata = std::mem::take(&mut response.metadata);
    let raw = response.raw.take();
    let mut collector = Collector::new(std::mem::take(&mut response.provider));
    let mut reader = Reader::default();
    for event in response.into_events() {
        for event in reader.read(event) {
            collector.take(event);
        }
    }
    let mut response = collector.into_response();
    (response.metadata, response.raw) = (metadata, raw);
    response
}

/// The error with what had come read apart.
fn failed(error: Error) -> Error {
    match error.partial().cloned() {
        Some(partial) => error.with_partial(apart(partial)),
        None => error,
    }
}

fn stream_apart(stream: ChatStream) -> ChatStream {
    let mut reader = Reader::default();
    stream.map_events(|events| {
        // The end may come without an event or an error.
        let events = events.map(Some).chain(stream::iter([None]));
        events.flat_map(move |item| {
            let (events, error) = match item {
                Some(Ok(event)) => (reader.read(event), None),
                Some(Err(error)) => (reader.cut(), Some(failed(error))),
                None => (reader.cut(), None),
            };
            let events = events.into_iter().map(Ok);
            stream::iter(events.chain(error.map(Err)))
        })
    })
}
