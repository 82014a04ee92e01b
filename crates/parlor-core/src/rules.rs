//! The built-in model for the first minute: a few rules, and no language model.

mod abroad;
mod sums;
mod talk;

use crate::Echo;
use crate::capability::{Capabilities, Capability};
use crate::error::Result;
use crate::model::{ChatModel, ModelInfo};
use crate::price::Price;
use crate::request::ChatRequest;
use crate::response::ChatResponse;
use crate::stream::ChatStream;
use async_trait::async_trait;

/// A model that needs no key and no network, so that a conversation can be tried
/// before anything is set up. It is not a language model, and says so.
///
/// # Behavior
/// - It greets, remembers what the conversation says (`my name is Ann`), tells it
///   when asked (`what is my name?`), says a few phrases in a few languages (`and
///   in French?`) and does sums.
/// - To anything else it says what it is, and what to do for a real answer.
/// - It calls no tools and looks into no media. Asked for JSON, it gives what
///   [`Echo`] gives.
/// - The same request always gives the same answer; nothing is kept between two.
///   A token is a word, costs nothing, and a stream yields one word at a time.
#[derive(Debug, Clone)]
pub struct Rules(Echo);

impl Rules {
    /// The model, with the id `embedded/rules`.
    pub fn new() -> Self {
        use Capability::*;
        let mut info = ModelInfo::new("embedded", "rules");
        info.capabilities = Capabilities::UNKNOWN.having(&[Streaming, Json, JsonSchema]);
        info.price = Some(Price::usd(0.0, 0.0));
        Self(Echo::answering(info, talk::answer))
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl ChatModel for Rules {
    fn info(&self) -> &ModelInfo {
        self.0.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.0.chat(request).await
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        self.0.stream(request).await
    }
}
