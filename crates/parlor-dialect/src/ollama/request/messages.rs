//! Messages as they are written.

use super::super::wire::{WireCall, WireFunction, WireMessage};
use super::Writer;
use crate::media;
use crate::profile::ReasoningReplay;
use parlor_core::{
    Capability, ChatRequest, Error, Executor, Media, MediaKind, MediaSource, Message, Part, Result,
    Role, ToolCall, ToolResult,
};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The names of the tools called, by the calls' ids: a result must name its
/// tool, and core needn't.
pub(super) fn tool_names(request: &ChatRequest) -> HashMap<&str, &str> {
    let parts = request.messages.iter().flat_map(|it| &it.parts);
    let calls = parts.filter_map(|part| match part {
        Part::ToolCall(call) => Some((call.id.as_str(), call.name.as_str())),
        _ => None,
    });
    calls.collect()
}

impl<'a> Writer<'a> {
    /// Writes a message: one on the wire, and one more for each tool result.
    pub(super) fn message(
        &mut self,
        message: &'a Message,
        out: &mut Vec<WireMessage>,
    ) -> Result<()> {
        if message.name.is_some() && !self.warned_name {
            self.warned_name = true;
            self.policy.knob("messages.name", "is unknown to Ollama")?;
        }
        let has_calls = message.tool_calls().next().is_some();
        let before = out.len();
        let mut wire = WireMessage::default();
        let mut said = message.parts.is_empty();
        for part in &message.parts {
            if let Part::ToolResult(result) = part
                && result.executor == Executor::Client
            {
                if said {
                    let mut done = std::mem::take(&mut wire);
                    done.role = message.role.as_str().to_owned();
                    out.push(done);
                    said = false;
                }
                out.push(self.result(result, part)?);
                continue;
            }
            said |= self.part(part, message.role, has_calls, &mut wire)?;
        }
        if said {
            wire.role = message.role.as_str().to_owned();
            out.push(wire);
        }
        if let Some(more) = self.own(message.native.as_deref())
            && let Some(first) = out.get_mut(before)
        {
            extend(first, more);
        }
        Ok(())
    }

