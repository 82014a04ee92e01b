//! A task thought through step by step: the reasoning and the solution, apart.
//!
//! ```
//! use parlor_agent::ThinkExt;
//! # use parlor_testkit::Scripted;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! # let model = Scripted::answering(
//! #     "<reasoning>1. 3 and 4 are 7.\n2. 7 is prime.</reasoning>\n<solution>Yes.</solution>",
//! # );
//! let steps = ["Add.", "Look for divisors."];
//! let thought = model.think("Is the sum of 3 and 4 prime?", steps).await?;
//! assert_eq!(thought.solution, "Yes.");
//! assert_eq!(thought.reasoning, "1. 3 and 4 are 7.\n2. 7 is prime.");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```

mod apart;
mod sections;
mod splitter;

pub use apart::Apart;

use crate::conversation::Conversation;
use crate::extract::judge::{Verdict, unfinished, withheld};
use parlor_core::{
    Capability, ChatModel, ChatRequest, ChatResponse, Effort, Message, ModelInfo, Part,
    ReasoningConfig, Result, Role, Usage,
};
use sections::Sections;

/// A task to be thought through.
///
/// A model that is known to reason by itself is asked to; one of which that
/// isn't known writes its reasoning down before the solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Think {
    task: String,
    steps: Vec<String>,
    natively: Option<bool>,
}

/// What a model thought, and what it came to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Thought {
    /// How it got there: what the provider gives of the model's own reasoning,
    /// which may be a summary or nothing, else what the model wrote.
    pub reasoning: String,
    /// What it came to.
    pub solution: String,
    /// The answer that both were read from.
    pub response: ChatResponse,
    /// What all requests consumed together.
    pub usage: Usage,
}

/// Thinking a task through with a model.
pub trait ThinkExt: ChatModel {
    /// Has a task thought through, by these steps if there are any.
    ///
    /// # Behavior
    /// - As [`Think::ask`].
    fn think(
        &self,
        task: impl Into<String>,
        steps: impl IntoIterator<Item = impl Into<String>>,
    ) -> impl Future<Output = Result<Thought>> + Send {
        let task = Think::new(task).with_steps(steps);
        async move { task.ask(self).await }
    }
}

impl<M: ChatModel + ?Sized> ThinkExt for M {}

impl Conversation {
    /// Has a task thought through, by these steps if there are any: see
    /// [`Think::ask_in`].
    ///
    /// # Errors
    /// As [`Think::ask_in`].
    pub async fn think(
        &mut self,
        task: impl Into<String>,
        steps: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<Thought> {
        Think::new(task).with_steps(steps).ask_in(self).await
    }
}

impl Think {
    /// A task without prescribed steps.
    pub fn new(task: impl Into<String>) -> Self {
        Self {
            task: task.into(),
            steps: Vec::new(),
            natively: None,
        }
    }

    /// The task that a request has already: for [`put`](Self::put).
    pub fn of_request() -> Self {
        Self::new("")
    }

    /// The same task with steps to go through, after those it has.
    #[must_use]
    pub fn with_steps(mut self, steps: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.steps.extend(steps.into_iter().map(Into::into));
        self
    }

    /// The same task with the model's own reasoning, or without it, whatever is
    /// known of the model.
    #[must_use]
    pub fn natively(mut self, natively: bool) -> Self {
        self.natively = Some(natively);
        self
    }

    /// What is sent to this model.
    pub fn request(&self, info: &ModelInfo) -> ChatRequest {
        let mut request = ChatRequest::from(self.text(info));
        if self.is_native(info) {
            request.reasoning = Some(reasoning());
        }
        request
    }

    /// Has what a request asks thought through by this model: as
    /// [`request`](Self::request) says it, at the end of the last user message.
    /// Where the request says how much to reason, that holds. [`Apart`] does it
    /// with every request, and reads the answers.
    pub fn put(&self, request: &mut ChatRequest, info: &ModelInfo) {
        let text = self.text(info);
        let mut asked = request.messages.iter_mut().rev();
        match asked.find(|it| it.role == Role::User) {
            _ if text.is_empty() => {}
            Some(asked) => match asked.parts.last_mut() {
                Some(Part::Text(last)) => last.text.push_str(&text),
                _ => asked.parts.push(Part::text(text.trim_start())),
            },
            None => request.messages.push(Message::user(text.trim_start())),
        }
        if self.is_native(info) {
            request.reasoning.get_or_insert_with(reasoning);
        }
    }

