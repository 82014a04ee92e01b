//! A `tracing` span for each call, with the names that OpenTelemetry gives to generative AI.
//!
//! - **Place:** outside everything but hooks, so that one span covers the whole
//!   of what the caller asked for, retries and waits included.
//! - **`info()`:** the inner one's.
//! - **A call:** one span, from the call to its answer or error.
//! - **A stream's opening:** within the span, and the inner stream is polled and
//!   dropped within it too.
//! - **A stream's middle:** passes untouched. The span closes when the stream
//!   ends, not when its last reader lets go of it. The first event is an event
//!   of the span.
//! - **A drop:** closes the span and marks it `parlor.cancelled`.
//!
//! The span is called `chat` for filters and `chat {model}` for exporters that
//! know `otel.name`. Its fields are those of the
//! [semantic conventions for generative AI](https://github.com/open-telemetry/semantic-conventions-genai),
//! as of autumn 2026, and the bridge's `otel.*`; what parlor adds begins with
//! `parlor.`. `error.type` is an [`ErrorKind`](parlor_core::ErrorKind) in its
//! own word. Lists are JSON texts, since a field holds no list.
//!
//! What was asked and answered is not in it unless [`TracePolicy::content`]
//! says so, and neither is the message of an error, which may quote it.
//!
//! A call that no subscriber is interested in goes straight to the inner model:
//! its stream isn't even wrapped.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::trace::{TraceLayer, TracePolicy};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let model = Echo::new().layer(TraceLayer::new(TracePolicy::content(true)));
//! assert_eq!(model.ask("Hello").await?.text(), "Hello");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! The same in a configuration:
//!
//! ```toml
//! [layers.trace]
//! content = true
//! ```

mod content;

use crate::stack::Configurable;
use crate::watch::{End, Tokens, Watch, Watcher};
use async_trait::async_trait;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Collector, Event, EventStream, FinishKind,
    Layer, ModelInfo, OutputFormat, ResponseMetadata, Result,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument, Span, debug, info_span};

/// The most choices of one answer whose finish reasons are told.
const MOST_CHOICES: usize = 128;

/// What a span tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TracePolicy {
    /// Whether messages, answers and the messages of errors are told. Off by
    /// default: they may hold what must not be kept.
    pub content: bool,
    /// About the most bytes of content in each of `gen_ai.input.messages` and
    /// `gen_ai.output.messages`. Older messages are left out first, and a text
    /// that doesn't fit ends in `…`. 16 KiB by default.
    pub content_limit: usize,
    /// What to call a provider in `gen_ai.provider.name`, by parlor's id for
    /// it. One that isn't here goes by that id.
    pub provider_names: BTreeMap<String, String>,
}

impl Default for TracePolicy {
    fn default() -> Self {
        Self {
            content: false,
            content_limit: 16 * 1024,
            provider_names: BTreeMap::new(),
        }
    }
}

impl TracePolicy {
    /// The default policy, with or without content.
    pub fn content(content: bool) -> Self {
        Self {
            content,
            ..Self::default()
        }
    }
}

/// Opens a span for each call.
#[derive(Debug, Clone, Default)]
pub struct TraceLayer {
    policy: Arc<TracePolicy>,
}

impl TraceLayer {
    /// A layer with this policy.
    pub fn new(policy: TracePolicy) -> Self {
        Self {
            policy: Arc::new(policy),
        }
    }
}

impl Layer for TraceLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(TraceModel {
            inner,
            policy: self.policy.clone(),
        })
    }
}

impl Configurable for TraceLayer {
    type Settings = TracePolicy;

    fn configured(policy: TracePolicy) -> std::result::Result<Self, String> {
        Ok(Self::new(policy))
    }
}

#[derive(Debug)]
struct TraceModel {
    inner: Arc<dyn ChatModel>,
    policy: Arc<TracePolicy>,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for TraceModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let span = self.span(request, false);
        if span.is_disabled() {
            return self.inner.chat(request).await;
        }
        let watch = Watch::new(Trace::new(&span, &self.policy));
        let outcome = self.inner.chat(request).instrument(span).await;
        watch.called(outcome)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let span = self.span(request, true);
        if span.is_disabled() {
            return self.inner.stream(request).await;
        }
        let watch = Watch::new(Trace::new(&span, &self.policy));
        match self.inner.stream(request).instrument(span.clone()).await {
            Ok(stream) => {
                tell_exchange(&span, stream.metadata());
                Ok(watch.opened(stream))
            }
            Err(error) => Err(watch.failed(error)),
        }
    }
}

