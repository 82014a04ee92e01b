//! Makes errors of what reading passes over: unreadable arguments, JSON that is none, unknown words.
//!
//! - **Place:** right outside rate limits and inside retry, around each attempt,
//!   so that what is refused is never kept or continued.
//! - **`info()`:** the inner one's.
//! - **A call:** the whole answer is judged before it is handed out.
//! - **A stream's opening:** untouched.
//! - **A stream's middle:** each event is judged as it comes; the first that
//!   breaks the policy ends the stream by an error in its place, with what had
//!   come as the partial answer. JSON that was asked for is judged at the end.
//! - **A drop:** drops the inner future or stream; there is nothing else.
//!
//! Parlor reads leniently: what a server adds or words in its own way breaks no
//! answer, and is kept beside it. That is right for people. A program that would
//! rather stop than go on with half of the truth, such as a test against a new
//! host, asks for this layer. A refusal is
//! [`ErrorKind::Decode`](parlor_core::ErrorKind::Decode), names what was wrong, and
//! isn't tried again.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::strict::StrictLayer;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let model = Echo::new().layer(StrictLayer::default());
//! assert_eq!(model.ask("Hi").await?.text(), "Hi");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! In a configuration, with every key of [`StrictPolicy`]:
//!
//! ```toml
//! [layers.strict]
//! arguments = true
//! json = true
//! finish = true
//! items = true
//! errors = true
//! unknown = false
//! ```

use crate::stack::Configurable;
use crate::watch::{End, Watch, Watcher};
use async_trait::async_trait;
use parlor_core::{
    ArgumentsForm, ChatModel, ChatRequest, ChatResponse, ChatStream, Choice, Collector, Error,
    Event, FinishKind, FinishReason, Layer, ModelInfo, OutputFormat, Part, Result, Warning,
};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is an error where it would have been passed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct StrictPolicy {
    /// Arguments of a tool that are no JSON. On by default. A call that was cut
    /// is another thing: the finish reason tells why, and it is never run.
    pub arguments: bool,
    /// An answer that is no JSON though JSON was asked for, where the model says
    /// that it is whole. On by default. That it suits a schema isn't looked at.
    pub json: bool,
    /// A word for why the answer ended that parlor doesn't know. On by default.
    pub finish: bool,
    /// A part of the answer that parlor doesn't model. On by default.
    pub items: bool,
    /// An error that the provider reports after an answer which had ended well.
    /// On by default.
    pub errors: bool,
    /// Fields and events beside the answer that parlor doesn't know. Off by
    /// default, since most hosts add some.
    pub unknown: bool,
}

impl Default for StrictPolicy {
    fn default() -> Self {
        Self {
            arguments: true,
            json: true,
            finish: true,
            items: true,
            errors: true,
            unknown: false,
        }
    }
}

impl StrictPolicy {
    /// Whether a whole answer to this request may be handed out.
    ///
    /// # Errors
    /// The first thing that is wrong with it, as
    /// [`Decode`](parlor_core::ErrorKind::Decode).
    pub fn check(&self, request: &ChatRequest, response: &ChatResponse) -> Result<()> {
        for warning in &response.warnings {
            self.warning(warning)?;
        }
        for choice in &response.choices {
            for part in &choice.message.parts {
                self.part(part)?;
            }
            if let Some(reason) = &choice.finish_reason {
                self.reason(reason)?;
            }
            if wants_json(request) {
                self.json(choice)?;
            }
        }
        match response.native.first() {
            Some(native) => self.native(&native.item),
            None => Ok(()),
        }
    }

    fn warning(&self, warning: &Warning) -> Result<()> {
        match self.errors && warning.setting == "error" {
            true => Err(wrong(format!(
                "the provider reported an error after the answer: {}",
                warning.message
            ))),
            false => Ok(()),
        }
    }

    fn part(&self, part: &Part) -> Result<()> {
        match part {
            Part::ToolCall(call)
                if self.arguments && call.arguments.form == ArgumentsForm::Json =>
            {
                let unreadable = |error| {
                    let name = &call.name;
                    wrong(format!("the call of `{name}` can't be read: {error}"))
                };
                call.arguments.parse().map(drop).map_err(unreadable)
            }
            Part::Native(native) if self.items => {
                Err(wrong(format!("{} in the answer", unknown(&native.item))))
            }
            _ => Ok(()),
        }
    }

