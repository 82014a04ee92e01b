//! The conversation written as messages of blocks.

use super::super::response::write::thoughts;
use super::super::wire::{Message, Object, block, key_of, keys};
use super::media;
use super::writer::Writer;
use crate::calls::{call_id, input};
use crate::opening::{OPENING, OPENING_NOTE};
use crate::profile::ReasoningReplay;
use parlor_core::{ChatRequest, Executor, Part, Result, Role, Text, ToolCall, ToolResult};
use serde_json::{Value, json};

/// The longest id of a call.
const ID_LIMIT: usize = 64;

/// Writes the top-level system blocks and the messages, whose roles take turns.
pub(super) fn write(
    request: &ChatRequest,
    writer: &mut Writer<'_>,
) -> Result<(Vec<Object>, Vec<Message>)> {
    let (mut system_blocks, mut messages) = (Vec::new(), Vec::<Message>::new());
    for message in &request.messages {
        if message.name.is_some() {
            writer.knob("messages.name", "has no place in this dialect")?;
        }
        let native = message.native.as_deref();
        let rest = native
            .filter(|native| native.origin == writer.origin)
            .and_then(|native| native.item.as_object());
        // A system message that stood among the others goes back there.
        let in_place = rest.is_some_and(|it| it.contains_key("role"));
        let (role, blocks) = match message.role {
            Role::System if messages.is_empty() && !in_place => {
                system_blocks.extend(system(&message.parts, writer)?);
                continue;
            }
            Role::System if in_place || writer.quirks.system_role => {
                ("system", system(&message.parts, writer)?)
            }
            Role::System => {
                let note = "system messages within the conversation were said by the user";
                writer.coerced("messages.system", note);
                let blocks = system(&message.parts, writer)?;
                ("user", blocks.into_iter().map(wrap).collect())
            }
            Role::Assistant => {
                let called = message.tool_calls().next().is_some();
                ("assistant", assistant(&message.parts, called, writer)?)
            }
            Role::User | Role::Tool => ("user", user(&message.parts, writer)?),
        };
        push(&mut messages, role, blocks);
        if let (Some(rest), Some(last)) = (rest, messages.last_mut()) {
            let rest = rest.iter().filter(|(key, _)| *key != "role");
            last.rest
                .extend(rest.map(|(key, value)| (key.clone(), value.clone())));
        }
    }
    check(&mut messages, writer)?;
    Ok((system_blocks, messages))
}

/// Adds blocks to the message whose turn it is; results of tools stand first.
fn push(messages: &mut Vec<Message>, role: &str, blocks: Vec<Object>) {
    if blocks.is_empty() {
        return;
    }
    match messages.last_mut() {
        Some(last) if last.role == role => last.content.extend(blocks),
        _ => messages.push(Message::new(role, blocks)),
    }
    if let Some(last) = messages.last_mut()
        && role == "user"
    {
        results_first(&mut last.content);
    }
}

/// Brings results of tools in front of all else, each with its cache point.
fn results_first(content: &mut Vec<Object>) {
    let is_result = |it: &Object| key_of(it) == keys::TOOL_RESULT;
    let after_other = content.iter().skip_while(|it| is_result(it));
    if !after_other.clone().any(is_result) {
        return;
    }
    let mut place = 0;
    let mut of_result = false;
    for at in 0..content.len() {
        let point = key_of(&content[at]) == keys::CACHE_POINT;
        of_result = is_result(&content[at]) || (of_result && point);
        if of_result {
            let item = content.remove(at);
            content.insert(place, item);
            place += 1;
        }
    }
}

fn wrap(mut item: Object) -> Object {
    if let Some(Value::String(text)) = item.get_mut(keys::TEXT) {
        *text = format!("<system>\n{text}\n</system>");
    }
    item
}

