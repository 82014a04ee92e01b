//! What is checked, each with its place in the request.

use super::ValidatePolicy;
use crate::{estimate, texts};
use parlor_core::{
    ChatRequest, Error, ErrorKind, Media, MediaKind, MediaSource, Message, ModelInfo, Part,
    PartKind, Result, Role, ToolChoice,
};
use std::collections::HashSet;
use std::fmt::Display;

fn wrong<T>(message: String, help: impl Into<String>) -> Result<T> {
    Err(Error::new(ErrorKind::Validation, message).with_help(help.into()))
}

/// `message 2 (user)`.
fn place(at: usize, message: &Message) -> String {
    format!("message {} ({})", at + 1, message.role.as_str())
}

/// What is more than the limit, as a sentence.
fn at_most<N: PartialOrd + Display>(what: &str, count: N, limit: Option<N>) -> Result<()> {
    match limit {
        Some(limit) if count > limit => wrong(
            format!("{what} {count}, and at most {limit} may be sent"),
            "Send less, or raise the limit.",
        ),
        _ => Ok(()),
    }
}

pub(super) fn messages(policy: &ValidatePolicy, request: &ChatRequest) -> Result<()> {
    let messages = &request.messages;
    let Some(last) = messages.last() else {
        return wrong(
            "the request has no message".to_owned(),
            "Add a user message.",
        );
    };
    let count = messages.len();
    at_most("the number of messages is", count, policy.max_messages)?;
    if last.role == Role::User && !policy.allow_blank && last.parts.iter().all(is_blank) {
        let place = place(count - 1, last);
        return wrong(format!("{place} is blank"), "Write what is asked.");
    }
    Ok(())
}

fn is_blank(part: &Part) -> bool {
    part.as_text().is_some_and(|text| text.trim().is_empty())
}

pub(super) fn length(
    policy: &ValidatePolicy,
    request: &ChatRequest,
    info: &ModelInfo,
) -> Result<()> {
    let (mut chars, mut weight) = (0_u64, 0_u64);
    for part in request.messages.iter().flat_map(|it| &it.parts) {
        // Reasoning goes back only where its provider wants it.
        let may_stay = PartKind::of(part) == PartKind::Reasoning;
        texts::read(part, &mut |text| {
            if policy.max_chars.is_some() {
                chars += text.chars().count() as u64;
            }
            weight += if may_stay { 0 } else { estimate::weight(text) };
        });
    }
    at_most("the number of characters is", chars, policy.max_chars)?;
    let (Some(window), Some(tolerance)) = (info.context_window, policy.window_tolerance) else {
        return Ok(());
    };
    let tokens = estimate::whole(weight);
    match tokens as f64 > window as f64 * tolerance {
        true => Err(Error::new(
            ErrorKind::ContextTooLong,
            format!(
                "the conversation has about {tokens} tokens, and the context window of {} has {window}",
                info.id()
            ),
        )),
        false => Ok(()),
    }
}

fn word(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "an image",
        MediaKind::Audio => "a sound",
        MediaKind::Video => "a video",
        _ => "a document",
    }
}

/// What is known of the media so far.
#[derive(Default)]
struct Seen {
    count: usize,
    bytes: u64,
}

pub(super) fn media(policy: &ValidatePolicy, request: &ChatRequest) -> Result<()> {
    let mut seen = Seen::default();
    for (at, message) in request.messages.iter().enumerate() {
        for (index, part) in message.parts.iter().enumerate() {
            let place = || format!("{}, part {}", place(at, message), index + 1);
            medium_of(policy, part, &mut seen, &place)?;
        }
    }
    at_most("the number of media is", seen.count, policy.max_media)?;
    at_most(
        "the number of bytes of all media is",
        seen.bytes,
        policy.max_media_total_bytes,
    )
}

fn medium_of(
    policy: &ValidatePolicy,
    part: &Part,
    seen: &mut Seen,
    place: &dyn Fn() -> String,
) -> Result<()> {
    match part {
        Part::Media(media) => medium(policy, media, seen, place),
        Part::ToolResult(result) => {
            let mut parts = result.parts.iter();
            parts.try_for_each(|part| medium_of(policy, part, seen, place))
        }
        _ => Ok(()),
    }
}