    /// Writes a part into a message and says whether it left anything there.
    fn part(
        &mut self,
        part: &'a Part,
        role: Role,
        has_calls: bool,
        wire: &mut WireMessage,
    ) -> Result<bool> {
        match part {
            Part::Text(text) => join(&mut wire.content, &text.text, role),
            Part::Refusal(refusal) => join(&mut wire.content, &refusal.text, role),
            Part::Reasoning(reasoning) => {
                if !self.replays(part, has_calls) {
                    return Ok(false);
                }
                wire.thinking.push_str(&reasoning.text);
            }
            Part::Media(media) => match self.media(media)? {
                Some(base64) => wire.images.push(base64),
                None => return Ok(false),
            },
            Part::ToolCall(call) if call.executor == Executor::Client => {
                let call = self.call(call, part)?;
                wire.tool_calls.push(call);
            }
            Part::Source(_) => return Ok(false),
            Part::Native(_) => match part.native_for(&self.origin).and_then(Value::as_object) {
                Some(more) => extend(wire, more),
                None => {
                    self.policy
                        .knob("messages.native", "of another provider are left out")?;
                    return Ok(false);
                }
            },
            _ => {
                let why = "that another provider ran is left out";
                self.policy.knob("messages.tool_call", why)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Thoughts go back where they came from; others only where the family
    /// wants them.
    fn replays(&self, part: &Part, has_calls: bool) -> bool {
        match self.target.profile.replay {
            _ if part.native_for(&self.origin).is_some() => true,
            ReasoningReplay::Always => true,
            ReasoningReplay::ToolTurns => has_calls,
            ReasoningReplay::Never => false,
        }
    }

    fn call(&mut self, call: &ToolCall, part: &Part) -> Result<WireCall> {
        let arguments = match arguments(call) {
            Some(arguments) => arguments,
            None => {
                let message = "Ollama takes only objects; the text was put into one";
                self.policy.coerced("messages.arguments", message);
                wrapped(call)?
            }
        };
        let mut wire = WireCall {
            id: match self.quirks.call_ids {
                true => call.id.clone(),
                false => String::new(),
            },
            function: WireFunction {
                name: call.name.clone(),
                arguments: Some(arguments),
                ..WireFunction::default()
            },
            ..WireCall::default()
        };
        if let Some(Value::Object(more)) = part.native_for(&self.origin) {
            for (key, value) in more {
                match (key.as_str(), value) {
                    ("id", _) => {}
                    ("function", Value::Object(inner)) => {
                        let own = ["index", "name", "arguments"];
                        let inner = inner.iter().filter(|it| !own.contains(&it.0.as_str()));
                        let inner = inner.map(|(key, value)| (key.clone(), value.clone()));
                        wire.function.rest.extend(inner);
                    }
                    _ => {
                        wire.rest.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        Ok(wire)
    }

    fn result(&mut self, result: &'a ToolResult, part: &Part) -> Result<WireMessage> {
        self.policy.unmarked_failure(result);
        let named = result.name.as_deref();
        let name = named.or_else(|| self.tool_names.get(result.call_id.as_str()).copied());
        let mut wire = WireMessage {
            role: Role::Tool.as_str().to_owned(),
            tool_name: name.unwrap_or_default().to_owned(),
            ..WireMessage::default()
        };
        if self.quirks.call_ids {
            wire.tool_call_id.clone_from(&result.call_id);
        }
        for part in &result.parts {
            self.part(part, Role::Tool, false, &mut wire)?;
        }
        if let Some(Value::Object(more)) = part.native_for(&self.origin) {
            extend(&mut wire, more);
        }
        Ok(wire)
    }

    /// Media as bare base64; audio goes the way of images.
    fn media(&mut self, media: &Media) -> Result<Option<String>> {
        let (setting, capability) = match media.kind {
            MediaKind::Image => ("image", Capability::ImageInput),
            MediaKind::Audio => ("audio", Capability::AudioInput),
            MediaKind::Video => ("video", Capability::VideoInput),
            _ => ("document", Capability::DocumentInput),
        };
        if !self.policy.allows(true, setting, capability)? {
            return Ok(None);
        }
        let never = match setting {
            "video" => Some("is not taken by Ollama; send some of its frames as images"),
            "document" => Some("is not taken by Ollama; send its text"),
            _ => None,
        };
        if let Some(why) = never {
            self.policy.feature(setting, why)?;
            return Ok(None);
        }
        if media.detail.is_some() {
            self.policy.knob("media.detail", "is unknown to Ollama")?;
        }
        match &media.source {
            MediaSource::Bytes(bytes) => Ok(Some(media::encode(bytes))),
            MediaSource::Url(url) => match media::parse_data_url(url) {
                Some((_, bytes)) => Ok(Some(media::encode(&bytes))),
                None => {
                    let refused = self
                        .policy
                        .feature(setting, "can't be given by URL: Ollama fetches nothing");
                    refused.map_err(|error| {
                        error.with_help("Download the file and send its bytes.")
                    })?;
                    Ok(None)
                }
            },
            _ => {
                self.policy
                    .feature(setting, "can't be given by file id: Ollama keeps no files")?;
                Ok(None)
            }
        }
    }
}

/// Adds text to a message's content.
fn join(content: &mut String, text: &str, role: Role) {
    if role != Role::Assistant && !content.is_empty() && !text.is_empty() {
        content.push_str("\n\n");
    }
    content.push_str(text);
}

/// Puts leftovers on a message; a role that core has no word for is one.
fn extend(wire: &mut WireMessage, more: &Map<String, Value>) {
    const OWN: [&str; 6] = [
        "content",
        "thinking",
        "images",
        "tool_calls",
        "tool_name",
        "tool_call_id",
    ];
    for (key, value) in more {
        match (key.as_str(), value) {
            ("role", Value::String(role)) => wire.role.clone_from(role),
            (key, _) if OWN.contains(&key) => {}
            _ => {
                wire.rest.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A call's arguments if they are an object, as the model wrote them.
pub(crate) fn arguments(call: &ToolCall) -> Option<Box<RawValue>> {
    match call.arguments.parse() {
        Ok(Value::Object(map)) if map.is_empty() => to_raw_value(&map).ok(),
        Ok(Value::Object(_)) => RawValue::from_string(call.arguments.text.trim().to_owned()).ok(),
        _ => None,
    }
}

/// Arguments that are no object, within one.
pub(crate) fn wrapped(call: &ToolCall) -> Result<Box<RawValue>> {
    let input = match call.arguments.parse() {
        Ok(value) => value,
        Err(error) => Value::String(error.text),
    };
    to_raw_value(&json!({ "input": input })).map_err(|error| Error::decode(error.to_string()))
}
