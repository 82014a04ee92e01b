//! One turn on its way: the model is asked, its calls are run, it is asked again.

mod answer;
mod end;
mod event;

pub use event::{RunEvent, Stopper};

use crate::conversation::Conversation;
use crate::execute::{Batch, BatchEvent};
use crate::history::{Turn, TurnState, ids_of};
use crate::reply::{Outcome, Reply};
use crate::stats::{Ended, Watch};
use crate::window::{Fit, Summarising, Summed};
use futures_util::future::{BoxFuture, Either, select};
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Cost, Error, ErrorKind, Event, Message,
    ModelInfo, Result, Role, ToolCall, ToolResult, Usage,
};
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use tokio::time::{Instant, sleep_until};

/// Until one of them is told to stop.
async fn either(stopper: &Stopper, session: Option<&Stopper>) {
    match session {
        None => stopper.stopped().await,
        Some(session) => {
            select(pin!(stopper.stopped()), pin!(session.stopped())).await;
        }
    }
}

/// A turn on its way.
///
/// It ends with [`RunEvent::Finished`], or with an error. What it did is
/// committed to the history then, or when it is dropped.
pub struct Run<'a> {
    conversation: &'a mut Conversation,
    turn: Turn,
    /// The first message of the turn that is this run's own.
    own: usize,
    /// Whether anything came or was begun that must not be forgotten.
    changed: bool,
    before: Before,
    /// Settings of this turn alone.
    settings: Option<Box<ChatRequest>>,
    state: State,
    step: u32,
    began: Option<Instant>,
    last: ChatResponse,
    usage: Usage,
    cost: Option<Option<Cost>>,
    told: VecDeque<RunEvent>,
    reply: Option<Reply>,
    stopper: Stopper,
    /// The request that goes on.
    watch: Option<Watch>,
    /// Who answered last, where that isn't the conversation's model: behind a
    /// fallback another may.
    other: Option<Box<ModelInfo>>,
    /// The ids of the calls that came in this step.
    called: Vec<String>,
}

/// What the run took out of the history, to be put back where nothing comes of it.
#[derive(Default)]
struct Before {
    /// The turn that is asked again or goes on.
    turn: Option<Turn>,
    /// The instructions, where the message brought others.
    system: Option<Option<String>>,
}

enum State {
    Next,
    Summarising(Arc<dyn ChatModel>, Summarising),
    Asking(BoxFuture<'static, Result<ChatStream>>),
    Answering(Box<ChatStream>),
    Acting(Box<Batch>),
    Over,
}

enum Interruption {
    Stopped,
    Late,
}

impl<'a> Run<'a> {
    /// A new turn. What it says as the system becomes the instructions.
    pub(crate) fn begin(
        conversation: &'a mut Conversation,
        messages: Vec<Message>,
        settings: Option<Box<ChatRequest>>,
    ) -> Self {
        let (system, messages): (Vec<_>, Vec<_>) =
            messages.into_iter().partition(|it| it.role == Role::System);
        let mut before = Before::default();
        if !system.is_empty() {
            let texts: Vec<String> = system.iter().map(Message::text).collect();
            let history = conversation.history_mut();
            before.system = Some(history.system().map(str::to_owned));
            history.set_system(Some(texts.join("\n\n")));
        }
        let mut turn = Turn::new(messages);
        turn.mend(&mut ids_of(conversation.history().messages().iter()));
        let mut run = Self::new(conversation, turn, State::Next);
        run.before = before;
        run.settings = settings;
        run
    }

    /// The question of a turn, asked again.
    pub(crate) fn again(
        conversation: &'a mut Conversation,
        question: Vec<Message>,
        before: Turn,
    ) -> Self {
        let mut run = Self::new(conversation, Turn::new(question), State::Next);
        run.before.turn = Some(before);
        run
    }

