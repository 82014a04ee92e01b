//! One turn on its way: the model is asked, its calls are run, it is asked again.

use crate::conversation::Conversation;
use crate::execute::{Batch, BatchEvent};
use crate::history::{Turn, TurnState};
use crate::reply::{Outcome, Reply};
use crate::stats::{Ended, Watch};
use crate::window::{Fit, Summarising, Summed};
use futures_util::future::{BoxFuture, Either, select};
use parlor_core::{
    ArgumentsForm, ChatModel, ChatResponse, ChatStream, Cost, Event, FinishKind, Message, Part,
    Result, Role, ToolCall, ToolResult, Usage,
};
use std::collections::{HashSet, VecDeque};
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// What a run tells of, in order.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum RunEvent {
    /// The model is asked, for the nth time from 1.
    StepStarted(u32),
    /// What the model says; each step has its own stream of these.
    Model(Event),
    /// A call runs.
    ToolStarted(ToolCall),
    /// A call has its result, or was refused one.
    ToolFinished(ToolResult),
    /// The run is over; nothing follows.
    Finished(Box<Reply>),
}

impl RunEvent {
    /// The text of a delta of the answer.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Model(event) => event.text(),
            _ => None,
        }
    }
}

/// Stops a [`Run`] or a [`Batch`](crate::Batch) from elsewhere. Clones stop the
/// same one.
#[derive(Debug, Clone, Default)]
pub struct Stopper(Arc<(AtomicBool, Notify)>);

impl Stopper {
    /// Ends a run as [`Outcome::Stopped`], with what has come. The request and
    /// the tools are dropped when the run is next polled. A batch begins nothing
    /// more.
    pub fn stop(&self) {
        self.0.0.store(true, Ordering::Release);
        self.0.1.notify_waiters();
    }

    /// Whether it was told to stop.
    pub(crate) fn is_stopped(&self) -> bool {
        self.0.0.load(Ordering::Acquire)
    }

