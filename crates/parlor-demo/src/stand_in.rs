//! Whom there are stand-ins for.

use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::openai_responses::OpenAiResponses;

use crate::speak::Speak;

/// The key that the stand-ins are shown. They take any.
pub const KEY: &str = "demo-key";

/// The variable in which [`StandIns::config`](crate::StandIns::config) has the key looked for.
pub const KEY_VARIABLE: &str = "PARLOR_DEMO_KEY";

/// A provider that is stood in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StandIn {
    /// The provider's id.
    pub provider: &'static str,
    /// What people call its API.
    pub name: &'static str,
    /// What stands behind the host in its base URL.
    pub(crate) base: &'static str,
    speaks: Dialect,
}

/// A dialect, as data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Dialect {
    Chat,
    Responses,
    Messages,
    Contents,
    Local,
}

/// The id of the provider of Chat Completions.
pub const CHAT: &str = "openai-chat";

/// The id of the provider of Messages.
pub const MESSAGES: &str = "anthropic";

/// The id of the provider of `generateContent`.
pub const CONTENTS: &str = "gemini";

/// The id of the provider of Responses.
pub const RESPONSES: &str = "openai-responses";

/// The id of the provider of models that run where one is.
pub const LOCAL: &str = "ollama";

/// All of them, in the order in which they are told.
pub const STAND_INS: &[StandIn] = &[
    stand_in(CHAT, "OpenAI Chat Completions", "/v1", Dialect::Chat),
    stand_in(MESSAGES, "Anthropic Messages", "", Dialect::Messages),
    stand_in(CONTENTS, "Google Gemini", "/v1beta", Dialect::Contents),
    stand_in(RESPONSES, "OpenAI Responses", "/v1", Dialect::Responses),
    stand_in(LOCAL, "Ollama", "", Dialect::Local),
];

const fn stand_in(
    provider: &'static str,
    name: &'static str,
    base: &'static str,
    speaks: Dialect,
) -> StandIn {
    StandIn {
        provider,
        name,
        base,
        speaks,
    }
}

impl StandIn {
    /// What it speaks.
    pub(crate) fn speak(&self) -> Box<dyn Speak> {
        match self.speaks {
            Dialect::Chat => Box::new(OpenAiChat::default()),
            Dialect::Responses => Box::new(OpenAiResponses::default()),
            Dialect::Messages => Box::new(AnthropicMessages::default()),
            Dialect::Contents => Box::new(Gemini::default()),
            Dialect::Local => Box::new(Ollama::default()),
        }
    }
}