    /// A turn that waits or broke off, with results of its calls.
    pub(crate) fn resumed(
        conversation: &'a mut Conversation,
        mut turn: Turn,
        results: Vec<ToolResult>,
    ) -> Self {
        let before = turn.clone();
        turn.state = TurnState::Pending;
        turn.add_results(results);
        let calls: Vec<_> = turn.pending_calls().into_iter().cloned().collect();
        let state = match calls.is_empty() {
            true => State::Next,
            false => State::Acting(Box::new(Batch::new(conversation.shop().clone(), calls))),
        };
        let mut run = Self::new(conversation, turn, state);
        run.before.turn = Some(before);
        run
    }

    fn new(conversation: &'a mut Conversation, turn: Turn, state: State) -> Self {
        Self {
            own: turn.messages.len(),
            changed: false,
            before: Before::default(),
            settings: None,
            usage: Usage::default(),
            cost: None,
            conversation,
            turn,
            state,
            step: 0,
            began: None,
            last: ChatResponse::default(),
            told: VecDeque::new(),
            reply: None,
            stopper: Stopper::default(),
            watch: None,
            other: None,
            called: Vec::new(),
        }
    }

    /// The model that answers, or answered last.
    pub(crate) fn answers(&self) -> &ModelInfo {
        let own = self.conversation.model().info();
        self.other.as_deref().unwrap_or(own)
    }

    /// Stops this run from elsewhere.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// The turn with what has come by now, as it would be committed if the run
    /// were stopped here.
    pub fn so_far(&self) -> Turn {
        let mut turn = self.turn.clone();
        turn.state = TurnState::Interrupted;
        turn.model = Some(self.answers().id());
        turn.usage.add(&self.usage);
        if let State::Answering(stream) = &self.state
            && let Some(message) = stream.partial().message()
        {
            turn.messages.push(message.clone());
        }
        if let State::Acting(batch) = &self.state {
            turn.add_results(batch.results());
            turn.state = TurnState::Interrupted;
        }
        turn.mend(&mut HashSet::new());
        turn
    }

    /// The calls of the last answer, while they are decided on and run.
    pub fn calls(&self) -> &[ToolCall] {
        match &self.state {
            State::Acting(batch) => batch.calls(),
            _ => &[],
        }
    }

    /// What comes next; `None` after the end. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    /// What the model failed with; the run is over then.
    pub async fn next(&mut self) -> Option<Result<RunEvent>> {
        loop {
            if let Some(event) = self.told.pop_front() {
                self.conversation.surroundings().tell(&event);
                return Some(Ok(event));
            }
            if matches!(self.state, State::Over) {
                return None;
            }
            let began = *self.began.get_or_insert_with(Instant::now);
            let limit = self.conversation.shop().limits.time;
            let surroundings = self.conversation.surroundings();
            let by_session = surroundings.until(began);
            let (stopper, session) = (self.stopper.clone(), surroundings.stopper());
            let interrupted = async move {
                let late = limit.and_then(|limit| began.checked_add(limit));
                let late = late.into_iter().chain(by_session).min();
                let stopped = pin!(either(&stopper, session.as_ref()));
                match late {
                    None => stopped.await,
                    Some(late) => {
                        if let Either::Right(_) = select(stopped, pin!(sleep_until(late))).await {
                            return Interruption::Late;
                        }
                    }
                }
                Interruption::Stopped
            };
            let advanced = {
                let advance = pin!(self.advance());
                match select(pin!(interrupted), advance).await {
                    Either::Left((why, _)) => Err(why),
                    Either::Right((done, _)) => Ok(done),
                }
            };
            match advanced {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    let partial = error.partial().cloned();
                    self.commit_partial(partial);
                    self.end_watch(Ended::Failed(error.kind()));
                    return Some(Err(self.conversation.surroundings().shown(error)));
                }
                Err(Interruption::Stopped) => self.interrupt(Outcome::Stopped),
                Err(Interruption::Late) => self.interrupt(Outcome::TimeLimit),
            }
        }
    }

