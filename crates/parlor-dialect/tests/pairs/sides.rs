//! The dialects, each with a host that speaks it and the rules it holds to.

use crate::rules;
use parlor_core::{ChatRequest, Message, ModelInfo, Origin, Result, Warning};
use parlor_dialect::anthropic_messages::AnthropicMessages;
use parlor_dialect::bedrock_converse::BedrockConverse;
use parlor_dialect::cohere::Cohere;
use parlor_dialect::gemini::Gemini;
use parlor_dialect::ollama::Ollama;
use parlor_dialect::openai_chat::{CallIds, OpenAiChat, Quirks, ReasoningField};
use parlor_dialect::openai_responses::OpenAiResponses;
use parlor_dialect::{Dialect, Incoming, Profile, ServerDialect, Target};
use serde_json::Value;

/// A host that speaks a dialect.
pub(crate) trait Side {
    /// The host's name.
    fn name(&self) -> &str;
    /// A request in its words, and what it can't say.
    fn write(&self, request: &ChatRequest) -> Result<(String, Value, Vec<Warning>)>;
    /// A request as its own server reads it.
    fn read(&self, path: &str, body: &Value) -> Result<Incoming>;
    /// An answer as its client reads it.
    fn answer(&self, body: &Value) -> Message;
    /// What a request breaks of its rules.
    fn faults(&self, body: &Value) -> Vec<String>;
}

struct Host<D> {
    name: &'static str,
    dialect: D,
    rules: fn(&Value) -> Vec<String>,
}

impl<D: Dialect> Host<D> {
    fn with<T>(&self, read: impl FnOnce(&D, &Target<'_>) -> T) -> T {
        let (info, profile) = (ModelInfo::new(self.name, "m"), Profile::default());
        read(&self.dialect, &Target::new(&info, &profile))
    }
}

impl<D: ServerDialect> Side for Host<D> {
    fn name(&self) -> &str {
        self.name
    }

    fn write(&self, request: &ChatRequest) -> Result<(String, Value, Vec<Warning>)> {
        let wire = self.with(|dialect, target| dialect.write_request(request, target))?;
        let body = serde_json::from_slice(&wire.body).unwrap();
        Ok((wire.path, body, wire.warnings))
    }

    fn read(&self, path: &str, body: &Value) -> Result<Incoming> {
        let origin = Origin::new(self.name, self.dialect.name());
        self.dialect
            .read_request(path, body.to_string().as_bytes(), &origin)
    }

    fn answer(&self, body: &Value) -> Message {
        let bytes = body.to_string();
        let read = self.with(|dialect, target| dialect.read_response(bytes.as_bytes(), target));
        read.unwrap().choices.swap_remove(0).message
    }

    fn faults(&self, body: &Value) -> Vec<String> {
        (self.rules)(body)
    }
}

/// A chat host that holds to more rules than others do.
fn strict() -> OpenAiChat {
    let mut quirks = Quirks::compatible();
    quirks.call_ids = CallIds::Nine;
    quirks.alternate = true;
    quirks.assistant_after_tools = true;
    quirks.reasoning_field = ReasoningField::ContentPart;
    OpenAiChat::new(quirks)
}

/// Every dialect.
pub(crate) fn sides() -> Vec<Box<dyn Side>> {
    fn host<D: ServerDialect>(
        name: &'static str,
        dialect: D,
        rules: fn(&Value) -> Vec<String>,
    ) -> Box<dyn Side> {
        Box::new(Host {
            name,
            dialect,
            rules,
        })
    }
    vec![
        host(
            "openai",
            OpenAiChat::new(Quirks::openai()),
            rules::openai_chat,
        ),
        host("strict", strict(), rules::strict_chat),
        host("responses", OpenAiResponses::default(), rules::responses),
        host("anthropic", AnthropicMessages::default(), rules::messages),
        host("gemini", Gemini::default(), rules::gemini),
        host("ollama", Ollama::default(), rules::ollama),
        host("bedrock", BedrockConverse::default(), rules::converse),
        host("cohere", Cohere::default(), rules::chat),
    ]
}
