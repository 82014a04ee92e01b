//! How much of a conversation is sent: the newest turns that fit, and a summary of the others.

mod summary;

pub use summary::Summary;
pub(crate) use summary::{Summarising, Summed, make as summarise};

use crate::history::{History, Turn};
use parlor_core::{
    ChatModel, ChatRequest, Error, ErrorKind, Message, ModelInfo, Result, Role, estimate,
};
use std::fmt;
use std::sync::Arc;

/// How much of a conversation is sent with each request.
///
/// The instructions and the turn that goes on are always sent. Of the turns
/// before it the newest are, as many as fit; older ones are left out whole, so
/// that no call loses its result. The [`History`] keeps all of them.
///
/// What a request takes is estimated before it is sent, by the rule of
/// [`parlor_core::estimate`], which errs upwards.
///
/// A turn that is too long alone is refused as
/// [`ContextTooLong`](ErrorKind::ContextTooLong) before anything is sent. By the
/// model's window that is one whose estimate is half as long again, since it may
/// fit in truth.
///
/// ```
/// use parlor_agent::{Conversation, Window};
/// use parlor_core::Echo;
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let mut chat = Conversation::new(Echo::new()).with_window(Window::tokens(20));
/// for day in ["Monday", "Tuesday", "Wednesday"] {
///     chat.send(format!("What happened on {day}?")).await?;
/// }
/// assert_eq!(chat.history().turns().len(), 3, "what was said stays");
/// let error = chat.send("word ".repeat(100)).await.unwrap_err();
/// assert_eq!(error.kind(), parlor_core::ErrorKind::ContextTooLong);
/// # Ok::<(), parlor_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct Window {
    tokens: Option<u64>,
    estimate: Arc<Estimate>,
    summariser: Option<Arc<dyn ChatModel>>,
}

type Estimate = dyn Fn(&ChatRequest) -> u64 + Send + Sync;

/// The model's own: its context window less the most that it may answer with.
/// A model whose window isn't known gets all turns.
impl Default for Window {
    fn default() -> Self {
        Self {
            tokens: None,
            estimate: Arc::new(estimate::input_tokens),
            summariser: None,
        }
    }
}

impl Window {
    /// At most this many tokens of input, tools and their schemas included.
    pub fn tokens(tokens: u64) -> Self {
        Self {
            tokens: Some(tokens),
            ..Self::default()
        }
    }

    /// The same window by another estimate of a request's input tokens. It is
    /// asked of whole requests and of single turns.
    #[must_use]
    pub fn with_estimate(
        mut self,
        estimate: impl Fn(&ChatRequest) -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.estimate = Arc::new(estimate);
        self
    }

    /// The same window, where what is left out is summarised by a model, such as
    /// a cheap one.
    ///
    /// The summary is kept in the history and sent in front of the turns, where
    /// there is room for it. It is made when turns don't fit any more, of so many
    /// that the next few turns need no new one. What it consumes counts for the
    /// run; where it fails the run does.
    #[must_use]
    pub fn summarising(mut self, model: impl ChatModel + 'static) -> Self {
        self.summariser = Some(Arc::new(model));
        self
    }

    /// The most input tokens of a request; `None` where nothing limits them.
    fn limit(&self, info: &ModelInfo, request: &ChatRequest) -> Option<u64> {
        self.tokens.or_else(|| {
            let window = info.context_window?;
            let output = request.max_output_tokens.or(info.max_output_tokens);
            Some(window - output.unwrap_or(0).min(window / 2))
        })
    }

    /// The messages that are sent of a history and of the turn after it, where no
    /// [`Conversation`](crate::Conversation) sends them: the newest turns that fit
    /// beside what `request` has else. Nothing is summarised.
    ///
    /// # Errors
    /// [`ContextTooLong`](ErrorKind::ContextTooLong) where the turn alone is too long.
    pub fn fitted(
        &self,
        request: &ChatRequest,
        history: &History,
        turn: &[Message],
        info: &ModelInfo,
    ) -> Result<Vec<Message>> {
        let mut plain = self.clone();
        plain.summariser = None;
        match plain.fit(request.clone(), history, turn, info)? {
            Fit::Send(request) => Ok(request.messages),
            Fit::Summarise(..) => Ok(history.messages()),
        }
    }

