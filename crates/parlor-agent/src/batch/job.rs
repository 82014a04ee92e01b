//! What is done for one item of a batch.

use super::known_as;
use crate::conversation::Conversation;
use crate::history::History;
use crate::reply::Reply;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parlor_core::{ChatRequest, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};
use std::io;
use std::sync::Arc;

/// What came of an item.
pub(super) struct Done<T> {
    pub(super) result: Result<T>,
    /// What the file keeps of it.
    pub(super) kept: Option<Box<RawValue>>,
    pub(super) from_file: bool,
}

/// A job of any sort.
pub(super) type AnyJob<'a, T> = Box<dyn Job<'a, T> + 'a>;

/// One item of a batch.
///
/// # Behavior
/// - [`describe`](Self::describe) writes the same text for the same item in
///   every run of the program.
/// - [`start`](Self::start) takes what the file has, if it can be read, and
///   does the work anew if it can't. `keeps` says whether there is a file.
pub(super) trait Job<'a, T>: Send {
    /// Writes what the item is known by.
    fn describe(&self, to: &mut dyn io::Write) -> serde_json::Result<()>;
    /// Does it.
    fn start(self: Box<Self>, known: Option<Box<RawValue>>, keeps: bool) -> BoxFuture<'a, Done<T>>;
}

fn read<T: DeserializeOwned>(known: Option<Box<RawValue>>) -> Option<T> {
    serde_json::from_str(known?.get()).ok()
}

fn from_file<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Done<T>> {
    let done = Done {
        result: Ok(value),
        kept: None,
        from_file: true,
    };
    std::future::ready(done).boxed()
}

/// Any work on any item.
pub(super) struct Doing<I, W> {
    pub(super) item: I,
    pub(super) work: Arc<W>,
}

impl<'a, I, T, F, W> Job<'a, T> for Doing<I, W>
where
    I: Serialize + Send + 'a,
    T: Serialize + DeserializeOwned + Send + 'a,
    F: Future<Output = Result<T>> + Send + 'a,
    W: Fn(I) -> F + Send + Sync + 'a,
{
    fn describe(&self, to: &mut dyn io::Write) -> serde_json::Result<()> {
        serde_json::to_writer(to, &self.item)
    }

    fn start(self: Box<Self>, known: Option<Box<RawValue>>, keeps: bool) -> BoxFuture<'a, Done<T>> {
        if let Some(value) = read(known) {
            return from_file(value);
        }
        async move {
            let result = (self.work)(self.item).await;
            let value = result.as_ref().ok().filter(|_| keeps);
            Done {
                kept: value.and_then(|value| to_raw_value(value).ok()),
                result,
                from_file: false,
            }
        }
        .boxed()
    }
}

/// A turn of a conversation.
pub(super) struct Sending<'a> {
    conversation: &'a mut Conversation,
    message: ChatRequest,
}

impl<'a> Sending<'a> {
    pub(super) fn new(conversation: &'a mut Conversation, message: ChatRequest) -> Self {
        Self {
            conversation,
            message,
        }
    }
}

/// What is kept of a turn: the conversation is put where it stood.
#[derive(Serialize, Deserialize)]
struct Turned {
    reply: Reply,
    history: History,
}

impl<'a> Job<'a, Reply> for Sending<'a> {
    fn describe(&self, to: &mut dyn io::Write) -> serde_json::Result<()> {
        let model = known_as(self.conversation.model().info());
        let request = self.conversation.next_request(&self.message);
        serde_json::to_writer(to, &(model, request))
    }

    fn start(
        self: Box<Self>,
        known: Option<Box<RawValue>>,
        keeps: bool,
    ) -> BoxFuture<'a, Done<Reply>> {
        if let Some(Turned { reply, history }) = read(known) {
            *self.conversation.history_mut() = history;
            return from_file(reply);
        }
        async move {
            let result = self.conversation.send(self.message).await;
            let turned = result.as_ref().ok().filter(|_| keeps).map(|reply| Turned {
                reply: reply.clone(),
                history: self.conversation.history().clone(),
            });
            Done {
                kept: turned.and_then(|turned| to_raw_value(&turned).ok()),
                result,
                from_file: false,
            }
        }
        .boxed()
    }
}
