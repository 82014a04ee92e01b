//! Messages as `systemInstruction` and `contents`.

use super::family::Family;
use crate::gemini::wire::media::{RESOLUTION, write_media};
use crate::gemini::wire::part;
use crate::gemini::{CallIds, Quirks};
use crate::{Policy, Profile, ReasoningReplay, json};
use parlor_core::{
    Capability, Executor, Media, MediaKind, Message, Origin, Part, Result, Role, ToolCall,
    ToolResult,
};
use serde::ser::{Error as _, SerializeMap};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

/// In a message's native item: it goes on with the content before it.
pub(super) const JOINED: &str = "joined";

/// Builds the contents of a request.
pub(super) struct Contents<'a> {
    origin: &'a Origin,
    profile: &'a Profile,
    quirks: &'a Quirks,
    family: &'a Family,
    system: Option<Map<String, Value>>,
    contents: Vec<Content<'a>>,
    /// The calls so far: id, name, and the id on the wire.
    calls: Vec<(&'a str, &'a str, Option<&'a str>)>,
    cache_told: bool,
}

/// One content, written straight from what it borrows.
pub(super) struct Content<'a> {
    role: &'static str,
    parts: Vec<Said<'a>>,
    native: Map<String, Value>,
    is_tool: bool,
}

impl Serialize for Content<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        if self.native.is_empty() {
            let mut out = serializer.serialize_map(Some(2))?;
            out.serialize_entry("role", self.role)?;
            out.serialize_entry("parts", &self.parts)?;
            return out.end();
        }
        let parts = serde_json::to_value(&self.parts).map_err(S::Error::custom)?;
        let mut out = Map::with_capacity(2);
        out.insert("role".to_owned(), self.role.into());
        out.insert("parts".to_owned(), parts);
        json::merge(&mut out, &self.native);
        out.serialize(serializer)
    }
}

impl<'a> Contents<'a> {
    pub(super) fn new(
        origin: &'a Origin,
        profile: &'a Profile,
        quirks: &'a Quirks,
        family: &'a Family,
    ) -> Self {
        Self {
            origin,
            profile,
            quirks,
            family,
            system: None,
            contents: Vec::new(),
            calls: Vec::new(),
            cache_told: false,
        }
    }

    /// Adds a message.
    ///
    /// # Errors
    /// As [`Policy::feature`] and [`Policy::knob`].
    pub(super) fn message(&mut self, message: &'a Message, policy: &mut Policy<'_>) -> Result<()> {
        if message.name.is_some() {
            policy.knob("messages.name", "has no place in this dialect")?;
        }
        let native = message.native.as_deref();
        let native = native.filter(|it| it.origin == *self.origin);
        let mut native = match native.map(|it| &it.item) {
            Some(Value::Object(item)) => item.clone(),
            _ => Map::new(),
        };
        let joined = native.shift_remove(JOINED).is_some();
        let role = match message.role {
            Role::System => return self.system(message, native, policy),
            Role::User | Role::Tool => "user",
            Role::Assistant => "model",
        };
        let replay = match self.profile.replay {
            ReasoningReplay::Never => false,
            ReasoningReplay::ToolTurns => message.tool_calls().next().is_some(),
            ReasoningReplay::Always => true,
        };
        let mut parts = Vec::new();
        for part in &message.parts {
            self.part(part, replay, &mut parts, policy)?;
        }
        if parts.is_empty() {
            return Ok(());
        }
        let is_tool = message.role == Role::Tool;
        // All results of one turn belong in one content.
        match self.contents.last_mut() {
            Some(last) if last.role == role && (joined || (is_tool && last.is_tool)) => {
                last.parts.append(&mut parts);
                last.is_tool &= is_tool;
                json::merge(&mut last.native, &native);
            }
            _ => self.contents.push(Content {
                role,
                parts,
                native,
                is_tool,
            }),
        }
        Ok(())
    }

    fn system(
        &mut self,
        message: &'a Message,
        native: Map<String, Value>,
        policy: &mut Policy<'_>,
    ) -> Result<()> {
        if !self.contents.is_empty() {
            let note = "instructions within the conversation go in front of it";
            policy.coerced("messages", note);
        }
        let mut parts: Vec<Said<'_>> = Vec::new();
        for part in &message.parts {
            match part {
                Part::Text(_) => self.part(part, false, &mut parts, policy)?,
                _ => policy.feature("messages", "has instructions that are no text")?,
            }
        }
        if parts.is_empty() {
            return Ok(());
        }
        let system = self.system.get_or_insert_with(Map::new);
        json::merge(system, &native);
        let all = system.entry("parts").or_insert_with(|| json!([]));
        if let Value::Array(all) = all {
            all.extend(parts.into_iter().map(Said::into_value));
        }
        Ok(())
    }

