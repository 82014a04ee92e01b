//! The conversation written as messages of blocks.

use super::super::SystemMessages;
use super::super::wire::{Content, Message, Object, block, kind_of, text_block};
use super::media;
use super::writer::Writer;
use crate::calls::{call_id, input};
use crate::opening::{OPENING, OPENING_NOTE};
use crate::profile::ReasoningReplay;
use parlor_core::{ChatRequest, Executor, Part, Result, Role, Text, ToolCall, ToolResult};
use serde_json::Value;

/// Writes the top-level system blocks and the messages.
pub(super) fn write(
    request: &ChatRequest,
    writer: &mut Writer<'_>,
) -> Result<(Vec<Object>, Vec<Message>)> {
    let mut out = Conversation::default();
    for message in &request.messages {
        if message.name.is_some() {
            writer.knob("messages.name", "has no place in this dialect")?;
        }
        let rest = message
            .native
            .as_deref()
            .filter(|native| native.origin == writer.origin)
            .and_then(|native| native.item.as_object());
        // Most of a history is texts, and a block of each would be taken apart again.
        if rest.is_none()
            && let Some(text) = text_alone(&message.parts)
            && out.text(message.role, text)
        {
            continue;
        }
        // A system message that stood among the others goes back there.
        let in_place = rest.is_some_and(|it| it.contains_key("role"));
        match message.role {
            Role::System if out.messages.is_empty() && !in_place => {
                out.system.extend(system(&message.parts, writer)?);
            }
            Role::System => {
                let blocks = system(&message.parts, writer)?;
                out.system_within(blocks, in_place, writer);
            }
            Role::Assistant => {
                let called = message.tool_calls().next().is_some();
                out.assistant(assistant(&message.parts, called, writer)?);
            }
            Role::User | Role::Tool => {
                let (results, blocks) = user(&message.parts, writer)?;
                out.results(results);
                out.user(blocks, rest.is_none());
            }
        }
        if let (Some(rest), Some(last)) = (rest, out.messages.last_mut()) {
            for (key, value) in rest.iter().filter(|(key, _)| *key != "role") {
                last.rest.insert(key.clone(), value.clone());
            }
        }
    }
    out.begin(writer);
    out.check_prefill(writer)?;
    for message in &mut out.messages {
        if let Content::Blocks(blocks) = &mut message.content {
            message.content = Content::shortest(std::mem::take(blocks));
        }
    }
    Ok((out.system, out.messages))
}

/// The messages so far.
#[derive(Default)]
struct Conversation {
    system: Vec<Object>,
    messages: Vec<Message>,
    /// Where the run of messages since the assistant's last one begins.
    run: usize,
    /// How many results that run begins with: the dialect wants all results of
    /// a turn in one message, before anything else.
    results: usize,
}

impl Conversation {
    /// What user or assistant says in one text; `false` where it is to be joined
    /// to something.
    fn text(&mut self, role: Role, text: &str) -> bool {
        match role {
            Role::Assistant => self.said(Message::of_text("assistant", text)),
            Role::User if self.results == 0 => self.messages.push(Message::of_text("user", text)),
            _ => return false,
        }
        true
    }

    fn push(&mut self, role: &'static str, blocks: Vec<Object>) {
        self.messages.push(Message::new(role, blocks));
    }

    fn assistant(&mut self, blocks: Vec<Object>) {
        if blocks.is_empty() {
            return;
        }
        self.said(Message::new("assistant", blocks));
    }

    /// The assistant's words, which end a run.
    fn said(&mut self, message: Message) {
        self.messages.push(message);
        self.run = self.messages.len();
        self.results = 0;
    }

    fn results(&mut self, results: Vec<Object>) {
        if results.is_empty() {
            return;
        }
        if self.results == 0 {
            self.messages
                .insert(self.run, Message::new("user", Vec::new()));
        }
        let count = results.len();
        if let Some(Message {
            content: Content::Blocks(blocks),
            ..
        }) = self.messages.get_mut(self.run)
        {
            blocks.splice(self.results..self.results, results);
        }
        self.results += count;
    }

    /// What the user says. The first thing said after results goes into their
    /// message.
    fn user(&mut self, blocks: Vec<Object>, mergeable: bool) {
        if blocks.is_empty() {
            return;
        }
        let after_results = self.results > 0 && self.messages.len() == self.run + 1;
        if let Some(Message {
            content: Content::Blocks(known),
            ..
        }) = self.messages.get_mut(self.run)
            && after_results
            && mergeable
            && known.len() == self.results
        {
            known.extend(blocks);
            return;
        }
        self.push("user", blocks);
    }

