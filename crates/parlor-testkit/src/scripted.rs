//! A model that plays a script: for the tests of layers, agents and programs.

use async_trait::async_trait;
use futures_util::stream;
use parlor_core::{
    Arguments, ChatModel, ChatRequest, ChatResponse, ChatStream, Choice, Error, ErrorKind, Event,
    FinishKind, ModelInfo, Part, ResponseMetadata, Result, ToolCall,
};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a [`Scripted`] model does at one call: the opening, then step by step
/// the events, waits and failures of the stream.
///
/// ```
/// # use parlor_testkit::Script;
/// # use parlor_core::{Error, ErrorKind};
/// # use std::time::Duration;
/// let refused = Script::refuses(Error::new(ErrorKind::Overloaded, "come back later"));
/// let answer = Script::text("Hello there").opens_after(Duration::from_secs(1));
/// # let _ = (refused, answer);
/// ```
///
/// A script that ends without [`Event::Completed`] or an error is an answer
/// that was cut: the stream ends with `Truncated`.
#[derive(Debug, Default)]
pub struct Script {
    opening: Duration,
    refusal: Option<Error>,
    metadata: ResponseMetadata,
    steps: VecDeque<Step>,
}

#[derive(Debug)]
enum Step {
    Wait(Duration),
    Item(Result<Event>),
    Hang,
}

impl Script {
    /// Opens at once and has no steps yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A whole answer of one text, a word at a time.
    pub fn text(text: &str) -> Self {
        let mut choice = Choice::new(0);
        choice.message.parts.push(Part::text(text));
        choice.finish_reason = Some(FinishKind::Stop.into());
        let mut response = ChatResponse::default();
        response.choices.push(choice);
        let events = response.into_events().into_iter().flat_map(Event::by_word);
        Self::new().events(events)
    }

    /// A whole answer that calls these tools, by name and arguments, such as
    /// `("weather", json!({"city": "Oslo"}))`. The calls have the ids `call1`,
    /// `call2` and so on.
    ///
    /// ```
    /// # use parlor_testkit::Script;
    /// # use parlor_core::Arguments;
    /// let asks = Script::tool_calls([("weather", Arguments::json(r#"{"city": "Oslo"}"#))]);
    /// let broken = Script::tool_calls([("weather", Arguments::json(r#"{"city": "#))]);
    /// # let _ = (asks, broken);
    /// ```
    pub fn tool_calls<N: Into<String>, A: Into<Arguments>>(
        calls: impl IntoIterator<Item = (N, A)>,
    ) -> Self {
        let mut choice = Choice::new(0);
        for (at, (name, arguments)) in calls.into_iter().enumerate() {
            let call = ToolCall::new(format!("call{}", at + 1), name, arguments.into());
            choice.message.parts.push(call.into());
        }
        choice.finish_reason = Some(FinishKind::ToolCalls.into());
        let mut response = ChatResponse::default();
        response.choices.push(choice);
        Self::response(response)
    }

    /// A whole answer, an event at a time.
    pub fn response(response: ChatResponse) -> Self {
        Self::new().events(response.into_events())
    }

    /// The call, or the opening of the stream, fails.
    pub fn refuses(error: Error) -> Self {
        Self {
            refusal: Some(error),
            ..Self::default()
        }
    }

    /// The opening takes this long, whether it succeeds or fails;
    /// [`Duration::MAX`] is for ever.
    #[must_use]
    pub fn opens_after(mut self, delay: Duration) -> Self {
        self.opening = delay;
        self
    }

    /// The facts about the exchange that its headers give.
    #[must_use]
    pub fn metadata(mut self, metadata: ResponseMetadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Then nothing comes for this long.
    #[must_use]
    pub fn wait(self, time: Duration) -> Self {
        self.step(Step::Wait(time))
    }

    /// Then an event comes.
    #[must_use]
    pub fn event(self, event: Event) -> Self {
        self.step(Step::Item(Ok(event)))
    }

    /// Each of the steps so far comes this long after the one before it.
    #[must_use]
    pub fn paced(mut self, wait: Duration) -> Self {
        let steps = self.steps.into_iter();
        self.steps = steps.flat_map(|step| [Step::Wait(wait), step]).collect();
        self
    }

    /// Then these events come.
    #[must_use]
    pub fn events(self, events: impl IntoIterator<Item = Event>) -> Self {
        events.into_iter().fold(self, Self::event)
    }

    /// Then the stream fails.
    #[must_use]
    pub fn fails(self, error: Error) -> Self {
        self.step(Step::Item(Err(error)))
    }

    /// Then nothing comes any more, and the stream doesn't end either.
    #[must_use]
    pub fn hangs(self) -> Self {
        self.step(Step::Hang)
    }

    /// Only the first so many steps: waits, events and failures each count one.
    #[must_use]
    pub fn cut(mut self, steps: usize) -> Self {
        self.steps.truncate(steps);
        self
    }

    fn step(mut self, step: Step) -> Self {
        self.steps.push_back(step);
        self
    }
}

/// A model that plays one [`Script`] per call and keeps account of its calls.
///
/// ```
/// use parlor_core::ChatModelExt;
/// use parlor_testkit::{Script, Scripted};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let model = Scripted::new([Script::text("Hello"), Script::text("Goodbye")]);
/// assert_eq!(model.ask("Hi").await?.text(), "Hello");
/// assert_eq!(model.ask("Bye").await?.text(), "Goodbye");
/// assert_eq!(model.requests().len(), 2);
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
///
/// Clones are handles on the same model. Waits go by tokio's clock, so that a
/// test with paused time takes none.
///
/// # Behavior
/// - `chat` is `stream`, collected.
/// - A call with no script left fails with `Unexpected`, which is never retried.
#[derive(Clone)]
pub struct Scripted {
    info: Arc<ModelInfo>,
    state: Arc<Mutex<State>>,
}

type Scripts = dyn FnMut(usize, &ChatRequest) -> Option<Script> + Send;

struct State {
    scripts: Box<Scripts>,
    requests: Vec<ChatRequest>,
    exchanges: Exchanges,
}

/// How the exchanges with a [`Scripted`] model stand.
///
/// An exchange begins with the call and ends with the call's error, with the
/// stream's last item, or with the drop of the future or stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exchanges {
    /// How many calls there were, of `chat` and `stream` together.
    pub begun: usize,
    /// How many openings succeeded.
    pub opened: usize,
    /// How many are going on: their future or stream is still there.
    pub open: usize,
    /// How many were dropped before their end, as a cancelled request is.
    pub abandoned: usize,
}