    /// The next piece of the answer's text; `None` after the end.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub async fn next_text(&mut self) -> Option<Result<String>> {
        while let Some(event) = self.next().await {
            match event {
                Ok(RunEvent::Model(Event::TextDelta { text, .. })) => return Some(Ok(text.into())),
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
        }
        None
    }

    /// Goes on to the end, and gives what it came to.
    ///
    /// # Errors
    /// As [`next`](Self::next); and
    /// [`Cancelled`](parlor_core::ErrorKind::Cancelled) for a run that has
    /// already failed.
    pub async fn finish(mut self) -> Result<Reply> {
        while let Some(event) = self.next().await {
            event?;
        }
        let reply = self.reply.take();
        reply.ok_or_else(|| Error::new(ErrorKind::Cancelled, "the run has failed before"))
    }

    /// Stops here. What had come stays in the history, marked interrupted.
    pub fn stop(mut self) -> Reply {
        if !matches!(self.state, State::Over) {
            self.interrupt(Outcome::Stopped);
        }
        let reply = self.reply.take();
        reply.unwrap_or_else(|| self.reply_with(Outcome::Stopped))
    }

    /// One step forward; what is to be told is in `told` then. Nothing is lost
    /// when the future is dropped.
    async fn advance(&mut self) -> Result<()> {
        match &mut self.state {
            State::Next => self.ask()?,
            State::Summarising(model, summarising) => {
                let Summed { summary, response } = summarising.await?;
                let model = model.clone();
                self.count_at(model.info().price.as_ref(), &response);
                self.end_watch(Ended::Completed);
                self.conversation.history_mut().set_summary(summary);
                self.state = State::Next;
            }
            State::Asking(opening) => {
                let stream = opening.await?;
                self.answered_by(stream.info());
                self.state = State::Answering(Box::new(stream));
            }
            State::Answering(stream) => {
                let Some(mut event) = stream.next().await.transpose()? else {
                    return Ok(());
                };
                if let Some(watch) = &mut self.watch {
                    watch.event();
                }
                let ended = event.is_terminal();
                self.suit_event(&mut event);
                self.told.push_back(RunEvent::Model(event));
                if ended && let State::Answering(stream) = self.take_state() {
                    self.answered(stream.stop());
                }
            }
            State::Acting(batch) => match batch.next().await {
                Some(BatchEvent::Started(call)) => {
                    self.changed = true;
                    self.told.push_back(RunEvent::ToolStarted(call));
                }
                Some(BatchEvent::Finished(result)) => {
                    self.told.push_back(RunEvent::ToolFinished(result));
                }
                None => {
                    self.keep_results();
                    match self.turn.pending_calls().is_empty() {
                        true => self.state = State::Next,
                        false => self.end(Outcome::Pending),
                    }
                }
            },
            State::Over => {}
        }
        Ok(())
    }

    fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Over)
    }

    fn ask(&mut self) -> Result<()> {
        let settings = self.settings.as_deref();
        let fit = self
            .conversation
            .fitted_request(&self.turn.messages, settings)?;
        let request = match fit {
            Fit::Send(request) => request,
            Fit::Summarise(model, summarising) => {
                self.watch(&*model);
                self.state = State::Summarising(model, summarising);
                return Ok(());
            }
        };
        self.step += 1;
        self.called.clear();
        self.told.push_back(RunEvent::StepStarted(self.step));
        let model = self.conversation.model().clone();
        self.watch(&*model);
        self.state = State::Asking(Box::pin(async move { model.stream(&request).await }));
        Ok(())
    }

    fn end_watch(&mut self, ended: Ended) {
        if let Some(watch) = self.watch.take() {
            watch.end(ended);
        }
    }

    fn watch(&mut self, model: &dyn ChatModel) {
        self.watch = Some(self.conversation.statistics().begin(model));
    }
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run")
            .field("conversation", &self.conversation)
            .field("step", &self.step)
            .finish_non_exhaustive()
    }
}
