//! Goes on with an answer that broke off in the middle of its text.
//!
//! - **Place:** outside retry, which opens each continuation again while nothing
//!   has come of it; inside budget and the layers around it, which see one answer
//!   with the usage of all attempts.
//! - **`info()`:** the inner one's.
//! - **A call:** where the error brings a partial answer, the model is called for
//!   the rest, and the two are put together as a stream's would be.
//! - **A stream's opening:** untouched.
//! - **A stream's middle:** while all goes well every event passes untouched, and
//!   a copy of the text is kept, of at most
//!   [`max_text_bytes`](ResumePolicy::max_text_bytes). After a break the model is
//!   asked for the rest within the same stream.
//! - **A drop:** drops the inner call or stream, or the wait, at once; no task is
//!   spawned. A broken attempt is dropped before the next one begins.
//!
//! It is for programs whose readers would rather have an answer with a seam than
//! half of one. So it is never there by default, and every seam is marked: a
//! [`Warning`](parlor_core::Warning) of kind
//! [`Notice`](parlor_core::WarningKind::Notice) about the setting `resume`, right
//! before the first event of the continuation, says where and why.
//!
//! # When
//! An answer goes on after the [kinds](ResumePolicy::kinds) of errors that are the
//! line's or the server's, and say [`Retry::Later`], as long as all of it is text
//! of one choice: finished reasoning and sources may stand beside it. A break is
//! passed on as the error that it is, with its partial answer, where there is no
//! text yet; within a tool call, a refusal or reasoning; after reasoning that
//! bears a provider's own item such as a signature, which can't be sent back in
//! half an answer; where several choices or another form than text were asked
//! for; and where the choice had finished already.
//!
//! # How
//! A model that is known to continue the assistant's words
//! ([`Capability::Prefill`]) is given the text as its own last message, without
//! white space at its end. Others are asked by the user to go on, if the policy's
//! [`mode`](ResumePolicy::mode) allows it. What is left of the request's
//! `max_output_tokens` is its limit.
//!
//! The text goes on in the same part if that is still open and the continuation
//! begins with text, else in parts of its own. What the continuation says again
//! of the text before is left out: see [`ResumePolicy::min_overlap`]. A part that
//! was put together bears no native item: the provider's would be of half of it.
//!
//! # Errors
//! Where the attempts are used up, the error says so in its help, and
//! [`Retry::Exhausted`]; its partial answer is all that came of all attempts. If
//! nothing came of the last continuation, it is the error of the break before.
//!
//! # What it costs
//! Each attempt's usage is added up, as far as the provider told it before the
//! break. Every continuation pays for the whole conversation anew.
//!
//! ```
//! use parlor_core::{ChatModelExt, Echo};
//! use parlor_layers::resume::{ResumeLayer, ResumeMode, ResumePolicy};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let mut policy = ResumePolicy::attempts(2);
//! policy.mode = ResumeMode::Ask;
//! let model = Echo::new().layer(ResumeLayer::new(policy));
//! assert_eq!(model.ask("Hi").await?.text(), "Hi");
//! # Ok::<(), parlor_core::Error>(())
//! # }).unwrap();
//! ```
//!
//! As configuration:
//!
//! ```toml
//! [layers.resume]
//! attempts = 2
//! mode = "ask"     # "supported" where left out
//! max_wait = "10s" # 30 s where left out
//! ```

mod answer;
mod join;
mod seam;
mod stream;

use crate::Configurable;
use crate::attempt::dried_up;
use answer::{Answer, How, reopened};
use async_trait::async_trait;
#[cfg(doc)]
use parlor_core::Retry;
use parlor_core::{
    Capability, ChatModel, ChatRequest, ChatResponse, ChatStream, Collector, Error, ErrorKind,
    Layer, ModelInfo, Result, TimeoutKind, duration,
};
use serde::{Deserialize, Deserializer};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use stream::ResumeStream;
use tokio::time::sleep;

/// When and how to go on with an answer that broke off.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ResumePolicy {
    /// How often one answer may be gone on with. 2 by default.
    pub attempts: u32,
    /// Which models are asked to go on, and how. Those that are known to continue
    /// their own words, by default.
    pub mode: ResumeMode,
    /// What the user says to a model that is asked to go on.
    pub ask: String,
    /// The longest wait that a server may ask for before it is asked again; with
    /// a longer one the answer is given up. 30 s by default.
    #[serde(deserialize_with = "wait")]
    pub max_wait: Duration,
    /// The fewest characters at the beginning of a continuation that are taken
    /// for a repetition of the end of the text before, and left out. 8 by
    /// default: what is shorter is as likely the answer's own, as the second
    /// `00` of `1000` is. Nor is left out what the text before had said several
    /// times in a row. White space counts from its first character on,
    /// and so does the whole text, which some hosts give once more.
    pub min_overlap: usize,
    /// The most bytes at the text's end that are looked at for a repetition, and
    /// so held back at the beginning of a continuation. 256 by default; with 0
    /// nothing is left out.
    pub max_overlap: usize,
    /// The longest text that is gone on with. 1 MiB by default.
    pub max_text_bytes: usize,
    /// The kinds of errors after which an answer goes on: connection, truncated,
    /// idle timeout, server, overloaded by default. Only in code.
    #[serde(skip)]
    pub kinds: Vec<ErrorKind>,
}

