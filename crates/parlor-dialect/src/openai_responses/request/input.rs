//! The conversation written as items.

use super::super::forms;
use super::super::quirks::{Instructions, Quirks};
use super::super::response::is_of_client;
use super::super::response::scope::Scope;
use super::super::response::write::{Items, Left, is_content};
use super::super::wire::{Object, block, kind_of};
use super::{media, outputs};
use crate::calls::{object_text, short_id};
use crate::client_tools::ClientTools;
use crate::dialect::Target;
use crate::openai_chat::{CacheStyle, cache_field};
use crate::policy::Policy;
use crate::profile::ReasoningReplay;
use parlor_core::{
    Arguments, CacheHint, ChatRequest, Citation, Executor, Media, Message, Origin, Part, Result,
    Role, Text, ToolResult,
};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The key in a system message's native item for the role it was said in.
pub(super) const ROLE: &str = "role";

/// The most characters of a call's id: the API refuses longer ones, its own too.
const CALL_ID_LIMIT: usize = 64;

/// Writes a conversation.
pub(super) struct Writer<'w, 'p> {
    target: &'w Target<'w>,
    quirks: &'w Quirks,
    own: Own,
    /// The tools in forms of this origin's own.
    tools: &'w ClientTools,
    policy: &'w mut Policy<'p>,
    items: Vec<Object>,
    /// The types of calls by their ids, where results go by them.
    calls: BTreeMap<String, String>,
}

/// What goes back to its own origin.
struct Own {
    origin: Origin,
    /// Thoughts go back encrypted or by the id of a kept one, and not else.
    signed: bool,
    kept: bool,
    /// Thoughts of any origin go back, since the family wants them.
    all_thoughts: bool,
}

impl Scope for Own {
    fn native<'p>(&self, part: &'p Part) -> Option<&'p Value> {
        part.native_for(&self.origin)
    }

    fn citation(&self, citation: &Citation) -> Option<Value> {
        let native = citation.native.as_deref();
        let own = native.filter(|it| it.origin == self.origin);
        own.map(|it| it.item.clone())
    }

    fn takes_thoughts(&self, head: Option<&Object>) -> bool {
        let said = |key: &str| {
            let value = head.and_then(|it| it.get(key)).and_then(Value::as_str);
            value.is_some_and(|it| !it.is_empty())
        };
        match self.signed {
            true => said("encrypted_content") || (self.kept && said("id")),
            false => head.is_some() || self.all_thoughts,
        }
    }

    fn plain_thoughts(&self) -> &'static str {
        "reasoning_text"
    }

    fn media(&self, _: &Media) -> Option<Object> {
        None
    }
}

impl<'w, 'p> Writer<'w, 'p> {
    pub(super) fn new(
        target: &'w Target<'w>,
        quirks: &'w Quirks,
        origin: Origin,
        kept: bool,
        tools: &'w ClientTools,
        policy: &'w mut Policy<'p>,
    ) -> Self {
        Self {
            target,
            quirks,
            own: Own {
                origin,
                signed: quirks.signed_reasoning,
                kept,
                all_thoughts: false,
            },
            tools,
            policy,
            items: Vec::new(),
            calls: BTreeMap::new(),
        }
    }

    /// Writes the instructions and the items.
    pub(super) fn write(&mut self, request: &ChatRequest) -> Result<(Option<String>, Vec<Object>)> {
        let mut instructions: Vec<String> = Vec::new();
        for message in &request.messages {
            if message.name.is_some() {
                self.policy
                    .knob("messages.name", "has no place in this dialect")?;
            }
            match message.role {
                Role::System if self.items.is_empty() && self.is_instructions(message) => {
                    instructions.push(message.text());
                }
                Role::System => {
                    let role = self.own_role(message);
                    let usual = match self.target.profile.developer_role {
                        true => "developer",
                        false => "system",
                    };
                    self.said(role.unwrap_or(usual), message)?;
                }
                Role::Assistant => self.assistant(message)?,
                Role::User | Role::Tool => self.said("user", message)?,
            }
        }
        if self.own.signed {
            let mut follows = false;
            let mut kept = std::mem::take(&mut self.items);
            kept.reverse();
            kept.retain(|item| is_kept(item, &mut follows));
            kept.reverse();
            self.items = kept;
        }
        for item in &mut self.items {
            if let Some(Value::String(id)) = item.get_mut("call_id")
                && let Cow::Owned(short) = short_id(id, CALL_ID_LIMIT)
            {
                *id = short;
            }
        }
        let instructions = (!instructions.is_empty()).then(|| instructions.join("\n\n"));
        Ok((instructions, std::mem::take(&mut self.items)))
    }