    fn part(
        &mut self,
        part: &'a Part,
        replay: bool,
        out: &mut Vec<Said<'a>>,
        policy: &mut Policy<'_>,
    ) -> Result<()> {
        let item = part.native_for(self.origin);
        if part.cache().is_some() && !std::mem::replace(&mut self.cache_told, true) {
            policy.knob(
                "messages.cache",
                "is the host's own affair; name a `cachedContent` instead",
            )?;
        }
        match part {
            // An empty text says nothing, and the host may refuse it.
            Part::Text(text) if text.text.is_empty() && item.is_none() => {}
            Part::Text(text) => out.push(match item {
                None => Said::Text(&text.text),
                Some(_) => over(json!({ "text": text.text }), item).into(),
            }),
            Part::Refusal(refusal) => out.push(Said::Text(&refusal.text)),
            Part::Reasoning(reasoning)
                if item.is_some() || (replay && !reasoning.text.is_empty()) =>
            {
                let plain = json!({"text": reasoning.text, "thought": true});
                out.push(over(plain, item).into());
            }
            Part::Media(media) => out.extend(self.media(media, item, policy)?.map(Said::Part)),
            Part::ToolCall(call) if call.executor == Executor::Client => {
                out.push(self.call(call, item, policy).into());
            }
            Part::ToolResult(result) if result.executor == Executor::Client => {
                self.result(result, item, out, policy)?;
            }
            Part::ToolCall(_) | Part::ToolResult(_) | Part::Native(_) => match item {
                Some(item) => out.push(item.clone().into()),
                None => match part {
                    Part::Native(_) => {
                        policy.knob("messages.native", "of another provider are left out")?;
                    }
                    _ => {
                        let why = "that another provider ran is left out";
                        policy.knob("messages.tool_call", why)?;
                    }
                },
            },
            // Thoughts of another model are for reading only, and a source is
            // what an answer rested on: the answer's text stays.
            _ => {}
        }
        Ok(())
    }

    fn media(
        &self,
        media: &Media,
        item: Option<&Value>,
        policy: &mut Policy<'_>,
    ) -> Result<Option<Value>> {
        let (setting, capability) = match media.kind {
            MediaKind::Image => ("image", Capability::ImageInput),
            MediaKind::Audio => ("audio", Capability::AudioInput),
            MediaKind::Video => ("video", Capability::VideoInput),
            _ => ("document", Capability::DocumentInput),
        };
        if !policy.allows(true, setting, capability)? {
            return Ok(None);
        }
        let mut part = Value::Object(write_media(media)?);
        match media.detail.as_deref() {
            None | Some("auto") => {}
            // What came from here has it in its item.
            Some(_) if item.is_some_and(|it| it.get("mediaResolution").is_some()) => {}
            Some(detail @ ("low" | "medium" | "high" | "ultra_high"))
                if self.family.media_resolution =>
            {
                let level = format!("{RESOLUTION}{}", detail.to_ascii_uppercase());
                part["mediaResolution"] = json!({ "level": level });
            }
            Some(detail) => {
                policy.knob("detail", &format!("`{detail}` is not known to this model"))?;
            }
        }
        Ok(Some(over(part, item)))
    }

    /// A call; its id goes back only when it came from here, since one of the
    /// hosts refuses ids and needs none.
    fn call(
        &mut self,
        call: &'a ToolCall,
        item: Option<&'a Value>,
        policy: &mut Policy<'_>,
    ) -> Value {
        let arguments = match call.arguments.parse() {
            Ok(Value::Object(map)) => Value::Object(map),
            other => {
                let note = format!(
                    "the arguments of the call `{}` are no object; they go in one",
                    call.id
                );
                policy.coerced("messages", note);
                json!({ "input": other.unwrap_or_else(|error| Value::String(error.text)) })
            }
        };
        let own = item.and_then(|it| part::own_id(it, "functionCall"));
        let id = match self.quirks.call_ids {
            CallIds::WhenGiven => own,
            CallIds::Always => Some(own.unwrap_or(&call.id)),
            CallIds::Never => None,
        };
        self.calls.push((&call.id, &call.name, id));
        let plain = json!({"functionCall": {"name": call.name, "args": arguments}});
        with_id(over(plain, item), "functionCall", id)
    }