/// What the service demands of a conversation as a whole.
fn check(messages: &mut Vec<Message>, writer: &mut Writer<'_>) -> Result<()> {
    if messages.first().is_some_and(|it| it.role == "assistant") {
        writer.coerced("messages", OPENING_NOTE);
        messages.insert(0, Message::new("user", vec![block(keys::TEXT, OPENING)]));
    }
    for message in messages.iter_mut() {
        media::bound(message, writer)?;
        let has = |key: &str| message.content.iter().any(|it| key_of(it) == key);
        if has("document") && !has(keys::TEXT) && !has(keys::TOOL_RESULT) {
            let first = message.content.iter().find(|it| key_of(it) == "document");
            let name = first.and_then(|it| it.get("document")?["name"].as_str());
            let name = block(keys::TEXT, name.unwrap_or("Document"));
            let note = "a text with the document's name was added, since it may not stand alone";
            writer.coerced("messages.media", note);
            message.content.insert(0, name);
        }
    }
    let Some(last) = messages.last_mut().filter(|it| it.role == "assistant") else {
        return Ok(());
    };
    // Words of the assistant's at the end are gone on with; those that end in
    // white space are refused.
    let Some(Value::String(text)) = last
        .content
        .last_mut()
        .and_then(|it| it.get_mut(keys::TEXT))
    else {
        return Ok(());
    };
    let kept = text.trim_end().len();
    if kept < text.len() {
        text.truncate(kept);
        let note = "white space at the end of the assistant's words was left out";
        writer.coerced("messages", note);
    }
    Ok(())
}

/// A block and the cache point behind it.
fn with_point(
    item: Option<Object>,
    part: &Part,
    writer: &mut Writer<'_>,
    out: &mut Vec<Object>,
) -> Result<()> {
    // Without a block the hint still stands for what came before.
    out.extend(item);
    let follows = out.last().is_some_and(|it| key_of(it) != keys::CACHE_POINT);
    if let Some(point) = writer.cache_point(part.cache())?
        && follows
    {
        out.push(point);
    }
    Ok(())
}

fn system(parts: &[Part], writer: &mut Writer<'_>) -> Result<Vec<Object>> {
    let mut blocks = Vec::new();
    for part in parts {
        let item = match part {
            Part::Text(text) => write_text(text, writer),
            Part::Native(_) => native(part, writer)?,
            _ => {
                writer.feature("messages.system", "may be text only")?;
                None
            }
        };
        with_point(item, part, writer, &mut blocks)?;
    }
    Ok(blocks)
}

/// What a user or tool says.
fn user(parts: &[Part], writer: &mut Writer<'_>) -> Result<Vec<Object>> {
    let mut blocks = Vec::new();
    for part in parts {
        let item = match part {
            Part::ToolResult(result) if result.executor == Executor::Client => {
                Some(write_result(part, result, writer)?)
            }
            _ => said(part, writer)?,
        };
        with_point(item, part, writer, &mut blocks)?;
    }
    Ok(blocks)
}

/// What may stand in a user's message and in a tool's result.
fn said(part: &Part, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    match part {
        Part::Text(text) => Ok(write_text(text, writer)),
        Part::Refusal(refusal) => Ok(plain(&refusal.text)),
        Part::Media(it) => media::write(part, it, writer),
        Part::Source(source) => {
            let texts = [&source.title, &source.url, &source.snippet];
            let texts: Vec<&str> = texts.into_iter().flatten().map(String::as_str).collect();
            Ok(plain(&texts.join("\n")))
        }
        Part::Native(_) => native(part, writer),
        _ => {
            writer.knob("messages", "of this role can't hold such a part")?;
            Ok(None)
        }
    }
}

fn assistant(parts: &[Part], called: bool, writer: &mut Writer<'_>) -> Result<Vec<Object>> {
    let mut blocks = Vec::new();
    for part in parts {
        let item = match part {
            Part::Text(text) => write_text(text, writer),
            Part::Refusal(refusal) => plain(&refusal.text),
            Part::Reasoning(reasoning) => write_thoughts(part, &reasoning.text, called, writer),
            Part::ToolCall(call) if call.executor == Executor::Client => {
                Some(write_call(part, call, writer))
            }
            Part::ToolCall(_) => server_block(part, keys::TOOL_USE, writer)?,
            Part::ToolResult(_) => server_block(part, keys::TOOL_RESULT, writer)?,
            Part::Native(_) => native(part, writer)?,
            // What an answer rests on is for its reader, not for the model.
            Part::Source(_) => None,
            Part::Media(_) => {
                let why = "can't stand in what the assistant said";
                writer.feature("messages.media", why)?;
                None
            }
            _ => {
                writer.knob("messages", "hold a part that this dialect doesn't know")?;
                None
            }
        };
        with_point(item, part, writer, &mut blocks)?;
    }
    Ok(blocks)
}