impl TraceModel {
    fn span(&self, request: &ChatRequest, streamed: bool) -> Span {
        let info = self.inner.info();
        let provider = self.policy.provider_names.get(&info.provider);
        let effort = request.reasoning.as_ref().and_then(|it| it.effort.as_ref());
        let span = info_span!(
            "chat",
            "otel.name" = format_args!("chat {}", info.model),
            "otel.kind" = "client",
            "otel.status_code" = Empty,
            "otel.status_description" = Empty,
            "gen_ai.operation.name" = "chat",
            "gen_ai.provider.name" = provider.unwrap_or(&info.provider).as_str(),
            "gen_ai.request.model" = info.model.as_str(),
            "gen_ai.request.stream" = streamed.then_some(true),
            "gen_ai.request.max_tokens" = request.max_output_tokens,
            "gen_ai.request.temperature" = request.temperature,
            "gen_ai.request.top_p" = request.top_p,
            "gen_ai.request.top_k" = request.top_k,
            "gen_ai.request.frequency_penalty" = request.frequency_penalty,
            "gen_ai.request.presence_penalty" = request.presence_penalty,
            "gen_ai.request.seed" = request.seed,
            "gen_ai.request.choice.count" = request.n.filter(|n| *n != 1),
            "gen_ai.request.stop_sequences" =
                (!request.stop.is_empty()).then(|| content::json(&request.stop)),
            "gen_ai.request.reasoning.level" = effort.map(|effort| effort.as_str()),
            "gen_ai.output.type" = request.output.as_ref().map(output_type),
            "gen_ai.response.id" = Empty,
            "gen_ai.response.model" = Empty,
            "gen_ai.response.finish_reasons" = Empty,
            "gen_ai.response.time_to_first_chunk" = Empty,
            "gen_ai.usage.input_tokens" = Empty,
            "gen_ai.usage.output_tokens" = Empty,
            "gen_ai.usage.cache_read.input_tokens" = Empty,
            "gen_ai.usage.cache_write.input_tokens" = Empty,
            "gen_ai.usage.reasoning.output_tokens" = Empty,
            "gen_ai.usage.audio.input_tokens" = Empty,
            "gen_ai.usage.audio.output_tokens" = Empty,
            "gen_ai.input.messages" = Empty,
            "gen_ai.output.messages" = Empty,
            "error.type" = Empty,
            "parlor.cancelled" = Empty,
            "parlor.request.id" = Empty,
            "parlor.response.status" = Empty,
        );
        if self.policy.content && !span.is_disabled() {
            let messages = content::input(&request.messages, self.policy.content_limit);
            span.record("gen_ai.input.messages", messages);
        }
        span
    }
}

fn output_type(format: &OutputFormat) -> &'static str {
    match format {
        OutputFormat::Text => "text",
        _ => "json",
    }
}

fn tell_exchange(span: &Span, metadata: &ResponseMetadata) {
    span.record("parlor.request.id", metadata.request_id.as_deref());
}

/// What the span of one exchange has yet to tell.
struct Trace {
    span: Span,
    called: Instant,
    first: bool,
    tokens: Tokens,
    /// Whether the tokens were told of when the answer was made.
    reused: bool,
    /// The choices that began, in that order, and why each ended.
    finished: Vec<(u32, Option<FinishKind>)>,
    /// Where the answer gathers, if it is to be told.
    answer: Option<Collector>,
    content_limit: usize,
}

impl Trace {
    fn new(span: &Span, policy: &TracePolicy) -> Self {
        Self {
            span: span.clone(),
            called: Instant::now(),
            first: true,
            tokens: Tokens::default(),
            reused: false,
            finished: Vec::new(),
            answer: policy.content.then(Collector::default),
            content_limit: policy.content_limit,
        }
    }

