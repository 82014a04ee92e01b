//! A cut answer that is gone on with: the model begins with what had come.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures_util::stream;
use parlor::agent::{Turn, TurnState};
use parlor::layers::resume::{ResumeLayer, ResumeMode, ResumePolicy};
use parlor::{
    ChatModel, ChatModelExt as _, ChatRequest, ChatResponse, ChatStream, Choice, Error, ErrorKind,
    Event, Message, ModelInfo, Part, Result, Retry, Role,
};

use crate::failure::Failure;

/// The model that goes on with the answer of a turn, whose question it is asked again.
pub(super) fn resumed(
    model: Arc<dyn ChatModel>,
    turn: Option<&Turn>,
) -> std::result::Result<Arc<dyn ChatModel>, Failure> {
    let cut = turn.filter(|turn| turn.state == TurnState::Interrupted);
    let answer = cut.and_then(|turn| turn.messages.last());
    let text = answer.filter(|message| message.role == Role::Assistant);
    let text = text.map(Message::text).unwrap_or_default();
    if text.is_empty() {
        let fact = match cut {
            Some(_) => "nothing of the last answer had come",
            None => "the last answer is whole",
        };
        return Err(Failure::usage(fact)
            .help("ask for it again: parlor -c --retry")
            .help("or go on with the conversation: parlor -c \"…\""));
    }
    let mut policy = ResumePolicy::attempts(1);
    policy.mode = ResumeMode::Ask;
    let begun = Begun {
        inner: model,
        text: Mutex::new(Some(text)),
    };
    Ok(Arc::new(begun).layer(ResumeLayer::new(policy)))
}

/// Answers first what had come, and that it broke off there; then the model answers.
#[derive(Debug)]
struct Begun {
    inner: Arc<dyn ChatModel>,
    text: Mutex<Option<String>>,
}

impl Begun {
    fn begun(&self) -> Option<ChatResponse> {
        let text = self
            .text
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        let mut choice = Choice::new(0);
        choice.message.parts = vec![Part::text(text)];
        let mut begun = ChatResponse::default();
        begun.provider.clone_from(&self.info().provider);
        begun.model = Some(self.info().model.clone());
        begun.choices = vec![choice];
        begun.interrupted = true;
        Some(begun)
    }
}

fn broken() -> Error {
    Error::new(ErrorKind::Truncated, "the answer was cut before").with_retry(Retry::Later(None))
}

#[async_trait]
impl ChatModel for Begun {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        match self.begun() {
            Some(begun) => Err(broken().with_partial(begun)),
            None => self.inner.chat(request).await,
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let Some(begun) = self.begun() else {
            return self.inner.stream(request).await;
        };
        let ends = |it: &Event| {
            use Event::{Completed, Finished, PartFinished};
            matches!(it, PartFinished { .. } | Finished { .. } | Completed { .. })
        };
        let events = begun.into_events().into_iter().filter(|event| !ends(event));
        let events = events.map(Ok).chain(std::iter::once_with(|| Err(broken())));
        let info = Arc::new(self.info().clone());
        Ok(ChatStream::new(
            info,
            stream::iter(events.collect::<Vec<_>>()),
        ))
    }
}