/// A text; none where it is blank, which the service refuses. Text with
/// citations from here goes back with them.
fn write_text(text: &Text, writer: &Writer<'_>) -> Option<Object> {
    let own = text.citations.iter().filter_map(|it| it.native.as_deref());
    let own = own.filter(|native| native.origin == writer.origin);
    let citations: Vec<Value> = own.map(|native| native.item.clone()).collect();
    if citations.is_empty() || text.text.trim().is_empty() {
        return plain(&text.text);
    }
    let content = json!([{ "text": text.text }]);
    let inner = json!({ "content": content, "citations": citations });
    Some(block(keys::CITED, inner))
}

fn plain(text: &str) -> Option<Object> {
    (!text.trim().is_empty()).then(|| block(keys::TEXT, text))
}

/// The block of thoughts, which go only where they came from and with what
/// proves it, or where the model's family wants them back.
fn write_thoughts(part: &Part, text: &str, called: bool, writer: &Writer<'_>) -> Option<Object> {
    let native = writer.native(part).cloned().unwrap_or_default();
    let signed = native.contains_key("signature") || native.contains_key("redactedContent");
    let wanted = match writer.target.profile.replay {
        ReasoningReplay::Always => true,
        ReasoningReplay::ToolTurns => called,
        _ => false,
    };
    let sent = signed || (wanted && !text.trim().is_empty());
    sent.then(|| block(keys::REASONING, thoughts(text, native)))
}

fn write_call(part: &Part, call: &ToolCall, writer: &mut Writer<'_>) -> Object {
    let mut inner = Object::new();
    inner.insert("toolUseId".to_owned(), call_id(&call.id, ID_LIMIT).into());
    inner.insert("name".to_owned(), call.name.as_str().into());
    let (input, is_object) = input(&call.arguments);
    if !is_object {
        let note = "arguments that are no JSON object were put in one";
        writer.coerced("messages.tool_call", note);
    }
    inner.insert("input".to_owned(), input);
    inner.extend(writer.native(part).cloned().unwrap_or_default());
    block(keys::TOOL_USE, inner)
}

fn write_result(part: &Part, result: &ToolResult, writer: &mut Writer<'_>) -> Result<Object> {
    let id = call_id(&result.call_id, ID_LIMIT);
    let mut inner = Object::new();
    inner.insert("toolUseId".to_owned(), id.into());
    let mut content = Vec::new();
    for part in &result.parts {
        // JSON that came as JSON goes back so.
        let json = writer.native(part).filter(|it| it.contains_key("json"));
        let item = match json {
            Some(json) => Some(json.clone()),
            None => said(part, writer)?,
        };
        content.extend(item.map(Value::Object));
        if part.cache().is_some() {
            writer.knob("cache", "has no place within a tool's result")?;
        }
    }
    inner.insert("content".to_owned(), content.into());
    if result.is_error {
        inner.insert("status".to_owned(), "error".into());
    }
    inner.extend(writer.native(part).cloned().unwrap_or_default());
    Ok(block(keys::TOOL_RESULT, inner))
}

/// What the provider ran itself goes back as it came, and only there.
fn server_block(part: &Part, key: &str, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    match writer.native(part).filter(|it| it.contains_key(key)) {
        Some(item) => Ok(Some(item.clone())),
        None => {
            let why = "hold a call that another provider ran, which is left out";
            writer.knob("messages.tool_call", why)?;
            Ok(None)
        }
    }
}

fn native(part: &Part, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    let item = writer.native(part);
    if item.is_none() {
        writer.knob("messages.native", "of another provider are left out")?;
    }
    Ok(item.cloned())
}