    fn system_within(&mut self, blocks: Vec<Object>, in_place: bool, writer: &mut Writer<'_>) {
        if blocks.is_empty() {
            return;
        }
        match writer.quirks.system_messages {
            _ if in_place => self.push("system", blocks),
            SystemMessages::Native => self.push("system", blocks),
            SystemMessages::Hoist => {
                let message = "system messages were moved in front of the conversation";
                writer.coerced("messages.system", message);
                self.system.extend(blocks);
            }
            SystemMessages::Wrap => {
                let message = "system messages within the conversation were said by the user";
                writer.coerced("messages.system", message);
                let wrap = |mut block: Object| {
                    if let Some(Value::String(text)) = block.get_mut("text") {
                        *text = format!("<system>\n{text}\n</system>");
                    }
                    block
                };
                self.user(blocks.into_iter().map(wrap).collect(), true);
            }
        }
    }

    /// Lets the user begin.
    fn begin(&mut self, writer: &mut Writer<'_>) {
        let first = self.messages.first();
        if first.is_some_and(|it| it.role == "assistant") {
            let mut text = block("text");
            text.insert("text".to_owned(), OPENING.into());
            self.messages.insert(0, Message::new("user", vec![text]));
            writer.coerced("messages", OPENING_NOTE);
        }
    }

    /// Words of the assistant's at the end are gone on with; the dialect refuses
    /// those that end in white space.
    fn check_prefill(&mut self, writer: &mut Writer<'_>) -> Result<()> {
        let last = self.messages.last_mut();
        let Some(last) = last.filter(|it| it.role == "assistant") else {
            return Ok(());
        };
        let text = match &mut last.content {
            Content::Text(text) => text,
            Content::Blocks(blocks) => match blocks.last_mut().and_then(|it| it.get_mut("text")) {
                Some(Value::String(text)) => text,
                _ => return Ok(()),
            },
            Content::Null(()) => return Ok(()),
        };
        let kept = text.trim_end().len();
        if kept < text.len() {
            text.truncate(kept);
            let message = "white space at the end of the assistant's words was left out";
            writer.coerced("messages", message);
        }
        Ok(())
    }
}

/// The text that is all there is, with nothing on it.
fn text_alone(parts: &[Part]) -> Option<&str> {
    let [Part::Text(text)] = parts else {
        return None;
    };
    let is_bare = text.cache.is_none() && text.citations.is_empty() && text.native.is_none();
    (is_bare && !text.text.trim().is_empty()).then_some(text.text.as_str())
}

fn system(parts: &[Part], writer: &mut Writer<'_>) -> Result<Vec<Object>> {
    let mut blocks = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => blocks.extend(write_text(part, text, writer)?),
            Part::Native(_) => blocks.extend(native(part, writer)?),
            _ => writer.feature("messages.system", "may be text only")?,
        }
    }
    Ok(blocks)
}

/// The results and the rest of what a user or tool says.
fn user(parts: &[Part], writer: &mut Writer<'_>) -> Result<(Vec<Object>, Vec<Object>)> {
    let (mut results, mut blocks) = (Vec::new(), Vec::new());
    for part in parts {
        match part {
            Part::ToolResult(result) if result.executor == Executor::Client => {
                results.push(write_result(part, result, writer)?);
            }
            _ => blocks.extend(said(part, writer)?),
        }
    }
    Ok((results, blocks))
}