impl Scripted {
    /// A model that plays these scripts in turn.
    pub fn new(scripts: impl IntoIterator<Item = Script>) -> Self {
        let mut scripts: VecDeque<Script> = scripts.into_iter().collect();
        Self::with(move |_, _| scripts.pop_front())
    }

    /// A model that asks `scripts` at each call what to play, with the number
    /// of the call, from 0, and the request. `None` is as with no script left.
    pub fn with(
        scripts: impl FnMut(usize, &ChatRequest) -> Option<Script> + Send + 'static,
    ) -> Self {
        Self {
            info: Arc::new(ModelInfo::new("scripted", "script")),
            state: Arc::new(Mutex::new(State {
                scripts: Box::new(scripts),
                requests: Vec::new(),
                exchanges: Exchanges::default(),
            })),
        }
    }

    /// A model that answers every call with this text.
    pub fn answering(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::with(move |_, _| Some(Script::text(&text)))
    }

    /// The same model under other facts.
    #[must_use]
    pub fn with_info(mut self, info: ModelInfo) -> Self {
        self.info = Arc::new(info);
        self
    }

    /// The requests it got, in order.
    pub fn requests(&self) -> Vec<ChatRequest> {
        self.state().requests.clone()
    }

    /// What the last message of each request says, in order: the prompts, and
    /// where tools were called, what they answered.
    ///
    /// ```
    /// # use parlor_core::ChatModelExt;
    /// # use parlor_testkit::Scripted;
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let model = Scripted::answering("Fine.");
    /// model.ask("How are you?").await?;
    /// assert_eq!(model.prompts(), ["How are you?"]);
    /// # Ok::<(), parlor_core::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn prompts(&self) -> Vec<String> {
        let said = |request: &ChatRequest| {
            let parts = request.messages.last().map(|message| &message.parts);
            let texts = parts.into_iter().flatten().map(|part| match part {
                Part::ToolResult(result) => result.joined_text(),
                part => part.as_text().unwrap_or_default().to_owned(),
            });
            texts.collect::<Vec<_>>().join("\n")
        };
        self.state().requests.iter().map(said).collect()
    }

    /// How its exchanges stand.
    pub fn exchanges(&self) -> Exchanges {
        self.state().exchanges
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panicking test left behind is counts, which are never half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, request: &ChatRequest) -> (Option<Script>, Exchange) {
        // Made before the state is held, so that it is dropped after that is let
        // go, also when a script panics.
        let exchange = Exchange {
            model: self.clone(),
            over: false,
        };
        let mut state = self.state();
        let number = state.exchanges.begun;
        state.exchanges.begun += 1;
        state.exchanges.open += 1;
        state.requests.push(request.clone());
        ((state.scripts)(number, request), exchange)
    }

    async fn open(&self, request: &ChatRequest) -> Result<ChatStream> {
        let (script, mut exchange) = self.begin(request);
        let script = script.unwrap_or_else(|| {
            Script::refuses(Error::new(
                ErrorKind::Unexpected,
                "the scripted model has no script left",
            ))
        });
        if !script.opening.is_zero() {
            tokio::time::sleep(script.opening).await;
        }
        if let Some(error) = script.refusal {
            exchange.over = true;
            return Err(error);
        }
        self.state().exchanges.opened += 1;
        let events = stream::unfold(
            (script.steps, exchange),
            |(mut steps, mut exchange)| async {
                let item = loop {
                    match steps.pop_front() {
                        Some(Step::Wait(time)) => tokio::time::sleep(time).await,
                        Some(Step::Hang) => std::future::pending().await,
                        Some(Step::Item(item)) => break Some(item),
                        None => break None,
                    }
                };
                exchange.over = match &item {
                    Some(Ok(event)) => event.is_terminal(),
                    _ => true,
                };
                Some((item?, (steps, exchange)))
            },
        );
        Ok(ChatStream::new(self.info.clone(), events).with_metadata(script.metadata))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for Scripted {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.open(request).await?.response().await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        self.open(request).await
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scripted")
            .field("model", &self.info.id())
            .field("exchanges", &self.exchanges())
            .finish_non_exhaustive()
    }
}

/// Counts one exchange in and out.
struct Exchange {
    model: Scripted,
    over: bool,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let exchanges = &mut self.model.state().exchanges;
        exchanges.open -= 1;
        if !self.over {
            exchanges.abandoned += 1;
        }
    }
}