    /// The role that a system message had where it came from.
    fn own_role<'m>(&self, message: &'m Message) -> Option<&'m str> {
        let native = message.native.as_deref();
        let own = native.filter(|it| it.origin == self.own.origin)?;
        own.item.get(ROLE)?.as_str()
    }

    /// Whether a system message may go to `instructions`: a text and no more.
    fn is_instructions(&self, message: &Message) -> bool {
        let plain = |part: &Part| match part {
            Part::Text(text) => text.cache.is_none() && self.own.native(part).is_none(),
            _ => false,
        };
        self.quirks.instructions == Instructions::Field
            && self.own_role(message).is_none()
            && message.parts.iter().all(plain)
    }

    /// What a user, a tool or the system says: results are items of their own.
    fn said(&mut self, role: &str, message: &Message) -> Result<()> {
        let mut content: Vec<Value> = Vec::new();
        let rest = message.native.as_deref();
        let rest = rest.filter(|it| it.origin == self.own.origin);
        let rest = rest.and_then(|it| it.item.as_object()).cloned();
        let rest = rest.unwrap_or_default();
        for part in &message.parts {
            match part {
                Part::ToolResult(result) => {
                    self.message(role, std::mem::take(&mut content), &rest);
                    let item = self.result(part, result)?;
                    self.items.extend(item);
                }
                Part::Native(_) => match self.own.native(part).and_then(Value::as_object) {
                    Some(item) if is_content(item) => content.push(item.clone().into()),
                    Some(item) => {
                        let item = item.clone();
                        self.message(role, std::mem::take(&mut content), &rest);
                        self.items.push(item);
                    }
                    None => self.foreign()?,
                },
                part => content.extend(self.given(part)?.map(Value::Object)),
            }
        }
        self.message(role, content, &rest);
        Ok(())
    }

    /// A message of this content, in its shortest form: one plain text is a
    /// text.
    fn message(&mut self, role: &str, mut content: Vec<Value>, rest: &Object) {
        if content.is_empty() {
            return;
        }
        let mut item = block("message");
        item.insert(ROLE.to_owned(), role.into());
        let text = match content.as_mut_slice() {
            [Value::Object(only)] if only.len() == 2 => only.get_mut("text"),
            _ => None,
        };
        let content = match text {
            Some(text) => text.take(),
            None => Value::Array(content),
        };
        item.insert("content".to_owned(), content);
        let rest = rest.iter().filter(|(key, _)| *key != ROLE);
        item.extend(rest.map(|(key, value)| (key.clone(), value.clone())));
        self.items.push(item);
    }

    /// A part of what is said to the model.
    fn given(&mut self, part: &Part) -> Result<Option<Object>> {
        let (mut content, hint) = match part {
            Part::Text(Text { text, cache, .. }) => (text_content(text), cache.as_ref()),
            Part::Refusal(refusal) => (text_content(&refusal.text), None),
            Part::Media(it) => match media::write(it, self.quirks, self.policy)? {
                Some(content) => (content, it.cache.as_ref()),
                None => return Ok(None),
            },
            Part::Source(source) => {
                let texts = [&source.title, &source.url, &source.snippet];
                let texts: Vec<&str> = texts.into_iter().flatten().map(String::as_str).collect();
                (text_content(&texts.join("\n")), None)
            }
            _ => {
                self.policy
                    .knob("messages", "of this role can't hold such a part")?;
                return Ok(None);
            }
        };
        self.mark(&mut content, hint);
        if let Some(Value::Object(rest)) = self.own.native(part) {
            content.extend(rest.clone());
        }
        Ok(Some(content))
    }

    fn mark(&mut self, content: &mut Object, hint: Option<&CacheHint>) {
        if let Some(hint) = hint.filter(|_| self.quirks.cache_breakpoints)
            && let Some((field, value)) = cache_field(hint, CacheStyle::Breakpoint, self.policy)
        {
            content.insert(field.to_owned(), value);
        }
    }

    /// What a tool answered: in the form that its call's type wants.
    fn result(&mut self, part: &Part, result: &ToolResult) -> Result<Option<Object>> {
        let native = self.own.native(part).and_then(Value::as_object);
        let kind = native.map(kind_of).unwrap_or_default();
        if !matches!(kind, "" | "custom_tool_call_output") {
            return Ok(native.cloned());
        }
        let call = self.calls.get(&result.call_id).map(String::as_str);
        if let Some(call) = call.filter(|it| is_of_client(it)) {
            return Ok(Some(outputs::write(call, result)));
        }
        let kind = match (call, kind) {
            (_, "custom_tool_call_output") | (Some("custom_tool_call"), _) => {
                "custom_tool_call_output"
            }
            _ => "function_call_output",
        };
        self.policy.unmarked_failure(result);
        let mut item = block(kind);
        item.insert("call_id".to_owned(), result.call_id.as_str().into());
        let mut output = Vec::new();
        let media = self.quirks.tool_media;
        for part in &result.parts {
            match part {
                Part::Media(_) if !media => {
                    let why = "can't be in a tool's result at this host";
                    self.policy.feature("messages.media", why)?;
                }
                Part::Native(_) => match self.own.native(part) {
                    Some(own) => output.push(own.clone()),
                    None => self.foreign()?,
                },
                part => output.extend(self.given(part)?.map(Value::Object)),
            }
        }
        let output = match output.as_mut_slice() {
            [] => "".into(),
            [Value::Object(only)] if only.len() == 2 && kind_of(only) == "input_text" => {
                only.get_mut("text").map(Value::take).unwrap_or_default()
            }
            _ => Value::Array(output),
        };
        item.insert("output".to_owned(), output);
        for (key, value) in native.into_iter().flatten() {
            item.insert(key.clone(), value.clone());
        }
        Ok(Some(item))
    }

    fn assistant(&mut self, message: &Message) -> Result<()> {
        let called = message.tool_calls().next().is_some();
        self.own.all_thoughts = match self.target.profile.replay {
            ReasoningReplay::Always => true,
            ReasoningReplay::ToolTurns => called,
            _ => false,
        };
        let mut written = Items::default();
        for part in &message.parts {
            let restored = forms::restored(part, &self.own, self.tools, &self.own.origin);
            let suited = restored.or_else(|| self.with_object(part));
            match suited.as_ref().unwrap_or(part) {
                Part::ToolResult(result) if result.executor == Executor::Client => {
                    self.items.append(&mut written.items);
                    written = Items::default();
                    let item = self.result(part, result)?;
                    self.items.extend(item);
                }
                part => match written.put(part, &self.own) {
                    None => {}
                    Some(Left::Foreign) => self.foreign()?,
                    Some(Left::ProviderRun) => {
                        let why = "hold a call that another provider ran, which is left out";
                        self.policy.knob("messages.tool_call", why)?;
                    }
                    Some(Left::Media) => {
                        let why = "can't stand in what the assistant said";
                        self.policy.knob("messages.media", why)?;
                    }
                },
            }
            if let Part::ToolCall(call) = part
                && let Some(item) = written.items.last()
            {
                let kind = kind_of(item).to_owned();
                self.calls.insert(call.id.clone(), kind);
            }
        }
        written.items.iter_mut().for_each(shorten);
        self.items.append(&mut written.items);
        Ok(())
    }

    /// A call whose arguments are no object, with them in one.
    fn with_object(&mut self, part: &Part) -> Option<Part> {
        let Part::ToolCall(call) = part else {
            return None;
        };
        let (text, is_object) = object_text(&call.arguments);
        if is_object || call.executor != Executor::Client {
            return None;
        }
        let note = "arguments that are no JSON object were put in one";
        self.policy.coerced("messages.tool_call", note);
        let mut call = call.clone();
        call.arguments = Arguments::json(text);
        Some(call.into())
    }

    fn foreign(&mut self) -> Result<()> {
        let why = "of another provider are left out";
        self.policy.knob("messages.native", why)
    }
}

