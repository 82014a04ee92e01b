//! What a case is, and what it works with.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use parlor_core::{
    Capabilities, Capability, ChatModel, ChatRequest, ChatResponse, Error, ErrorKind, Event,
    FinishKind, Grammar, OnUnsupported, Support,
};

use super::{CaseOutcome, Conformance};
use crate::SeenRequest;

/// How long a server may take to see what a client did.
const SOON: Duration = Duration::from_secs(10);

/// One thing that every provider does alike.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    /// What the model must be able to do.
    pub(super) needs: &'static [Capability],
    pub(super) run: for<'a> fn(&'a Trial<'a>) -> BoxFuture<'a, Verdict>,
}

pub(super) type Verdict<T = ()> = Result<T, Stop>;

/// Why a case went no further.
#[derive(Debug)]
pub(super) enum Stop {
    Skip(String),
    Fail(String),
    /// The model failed where it should not.
    Error(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl Stop {
    pub(super) fn outcome(self, support: Support) -> CaseOutcome {
        match self {
            Self::Skip(why) => CaseOutcome::Skipped(why),
            Self::Fail(why) => CaseOutcome::Failed(why),
            Self::Error(error) => {
                let kind = error.kind();
                let told = format!("{kind}: {error}");
                match (support, kind) {
                    (Support::Unknown, ErrorKind::Unsupported | ErrorKind::InvalidRequest) => {
                        CaseOutcome::Skipped(told)
                    }
                    _ => CaseOutcome::Failed(told),
                }
            }
        }
    }
}

/// Fails the case, unless the condition holds, with a message that says what was there instead.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            return Err($crate::conformance::case::Stop::Fail(format!($($message)+)));
        }
    };
}
pub(super) use ensure;

/// Whether an answer is asked for whole or as a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Whole,
    Stream,
}

/// A case under way: the model and what is known of it.
pub(super) struct Trial<'a> {
    pub(super) suite: &'a Conformance,
    pub(super) model: Arc<dyn ChatModel>,
    pub(super) capabilities: Capabilities,
    /// Whether the model is known to have what the case needs.
    pub(super) support: Support,
}

impl Trial<'_> {
    /// Asks and checks what holds for every answer.
    pub(super) async fn ask(&self, way: Way, request: &ChatRequest) -> Verdict<ChatResponse> {
        match way {
            Way::Whole => self.chat(request).await,
            Way::Stream => Ok(self.stream(request).await?.0),
        }
    }

    /// Asks for a whole answer and checks what holds for every one.
    pub(super) async fn chat(&self, request: &ChatRequest) -> Verdict<ChatResponse> {
        let response = self.model.chat(request).await?;
        sound(&response)?;
        Ok(response)
    }

    /// Asks for a stream, reads it to its end, grammar in hand, and gives the response and the
    /// events.
    pub(super) async fn stream(
        &self,
        request: &ChatRequest,
    ) -> Verdict<(ChatResponse, Vec<Event>)> {
        let mut stream = self.model.stream(request).await?;
        let mut grammar = Grammar::new();
        let mut events = Vec::new();
        while let Some(item) = StreamExt::next(&mut stream).await {
            if let Err(broken) = grammar.check(&item) {
                return Err(Stop::Fail(format!(
                    "the events break their grammar: {broken}"
                )));
            }
            events.push(item?);
        }
        if let Err(broken) = grammar.finish() {
            return Err(Stop::Fail(format!(
                "the events break their grammar: {broken}"
            )));
        }
        let response = stream.partial();
        sound(&response)?;
        Ok((response, events))
    }

    /// The same request, which fails where a setting can't be honoured: for cases about a setting.
    pub(super) fn strictly(&self, mut request: ChatRequest) -> ChatRequest {
        request.on_unsupported = Some(OnUnsupported::Error);
        request
    }

    /// Another model of the provider's.
    pub(super) fn build(&self, model: &str, wrong_key: bool) -> Verdict<Arc<dyn ChatModel>> {
        Ok(self.suite.build(model, wrong_key)?)
    }

    /// How many requests the server has seen; 0 where it can't be asked.
    pub(super) fn seen(&self) -> usize {
        let server = self.suite.upstream.as_ref();
        server.map_or(0, |server| server.requests().len())
    }

    /// Waits until the server has seen this many requests; where it can't be asked, a moment.
    pub(super) async fn until_seen(&self, count: usize) {
        match &self.suite.upstream {
            Some(server) => {
                server.wait_until(SOON, |seen| seen.len() >= count).await;
            }
            None => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }

    /// Checks that the server saw the client hang up on a request after the first `before`.
    pub(super) async fn hung_up(&self, before: usize) -> Verdict {
        if let Some(server) = &self.suite.upstream {
            let gone = |seen: &[SeenRequest]| seen.iter().skip(before).any(|it| it.dropped);
            ensure!(
                server.wait_until(SOON, gone).await,
                "the server didn't see the drop"
            );
        }
        Ok(())
    }
}

/// What holds for every answer.
fn sound(response: &ChatResponse) -> Verdict {
    ensure!(!response.interrupted, "the answer is marked as interrupted");
    ensure!(
        !response.provider.is_empty(),
        "the answer names no provider"
    );
    ensure!(!response.choices.is_empty(), "the answer has no choices");
    for (number, choice) in (0..).zip(&response.choices) {
        let index = choice.index;
        ensure!(index == number, "choice {number} has the index {index}");
        ensure!(
            choice.finish_reason.is_some(),
            "choice {number} has no finish reason"
        );
    }
    Ok(())
}

/// Checks that a word is in the answer, whatever its case.
pub(super) fn says(response: &ChatResponse, word: &str) -> Verdict {
    let text = response.text();
    let found = text.to_lowercase().contains(&word.to_lowercase());
    ensure!(found, "{word:?} isn't in the answer {text:?}");
    Ok(())
}

/// Checks why the answer ended.
pub(super) fn finished(response: &ChatResponse, kind: FinishKind) -> Verdict {
    let reason = response.finish_reason();
    let got = reason.map(|reason| reason.kind);
    ensure!(
        got == Some(kind),
        "it finished by {reason:?}, not by {kind:?}"
    );
    Ok(())
}