/// What may stand in a user's message and in a tool's result.
fn said(part: &Part, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    match part {
        Part::Text(text) => write_text(part, text, writer),
        Part::Refusal(refusal) => Ok(plain(&refusal.text)),
        Part::Media(it) => {
            let block = media::write(it, writer)?;
            Ok(block.map(|block| with_rest(block, part, writer)))
        }
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
        let block = match part {
            Part::Text(text) => write_text(part, text, writer)?,
            Part::Refusal(refusal) => plain(&refusal.text),
            Part::Reasoning(reasoning) => thoughts(part, &reasoning.text, called, writer),
            Part::ToolCall(call) if call.executor == Executor::Client => {
                Some(write_call(part, call, writer)?)
            }
            Part::ToolCall(_) | Part::ToolResult(_) => server_block(part, writer)?,
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
        blocks.extend(block);
    }
    Ok(blocks)
}

/// A text block; none for white space alone, which the server refuses, unless
/// the provider's own item hangs on it.
fn write_text(part: &Part, text: &Text, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    let citations = text.citations.iter().filter_map(|it| it.native.as_deref());
    let citations: Vec<Value> = citations
        .filter(|native| native.origin == writer.origin)
        .map(|native| native.item.clone())
        .collect();
    let native = part.native_for(&writer.origin).is_some();
    if text.text.trim().is_empty() && !native && citations.is_empty() {
        return Ok(None);
    }
    let mut block = text_block(&text.text);
    if !citations.is_empty() {
        block.insert("citations".to_owned(), citations.into());
    }
    writer.mark(&mut block, text.cache.as_ref())?;
    Ok(Some(with_rest(block, part, writer)))
}

fn plain(text: &str) -> Option<Object> {
    (!text.trim().is_empty()).then(|| text_block(text))
}

/// A block with what its own origin said beyond core's fields.
fn with_rest(mut block: Object, part: &Part, writer: &Writer<'_>) -> Object {
    if let Some(Value::Object(rest)) = part.native_for(&writer.origin) {
        block.extend(rest.clone());
    }
    block
}

/// The block of thoughts, which go only where they came from: signed, or to a
/// copy that doesn't sign, or where the family wants them back.
fn thoughts(part: &Part, text: &str, called: bool, writer: &Writer<'_>) -> Option<Object> {
    let native = part.native_for(&writer.origin);
    let rest = native.and_then(Value::as_object);
    if let Some(whole) = rest.filter(|it| it.contains_key("type")) {
        return Some(whole.clone());
    }
    let signature = rest
        .and_then(|it| it.get("signature"))
        .and_then(Value::as_str);
    let signed = signature.is_some_and(|it| !it.is_empty());
    let wanted = match writer.target.profile.replay {
        ReasoningReplay::Always => true,
        ReasoningReplay::ToolTurns => called,
        _ => rest.is_some(),
    };
    if !signed && (writer.quirks.signatures || !wanted || text.is_empty()) {
        return None;
    }
    let mut block = block("thinking");
    block.insert("thinking".to_owned(), text.into());
    // The field is required, even by those who don't sign.
    block.insert("signature".to_owned(), "".into());
    Some(with_rest(block, part, writer))
}

fn write_call(part: &Part, call: &ToolCall, writer: &mut Writer<'_>) -> Result<Object> {
    let mut block = block("tool_use");
    block.insert("id".to_owned(), call_id(&call.id, usize::MAX).into());
    block.insert("name".to_owned(), call.name.as_str().into());
    let (input, is_object) = input(&call.arguments);
    if !is_object {
        let message = "arguments that are no JSON object were put in one";
        writer.coerced("messages.tool_call", message);
    }
    block.insert("input".to_owned(), input);
    writer.mark(&mut block, call.cache.as_ref())?;
    Ok(with_rest(block, part, writer))
}

fn write_result(part: &Part, result: &ToolResult, writer: &mut Writer<'_>) -> Result<Object> {
    let mut block = block("tool_result");
    block.insert(
        "tool_use_id".to_owned(),
        call_id(&result.call_id, usize::MAX).into(),
    );
    let mut content = Vec::new();
    for inner in &result.parts {
        content.extend(said(inner, writer)?);
    }
    match Content::shortest(content) {
        Content::Text(text) => {
            block.insert("content".to_owned(), text.into());
        }
        Content::Blocks(blocks) if !blocks.is_empty() => {
            let blocks: Vec<Value> = blocks.into_iter().map(Value::Object).collect();
            block.insert("content".to_owned(), blocks.into());
        }
        _ => {}
    }
    if result.is_error {
        block.insert("is_error".to_owned(), true.into());
    }
    writer.mark(&mut block, result.cache.as_ref())?;
    Ok(with_rest(block, part, writer))
}

/// What the provider ran itself goes back as it came, and only there.
fn server_block(part: &Part, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    match part.native_for(&writer.origin).and_then(Value::as_object) {
        Some(item) if writer.quirks.server_tools && !kind_of(item).is_empty() => {
            let mut block = item.clone();
            writer.mark(&mut block, part.cache())?;
            Ok(Some(block))
        }
        _ => {
            let why = "hold a call that another provider ran, which is left out";
            writer.knob("messages.tool_call", why)?;
            Ok(None)
        }
    }
}

fn native(part: &Part, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    let item = part.native_for(&writer.origin).and_then(Value::as_object);
    if item.is_none() {
        writer.knob("messages.native", "of another provider are left out")?;
    }
    Ok(item.cloned())
}