/// Whether an item may be sent, where what comes after it was asked before: thoughts
/// without what they led to are refused, as those of an answer that was cut.
fn is_kept(item: &Object, follows: &mut bool) -> bool {
    match kind_of(item) {
        "reasoning" => return *follows,
        "message" => *follows = item.get(ROLE).is_some_and(|it| it == "assistant"),
        kind => *follows = !kind.ends_with("_output"),
    }
    true
}

fn text_content(text: &str) -> Object {
    let mut content = block("input_text");
    content.insert("text".to_owned(), text.into());
    content
}

/// Brings a message of the assistant's to its shortest form: without fields of
/// its own, one plain text is a text. With an id it is an item of an answer,
/// whose texts name their annotations.
fn shorten(item: &mut Object) {
    if kind_of(item) != "message" {
        return;
    }
    let own = item.contains_key("id") || item.contains_key("status");
    let Some(Value::Array(contents)) = item.get_mut("content") else {
        return;
    };
    if own {
        for content in contents.iter_mut().filter(|it| it["type"] == "output_text") {
            if let Value::Object(content) = content {
                content.entry("annotations").or_insert_with(|| json!([]));
            }
        }
        return;
    }
    if let [Value::Object(only)] = contents.as_mut_slice()
        && only.len() == 2
        && kind_of(only) == "output_text"
        && let Some(text) = only.get_mut("text")
    {
        let text = text.take();
        item.insert("content".to_owned(), text);
    }
}