    /// Asks a model.
    ///
    /// # Errors
    /// - [`Validation`](parlor_core::ErrorKind::Validation) where it gave no
    ///   solution or refused,
    ///   [`ContentFiltered`](parlor_core::ErrorKind::ContentFiltered) where a
    ///   filter withheld it, and
    ///   [`Truncated`](parlor_core::ErrorKind::Truncated), not to be tried
    ///   again, where it reached the limit of tokens. The
    ///   [partial](parlor_core::Error::partial) has what had come.
    /// - What the model failed with.
    pub async fn ask<M: ChatModel + ?Sized>(&self, model: &M) -> Result<Thought> {
        let response = model.chat(&self.request(model.info())).await?;
        let usage = response.usage.clone().unwrap_or_default();
        let reasoning = response.reasoning();
        read(response, reasoning, usage)
    }

    /// Asks in a conversation: its tools may be used, and the turn is committed
    /// as usual. Where the conversation's requests say how much to reason, that
    /// holds.
    ///
    /// # Errors
    /// As [`ask`](Self::ask); and where the turn ended before there was an
    /// answer: [`Tool`](parlor_core::ErrorKind::Tool) where calls wait, and
    /// [`Cancelled`](parlor_core::ErrorKind::Cancelled) at a limit.
    pub async fn ask_in(&self, conversation: &mut Conversation) -> Result<Thought> {
        let info = conversation.model().info();
        let (text, native) = (self.text(info), self.is_native(info));
        let loan = Loan::new(conversation, native);
        let reply = loan.conversation.send(text).await?;
        drop(loan);
        unfinished(reply.outcome, &reply.response, &reply.usage)?;
        let thoughts = reply.messages.iter().map(Message::reasoning);
        let thoughts: Vec<_> = thoughts.filter(|it| !it.trim().is_empty()).collect();
        read(reply.response, thoughts.join("\n\n"), reply.usage)
    }

    fn is_native(&self, info: &ModelInfo) -> bool {
        let known = info.capabilities.has(Capability::Reasoning);
        self.natively.unwrap_or(known)
    }

    fn text(&self, info: &ModelInfo) -> String {
        let mut text = self.task.clone();
        if !self.steps.is_empty() {
            text.push_str("\n\nGo through these steps:");
            for (step, number) in self.steps.iter().zip(1..) {
                text.push_str(&format!("\n{number}. {step}"));
            }
        }
        if !self.is_native(info) {
            text.push_str(sections::INSTRUCTIONS);
        }
        text
    }
}

/// As much as every model that reasons knows, and shown where that can be had.
fn reasoning() -> ReasoningConfig {
    let mut reasoning = ReasoningConfig::from(Effort::Medium);
    reasoning.summary = Some("auto".to_owned());
    reasoning
}

fn read(response: ChatResponse, native: String, usage: Usage) -> Result<Thought> {
    if let Some(why) = withheld(&response) {
        return Err(why.into_error(response, &usage));
    }
    let text = response.text();
    let Sections {
        reasoning,
        solution,
    } = sections::read(&text);
    if solution.is_empty() {
        let why = Verdict::Wrong("there is no solution in it".to_owned());
        return Err(why.into_error(response, &usage));
    }
    let reasoning = match native.trim() {
        "" => reasoning.to_owned(),
        native => native.to_owned(),
    };
    Ok(Thought {
        reasoning,
        solution: solution.to_owned(),
        response,
        usage,
    })
}

/// A conversation whose model reasons as long as this lives.
struct Loan<'a> {
    conversation: &'a mut Conversation,
    before: Option<ReasoningConfig>,
}

impl<'a> Loan<'a> {
    fn new(conversation: &'a mut Conversation, reasons: bool) -> Self {
        let setting = &mut conversation.request_mut().reasoning;
        let before = setting.clone();
        if reasons {
            setting.get_or_insert_with(reasoning);
        }
        Self {
            conversation,
            before,
        }
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.conversation.request_mut().reasoning = self.before.take();
    }
}
