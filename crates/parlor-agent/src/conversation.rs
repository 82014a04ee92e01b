//! A conversation: a model, its memory, its tools.

mod compact;
mod request;

use crate::approval::{Approver, approve_none};
use crate::execute::{Remembered, Shop};
use crate::history::{History, TurnState};
use crate::limits::Limits;
use crate::reply::Reply;
use crate::run::{Run, RunEvent};
use crate::stats::{Statistics, Stats};
use crate::surroundings::Surroundings;
use crate::tool::{Tool, ToolBox, Values};
use crate::window::Window;
use parlor_core::{
    ChatModel, ChatRequest, Error, ErrorKind, Layer, Message, Result, Role, ToolCall, ToolResult,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A conversation with a model that remembers what was said and runs the tools
/// that the model calls.
///
/// A turn is committed as a whole when its [`Run`] ends or is dropped: whatever
/// happened, the history can be sent again. While a run goes on the
/// conversation is borrowed, so that it can't be sent to twice at once:
///
/// ```compile_fail,E0499
/// # use parlor_agent::Conversation;
/// # use parlor_core::Echo;
/// let mut chat = Conversation::new(Echo::new());
/// let first = chat.send("Why?");
/// let second = chat.send("Why not?");
/// # drop((first, second));
/// ```
pub struct Conversation {
    model: Arc<dyn ChatModel>,
    request: ChatRequest,
    history: History,
    shop: Shop,
    runs_tools: bool,
    window: Option<Window>,
    statistics: Statistics,
    surroundings: Surroundings,
}

impl Conversation {
    /// A conversation in which nothing has been said.
    pub fn new(model: impl ChatModel + 'static) -> Self {
        Self::shared(Arc::new(model))
    }

    /// A conversation with a model that others hold too.
    pub fn shared(model: Arc<dyn ChatModel>) -> Self {
        Self {
            model,
            request: ChatRequest::default(),
            history: History::default(),
            shop: Shop {
                tools: ToolBox::default(),
                values: Values::default(),
                approver: Arc::new(approve_none()),
                remembered: Remembered::default(),
                limits: Limits::default(),
            },
            runs_tools: true,
            window: None,
            statistics: Statistics::default(),
            surroundings: Surroundings::default(),
        }
    }

    /// The same conversation with instructions.
    #[must_use]
    pub fn with_system(mut self, text: impl Into<String>) -> Self {
        self.history.set_system(Some(text.into()));
        self
    }

    /// The same conversation that goes on from this history.
    #[must_use]
    pub fn with_history(mut self, history: History) -> Self {
        self.history = history;
        self
    }

    /// The same conversation with settings for every request: temperature,
    /// output, reasoning and all else. Its messages and tools are passed over. A
    /// tool that must be called ([`ToolChoice`](parlor_core::ToolChoice)) must be
    /// so at the first step of a turn alone.
    #[must_use]
    pub fn with_request(mut self, request: ChatRequest) -> Self {
        self.request = request;
        self
    }

    /// The same conversation with one more tool.
    #[must_use]
    pub fn with_tool(mut self, tool: impl Tool + 'static) -> Self {
        self.shop.tools.register(tool);
        self
    }

    /// The same conversation with more tools.
    #[must_use]
    pub fn with_tools<T: Tool + 'static>(mut self, tools: impl IntoIterator<Item = T>) -> Self {
        for tool in tools {
            self.shop.tools.register(tool);
        }
        self
    }

    /// The same conversation with a value that tools may ask for by its type;
    /// a second one of the same type takes the place of the first.
    #[must_use]
    pub fn with_value<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.shop.values.insert(value);
        self
    }

    /// The same conversation with somebody to ask before tools that change
    /// anything. Without, none of them runs.
    #[must_use]
    pub fn with_approver(mut self, approver: impl Approver + 'static) -> Self {
        self.shop.approver = Arc::new(approver);
        self
    }

    /// The same conversation with these limits for each run.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.shop.limits = limits;
        self
    }

    /// The same conversation that sends no more than fits. Without, all of it is
    /// sent.
    #[must_use]
    pub fn with_window(mut self, window: Window) -> Self {
        self.window = Some(window);
        self
    }

    /// The same conversation that runs no tool by itself: a run ends as
    /// [`Pending`](crate::Outcome::Pending) where the model calls one, and
    /// [`answer`](Self::answer) goes on.
    #[must_use]
    pub fn without_execution(mut self) -> Self {
        self.runs_tools = false;
        self
    }

    /// The same conversation that counts into these figures, which others may
    /// count into too. Without, it has its own.
    #[must_use]
    pub fn with_statistics(mut self, statistics: Statistics) -> Self {
        self.statistics = statistics;
        self
    }

    /// The figures that it counts into.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// What its requests came to so far.
    pub fn stats(&self) -> Stats {
        self.statistics.stats()
    }

    /// Counts from nothing again.
    pub fn reset_stats(&self) {
        self.statistics.reset();
    }

    /// The model.
    pub fn model(&self) -> &Arc<dyn ChatModel> {
        &self.model
    }

    /// Goes on with another model, whoever provides it.
    pub fn set_model(&mut self, model: Arc<dyn ChatModel>) {
        self.model = model;
    }

    /// The same conversation whose model is within a layer, around those that it
    /// has.
    #[must_use]
    pub fn with_layer(mut self, layer: impl Layer) -> Self {
        self.model = layer.layer(self.model);
        self
    }

    /// The settings for every request.
    pub fn request_mut(&mut self) -> &mut ChatRequest {
        &mut self.request
    }

    /// What was said.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// What was said, to be changed.
    pub fn history_mut(&mut self) -> &mut History {
        &mut self.history
    }

    /// The tools.
    pub fn tools(&self) -> &ToolBox {
        &self.shop.tools
    }

    /// The tools, to be changed.
    pub fn tools_mut(&mut self) -> &mut ToolBox {
        &mut self.shop.tools
    }

    /// Another conversation that goes on from this many turns of this one, with
    /// the same model, tools, settings and decisions; it counts into the same
    /// figures. See [`History::fork`].
    #[must_use]
    pub fn fork(&self, turns: usize) -> Self {
        let mut shop = self.shop.clone();
        shop.remembered = Arc::new(Mutex::new(self.remembered()));
        Self {
            model: self.model.clone(),
            request: self.request.clone(),
            history: self.history.fork(turns),
            shop,
            runs_tools: self.runs_tools,
            window: self.window.clone(),
            statistics: self.statistics.clone(),
            surroundings: self.surroundings.clone(),
        }
    }

    /// What was decided for good, by the tool's name: whether it may run. To be
    /// stored beside the history, and given back by [`remember`](Self::remember).
    pub fn remembered(&self) -> BTreeMap<String, bool> {
        let known = self.shop.remembered.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Decides for good whether a tool that changes something may run here, or
    /// with `None` that it is asked again.
    pub fn remember(&mut self, tool: &str, may_run: Option<bool>) {
        let known = self.shop.remembered.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        match may_run {
            Some(may_run) => known.insert(tool.to_owned(), may_run),
            None => known.remove(tool),
        };
    }

    /// Says something and waits for what comes of it.
    ///
    /// # Errors
    /// What the model failed with. What had been done by then is in the
    /// history, marked interrupted; if nothing had, the message isn't either.
    pub async fn send(&mut self, message: impl Into<ChatRequest>) -> Result<Reply> {
        self.stream(message)?.finish().await
    }

    /// Says something and hands each event to a function.
    ///
    /// # Errors
    /// As [`send`](Self::send).
    pub async fn stream_with(
        &mut self,
        message: impl Into<ChatRequest>,
        mut each: impl FnMut(&RunEvent),
    ) -> Result<Reply> {
        let mut run = self.stream(message)?;
        while let Some(event) = run.next().await {
            each(&event?);
        }
        run.finish().await
    }

    /// Says something; the run tells what comes of it. Nothing is sent before
    /// the run is polled.
    ///
    /// What a request sets beside its messages holds for this turn, above the
    /// [settings of every request](Self::with_request); what it says as the
    /// system takes the place of the instructions.
    ///
    /// # Errors
    /// [`Validation`](ErrorKind::Validation) for a message without content, and
    /// for tools in a request: those of a conversation are its [`ToolBox`]'s.
    pub fn stream(&mut self, message: impl Into<ChatRequest>) -> Result<Run<'_>> {
        let mut request = message.into();
        let messages = std::mem::take(&mut request.messages);
        if !messages.iter().any(has_content) {
            return Err(Error::new(
                ErrorKind::Validation,
                "the message has no content",
            ));
        }
        if !request.tools.is_empty() {
            let message = "the request has tools, which a conversation can't run";
            return Err(Error::new(ErrorKind::Validation, message)
                .with_help("Give them to the conversation by `with_tool`."));
        }
        let settings = (request != ChatRequest::default()).then(|| self.above(&request));
        let settings = settings.transpose()?.map(Box::new);
        self.surroundings.admit()?;
        Ok(Run::begin(self, messages, settings))
    }

    /// Asks again for the last answer: what had been answered is given up once
    /// something else comes.
    ///
    /// # Errors
    /// [`Validation`](ErrorKind::Validation) where nothing was asked.
    pub fn regenerate(&mut self) -> Result<Run<'_>> {
        self.surroundings.admit()?;
        let asked = |message: &Message| message.role == Role::User;
        let last = self.history.turns().last();
        let asked = last.and_then(|turn| turn.messages.iter().rposition(asked));
        let turn = asked.and_then(|at| Some((at, self.history.undo()?)));
        let (at, turn) = turn.ok_or_else(|| nothing("asked"))?;
        let question = turn.messages.iter().take(at + 1).cloned().collect();
        Ok(Run::again(self, question, turn))
    }

    /// The calls of the last turn that wait for an approval or a result.
    pub fn pending_calls(&self) -> Vec<&ToolCall> {
        let last = self.history.turns().last();
        last.map(|turn| turn.pending_calls()).unwrap_or_default()
    }

    /// Goes on with the last turn. Calls that wait are put to the approver again
    /// and run; a turn that broke off before its answer came, by an error or by
    /// being stopped, is asked for it, with what its tools have done already.
    ///
    /// # Errors
    /// [`Validation`](ErrorKind::Validation) where no call waits and the answer,
    /// or a piece of it, is there.
    pub fn resume(&mut self) -> Result<Run<'_>> {
        let lacks_answer = self.history.turns().last().is_some_and(|turn| {
            let last = turn.messages.last().map(|message| message.role);
            turn.state == TurnState::Interrupted && last != Some(Role::Assistant)
        });
        match lacks_answer {
            true => self.resumed(Vec::new()),
            false => self.answer(Vec::new()),
        }
    }

    /// Goes on with a turn that waits, with results from elsewhere. Calls that
    /// none of them answers are run, where tools run by themselves.
    ///
    /// # Errors
    /// [`Validation`](ErrorKind::Validation) where no call waits, or a result
    /// answers none that does.
    pub fn answer(&mut self, results: Vec<ToolResult>) -> Result<Run<'_>> {
        let waiting = self.pending_calls();
        if waiting.is_empty() {
            return Err(nothing("waiting"));
        }
        let waits = |result: &&ToolResult| !waiting.iter().any(|call| call.id == result.call_id);
        if let Some(stray) = results.iter().find(waits) {
            let message = format!("no call `{}` waits for a result", stray.call_id);
            return Err(Error::new(ErrorKind::Validation, message));
        }
        self.resumed(results)
    }

    fn resumed(&mut self, results: Vec<ToolResult>) -> Result<Run<'_>> {
        self.surroundings.admit()?;
        let turn = self.history.undo().ok_or_else(|| nothing("waiting"))?;
        Ok(Run::resumed(self, turn, results))
    }

    pub(crate) fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    pub(crate) fn surroundings_mut(&mut self) -> &mut Surroundings {
        &mut self.surroundings
    }

    pub(crate) fn shop(&self) -> &Shop {
        &self.shop
    }

    pub(crate) fn runs_tools(&self) -> bool {
        self.runs_tools
    }
}

fn has_content(message: &Message) -> bool {
    use parlor_core::Part;
    message.parts.iter().any(|part| match part {
        Part::Text(text) => !text.text.trim().is_empty(),
        _ => true,
    })
}

fn nothing(what: &str) -> Error {
    Error::new(ErrorKind::Validation, format!("nothing is {what} here"))
}

impl fmt::Debug for Conversation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conversation")
            .field("model", &self.model.info().id())
            .field("turns", &self.history.turns().len())
            .field("tools", &self.shop.tools)
            .finish_non_exhaustive()
    }
}
