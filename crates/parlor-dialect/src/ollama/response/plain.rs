//! Plain answers: one line of thoughts, a text and calls.

use super::super::NAME;
use super::super::request::read_call;
use super::super::stream::{MAX_UNKNOWN, read_value};
use super::super::wire::{Line, LineMessage, Rest};
use super::{finish_reason, split_usage};
use crate::dialect::Target;
use crate::think::ThinkSplitter;
use crate::whole::{Plain, made_of};
use crate::{fields, time};
use parlor_core::{ChatResponse, Native, Part, Reasoning};
use serde_json::{Map, Value, json};

/// The response that a body is, if it is plain.
pub(super) fn read(body: &[u8], target: &Target<'_>) -> Option<ChatResponse> {
    let body = std::str::from_utf8(body).ok()?;
    let mut line = Line::default();
    fields::read(body, &mut line).ok()?;
    plain(line, target, None).map(Plain::finish)
}

/// The same of a body that is mostly one long text, which is made of it.
pub(super) fn take(body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
    made_of(body, |json, long| {
        let mut line = Line::default();
        let left = fields::read_leaving(json, long, &mut line)?;
        plain(line, target, Some(left))
    })
}

fn plain<'a>(line: Line<'a>, target: &Target<'_>, left: Option<&'a str>) -> Option<Plain<'a>> {
    let Line {
        model,
        created_at,
        message,
        done,
        done_reason,
        logprobs,
        error,
        rest,
    } = line;
    if done != Some(true) || !logprobs.is_empty() || error.is_some() {
        return None;
    }
    let LineMessage {
        content,
        thinking,
        images,
        tool_calls,
        rest: beside,
    } = message;
    if !images.is_empty() || ThinkSplitter::of(target.profile).is_some() {
        return None;
    }
    let mut plain = Plain::new(target, 0, finish_reason(&done_reason)).leaving(left);
    plain.start("", &model, time::unix_seconds(&created_at));
    if !thinking.is_empty() {
        // The mark that lets thoughts go back where they came from.
        let native = Native::new(target.origin(NAME), json!({}));
        plain.part(Part::from(Reasoning::new(thinking.0)).with_native(native));
    }
    if !content.is_empty() {
        let text = plain.text(content.0);
        plain.part(text);
    }
    for call in tool_calls {
        let (call, leftovers) = read_call(call);
        leftovers.is_none().then_some(())?;
        plain.call(&call.id, &call.name, call.arguments.text.into())?;
    }
    let (usage, unknown) = split_usage(rest);
    if beside.len() + unknown.len() > MAX_UNKNOWN {
        return None;
    }
    let beside = distinct(beside)?.into_iter();
    let beside = beside.map(|(key, value)| json!({"message": {key: value}}));
    let unknown = distinct(unknown)?.into_iter();
    let unknown = unknown.map(|field| Value::Object(Map::from_iter([field])));
    for item in beside.chain(unknown) {
        plain.unknown(Native::new(target.origin(NAME), item));
    }
    plain.usage(usage);
    Some(plain)
}

/// Fields of which none comes twice.
fn distinct(rest: Rest<'_>) -> Option<Map<String, Value>> {
    let count = rest.len();
    let rest = rest.into_iter();
    let fields: Map<_, _> = rest
        .map(|(key, value)| (key.to_string(), read_value(value)))
        .collect();
    (fields.len() == count).then_some(fields)
}
