//! What a client delivered, held against what is right.

use std::collections::HashSet;
use std::fmt::Debug;

use parlor_core::{ChatResponse, Choice, Error, Part, Result, Retry, ToolCall};

use super::expect;
use super::{Expect, Failure, Outcome, Partial, Reading};

/// What a client delivered.
pub(super) struct Got {
    pub(super) outcome: Result<ChatResponse>,
    /// How its events broke their grammar.
    pub(super) broken: Option<String>,
}

impl From<Result<ChatResponse>> for Got {
    fn from(outcome: Result<ChatResponse>) -> Self {
        Self {
            outcome,
            broken: None,
        }
    }
}

/// Whether a client does nothing in this case but wait until a clock runs out.
pub(super) fn only_waits(expect: &Expect) -> bool {
    let clock = |outcome: &Outcome| match outcome {
        Outcome::Failure(failure) => failure.kinds.iter().all(|it| it.ends_with("_timeout")),
        Outcome::Answer(_) => false,
    };
    !expect.outcomes.is_empty() && expect.outcomes.iter().all(clock)
}

/// The differences to that right outcome which comes nearest; none if one is met.
pub(super) fn outcome(right: &[Outcome], got: &Got) -> Vec<String> {
    let same_sort = right
        .iter()
        .filter_map(|right| match (right, &got.outcome) {
            (Outcome::Answer(reading), Ok(response)) => Some(answer(reading, response)),
            (Outcome::Failure(wanted), Err(error)) => Some(failure(wanted, error)),
            _ => None,
        });
    same_sort
        .min_by_key(Vec::len)
        .unwrap_or_else(|| match &got.outcome {
            Ok(response) => vec![format!(
                "it didn't fail, but gave {:?}",
                short(&response.text())
            )],
            Err(error) => vec![format!("it failed: {}: {error}", error.kind())],
        })
}

/// Gathers the differences of what ought to be equal.
#[derive(Default)]
struct Differences(Vec<String>);

impl Differences {
    fn equal<T: PartialEq + Debug>(&mut self, what: &str, want: &T, got: &T) {
        if want != got {
            let (want, got) = (format!("{want:?}"), format!("{got:?}"));
            self.say(what, short(&want), short(&got));
        }
    }

    fn say(&mut self, what: &str, want: impl std::fmt::Display, got: impl std::fmt::Display) {
        self.0.push(format!("{what}: expected {want}, got {got}"));
    }
}

fn answer(want: &Reading, got: &ChatResponse) -> Vec<String> {
    let mut wrong = Differences::default();
    wrong.equal("choices", &want.choices.len(), &got.choices.len());
    for (number, (want, got)) in want.choices.iter().zip(&got.choices).enumerate() {
        choice(number, want, got, &mut wrong);
    }
    let usage = got.usage.as_ref();
    let input = usage.and_then(|it| it.input_tokens);
    let output = usage.and_then(|it| it.output_tokens);
    wrong.equal("input tokens", &want.input_tokens, &input);
    wrong.equal("output tokens", &want.output_tokens, &output);
    wrong.equal("interrupted", &false, &got.interrupted);
    wrong.0
}

fn choice(number: usize, want: &expect::Choice, got: &Choice, wrong: &mut Differences) {
    let parts = &got.message.parts;
    let refusal: String = (parts.iter())
        .filter_map(|part| match part {
            Part::Refusal(refusal) => Some(refusal.text.as_str()),
            _ => None,
        })
        .collect();
    wrong.equal("index", &(number as u32), &got.index);
    wrong.equal("text", &want.text, &got.message.text());
    wrong.equal("reasoning", &want.reasoning, &got.message.reasoning());
    wrong.equal("refusal", &want.refusal, &refusal);
    let calls: Vec<&ToolCall> = got.message.tool_calls().collect();
    wrong.equal("tool calls", &want.tool_calls.len(), &calls.len());
    for (want, got) in want.tool_calls.iter().zip(&calls) {
        wrong.equal("tool name", &want.name, &got.name);
        match got.arguments.parse() {
            Ok(arguments) => wrong.equal("arguments", &want.arguments, &arguments),
            Err(error) => wrong.say("arguments", &want.arguments, error),
        }
        match &want.id {
            Some(id) => wrong.equal("call id", id, &got.id),
            None if got.id.is_empty() => wrong.say("call id", "one that was minted", "none"),
            None => {}
        }
    }
    let ids: HashSet<&str> = calls.iter().map(|it| it.id.as_str()).collect();
    wrong.equal("different call ids", &calls.len(), &ids.len());
    let reason = got.finish_reason.as_ref();
    let kind = reason.map_or("none", |it| it.kind.as_str());
    if !want.finish.contains(&kind) {
        wrong.say("finish", want.finish.join(" or "), kind);
    }
    let raw = reason.and_then(|it| it.raw.clone());
    wrong.equal("finish word", &want.finish_raw, &raw);
}

fn failure(want: &Failure, got: &Error) -> Vec<String> {
    let mut wrong = Differences::default();
    let kind = got.kind().as_str();
    if !want.kinds.contains(&kind) {
        wrong.say("kind", want.kinds.join(" or "), format!("{kind}: {got}"));
    }
    if want.status.is_some() {
        wrong.equal("status", &want.status, &got.status());
    }
    let wait = match got.retry() {
        Retry::Later(wait) => wait,
        _ => None,
    };
    match &want.retry_after {
        Some(range) if !wait.is_some_and(|it| range.contains(&it)) => {
            wrong.say("wait", format!("{range:?}"), format!("{wait:?}"));
        }
        Some(_) => {}
        None => wrong.equal("wait", &None, &wait),
    }
    if !got.message().contains(want.message) {
        wrong.say("message", want.message, short(got.message()));
    }
    if want.code.is_some() {
        wrong.equal("code", &want.code, &got.code());
    }
    let partial = got.partial().map(ChatResponse::text).unwrap_or_default();
    match &want.partial {
        Partial::None => {}
        Partial::Exactly(text) => wrong.equal("partial", text, &partial),
        Partial::Within(text) if text.starts_with(&partial) => {}
        Partial::Within(text) => wrong.say("partial", format!("within {text:?}"), partial),
    }
    wrong.0
}

/// A text as it may stand in a message.
fn short(text: &str) -> String {
    const LIMIT: usize = 200;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}