    fn choice(&mut self, choice: u32, finish: Option<FinishKind>) {
        if let Some(known) = self.finished.iter_mut().find(|it| it.0 == choice) {
            known.1 = finish.or(known.1);
        } else if self.finished.len() < MOST_CHOICES {
            self.finished.push((choice, finish));
        }
    }

    fn tell_id(&self, id: Option<&str>, model: Option<&str>) {
        self.span.record("gen_ai.response.id", id);
        self.span.record("gen_ai.response.model", model);
    }

    fn tell_end(&mut self) {
        let tokens = [
            ("gen_ai.usage.input_tokens", self.tokens.input),
            ("gen_ai.usage.output_tokens", self.tokens.output),
            (
                "gen_ai.usage.cache_read.input_tokens",
                self.tokens.cached_input,
            ),
            (
                "gen_ai.usage.cache_write.input_tokens",
                self.tokens.cache_write,
            ),
            (
                "gen_ai.usage.reasoning.output_tokens",
                self.tokens.reasoning,
            ),
            ("gen_ai.usage.audio.input_tokens", self.tokens.input_audio),
            ("gen_ai.usage.audio.output_tokens", self.tokens.output_audio),
        ];
        for (name, tokens) in tokens {
            if tokens.is_some() && !self.reused {
                self.span.record(name, tokens);
            }
        }
        if !self.finished.is_empty() {
            self.finished.sort_by_key(|it| it.0);
            let reasons = self.finished.iter().map(|it| content::reason(it.1));
            let reasons: Vec<&str> = reasons.collect();
            let reasons = content::json(&reasons);
            self.span.record("gen_ai.response.finish_reasons", reasons);
        }
    }

    fn tell_answer(&self, response: &ChatResponse) {
        let messages = content::output(response, self.content_limit);
        self.span.record("gen_ai.output.messages", messages);
    }
}

impl Watcher for Trace {
    fn reused(&mut self) {
        self.reused = true;
    }

    fn answer(&mut self, response: &mut ChatResponse) -> Result<()> {
        self.tell_id(response.id.as_deref(), response.model.as_deref());
        tell_exchange(&self.span, &response.metadata);
        for choice in &response.choices {
            let reason = choice.finish_reason.as_ref().map(|reason| reason.kind);
            self.choice(choice.index, reason);
        }
        if let Some(usage) = &response.usage {
            self.tokens.merge(usage);
        }
        if self.answer.take().is_some() {
            self.tell_answer(response);
        }
        Ok(())
    }

    fn event(&mut self, event: &mut Event) -> Result<()> {
        if self.first {
            self.first = false;
            let time = self.called.elapsed().as_secs_f64();
            self.span
                .record("gen_ai.response.time_to_first_chunk", time);
            debug!(parent: &self.span, "first event");
        }
        match &*event {
            Event::Started { id, model, .. } => self.tell_id(id.as_deref(), model.as_deref()),
            Event::PartStarted { choice, .. } => self.choice(*choice, None),
            Event::Finished { choice, reason, .. } => self.choice(*choice, Some(reason.kind)),
            other => self.tokens.see(other),
        }
        if let Some(answer) = &mut self.answer {
            answer.push(event);
        }
        Ok(())
    }

    fn end(mut self, end: End<'_>) {
        self.tell_end();
        let mut partial = None;
        match end {
            End::Completed => {}
            End::Failed(error) => {
                self.span.record("error.type", error.kind().as_str());
                self.span.record("otel.status_code", "ERROR");
                self.span.record("parlor.response.status", error.status());
                if let Some(id) = error.request_id() {
                    self.span.record("parlor.request.id", id);
                }
                if self.answer.is_some() {
                    self.span.record("otel.status_description", error.message());
                    partial = error.partial();
                }
            }
            End::Dropped => {
                self.span.record("parlor.cancelled", true);
            }
        }
        match (self.answer.take(), partial) {
            (Some(_), Some(partial)) => self.tell_answer(partial),
            (Some(answer), None) if answer.has_content() => {
                self.tell_answer(&answer.into_response());
            }
            _ => {}
        }
    }

    fn poll(
        &mut self,
        events: &mut EventStream,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Event>>> {
        let _within = self.span.enter();
        events.as_mut().poll_next(cx)
    }

    fn release(&mut self, events: EventStream) {
        self.span.in_scope(|| drop(events));
    }
}
