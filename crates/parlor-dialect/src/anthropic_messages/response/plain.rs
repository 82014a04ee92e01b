//! Plain answers: texts, thoughts and calls of the client's tools.

use super::super::NAME;
use super::super::stream::input_text;
use super::super::wire::Object;
use super::blocks::leftovers;
use super::{finish_reason, merge_usage, usage};
use crate::dialect::Target;
use crate::exceptions;
use crate::fields::{self, Extras, Fill, Place, Raw, object};
use crate::json::Text;
use crate::lenient::nothing;
use crate::whole::{Plain, made_of};
use parlor_core::{ChatResponse, FinishKind, Native, Part, Reasoning};
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;

object! {
    /// An answer whose content is a list.
    Answer, ignored: "role" | "index" | "delta", extras: 4, {
        kind: Text<'a> = "type",
        id: Text<'a> = "id",
        model: Text<'a> = "model",
        content: Vec<Block<'a>> = "content",
        stop_reason: Text<'a> = "stop_reason",
        usage: Raw<'a> = "usage",
    }
}

object! {
    /// A block of its content.
    Block, extras: 4, {
        kind: Text<'a> = "type",
        text: Option<Text<'a>> = "text",
    }
}

/// The response that a body is, if it is plain.
pub(super) fn read(body: &[u8], target: &Target<'_>) -> Option<ChatResponse> {
    let body = std::str::from_utf8(body).ok()?;
    let mut answer = Answer::default();
    fields::read(body, &mut answer).ok()?;
    plain(answer, target, None).map(Plain::finish)
}

/// The same of a body that is mostly one long text, which is made of it.
pub(super) fn take(body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
    made_of(body, |json, long| {
        let mut answer = Answer::default();
        let left = fields::read_leaving(json, long, &mut answer)?;
        plain(answer, target, Some(left))
    })
}

fn plain<'a>(answer: Answer<'a>, target: &Target<'_>, left: Option<&'a str>) -> Option<Plain<'a>> {
    let Answer {
        kind,
        id,
        model,
        content,
        stop_reason,
        usage: consumed,
        extras,
        present: _,
    } = answer;
    if &*kind != "message" || content.is_empty() {
        return None;
    }
    let reason = match &*stop_reason {
        "" => FinishKind::Stop.into(),
        word => finish_reason(word),
    };
    let mut plain = Plain::new(target, 0, reason).leaving(left);
    plain.start(&id, &model, None);
    for block in content {
        say(block, target, &mut plain)?;
    }
    if let Some(raw) = consumed.text() {
        let mut known = Object::new();
        merge_usage(&mut known, serde_json::from_str(raw).ok()?);
        plain.usage(usage(known));
    }
    if extras.iter().any(|(name, _)| &**name == exceptions::NAME) {
        return None;
    }
    for (key, value) in extras.sorted(|_, _| true)? {
        let item = Value::Object(Object::from_iter([(key, value)]));
        plain.unknown(Native::new(target.origin(NAME), item));
    }
    Some(plain)
}

fn say<'a>(block: Block<'a>, target: &Target<'_>, plain: &mut Plain<'a>) -> Option<()> {
    let Block {
        kind,
        text,
        extras,
        present: _,
    } = block;
    let said = || extras.iter().filter(|it| it.1.text().is_some());
    match (&*kind, text) {
        ("text", Some(text)) if !target.profile.think_tags => {
            let none = |name: &str, raw: Raw<'_>| name == "citations" && raw.text() == Some("[]");
            said().all(|(name, raw)| none(name, *raw)).then_some(())?;
            let text = plain.text(text.0);
            plain.part(text);
        }
        ("thinking", None) => {
            let (mut thought, mut signature) = (Text::default(), Text::default());
            let mut rest = Object::new();
            for (name, raw) in said() {
                match &**name {
                    "thinking" => thought = raw.read().unwrap_or_default(),
                    "signature" => signature = raw.read().unwrap_or_default(),
                    name => {
                        let value = serde_json::from_str(raw.text()?).ok()?;
                        rest.insert(name.to_owned(), value);
                    }
                }
            }
            if !signature.is_empty() {
                rest.insert("signature".to_owned(), signature.0.into());
            }
            let native = Native::new(target.origin(NAME), Value::Object(rest));
            plain.part(Part::from(Reasoning::new(thought.0)).with_native(native));
        }
        ("tool_use", None) => {
            let (mut id, mut name, mut input) = (Text::default(), Text::default(), String::new());
            let mut rest = Object::new();
            for (field, raw) in said() {
                match &**field {
                    "id" => id = raw.read().unwrap_or_default(),
                    "name" => name = raw.read().unwrap_or_default(),
                    "input" => input = input_text(raw.text()?),
                    field => {
                        let value = serde_json::from_str(raw.text()?).ok()?;
                        rest.insert(field.to_owned(), value);
                    }
                }
            }
            leftovers(rest).is_none().then_some(())?;
            plain.call(&id, &name, input.into())?;
        }
        _ => return None,
    }
    Some(())
}
