//! Core's messages written.

use super::super::response::write::{call_object, citation, plan_of, thinking_item};
use super::super::wire::{Content, Message as Wire, Object, block, text_block};
use super::to_wire::Writer;
use crate::calls::input;
use crate::media::{data_url, sniff};
use crate::profile::ReasoningReplay;
use parlor_core::{
    Capability, ChatRequest, Executor, Media, MediaKind, MediaSource, Message, Part, Result, Role,
    Source, ToolResult,
};
use serde_json::{Map, Value, json};

/// Writes the messages, and the documents that stand in them as text.
pub(super) fn write(
    request: &ChatRequest,
    writer: &mut Writer<'_>,
) -> Result<(Vec<Wire>, Vec<Value>)> {
    let mut out = Conversation::default();
    for message in &request.messages {
        if message.name.is_some() {
            writer.knob("messages.name", "has no place in this dialect")?;
        }
        let before = out.messages.len();
        match message.role {
            Role::System => out.system(message, writer)?,
            Role::Assistant => out.assistant(message, writer)?,
            Role::User | Role::Tool => out.user(message, writer)?,
        }
        if let Some(native) = message.native.as_deref()
            && native.origin == writer.origin
            && let Value::Object(rest) = &native.item
            && let Some(first) = out.messages.get_mut(before)
        {
            first.rest.extend(rest.clone());
        }
    }
    out.give_moved();
    Ok((out.messages, out.documents))
}

#[derive(Default)]
struct Conversation {
    messages: Vec<Wire>,
    documents: Vec<Value>,
    /// Media of results, which may stand in a user's message alone; it waits
    /// until all results are written.
    moved: Vec<Object>,
}

impl Conversation {
    fn push(&mut self, wire: Wire) {
        self.give_moved();
        self.messages.push(wire);
    }

    fn give_moved(&mut self) {
        if !self.moved.is_empty() {
            let items = std::mem::take(&mut self.moved);
            self.messages.push(wire(Role::User, items));
        }
    }

    fn system(&mut self, message: &Message, writer: &mut Writer<'_>) -> Result<()> {
        let mut items = Vec::new();
        for part in &message.parts {
            match part {
                Part::Media(_) => {
                    let why = "can't stand in instructions";
                    writer.policy.feature("media", why)?;
                }
                part => items.extend(self.said(part, writer)?),
            }
        }
        self.push(wire(Role::System, items));
        Ok(())
    }

    /// A user's message, or results of tools, or both: results go first.
    fn user(&mut self, message: &Message, writer: &mut Writer<'_>) -> Result<()> {
        let (mut items, mut has_results) = (Vec::new(), false);
        for part in &message.parts {
            match part {
                Part::ToolResult(result) if result.executor == Executor::Client => {
                    has_results = true;
                    self.result(part, result, writer)?;
                }
                part => items.extend(self.said(part, writer)?),
            }
        }
        if !items.is_empty() || !(has_results || message.role == Role::Tool) {
            self.push(wire(Role::User, items));
        }
        Ok(())
    }

    /// A part that a user or a tool says.
    fn said(&mut self, part: &Part, writer: &mut Writer<'_>) -> Result<Option<Object>> {
        let native = part.native_for(&writer.origin).and_then(Value::as_object);
        let written = match part {
            // An item that core reads as text goes back as it came.
            Part::Text(_) if native.is_some_and(|it| it.contains_key("type")) => None,
            Part::Text(text) => Some(text_block(&text.text)),
            Part::Refusal(refusal) => Some(text_block(&refusal.text)),
            Part::Media(it) => match self.media(it, writer)? {
                Some(item) => Some(item),
                None => return Ok(None),
            },
            Part::Source(source) => Some(document(source)),
            Part::Native(_) if native.is_some() => None,
            Part::Native(_) => {
                writer.knob("messages.native", "of another provider are left out")?;
                return Ok(None);
            }
            _ => {
                let why = "hold what can't stand in a message of this role";
                writer.knob("messages", why)?;
                return Ok(None);
            }
        };
        let mut written = written.unwrap_or_default();
        written.extend(native.cloned().unwrap_or_default());
        Ok(Some(written))
    }