fn medium(
    policy: &ValidatePolicy,
    media: &Media,
    seen: &mut Seen,
    place: &dyn Fn() -> String,
) -> Result<()> {
    seen.count += 1;
    if let Some(kinds) = &policy.media_kinds
        && !kinds.contains(&media.kind)
    {
        let message = format!("{} is {}, which may not be sent", place(), word(media.kind));
        return wrong(message, "Leave it out, or allow its kind.");
    }
    if let MediaSource::Bytes(bytes) = &media.source {
        let length = bytes.len() as u64;
        seen.bytes = seen.bytes.saturating_add(length);
        if bytes.is_empty() {
            let message = format!("{} is {} without any bytes", place(), word(media.kind));
            return wrong(message, "Check the file it was read from.");
        }
        let what = format!("{}: the number of its bytes is", place());
        at_most(&what, length, policy.max_media_bytes)?;
    }
    Ok(())
}

pub(super) fn tools(policy: &ValidatePolicy, request: &ChatRequest) -> Result<()> {
    let count = request.tools.len();
    at_most("the number of tools is", count, policy.max_tools)?;
    let mut names = HashSet::new();
    for (at, tool) in request.tools.iter().enumerate() {
        let Some(function) = tool.as_function() else {
            continue;
        };
        let (at, name) = (at + 1, function.name.as_str());
        if name.trim().is_empty() {
            let message = format!("tool {at} has no name");
            return wrong(message, "Name it, so that the model can call it.");
        }
        if !names.insert(name) {
            let message = format!("tool {at} is called `{name}` as another one is");
            return wrong(message, "Give each tool a name of its own.");
        }
    }
    // A native tool may have any name.
    if names.len() < count {
        return Ok(());
    }
    let chosen: &[String] = match &request.tool_choice {
        Some(ToolChoice::Tool(name)) => std::slice::from_ref(name),
        Some(ToolChoice::Allowed { tools, .. }) => tools,
        Some(ToolChoice::Required) if count == 0 => {
            let message = "a tool must be called and there is none".to_owned();
            return wrong(message, "Add a tool, or leave `tool_choice` out.");
        }
        _ => &[],
    };
    match chosen.iter().find(|name| !names.contains(name.as_str())) {
        Some(name) => wrong(
            format!("`tool_choice` names `{name}`, and no tool is called so"),
            "Add the tool, or choose another.",
        ),
        None => Ok(()),
    }
}

fn within(name: &str, value: Option<f64>, range: Option<[f64; 2]>) -> Result<()> {
    match (value, range) {
        (Some(value), _) if !value.is_finite() => wrong(
            format!("`{name}` is {value}, which is no number to send"),
            format!("Set `{name}` to a number."),
        ),
        (Some(value), Some([least, most])) if !(least..=most).contains(&value) => wrong(
            format!("`{name}` is {value}, and must be from {least} to {most}"),
            format!("Set `{name}` within that range."),
        ),
        _ => Ok(()),
    }
}

fn counted<N: PartialOrd + Display + From<u8>>(
    name: &str,
    value: Option<N>,
    most: Option<N>,
) -> Result<()> {
    match (value, most) {
        (Some(value), _) if value < N::from(1) => wrong(
            format!("`{name}` is {value}, and must be at least 1"),
            format!("Set `{name}` to 1 or more, or leave it out."),
        ),
        (Some(value), Some(most)) if value > most => wrong(
            format!("`{name}` is {value}, and must be at most {most}"),
            format!("Set `{name}` to {most} or less."),
        ),
        _ => Ok(()),
    }
}

pub(super) fn settings(policy: &ValidatePolicy, request: &ChatRequest) -> Result<()> {
    within("temperature", request.temperature, policy.temperature)?;
    within("top_p", request.top_p, policy.top_p)?;
    let penalties = [
        ("frequency_penalty", request.frequency_penalty),
        ("presence_penalty", request.presence_penalty),
    ];
    for (name, value) in penalties {
        within(name, value, policy.penalty)?;
    }
    counted(
        "max_output_tokens",
        request.max_output_tokens,
        policy.max_output_tokens,
    )?;
    counted("top_k", request.top_k, None)?;
    counted("n", request.n, policy.max_choices)?;
    if let (Some(value), Some(most)) = (request.top_logprobs, policy.max_top_logprobs)
        && value > most
    {
        return wrong(
            format!("`top_logprobs` is {value}, and must be at most {most}"),
            format!("Set `top_logprobs` to {most} or less."),
        );
    }
    match request.stop.iter().any(String::is_empty) {
        true => wrong(
            "`stop` has an empty text".to_owned(),
            "Leave the empty text out.",
        ),
        false => Ok(()),
    }
}
