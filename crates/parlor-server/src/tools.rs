//! The service's own tools: what its conversations may call, and whether a person is asked first.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::StatusCode;
use axum::response::Response;
use parlor::agent::{Approver, Conversation, Effect, Limits, Tool, ToolContext, ToolOutput};
use parlor::{Capability, Error, MediaSource, Part, Result, ToolCall, ToolDefinition};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::chat::{Call, json};
use crate::config::ServerConfig;
use crate::service::Site;

/// The most bytes of pictures and other media that the result of a call keeps.
const MEDIA: usize = 8 * 1024 * 1024;

/// A tool that the service's conversations have.
///
/// The result of a call is cleared of control bytes, and keeps 8 MiB of media at most; its text is
/// bounded by [`ServerConfig::tool_limits`].
#[derive(Clone)]
pub struct ServiceTool {
    tool: Arc<dyn Tool>,
    /// What the model knows it by.
    name: String,
    title: String,
    source: String,
    asks: bool,
}

impl ServiceTool {
    /// A tool about whose calls a person is asked if it [changes](Effect::Changes) anything.
    pub fn new(tool: impl Tool + 'static) -> Self {
        Self::shared(Arc::new(tool))
    }

    /// The same of a tool that others hold too.
    pub fn shared(tool: Arc<dyn Tool>) -> Self {
        let definition = tool.definition();
        let function = definition.as_function();
        let name = function.map(|it| it.name.clone()).unwrap_or_default();
        Self {
            asks: tool.effect() == Effect::Changes,
            title: name.clone(),
            source: "built-in".to_owned(),
            name,
            tool,
        }
    }

    /// The same tool whose calls wait for a person's word, or run at once.
    #[must_use]
    pub fn with_approval(mut self, asks: bool) -> Self {
        self.asks = asks;
        self
    }

    /// The same tool with the name that people are shown.
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The same tool that comes from there, as people are shown it: a program, a server.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<String>) -> Self {
        self.source = source.into();
        self
    }

    /// The name that models know it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that people are shown.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Where it comes from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a person is asked about each call.
    pub fn asks(&self) -> bool {
        self.asks
    }
}

impl fmt::Debug for ServiceTool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceTool")
            .field("name", &self.name)
            .field("source", &self.source)
            .field("asks", &self.asks)
            .finish_non_exhaustive()
    }
}

/// All tools of a service, and what bounds them.
pub(crate) struct Tools {
    all: Vec<ServiceTool>,
    limits: Limits,
    /// How long a call waits for a person.
    pub(crate) patience: Duration,
}

impl Tools {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        Self {
            all: config.tools.clone(),
            limits: config.tool_limits.clone(),
            patience: config.approval_timeout,
        }
    }

    /// The tool that models know by this name.
    pub(crate) fn get(&self, name: &str) -> Option<&ServiceTool> {
        self.all.iter().find(|tool| tool.name == name)
    }

    /// Whether a call will run once it is approved of: of one answer only so many do.
    pub(crate) fn takes(&self, at: usize, call: &ToolCall) -> bool {
        let takes = |tool: &ServiceTool| {
            let arguments = call.arguments.parse();
            // One that panics here does so again where it is run, and is told of there.
            let check = |arguments| catch_unwind(AssertUnwindSafe(|| tool.tool.check(&arguments)));
            arguments.is_ok_and(|arguments| matches!(check(arguments), Ok(Ok(()))))
        };
        at < self.limits.calls_per_step && self.get(&call.name).is_some_and(takes)
    }

    /// Gives a conversation the tools, where its model takes any, and somebody to ask.
    pub(crate) fn equip(
        &self,
        chat: Conversation,
        approver: impl Approver + 'static,
    ) -> Conversation {
        let lacks = chat.model().info().capabilities.lacks(Capability::Tools);
        if lacks || self.all.is_empty() {
            return chat;
        }
        let tools = self.all.iter().cloned().map(Guarded);
        chat.with_limits(self.limits.clone())
            .with_tools(tools)
            .with_approver(approver)
    }
}

/// A tool whose results are fit to be kept and shown.
struct Guarded(ServiceTool);

#[async_trait]
impl Tool for Guarded {
    fn definition(&self) -> ToolDefinition {
        self.0.tool.definition()
    }

    fn effect(&self) -> Effect {
        match self.0.asks {
            true => Effect::Changes,
            false => Effect::None,
        }
    }

    fn check(&self, arguments: &Value) -> Result<()> {
        self.0.tool.check(arguments)
    }

    async fn call(&self, arguments: Value, context: &ToolContext) -> Result<ToolOutput> {
        let called = self.0.tool.call(arguments, context).await;
        let mut output =
            called.map_err(|error| Error::new(error.kind(), plain(error.message())))?;
        let mut media = 0;
        for part in &mut output.parts {
            match part {
                Part::Text(text) => text.text = plain(&text.text),
                Part::Media(it) => {
                    if let MediaSource::Bytes(bytes) = &it.source {
                        media += bytes.len();
                        if media > MEDIA {
                            let told = format!("[media of {} bytes were left out]", bytes.len());
                            *part = Part::text(told);
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(output)
    }
}

/// A text without what steers terminals, and without what turns the way that text is read.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\n' | '\t' => plain.push(letter),
            // A sequence of a terminal goes as a whole.
            '\u{1b}' | '\u{9b}' => {
                let mut rest = letters.clone();
                if letter == '\u{1b}' && rest.next() != Some('[') {
                    continue;
                }
                let is_end = |it: &char| ('\u{40}'..='\u{7e}').contains(it);
                if rest.by_ref().take(64).any(|it| is_end(&it)) {
                    letters = rest;
                }
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            letter if letter.is_control() => {}
            letter => plain.push(letter),
        }
    }
    plain
}

/// The tools that conversations have here.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ToolList {
    tools: Vec<Listed>,
}

/// A tool as it is told of.
#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    /// The name that models know it by.
    name: String,
    /// The name that people are shown.
    title: String,
    /// Where it comes from: `built-in`, a program, a server.
    source: String,
    /// What models are told of it.
    description: String,
    /// Whether a person is asked about each call.
    asks: bool,
}

pub(crate) async fn list(site: Arc<Site>, _: Call) -> Result<Response> {
    let listed = |tool: &ServiceTool| {
        let definition = tool.tool.definition();
        let function = definition.as_function();
        Listed {
            name: tool.name.clone(),
            title: tool.title.clone(),
            source: tool.source.clone(),
            description: function
                .and_then(|it| it.description.clone())
                .unwrap_or_default(),
            asks: tool.asks,
        }
    };
    let tools = site.tools.all.iter().map(listed).collect();
    json(StatusCode::OK, &ToolList { tools })
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_is_left_that_steers() {
        assert_eq!(plain("a\tb\r\nc"), "a\tb\nc");
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m \u{7}bell"), "red bell");
        assert_eq!(plain("\u{9b}2Jgone \u{1b}"), "gone ");
        assert_eq!(plain("\u{1b}[12"), "[12");
        assert_eq!(plain("ab\u{202e}cd\u{2066}e"), "abcde");
    }
}