    fn result(&mut self, part: &Part, result: &ToolResult, writer: &mut Writer<'_>) -> Result<()> {
        writer.policy.unmarked_failure(result);
        let (mut items, mut moved) = (Vec::new(), Vec::new());
        for part in &result.parts {
            let list = match part {
                Part::Media(_) => &mut moved,
                _ => &mut items,
            };
            list.extend(self.said(part, writer)?);
        }
        if !moved.is_empty() {
            let message = "media of tool results follows in a user message";
            writer.coerced("media", message);
            let intro = format!("Result of tool call {}:", result.call_id);
            self.moved.push(text_block(intro));
            self.moved.append(&mut moved);
        }
        let mut message = wire(Role::Tool, items);
        message.tool_call_id = Some(result.call_id.clone());
        if let Some(Value::Object(rest)) = part.native_for(&writer.origin) {
            message.rest.extend(rest.clone());
        }
        // Results stand together; what waits comes after the last.
        self.messages.push(message);
        Ok(())
    }

    fn assistant(&mut self, message: &Message, writer: &mut Writer<'_>) -> Result<()> {
        let has_calls = message.tool_calls().next().is_some();
        let (mut items, mut calls) = (Vec::new(), Vec::new());
        let (mut plan, mut citations) = (String::new(), Vec::new());
        for part in &message.parts {
            let native = part.native_for(&writer.origin).and_then(Value::as_object);
            match part {
                Part::Text(text) if text.text.is_empty() && native.is_none() => {}
                Part::Text(text) => {
                    let index = items.len() as u64;
                    let own = text.citations.iter().filter(|it| {
                        let native = it.native.as_deref();
                        native.is_some_and(|it| it.origin == writer.origin)
                    });
                    citations.extend(own.map(|it| citation(it, &text.text, index)));
                    items.extend(self.said(part, writer)?);
                }
                Part::Refusal(_) => items.extend(self.said(part, writer)?),
                Part::Reasoning(reasoning) => {
                    let wanted = match writer.target.profile.replay {
                        ReasoningReplay::Always => true,
                        ReasoningReplay::ToolTurns => has_calls,
                        _ => false,
                    };
                    if native.is_some() || wanted {
                        let mut item = thinking_item(&reasoning.text);
                        item.extend(native.cloned().unwrap_or_default());
                        items.push(item);
                    }
                }
                Part::ToolCall(call) if call.executor == Executor::Client => {
                    let (input, is_object) = input(&call.arguments);
                    if is_object {
                        calls.push(call_object(call, native));
                        continue;
                    }
                    let message = "arguments that are no JSON object were put in one";
                    writer.coerced("messages.tool_call", message);
                    let mut call = call.clone();
                    call.arguments = input.into();
                    calls.push(call_object(&call, native));
                }
                Part::Native(_) => match (native, plan_of(part)) {
                    (Some(_), Some(text)) => plan.push_str(text),
                    _ => items.extend(self.said(part, writer)?),
                },
                Part::Media(_) => {
                    let why = "can't stand in what the assistant said";
                    writer.policy.feature("messages.media", why)?;
                }
                // What an answer rests on is for its reader, not for the model.
                Part::Source(_) => {}
                _ => {
                    let why = "hold a call that another provider ran, which is left out";
                    writer.knob("messages.tool_call", why)?;
                }
            }
        }
        let is_own = message.native.as_deref();
        let is_own = is_own.is_some_and(|it| it.origin == writer.origin);
        // Of thoughts that stay behind nothing is left, and a message of nothing is refused.
        if items.is_empty() && calls.is_empty() && plan.is_empty() && !is_own {
            return Ok(());
        }
        let mut message = wire(Role::Assistant, items);
        if has_calls && matches!(&message.content, Content::Text(text) if text.is_empty()) {
            message.content = Content::default();
        }
        message.tool_plan = (!plan.is_empty()).then_some(plan);
        message.tool_calls = (!calls.is_empty()).then_some(calls);
        message.citations = (!citations.is_empty()).then_some(citations);
        self.push(message);
        Ok(())
    }