    /// What is sent of a conversation: `request` has all but the messages.
    pub(crate) fn fit(
        &self,
        mut request: ChatRequest,
        history: &History,
        turn: &[Message],
        info: &ModelInfo,
    ) -> Result<Fit> {
        request.messages = own(history, turn);
        let Some(limit) = self.limit(info, &request) else {
            return Ok(Fit::from(request, history, history.replaced()));
        };
        let own = (self.estimate)(&request);
        let certain = match self.tokens {
            Some(limit) => limit,
            None => limit + limit / 2,
        };
        if own > certain {
            return Err(too_long(own, limit, info));
        }
        let room = limit.saturating_sub(own);
        let turns = history.turns();
        let sizes: Vec<u64> = turns.iter().map(|turn| self.size(&turn.messages)).collect();
        let said = history.summary().map(Summary::message);
        let summary_size = said
            .as_ref()
            .map_or(0, |it| self.size(std::slice::from_ref(it)));
        let replaced = history.replaced();
        let for_turns = match replaced {
            0 => room,
            _ => room.saturating_sub(summary_size),
        };
        let after = sizes.get(replaced..).unwrap_or_default();
        let from = replaced + newest(after, for_turns);
        let Some(model) = self.summariser.as_ref().filter(|_| from > replaced) else {
            return Ok(Fit::from(request, history, from));
        };

        let covered = history.summary().map_or(0, |summary| summary.turns);
        let rest = sizes.get(covered..).unwrap_or_default();
        if rest.iter().sum::<u64>() + summary_size <= room {
            let mut fit = Fit::whole(request, history, covered);
            if let (Fit::Send(request), Some(said)) = (&mut fit, said) {
                put_in_front(request, said);
            }
            return Ok(fit);
        }
        // Half of the room, so that the next turns find some.
        match newest(rest, room / 2) {
            0 => Ok(Fit::whole(request, history, covered.max(from))),
            more => {
                let left_out = turns.get(covered..covered + more).unwrap_or_default();
                let summarising = summary::make(model, history.summary(), left_out, limit);
                Ok(Fit::Summarise(model.clone(), summarising))
            }
        }
    }

    fn size(&self, messages: &[Message]) -> u64 {
        let mut alone = ChatRequest::default();
        alone.messages = messages.to_vec();
        (self.estimate)(&alone)
    }
}

/// What comes of fitting a conversation into its window.
pub(crate) enum Fit {
    /// The request.
    Send(Box<ChatRequest>),
    /// First a summary must be made, and the conversation fitted again.
    Summarise(Arc<dyn ChatModel>, Summarising),
}

impl Fit {
    /// The request with all turns, and this one.
    pub(crate) fn all(mut request: ChatRequest, history: &History, turn: &[Message]) -> Self {
        request.messages = own(history, turn);
        Self::from(request, history, history.replaced())
    }

    /// The request with the turns from there on, and what takes the place of
    /// those that were summed up for good.
    fn from(request: ChatRequest, history: &History, from: usize) -> Self {
        let mut fit = Self::whole(request, history, from);
        let said = history.summary().filter(|summary| summary.replaces);
        if let (Fit::Send(request), Some(said)) = (&mut fit, said) {
            put_in_front(request, said.message());
        }
        fit
    }

    /// The request with the turns from there on, before what it has already.
    fn whole(mut request: ChatRequest, history: &History, from: usize) -> Self {
        let kept: &[Turn] = history.turns().get(from..).unwrap_or_default();
        let said = kept.iter().flat_map(|turn| turn.sendable().into_owned());
        let at = first_said(&request);
        request.messages.splice(at..at, said);
        Self::Send(Box::new(request))
    }
}

/// What is always sent: the instructions, and the turn that goes on.
fn own(history: &History, turn: &[Message]) -> Vec<Message> {
    let system = history.system().map(Message::system);
    system.into_iter().chain(turn.iter().cloned()).collect()
}

/// The messages of a history and of the turn that goes on, a summary in place of
/// the turns that it replaces.
pub(crate) fn sent(history: &History) -> Vec<Message> {
    match Fit::all(ChatRequest::default(), history, &[]) {
        Fit::Send(request) => request.messages,
        Fit::Summarise(..) => history.messages(),
    }
}

/// The place after the instructions.
fn first_said(request: &ChatRequest) -> usize {
    let first = request.messages.first();
    usize::from(first.is_some_and(|message| message.role == Role::System))
}

/// From where on the newest turns fit.
fn newest(sizes: &[u64], room: u64) -> usize {
    let mut left = room;
    let fits = sizes.iter().rev().take_while(|size| {
        let rest = left.checked_sub(**size);
        left = rest.unwrap_or(0);
        rest.is_some()
    });
    sizes.len() - fits.count()
}

/// Says it in the user's first message, since some models take no two of the
/// user in a row.
fn put_in_front(request: &mut ChatRequest, said: Message) {
    let at = first_said(request);
    match request.messages.get_mut(at) {
        Some(first) if first.role == Role::User => {
            first.parts.splice(0..0, said.parts);
        }
        _ => request.messages.insert(at, said),
    }
}

fn too_long(tokens: u64, limit: u64, info: &ModelInfo) -> Error {
    let message = format!(
        "the turn has about {tokens} tokens with instructions and tools, and the window has {limit}"
    );
    Error::new(ErrorKind::ContextTooLong, message)
        .with_provider(info.provider.clone())
        .with_model(info.model.clone())
        .with_help(
            "Say less at once, let tools give shorter results, or take a model with a greater window.",
        )
}

impl fmt::Debug for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Window")
            .field("tokens", &self.tokens)
            .field("summariser", &self.summariser)
            .finish_non_exhaustive()
    }
}
