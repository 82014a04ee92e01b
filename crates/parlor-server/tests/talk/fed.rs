//! A model that says what the test has it say.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part")]

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream;
use parlor::{
    Arguments, CallHead, ChatModel, ChatRequest, ChatResponse, ChatStream, Error, Event,
    FinishKind, ModelInfo, Part, PartKind, Result, Role, ToolCall, Usage,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::client::LONG;

/// A model that says what it is fed.
#[derive(Debug)]
pub(crate) struct Fed {
    info: Arc<ModelInfo>,
    calls: UnboundedSender<FedCall>,
}

/// One call of it.
#[derive(Debug)]
pub(crate) struct FedCall {
    pub(crate) request: ChatRequest,
    events: UnboundedSender<Result<Event>>,
}

impl Fed {
    pub(crate) fn new() -> (Self, UnboundedReceiver<FedCall>) {
        let (calls, called) = unbounded_channel();
        let info = Arc::new(ModelInfo::new("fed", "behind"));
        (Self { info, calls }, called)
    }
}

#[async_trait]
impl ChatModel for Fed {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.stream(request).await?.response().await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let (events, fed) = unbounded_channel();
        let request = request.clone();
        events.send(Ok(Event::started(None, None, None))).unwrap();
        let part = Event::part_started(0, 0, PartKind::Text);
        events.send(Ok(part)).unwrap();
        self.calls.send(FedCall { request, events }).unwrap();
        let events = stream::unfold(fed, |mut fed| async move { Some((fed.recv().await?, fed)) });
        Ok(ChatStream::new(self.info.clone(), events))
    }
}

impl FedCall {
    /// The last thing that was asked.
    pub(crate) fn asked(&self) -> String {
        self.request.messages.last().unwrap().text()
    }

    /// All that was sent, a line for each message.
    pub(crate) fn sent(&self) -> Vec<String> {
        let messages = self.request.messages.iter();
        let line = |it: &parlor::Message| format!("{}: {}", it.role.as_str(), it.text());
        messages.map(line).collect()
    }

    pub(crate) fn say(&self, text: &str) {
        let _ = self.events.send(Ok(Event::TextDelta {
            choice: 0,
            part: 0,
            text: text.into(),
        }));
    }

    pub(crate) fn fail(self, error: Error) {
        let _ = self.events.send(Err(error));
    }

    /// Says this, and all is said.
    pub(crate) fn end(self, text: &str) {
        self.say(text);
        self.over(Vec::new(), FinishKind::Stop);
    }

    /// Calls tools, by id, name and arguments.
    pub(crate) fn calls(self, calls: &[(&str, &str, &str)]) {
        let mut events = Vec::new();
        for (part, (id, name, arguments)) in (1..).zip(calls) {
            let call = ToolCall::new(*id, *name, Arguments::json(*arguments));
            events.extend([
                Event::call_started(0, part, CallHead::new(*id, *name)),
                Event::ArgumentsDelta {
                    choice: 0,
                    part,
                    text: (*arguments).into(),
                },
                Event::part_finished_with(0, part, call.into()),
            ]);
        }
        self.over(events, FinishKind::ToolCalls);
    }

    fn over(self, more: Vec<Event>, reason: FinishKind) {
        let mut usage = Usage::default();
        usage.input_tokens = Some(7);
        usage.output_tokens = Some(3);
        let first = std::iter::once(Event::part_finished(0, 0));
        let last = [
            Event::finished(0, reason.into()),
            Event::completed(Some(Box::new(usage))),
        ];
        for event in first.chain(more).chain(last) {
            let _ = self.events.send(Ok(event));
        }
    }

    /// The results of calls that were sent last, a line each.
    pub(crate) fn results(&self) -> Vec<String> {
        let messages = self.request.messages.iter().rev();
        let last: Vec<_> = messages.take_while(|it| it.role == Role::Tool).collect();
        let parts = last.iter().rev().flat_map(|it| &it.parts);
        let lines = parts.filter_map(|part| match part {
            Part::ToolResult(result) => {
                Some(format!("{}: {}", result.call_id, result.joined_text()))
            }
            _ => None,
        });
        lines.collect()
    }

    /// Waits until nobody listens any more.
    pub(crate) async fn left(&self) {
        let left = self.events.closed();
        tokio::time::timeout(LONG, left).await.unwrap();
    }
}