    fn reason(&self, reason: &FinishReason) -> Result<()> {
        match reason.kind {
            FinishKind::Other if self.finish => {
                let word = reason.raw.as_deref().unwrap_or_default();
                Err(wrong(format!(
                    "the answer ended by the unknown word `{word}`"
                )))
            }
            _ => Ok(()),
        }
    }

    fn native(&self, item: &serde_json::Value) -> Result<()> {
        match self.unknown {
            true => Err(wrong(format!("{} beside the answer", unknown(item)))),
            false => Ok(()),
        }
    }

    fn json(&self, choice: &Choice) -> Result<()> {
        let reason = choice.finish_reason.as_ref().map(|reason| reason.kind);
        if !self.json || reason != Some(FinishKind::Stop) {
            return Ok(());
        }
        match serde_json::from_str::<IgnoredAny>(&choice.message.text()) {
            Ok(_) => Ok(()),
            Err(error) => Err(wrong(format!(
                "the answer is no JSON, which was asked for: {error}"
            ))),
        }
    }
}

fn wants_json(request: &ChatRequest) -> bool {
    let output = request.output.as_ref();
    output.is_some_and(|output| *output != OutputFormat::Text)
}

/// What an item says that it is.
fn unknown(item: &serde_json::Value) -> String {
    let object = item.as_object();
    let kind = object.and_then(|it| it.get("type")?.as_str());
    match (kind, object.and_then(|it| it.keys().next())) {
        (Some(kind), _) => format!("an unknown `{kind}`"),
        (None, Some(key)) => format!("an unknown field `{key}`"),
        (None, None) => "an unknown item".to_owned(),
    }
}

fn wrong(message: String) -> Error {
    Error::decode(message).with_help(
        "Nothing of it is lost: see the error's partial answer, or read leniently, without the \
         layer `strict`.",
    )
}

/// Refuses answers that break its policy.
#[derive(Debug, Clone, Default)]
pub struct StrictLayer {
    policy: StrictPolicy,
}

impl StrictLayer {
    /// A layer with this policy.
    pub fn new(policy: StrictPolicy) -> Self {
        Self { policy }
    }
}

impl Layer for StrictLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(StrictModel {
            inner,
            policy: self.policy,
        })
    }
}

impl Configurable for StrictLayer {
    type Settings = StrictPolicy;

    fn configured(policy: StrictPolicy) -> std::result::Result<Self, String> {
        Ok(Self::new(policy))
    }
}

#[derive(Debug)]
struct StrictModel {
    inner: Arc<dyn ChatModel>,
    policy: StrictPolicy,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for StrictModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let response = self.inner.chat(request).await?;
        match self.policy.check(request, &response) {
            Ok(()) => Ok(response),
            Err(error) => {
                let info = self.info();
                let error = error.with_provider(&info.provider).with_model(&info.model);
                Err(error.with_partial(response))
            }
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let stream = self.inner.stream(request).await?;
        let judge = Judge {
            policy: self.policy,
            provider: self.info().provider.clone(),
            model: self.info().model.clone(),
            json: (self.policy.json && wants_json(request)).then(Collector::default),
        };
        Ok(Watch::new(judge).opened(stream))
    }
}

/// Judges the events of a stream.
struct Judge {
    policy: StrictPolicy,
    provider: String,
    model: String,
    /// The answer, where it must be JSON at its end.
    json: Option<Collector>,
}

impl Judge {
    fn judge(&mut self, event: &Event) -> Result<()> {
        if let Some(collector) = &mut self.json {
            collector.push(event);
        }
        match event {
            Event::Warning { warning } => self.policy.warning(warning),
            Event::Unknown { native } => self.policy.native(&native.item),
            Event::Finished { reason, .. } => self.policy.reason(reason),
            Event::PartFinished {
                content: Some(part),
                ..
            } => self.policy.part(part),
            Event::Completed { .. } => match self.json.take() {
                Some(collector) => {
                    let choices = collector.into_response().choices;
                    choices.iter().try_for_each(|it| self.policy.json(it))
                }
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

impl Watcher for Judge {
    fn answer(&mut self, _: &mut ChatResponse) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, event: &mut Event) -> Result<()> {
        self.judge(event)
            .map_err(|error| error.with_provider(&self.provider).with_model(&self.model))
    }

    fn end(self, _: End<'_>) {}
}