    fn result(
        &self,
        result: &'a ToolResult,
        item: Option<&'a Value>,
        out: &mut Vec<Said<'a>>,
        policy: &mut Policy<'_>,
    ) -> Result<()> {
        let call = self.calls.iter().rev().find(|it| it.0 == result.call_id);
        let name = match (&result.name, call) {
            (Some(name), _) => name,
            (None, Some((_, name, _))) => *name,
            (None, None) => {
                let note = format!("the result of `{}` has no call and no name", result.call_id);
                policy.coerced("messages", note);
                &*result.call_id
            }
        };
        let own = || item.and_then(|it| part::own_id(it, "functionResponse"));
        let id = match (self.quirks.call_ids, call) {
            (CallIds::Never, _) => None,
            (_, Some((_, _, id))) => *id,
            (CallIds::Always, None) => Some(own().unwrap_or(&result.call_id)),
            (CallIds::WhenGiven, None) => own(),
        };
        let mut function = json!({"name": name, "response": part::write_result(result)});
        let (mut within, mut beside) = (Vec::new(), Vec::new());
        for part in &result.parts {
            let Part::Media(media) = part else {
                if !matches!(part, Part::Text(_)) {
                    policy.knob(
                        "messages",
                        "has a tool's result that is neither text nor media",
                    )?;
                }
                continue;
            };
            let written = self.media(media, part.native_for(self.origin), policy)?;
            match self.family.media_in_results {
                true => within.extend(written),
                false => beside.extend(written),
            }
        }
        if !within.is_empty() {
            function["parts"] = within.into();
        }
        if !beside.is_empty() {
            let note = "this model takes no media in a tool's result; it goes beside it";
            policy.coerced("messages", note);
        }
        let plain = json!({ "functionResponse": function });
        out.push(with_id(over(plain, item), "functionResponse", id).into());
        out.extend(beside.into_iter().map(Said::Part));
        Ok(())
    }

    /// The system instruction, if there is one, and the contents.
    pub(super) fn finish(mut self) -> (Option<Value>, Vec<Content<'a>>) {
        if self.family.wants_signatures {
            self.sign();
        }
        (self.system.map(Value::Object), self.contents)
    }

    /// In the current turn the first call of each step needs a signature; one
    /// that another model made, or none, gets the dummy.
    fn sign(&mut self) {
        let is_result = |part: &Said<'_>| part.get("functionResponse").is_some();
        let asks = |it: &Content<'_>| it.role == "user" && !it.parts.iter().any(is_result);
        let turn = self.contents.iter().rposition(asks).map_or(0, |at| at + 1);
        for content in self.contents.iter_mut().skip(turn) {
            let mut parts = content.parts.iter_mut();
            let call = parts.find(|it| it.get("functionCall").is_some());
            if let Some(Said::Part(Value::Object(call))) = call {
                call.entry("thoughtSignature")
                    .or_insert_with(|| json!(self.quirks.dummy_signature));
            }
        }
    }
}

/// One part. A text that nothing hangs on needs no tree of its own.
enum Said<'a> {
    Text(&'a str),
    Part(Value),
}

impl Said<'_> {
    fn get(&self, field: &str) -> Option<&Value> {
        match self {
            Self::Text(_) => None,
            Self::Part(part) => part.get(field),
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Text(text) => json!({ "text": text }),
            Self::Part(part) => part,
        }
    }
}

impl From<Value> for Said<'_> {
    fn from(part: Value) -> Self {
        Self::Part(part)
    }
}

impl Serialize for Said<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.collect_map([("text", text)]),
            Self::Part(part) => part.serialize(serializer),
        }
    }
}

/// A part with its native item merged over it.
fn over(mut part: Value, item: Option<&Value>) -> Value {
    if let (Value::Object(part), Some(Value::Object(item))) = (&mut part, item) {
        json::merge(part, item);
    }
    part
}

fn with_id(mut part: Value, field: &str, id: Option<&str>) -> Value {
    if let Some(fields) = part.get_mut(field).and_then(Value::as_object_mut) {
        match id {
            Some(id) => {
                fields.insert("id".to_owned(), json!(id));
            }
            None => {
                fields.shift_remove("id");
            }
        }
    }
    part
}