fn wait<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Duration, D::Error> {
    duration::deserialize(deserializer).map(Option::unwrap_or_default)
}

impl Default for ResumePolicy {
    fn default() -> Self {
        Self {
            attempts: 2,
            mode: ResumeMode::Supported,
            ask: "Your answer was cut off. Continue exactly where you stopped: repeat nothing, \
                  begin with the very next character, and don't mention the interruption."
                .to_owned(),
            max_wait: Duration::from_secs(30),
            min_overlap: 8,
            max_overlap: 256,
            max_text_bytes: 1 << 20,
            kinds: vec![
                ErrorKind::Connection,
                ErrorKind::Truncated,
                ErrorKind::Timeout(TimeoutKind::Idle),
                ErrorKind::Server,
                ErrorKind::Overloaded,
            ],
        }
    }
}

impl ResumePolicy {
    /// The default policy with this number of attempts to go on.
    pub fn attempts(attempts: u32) -> Self {
        Self {
            attempts,
            ..Self::default()
        }
    }
}

/// Which models are asked to go on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResumeMode {
    /// Those that are known to continue a last message of their own
    /// ([`Capability::Prefill`]), by such a message.
    #[default]
    Supported,
    /// The others too, by a message of the user's that asks for it.
    Ask,
}

/// Goes on with an answer that broke off in the middle of its text.
#[derive(Debug, Clone, Default)]
pub struct ResumeLayer {
    policy: Arc<ResumePolicy>,
}

impl ResumeLayer {
    /// A layer with this policy.
    pub fn new(policy: ResumePolicy) -> Self {
        Self {
            policy: Arc::new(policy),
        }
    }
}

impl Configurable for ResumeLayer {
    type Settings = ResumePolicy;

    fn configured(policy: ResumePolicy) -> std::result::Result<Self, String> {
        if policy.attempts == 0 {
            return Err(
                "with `attempts` at 0 nothing is gone on with; set `layers.resume` to false \
                 instead"
                    .to_owned(),
            );
        }
        if policy.ask.trim().is_empty() {
            return Err("`ask` is blank; leave it out for the usual words".to_owned());
        }
        Ok(Self::new(policy))
    }
}

impl Layer for ResumeLayer {
    fn layer(&self, inner: Arc<dyn ChatModel>) -> Arc<dyn ChatModel> {
        Arc::new(ResumeModel {
            inner,
            policy: self.policy.clone(),
        })
    }
}

#[derive(Debug)]
struct ResumeModel {
    inner: Arc<dyn ChatModel>,
    policy: Arc<ResumePolicy>,
}

impl ResumeModel {
    /// What may be gone on with, if anything of this request's may.
    fn answer(&self, request: &ChatRequest) -> Option<Answer> {
        let prefills = self.inner.info().capabilities.has(Capability::Prefill);
        let how = match self.policy.mode {
            _ if prefills => How::Prefill,
            ResumeMode::Ask => How::Ask,
            ResumeMode::Supported => return None,
        };
        Answer::to(request, how, &self.policy)
    }

    /// Calls for the rest of an answer until it is whole.
    async fn rest(&self, mut answer: Answer, mut error: Error) -> Result<ChatResponse> {
        let Some(partial) = error.partial().cloned() else {
            return Err(error);
        };
        let metadata = partial.metadata.clone();
        let mut whole = Collector::new(partial.provider.clone());
        for event in reopened(partial) {
            answer.hear(&event);
            whole.push(&event);
        }
        let mut out = VecDeque::new();
        loop {
            let resumed = answer.resumptions() > 0;
            match answer.broke(error) {
                Ok(wait) => sleep(wait).await,
                Err(error) if resumed => {
                    let mut partial = whole.into_response();
                    partial.metadata = metadata;
                    return Err(error.with_partial(partial));
                }
                Err(error) => return Err(error),
            }
            let mut called = self.inner.chat(&answer.request()).await;
            let rest = match &mut called {
                Ok(rest) => std::mem::take(rest).into_events(),
                Err(error) => error.take_partial().map(reopened).unwrap_or_default(),
            };
            let failed = called.err();
            for event in rest {
                answer.go_on(event, &mut out);
                out.drain(..).for_each(|event| whole.push(&event));
            }
            match failed {
                Some(failed) => error = failed,
                None if answer.is_complete() => break,
                None => error = dried_up(self.inner.info()),
            }
        }
        let mut whole = whole.into_response();
        whole.metadata = metadata;
        Ok(whole)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl ChatModel for ResumeModel {
    fn info(&self) -> &ModelInfo {
        self.inner.info()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        match self.inner.chat(request).await {
            Ok(response) => Ok(response),
            Err(error) => match self.answer(request) {
                Some(answer) => self.rest(answer, error).await,
                None => Err(error),
            },
        }
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let stream = self.inner.stream(request).await?;
        Ok(match self.answer(request) {
            Some(answer) => {
                stream.map_events(|events| ResumeStream::new(events, answer, self.inner.clone()))
            }
            None => stream,
        })
    }
}