    async fn stopped(&self) {
        // Taken before the look, so that a stop in between is not missed.
        let notified = self.0.1.notified();
        if !self.is_stopped() {
            notified.await;
        }
    }
}

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
    /// How many messages the turn had before this run.
    given: usize,
    kind: Kind,
    /// What the turn was before it was asked again.
    before: Option<Turn>,
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
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    New,
    Again,
    Resumed,
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
    pub(crate) fn begin(conversation: &'a mut Conversation, messages: Vec<Message>) -> Self {
        let turn = Turn::new(messages);
        Self::new(conversation, turn, State::Next)
    }

    pub(crate) fn again(
        conversation: &'a mut Conversation,
        question: Vec<Message>,
        before: Turn,
    ) -> Self {
        let mut run = Self::begin(conversation, question);
        run.kind = Kind::Again;
        run.before = Some(before);
        run
    }

    pub(crate) fn resumed(
        conversation: &'a mut Conversation,
        mut turn: Turn,
        results: Vec<ToolResult>,
    ) -> Self {
        if !results.is_empty() {
            turn.messages.push(Message::tool_results(results));
        }
        let calls: Vec<_> = turn.pending_calls().into_iter().cloned().collect();
        let state = match calls.is_empty() {
            true => State::Next,
            false => State::Acting(Box::new(Batch::new(conversation.shop().clone(), calls))),
        };
        let mut run = Self::new(conversation, turn, state);
        run.kind = Kind::Resumed;
        run
    }

    fn new(conversation: &'a mut Conversation, turn: Turn, state: State) -> Self {
        Self {
            given: turn.messages.len(),
            usage: Usage::default(),
            cost: None,
            conversation,
            turn,
            kind: Kind::New,
            before: None,
            state,
            step: 0,
            began: None,
            last: ChatResponse::default(),
            told: VecDeque::new(),
            reply: None,
            stopper: Stopper::default(),
            watch: None,
        }
    }

    /// Stops this run from elsewhere.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
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
        self.reply.take().ok_or_else(|| {
            use parlor_core::{Error, ErrorKind};
            Error::new(ErrorKind::Cancelled, "the run has failed before")
        })
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
                self.count_of(&*model, &response);
                self.end_watch(Ended::Completed);
                self.conversation.history_mut().set_summary(summary);
                self.state = State::Next;
            }
            State::Asking(opening) => {
                let stream = opening.await?;
                self.state = State::Answering(Box::new(stream));
            }
            State::Answering(stream) => {
                let Some(event) = stream.next().await.transpose()? else {
                    return Ok(());
                };
                if let Some(watch) = &mut self.watch {
                    watch.event();
                }
                let ended = event.is_terminal();
                self.told.push_back(RunEvent::Model(event));
                if ended && let State::Answering(stream) = self.take_state() {
                    self.answered(stream.stop());
                }
            }
            State::Acting(batch) => match batch.next().await {
                Some(BatchEvent::Started(call)) => self.told.push_back(RunEvent::ToolStarted(call)),
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
        let request = match self.conversation.fitted_request(&self.turn.messages)? {
            Fit::Send(request) => request,
            Fit::Summarise(model, summarising) => {
                self.watch(&*model);
                self.state = State::Summarising(model, summarising);
                return Ok(());
            }
        };
        self.step += 1;
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

    /// Takes a whole answer.
    fn answered(&mut self, mut response: ChatResponse) {
        self.count(&response);
        self.end_watch(Ended::Completed);
        let mut message = match response.choices.first_mut() {
            Some(choice) => {
                self.tell_apart(&mut choice.message);
                choice.message.clone()
            }
            None => Message::new(Role::Assistant, Vec::new()),
        };
        let cut = |part: &Part| matches!(part, Part::ToolCall(call) if call.arguments.form == ArgumentsForm::Cut);
        message.parts.retain(|part| !cut(part));
        let calls: Vec<ToolCall> = message.tool_calls().cloned().collect();
        if !message.parts.is_empty() {
            self.turn.messages.push(message);
        }
        let paused = response.finish_reason().map(|reason| reason.kind) == Some(FinishKind::Pause);
        self.last = response;
        let limits = &self.conversation.shop().limits;
        let spent = self.cost.as_ref().and_then(Option::as_ref);
        let broke = spent.is_some_and(|spent| limits.cost.is_some_and(|most| spent.amount >= most));
        if calls.is_empty() && !paused {
            self.end(Outcome::Finished);
        } else if !calls.is_empty() && !self.conversation.runs_tools() {
            self.end(Outcome::Pending);
        } else if self.step >= limits.steps {
            self.end(Outcome::StepLimit);
        } else if broke {
            self.end(Outcome::CostLimit);
        } else if calls.is_empty() {
            self.state = State::Next;
        } else {
            let batch = Batch::new(self.conversation.shop().clone(), calls);
            self.state = State::Acting(Box::new(batch));
        }
    }

    /// Adds up what an answer consumed. One that was made before counts nothing.
    fn count(&mut self, response: &ChatResponse) {
        let model = self.conversation.model().clone();
        self.count_of(&*model, response);
    }

    fn count_of(&mut self, model: &dyn ChatModel, response: &ChatResponse) {
        if let Some(watch) = &mut self.watch {
            watch.answer(response);
        }
        let price = model.info().price.as_ref();
        let Some(usage) = &response.usage else {
            self.cost = Some(None);
            return;
        };
        if response.metadata.reused.is_some() {
            return;
        }
        self.usage.add(usage);
        let cost = price.and_then(|price| price.cost(usage));
        self.cost = Some(match (self.cost.take(), cost) {
            (None, cost) => cost,
            (Some(Some(mut sum)), Some(cost)) if sum.currency == cost.currency => {
                sum.amount += cost.amount;
                Some(sum)
            }
            _ => None,
        });
    }

    /// Gives calls ids of their own where they have none, or one that another
    /// call has: a result would answer both.
    fn tell_apart(&self, message: &mut Message) {
        let said = self.conversation.history().turns().iter();
        let said = said
            .flat_map(|turn| &turn.messages)
            .chain(&self.turn.messages);
        let mut taken: HashSet<String> = said
            .flat_map(Message::tool_calls)
            .map(|call| call.id.clone())
            .collect();
        for part in &mut message.parts {
            let Part::ToolCall(call) = part else { continue };
            let mut number = taken.len();
            while call.id.is_empty() || taken.contains(&call.id) {
                call.id = format!("call{number:05}");
                number += 1;
            }
            taken.insert(call.id.clone());
        }
    }

    fn keep_results(&mut self) {
        if let State::Acting(batch) = self.take_state() {
            let results = batch.into_results();
            if !results.is_empty() {
                self.turn.messages.push(Message::tool_results(results));
            }
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.state = State::Over;
        let state = match outcome {
            Outcome::Finished => TurnState::Complete,
            _ if !self.turn.pending_calls().is_empty() => TurnState::Pending,
            Outcome::StepLimit | Outcome::CostLimit => TurnState::Complete,
            _ => TurnState::Interrupted,
        };
        let reply = self.reply_with(outcome);
        self.commit(state);
        self.told
            .push_back(RunEvent::Finished(Box::new(reply.clone())));
        self.reply = Some(reply);
    }

    /// Ends in the middle: what has come is kept.
    fn interrupt(&mut self, outcome: Outcome) {
        match self.take_state() {
            State::Answering(stream) => {
                let partial = stream.stop();
                self.count(&partial);
                self.keep_partial(&partial);
                self.last = partial;
            }
            state => {
                self.state = state;
                self.keep_results();
            }
        }
        self.state = State::Over;
        self.watch = None;
        let reply = self.reply_with(outcome);
        self.commit(TurnState::Interrupted);
        self.told
            .push_back(RunEvent::Finished(Box::new(reply.clone())));
        self.reply = Some(reply);
    }

    fn keep_partial(&mut self, partial: &ChatResponse) {
        if let Some(message) = partial.message()
            && !message.parts.is_empty()
        {
            let mut message = message.clone();
            self.tell_apart(&mut message);
            self.turn.messages.push(message);
        }
    }

    /// Commits what a failure left.
    fn commit_partial(&mut self, partial: Option<ChatResponse>) {
        self.keep_results();
        self.state = State::Over;
        if let Some(partial) = partial {
            self.count(&partial);
            self.keep_partial(&partial);
        }
        match self.turn.messages.len() == self.given {
            true => self.roll_back(),
            false => self.commit(TurnState::Interrupted),
        }
    }

    fn reply_with(&self, outcome: Outcome) -> Reply {
        Reply {
            response: self.last.clone(),
            messages: self
                .turn
                .messages
                .iter()
                .skip(self.given)
                .cloned()
                .collect(),
            outcome,
            usage: self.usage.clone(),
            cost: self.cost.clone().flatten(),
            steps: self.step,
        }
    }

    fn commit(&mut self, state: TurnState) {
        let mut turn = std::mem::take(&mut self.turn);
        turn.state = state;
        turn.model = Some(self.conversation.model().info().id());
        turn.usage.add(&self.usage);
        self.conversation.history_mut().push(turn);
    }

    /// Leaves the history as it was before this run.
    fn roll_back(&mut self) {
        let was_there = match self.kind {
            Kind::New => None,
            Kind::Again => self.before.take(),
            Kind::Resumed => Some(std::mem::take(&mut self.turn)),
        };
        if let Some(mut turn) = was_there {
            if self.kind == Kind::Resumed {
                turn.state = TurnState::Pending;
            }
            self.conversation.history_mut().push(turn);
        }
    }
}

impl Drop for Run<'_> {
    fn drop(&mut self) {
        match (&self.state, self.began) {
            (State::Over, _) => {}
            (_, None) => self.roll_back(),
            _ => self.interrupt(Outcome::Stopped),
        }
        if let Some(began) = self.began {
            let took = began.elapsed();
            self.conversation.surroundings_mut().spend(took);
        }
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
