//! From core's messages to the dialect's.

use super::super::quirks::{CallIds, Instructions, Quirks};
use super::super::wire::request::{Content, ContentPart, Message as Wire};
use super::alternate::{let_user_begin, merge_neighbours, speak_after_results};
use super::media;
use crate::calls::short_id;
use crate::dialect::Target;
use crate::json::merge;
use crate::opening::OPENING_NOTE;
use crate::policy::Policy;
use crate::profile::{Profile, ReasoningReplay};
use parlor_core::{ChatRequest, Effort, Executor, Message, Origin, Part, Result, Role, ToolResult};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Writes messages for a host and a model.
pub(super) struct MessageWriter<'w, 'p, 'a> {
    pub(super) quirks: &'w Quirks,
    pub(super) profile: &'w Profile,
    pub(super) replay: ReasoningReplay,
    pub(super) origin: &'w Origin,
    pub(super) policy: &'w mut Policy<'p>,
    out: Vec<Wire<'a>>,
    /// Media of tool results, which the host takes from users alone; it waits
    /// until all results are written.
    moved: Vec<ContentPart<'a>>,
    pub(super) reasoning_off: bool,
}

impl<'w, 'p, 'a> MessageWriter<'w, 'p, 'a> {
    pub(super) fn new(
        quirks: &'w Quirks,
        target: &Target<'w>,
        origin: &'w Origin,
        keeps_reasoning: bool,
        policy: &'w mut Policy<'p>,
    ) -> Self {
        Self {
            quirks,
            profile: target.profile,
            replay: match keeps_reasoning {
                true => ReasoningReplay::Always,
                false => target.profile.replay,
            },
            origin,
            policy,
            out: Vec::new(),
            moved: Vec::new(),
            reasoning_off: false,
        }
    }