    /// An image as an item; a document of text goes to the request's documents.
    fn media(&mut self, media: &Media, writer: &mut Writer<'_>) -> Result<Option<Object>> {
        let (setting, needs) = match media.kind {
            MediaKind::Image => ("image", Capability::ImageInput),
            MediaKind::Audio => ("audio", Capability::AudioInput),
            MediaKind::Video => ("video", Capability::VideoInput),
            _ => ("document", Capability::DocumentInput),
        };
        // The text of a document goes as text, which every model reads.
        if media.kind == MediaKind::Document {
            return self.document(media, writer).map(|()| None);
        }
        if !writer.policy.allows(true, setting, needs)? {
            return Ok(None);
        }
        if media.kind != MediaKind::Image {
            let why = "is not known to this dialect: images and documents of text are";
            writer.policy.feature(setting, why)?;
            return Ok(None);
        }
        let url = match &media.source {
            MediaSource::Url(url) => url.clone(),
            MediaSource::Bytes(bytes) => {
                let known = media.media_type.as_deref().or_else(|| sniff(bytes));
                data_url(known.unwrap_or("image/png"), bytes)
            }
            _ => {
                writer
                    .policy
                    .feature("image", "can't be named by a file id")?;
                return Ok(None);
            }
        };
        let mut inner = Map::from_iter([("url".to_owned(), Value::from(url))]);
        if let Some(detail) = &media.detail {
            inner.insert("detail".to_owned(), detail.as_str().into());
        }
        let mut image = block("image_url");
        image.insert("image_url".to_owned(), Value::Object(inner));
        Ok(Some(image))
    }

    fn document(&mut self, media: &Media, writer: &mut Writer<'_>) -> Result<()> {
        let kind = media.media_type.as_deref().unwrap_or_default();
        let is_text = kind.starts_with("text/") || kind == "application/json";
        let text = match &media.source {
            MediaSource::Bytes(bytes) if is_text => std::str::from_utf8(bytes).ok(),
            _ => None,
        };
        let Some(text) = text else {
            let why = "must be text here: send what the file says, as text";
            return writer.policy.feature("document", why);
        };
        writer.coerced(
            "document",
            "the text was sent among the request's documents",
        );
        let mut data = Map::new();
        if let Some(name) = &media.name {
            data.insert("title".to_owned(), name.as_str().into());
        }
        data.insert("text".to_owned(), text.into());
        let id = format!("doc:{}", self.documents.len());
        self.documents.push(json!({ "id": id, "data": data }));
        Ok(())
    }
}

fn wire(role: Role, items: Vec<Object>) -> Wire {
    Wire {
        role: role.as_str().to_owned(),
        content: match items.is_empty() {
            true => Content::Text(String::new()),
            false => Content::shortest(items),
        },
        ..Wire::default()
    }
}

/// What a tool found, as a document that can be cited.
fn document(source: &Source) -> Object {
    let mut data = Map::new();
    for (key, value) in [
        ("title", &source.title),
        ("url", &source.url),
        ("text", &source.snippet),
    ] {
        if let Some(value) = value {
            data.insert(key.to_owned(), value.as_str().into());
        }
    }
    let mut inner = Map::new();
    if let Some(id) = &source.url {
        inner.insert("id".to_owned(), id.as_str().into());
    }
    inner.insert("data".to_owned(), Value::Object(data));
    let mut document = block("document");
    document.insert("document".to_owned(), Value::Object(inner));
    document
}
