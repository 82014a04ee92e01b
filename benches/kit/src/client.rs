//! What a library under test is asked, and how.

use crate::Asked;
use serde::{Deserialize, Serialize};
use std::future::Future;

/// A wire format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
    Ollama,
}

impl Dialect {
    pub const ALL: [Self; 4] = [Self::OpenAi, Self::Anthropic, Self::Gemini, Self::Ollama];

    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "open-ai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What the user and the model have said in turns; the last is the user's.
    pub turns: Vec<String>,
    /// PNG images beside the last turn, as bytes.
    pub images: Vec<Vec<u8>>,
}

impl Prompt {
    pub fn short() -> Self {
        Self {
            turns: vec!["Why is the sky blue?".to_owned()],
            images: Vec::new(),
        }
    }
}

/// A library under test, as its users would use it: one client object, shared.
pub trait Client: Sized + Send + Sync + 'static {
    /// Why it can't do a scenario in a dialect, by what its API lacks; `None`
    /// where it can.
    fn cannot(scenario: &str, dialect: Dialect) -> Option<&'static str>;

    /// A client of the server at this address, without a path.
    fn new(dialect: Dialect, base_url: &str) -> Self;

    /// Streams an answer and hands each text delta to `each`.
    fn stream(
        &self,
        model: &str,
        prompt: &Prompt,
        each: impl FnMut(&str) + Send,
    ) -> impl Future<Output = ()> + Send;

    /// Asks for a whole answer and gives the length of its text.
    fn call(&self, model: &str, prompt: &Prompt) -> impl Future<Output = usize> + Send;

    /// Asks a server that may spoil its answer, for a stream or for a whole
    /// answer, and tells what came of it. Floors don't.
    fn ask(&self, _streamed: bool) -> impl Future<Output = Asked> + Send {
        async { Asked::default().failed("a floor reads no faults") }
    }
}