    pub(super) fn write(mut self, request: &'a ChatRequest) -> Result<Vec<Wire<'a>>> {
        let effort = request.reasoning.as_ref().and_then(|it| it.effort.as_ref());
        self.reasoning_off = effort == Some(&Effort::Off);
        for message in &request.messages {
            match message.role {
                Role::System => self.system(message)?,
                Role::User | Role::Tool => self.user(message)?,
                Role::Assistant => self.assistant(message)?,
            }
        }
        self.give_moved();
        if self.quirks.alternate {
            self.out = merge_neighbours(self.out);
            if let_user_begin(&mut self.out) {
                self.policy.coerced("messages", OPENING_NOTE);
            }
        }
        if self.quirks.assistant_after_tools && speak_after_results(&mut self.out) {
            let message = "the assistant says a word between results and the user";
            self.policy.coerced("messages", message);
        }
        if let Some(hint) = &request.cache {
            self.cache_whole(hint);
        }
        let field = &self.quirks.prefill_field;
        if let Some(last) = self.out.last_mut()
            && !field.is_empty()
            && last.role == "assistant"
            && last.tool_calls.is_none()
        {
            last.rest.insert(field.clone(), true.into());
        }
        Ok(self.out)
    }

    pub(super) fn push(&mut self, mut wire: Wire<'a>, message: &'a Message) {
        self.give_moved();
        if let Some(name) = &message.name {
            match self.quirks.message_name {
                true => wire.name = Some(name.as_str().into()),
                false => self
                    .policy
                    .coerced("name", "names are not known to this host"),
            }
        }
        if let Some(native) = message
            .native
            .as_deref()
            .filter(|it| it.origin == *self.origin)
            && let Value::Object(item) = &native.item
        {
            merge(&mut wire.rest, item);
        }
        self.out.push(wire);
    }

    fn system(&mut self, message: &'a Message) -> Result<()> {
        let mut parts = Vec::new();
        for part in &message.parts {
            match part {
                Part::Text(_) | Part::Native(_) => parts.extend(self.content_part(part)?),
                Part::Media(_) => self
                    .policy
                    .feature("media", "can't stand in instructions")?,
                _ => {}
            }
        }
        let developer = match self.quirks.instructions {
            Instructions::ByModel => self.profile.developer_role,
            Instructions::System => false,
            Instructions::Developer => true,
        };
        let wire = Wire {
            role: if developer { "developer" } else { "system" }.into(),
            content: self.content(parts, "\n\n"),
            ..Wire::default()
        };
        self.push(wire, message);
        Ok(())
    }

    /// A user's message, or results of tools, or both: results go first.
    fn user(&mut self, message: &'a Message) -> Result<()> {
        let mut parts = Vec::new();
        let mut results = false;
        for part in &message.parts {
            match part {
                Part::ToolResult(result) if result.executor == Executor::Client => {
                    results = true;
                    self.result(part, result, message)?;
                }
                Part::ToolResult(_) | Part::ToolCall(_) | Part::Reasoning(_) | Part::Source(_) => {}
                _ => parts.extend(self.content_part(part)?),
            }
        }
        if parts.is_empty() && (results || message.role == Role::Tool) {
            return Ok(());
        }
        let wire = Wire {
            role: "user".into(),
            content: self.content(parts, "\n\n"),
            ..Wire::default()
        };
        self.push(wire, message);
        Ok(())
    }

    /// Written one message each.
    fn result(
        &mut self,
        part: &'a Part,
        result: &'a ToolResult,
        message: &'a Message,
    ) -> Result<()> {
        self.policy.unmarked_failure(result);
        let mut parts = Vec::new();
        let mut moved = Vec::new();
        for part in &result.parts {
            let is_media = matches!(part, Part::Media(_)) && !self.quirks.tool_media;
            let list = if is_media { &mut moved } else { &mut parts };
            list.extend(self.content_part(part)?);
        }
        if !moved.is_empty() {
            let message = "media of tool results follows in a user message";
            self.policy.coerced("media", message);
            let intro = format!("Result of tool call {}:", result.call_id);
            self.moved.push(ContentPart::text(intro));
            self.moved.append(&mut moved);
        }
        let item = part.native_for(self.origin).and_then(Value::as_object);
        let legacy = item.is_some_and(|it| it.get("role").is_some_and(|it| it == "function"));
        let mut wire = Wire {
            role: if legacy { "function" } else { "tool" }.into(),
            content: self.content(parts, "\n\n"),
            tool_call_id: (!legacy).then(|| self.call_id(&result.call_id)),
            ..Wire::default()
        };
        if legacy || self.quirks.tool_name {
            wire.name = result.name.as_deref().map(Into::into);
        }
        if let Some(hint) = &result.cache {
            self.cache_last(&mut wire.content, hint);
        }
        for item in [item, self.own(message)].into_iter().flatten() {
            let mut item = item.clone();
            item.remove("role");
            if let Some(Value::String(name)) = item.remove("name") {
                wire.name = Some(name.into());
            }
            merge(&mut wire.rest, &item);
        }
        self.out.push(wire);
        Ok(())
    }

    pub(super) fn own(&self, message: &'a Message) -> Option<&'a Map<String, Value>> {
        let native = message.native.as_deref()?;
        (native.origin == *self.origin)
            .then(|| native.item.as_object())
            .flatten()
    }

    /// Writes a part of a content; `None` where it is left out.
    pub(super) fn content_part(&mut self, part: &'a Part) -> Result<Option<ContentPart<'a>>> {
        let written = match part {
            Part::Text(text) => Some(ContentPart::text(&text.text)),
            Part::Refusal(refusal) => Some(ContentPart::text(&refusal.text)),
            Part::Media(it) => media::write(it, self.quirks, self.policy)?,
            Part::Native(native) if native.origin == *self.origin => {
                let mut rest = native.item.as_object().cloned().unwrap_or_default();
                let kind = match rest.remove("type") {
                    Some(Value::String(kind)) => kind,
                    _ => String::new(),
                };
                return Ok(Some(ContentPart {
                    kind: kind.into(),
                    text: None,
                    rest,
                }));
            }
            Part::Native(_) => {
                let why = "of another provider are left out";
                self.policy.knob("messages.native", why)?;
                None
            }
            _ => None,
        };
        let Some(mut written) = written else {
            return Ok(None);
        };
        if let Some(Value::Object(item)) = part.native_for(self.origin) {
            merge(&mut written.rest, item);
        }
        if let Some(hint) = part.cache()
            && let Some((field, value)) = media::cache_field(hint, self.quirks.cache, self.policy)
        {
            written.rest.insert(field.to_owned(), value);
        }
        Ok(Some(written))
    }

    /// One plain text as it is; several as a list or joined, as the host likes.
    pub(super) fn content(&self, mut parts: Vec<ContentPart<'a>>, glue: &str) -> Content<'a> {
        let all_plain = parts.iter().all(|it| it.plain().is_some());
        if parts.len() > 1 && !all_plain {
            // An empty text beside other parts says nothing, and some hosts
            // refuse it.
            parts.retain(|it| it.plain() != Some(""));
        }
        match parts.as_mut_slice() {
            [] => Content::Text("".into()),
            [one] if all_plain => Content::Text(one.text.take().unwrap_or_default()),
            several if all_plain && !self.quirks.text_parts => {
                let texts: Vec<&str> = several.iter().filter_map(|it| it.plain()).collect();
                Content::Text(texts.join(glue).into())
            }
            _ => Content::Parts(parts),
        }
    }

    /// A call's id as the host wants ids; the same for a call and its result.
    pub(super) fn call_id(&self, id: &'a str) -> Cow<'a, str> {
        let fits = id.len() == 9 && id.bytes().all(|it| it.is_ascii_alphanumeric());
        match self.quirks.call_ids {
            CallIds::Nine if !fits => nine(id).into(),
            CallIds::Forty => short_id(id, 40),
            _ => id.into(),
        }
    }

    /// The media of tool results, as a user's message.
    fn give_moved(&mut self) {
        if !self.moved.is_empty() {
            self.out.push(Wire {
                role: "user".into(),
                content: Content::Parts(std::mem::take(&mut self.moved)),
                ..Wire::default()
            });
        }
    }

    /// A hint on the last part of the last message.
    fn cache_whole(&mut self, hint: &parlor_core::CacheHint) {
        if let Some(mut last) = self.out.pop() {
            self.cache_last(&mut last.content, hint);
            self.out.push(last);
        }
    }

    fn cache_last(&mut self, content: &mut Content<'a>, hint: &parlor_core::CacheHint) {
        let Some((field, value)) = media::cache_field(hint, self.quirks.cache, self.policy) else {
            return;
        };
        if let Content::Text(text) = content {
            *content = Content::Parts(vec![ContentPart::text(std::mem::take(text))]);
        }
        if let Content::Parts(parts) = content
            && let Some(last) = parts.last_mut()
        {
            last.rest.insert(field.to_owned(), value);
        }
    }
}

/// Nine letters and digits that follow from an id.
fn nine(id: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut digits = || {
        let digit = DIGITS[(hash % 62) as usize];
        hash /= 62;
        char::from(digit)
    };
    (0..9).map(|_| digits()).collect()
}
