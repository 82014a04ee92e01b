//! What a client got through the service, held against what is right.

use parlor::{ChatResponse, Error};
use parlor_testkit::fault::{Failure, Mode, Partial, Reading, Wire};

use crate::upstream::Case;

/// How an answer differs from what is right.
pub(crate) fn answer(case: &Case, want: &Reading, got: &ChatResponse) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut equal = |what: &str, want: String, got: String| {
        if want != got {
            wrong.push(format!("{what}: {:?} for {:?}", short(&got), short(&want)));
        }
    };
    for (want, choice) in want.choices.iter().zip(&got.choices) {
        let message = &choice.message;
        let refused = message.parts.iter().filter_map(|part| match part {
            parlor::Part::Refusal(refusal) => Some(refusal.text.as_str()),
            _ => None,
        });
        let refused: String = refused.collect();
        equal(
            "text",
            format!("{}{}", want.text, want.refusal),
            format!("{}{refused}", message.text()),
        );
        equal("reasoning", want.reasoning.clone(), message.reasoning());
        let calls = message.tool_calls().map(|it| {
            let arguments = it.arguments.parse().unwrap_or_default();
            format!("{} {arguments}", it.name)
        });
        let wanted = want.tool_calls.iter();
        let wanted = wanted.map(|it| format!("{} {}", it.name, it.arguments));
        equal(
            "calls",
            wanted.collect::<Vec<_>>().join(", "),
            calls.collect::<Vec<_>>().join(", "),
        );
        let reason = choice.finish_reason.as_ref();
        let reason = reason.map_or("none", |it| it.kind.as_str());
        if !case.allows_finish(want.finish, reason) {
            equal("finish", want.finish.join(" or "), reason.to_owned());
        }
    }
    if case.is_same() {
        let (want, got) = (want.choices.len(), got.choices.len());
        equal("choices", want.to_string(), got.to_string());
    }
    let usage = got.usage.as_ref();
    let figures = [
        (
            "input",
            want.input_tokens,
            usage.and_then(|it| it.input_tokens),
        ),
        (
            "output",
            want.output_tokens,
            usage.and_then(|it| it.output_tokens),
        ),
    ];
    let has_some = want.input_tokens.or(want.output_tokens).is_some();
    for (name, want, got) in figures {
        // Of one dialect there is no answer without figures, of two others none with one alone.
        let is_filled = match case.wire() {
            Wire::AnthropicMessages => true,
            Wire::OpenAiChat | Wire::OpenAiResponses => !case.is_same() && has_some,
            _ => false,
        };
        if is_filled && want.is_none() && got == Some(0) {
            continue;
        }
        equal(name, format!("{want:?}"), format!("{got:?}"));
    }
    if got.interrupted {
        wrong.push("it is interrupted".to_owned());
    }
    wrong
}

/// How a failure differs from what is right.
pub(crate) fn fails(case: &Case, want: &Failure, got: &Error, told: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if !got.message().contains(want.message) {
        wrong.push(format!(
            "message: {:?} for {:?}",
            got.message(),
            want.message
        ));
    }
    if let Some(wait) = &want.retry_after
        && !told.contains("Retry-After")
    {
        wrong.push(format!("no word of a wait of {wait:?}"));
    }
    let kinds = want.kinds;
    let is_late = kinds.iter().all(|it| it.ends_with("_timeout"));
    let statuses: &[&str] = match kinds[0] {
        "rate_limited" | "quota_exhausted" => &["429", "402"],
        "invalid_request" | "content_filtered" => &["400"],
        "authentication" => &["401"],
        _ if is_late => &["504"],
        _ => &["500", "502", "503", "529"],
    };
    let begins = |it: &&str| told.starts_with(*it);
    if told.starts_with(|it: char| it.is_ascii_digit()) && !statuses.iter().any(begins) {
        wrong.push(format!("{told} for {kinds:?}"));
    }
    let partial = got.partial().map(ChatResponse::text).unwrap_or_default();
    let is_right = match &want.partial {
        Partial::None => true,
        Partial::Exactly(text) => *text == partial,
        Partial::Within(text) => text.starts_with(&partial),
    };
    if case.mode == Mode::Stream && !is_right {
        wrong.push(format!("partial: {partial:?} for {:?}", want.partial));
    }
    wrong
}

pub(crate) fn short(text: &str) -> String {
    text.chars().take(120).collect()
}
