//! Plain answers: messages, thoughts and calls of functions, each item at its
//! end.

use super::super::NAME;
use super::super::stream::{ECHOES, KNOWN, take_logprobs};
use super::super::wire::{Object, kind_of};
use super::{created, finish_reason, items};
use crate::dialect::Target;
use crate::fields::{Extras, Fill, Place, Raw, object};
use crate::json::Text;
use crate::lenient::nothing;
use crate::openai_chat;
use crate::whole::Plain;
use parlor_core::{ArgumentsForm, ChatResponse, Executor, Native, Part};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

object! {
    /// An answer whose output is a list of items.
    Answer, ignored: "object" | "output_text", extras: 8, {
        id: Text<'a> = "id",
        model: Text<'a> = "model",
        created_at: Raw<'a> = "created_at",
        status: Text<'a> = "status",
        error: Raw<'a> = "error",
        incomplete_details: Raw<'a> = "incomplete_details",
        output: Vec<Object> = "output",
        usage: Raw<'a> = "usage",
    }
}

/// The response that a body is, if it is plain.
pub(super) fn read(body: &[u8], target: &Target<'_>) -> Option<ChatResponse> {
    let body = std::str::from_utf8(body).ok()?;
    let mut answer = Answer::default();
    let mut reader = serde_json::Deserializer::from_str(body);
    answer.fill(&mut reader).ok()?;
    reader.end().ok()?;
    let Answer {
        id,
        model,
        created_at,
        status,
        error,
        incomplete_details,
        output,
        usage,
        extras,
        present: _,
    } = answer;
    let silent = [error, incomplete_details];
    if silent.iter().any(|it| it.text().is_some())
        || matches!(&*status, "" | "failed")
        || output.is_empty()
        || target.profile.think_tags
    {
        return None;
    }
    let mut plain = Plain::new(target, 0, finish_reason(&status, false));
    plain.start(&id, &model, created_at.text().and_then(created));
    let mut ids = Vec::with_capacity(output.len());
    for item in output {
        if let Some(id) = item.get("id").and_then(Value::as_str) {
            // An item that comes again is told once.
            (!ids.iter().any(|it| it == id)).then(|| ids.push(id.to_owned()))?;
        }
        say(item, target, &mut plain)?;
    }
    if let Some(raw) = usage.text()
        && let raw @ Value::Object(_) = serde_json::from_str(raw).ok()?
    {
        plain.usage(openai_chat::usage(raw));
    }
    let news = |name: &str, json: &str| {
        let known = KNOWN.contains(&name) || ECHOES.contains(&name);
        !known && !matches!(json, "[]" | "{}")
    };
    for (key, value) in extras.sorted(news)? {
        let item = Value::Object(Object::from_iter([(key, value)]));
        plain.unknown(Native::new(target.origin(NAME), item));
    }
    Some(plain.finish())
}

fn say(item: Object, target: &Target<'_>, plain: &mut Plain<'_>) -> Option<()> {
    let is_over = item.get("status").is_none_or(|it| it != "incomplete");
    let known = matches!(kind_of(&item), "message" | "reasoning" | "function_call");
    let (item, logprobs) = take_logprobs(item);
    if !is_over || !known || !logprobs.is_empty() {
        return None;
    }
    for piece in items::pieces(item, &target.origin(NAME)) {
        match piece.part {
            Part::ToolCall(call)
                if call.executor == Executor::Client
                    && call.arguments.form == ArgumentsForm::Json =>
            {
                plain.call(&call.id, &call.name, call.arguments.text.into())?;
                plain.native_of_last(call.native);
            }
            part @ (Part::Text(_) | Part::Reasoning(_)) => plain.part(part),
            _ => return None,
        }
    }
    Some(())
}
