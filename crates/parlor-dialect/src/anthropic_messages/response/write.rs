//! Answers written: parts as blocks, reasons, usage, whole messages.

use super::super::NAME;
use super::super::wire::{Object, block, text_block};
use super::REASONS;
use crate::calls::input;
use parlor_core::{
    ArgumentsForm, ChatResponse, Citation, Error, Executor, FinishKind, FinishReason, Native, Part,
    Result, Usage,
};
use serde_json::{Value, json};
use std::hash::{BuildHasher, RandomState};

/// The item of a native that came by this dialect, from whichever provider: a
/// client of this dialect can read it and will send it back.
fn own(native: Option<&Native>) -> Option<&Value> {
    native
        .filter(|it| it.origin.dialect == NAME)
        .map(|it| &it.item)
}

/// The block that a part amounts to in an answer; `None` where the dialect has
/// none: an empty text, media, what another dialect's provider ran itself, a call
/// whose arguments were cut, which clients would run as whatever else they were.
pub(in super::super) fn block_of(part: &Part) -> Option<Object> {
    let native = own(part.native());
    let whole = || {
        native
            .and_then(Value::as_object)
            .filter(|it| it.contains_key("type"))
    };
    match part {
        part if is_cut(part) => None,
        Part::Text(text) if text.text.is_empty() && text.citations.is_empty() => None,
        Part::Text(text) => {
            let mut block = text_block(&text.text);
            let citations: Vec<Value> = text.citations.iter().filter_map(citation).collect();
            if !citations.is_empty() {
                block.insert("citations".to_owned(), citations.into());
            }
            Some(with_rest(block, native))
        }
        Part::Refusal(refusal) => Some(text_block(&refusal.text)),
        Part::Reasoning(reasoning) => Some(whole().cloned().unwrap_or_else(|| {
            let mut block = block("thinking");
            block.insert("thinking".to_owned(), reasoning.text.as_str().into());
            // Clients want the field even where there is nothing in it.
            block.insert("signature".to_owned(), "".into());
            with_rest(block, native)
        })),
        Part::ToolCall(call) if call.executor == Executor::Client => {
            let mut block = block("tool_use");
            block.insert("id".to_owned(), call.id.as_str().into());
            block.insert("name".to_owned(), call.name.as_str().into());
            block.insert("input".to_owned(), input(&call.arguments).0);
            Some(with_rest(block, native))
        }
        Part::ToolCall(_) | Part::ToolResult(_) => whole().cloned(),
        Part::Native(_) => native.and_then(Value::as_object).cloned(),
        _ => None,
    }
}

/// Whether a part is a call of the client's that the provider broke off.
pub(in super::super) fn is_cut(part: &Part) -> bool {
    matches!(part, Part::ToolCall(call)
        if call.executor == Executor::Client && call.arguments.form == ArgumentsForm::Cut)
}

/// A block with what its own origin said beyond core's fields.
fn with_rest(mut block: Object, rest: Option<&Value>) -> Object {
    if let Some(Value::Object(rest)) = rest {
        block.extend(rest.clone());
    }
    block
}

/// A citation as it came, or as the nearest kind for one from elsewhere.
pub(in super::super) fn citation(citation: &Citation) -> Option<Value> {
    if let Some(item) = own(citation.native.as_deref()) {
        return Some(item.clone());
    }
    let url = citation.url.as_deref()?;
    Some(json!({
        "type": "web_search_result_location",
        "url": url,
        "title": citation.title,
        "cited_text": citation.quote.as_deref().unwrap_or_default(),
        "encrypted_index": "",
    }))
}

/// The word for why an answer ended: the provider's own where it is this
/// dialect's, else the one for the kind.
pub(in super::super) fn stop_reason(reason: &FinishReason) -> String {
    let raw = reason.raw.as_deref();
    let row = REASONS.iter().take(7).find(|it| Some(it.0) == raw);
    if let Some((word, kind)) = row
        && FinishReason::from(*kind)
            .with_calls(reason.kind == FinishKind::ToolCalls)
            .kind
            == reason.kind
    {
        return (*word).to_owned();
    }
    let word = match (reason.kind, raw) {
        (FinishKind::Other | FinishKind::Error, Some(raw)) => raw,
        (FinishKind::Length, _) => "max_tokens",
        (FinishKind::ToolCalls, _) => "tool_use",
        (FinishKind::Refusal | FinishKind::ContentFilter, _) => "refusal",
        (FinishKind::Pause, _) => "pause_turn",
        _ => "end_turn",
    };
    word.to_owned()
}

/// The usage object. Here cached tokens are not counted as input. An object of
/// this dialect's own is kept as it was.
pub(in super::super) fn usage_object(usage: Option<&Usage>) -> Object {
    let usage = usage.cloned().unwrap_or_default();
    let ours = |raw: &&Object| {
        raw.contains_key("cache_read_input_tokens") || raw.contains_key("service_tier")
    };
    let raw = usage.raw.as_ref().and_then(Value::as_object);
    let mut object = raw.filter(ours).cloned().unwrap_or_default();
    let apart = [usage.cached_input_tokens, usage.cache_write_tokens];
    let apart = apart.iter().flatten().sum();
    let input = usage.input_tokens.unwrap_or_default();
    let input = input.saturating_sub(apart);
    // Clients need these two, known or not.
    object.insert("input_tokens".to_owned(), input.into());
    let output = usage.output_tokens.unwrap_or_default();
    object.insert("output_tokens".to_owned(), output.into());
    let cached = [
        ("cache_creation_input_tokens", usage.cache_write_tokens),
        ("cache_read_input_tokens", usage.cached_input_tokens),
    ];
    for (key, figure) in cached {
        if let Some(figure) = figure {
            object.insert(key.to_owned(), figure.into());
        }
    }
    if let Some(tokens) = usage.reasoning_tokens
        && !object.contains_key("output_tokens_details")
    {
        let details = json!({ "thinking_tokens": tokens });
        object.insert("output_tokens_details".to_owned(), details);
    }
    object
}

/// What this dialect's provider said beyond core, to go on the message again.
pub(in super::super) fn beyond(native: &Native) -> Object {
    let item = own(Some(native)).and_then(Value::as_object);
    item.cloned().unwrap_or_default()
}

/// Writes a whole answer: its first choice.
pub(in super::super) fn to_wire(response: &ChatResponse) -> Result<Vec<u8>> {
    let mut message = head(response.id.as_deref(), response.model.as_deref());
    let choice = response.choices.first();
    let parts = choice.map(|it| it.message.parts.as_slice());
    let parts = parts.unwrap_or_default();
    let blocks: Vec<Value> = parts
        .iter()
        .filter_map(block_of)
        .map(Value::Object)
        .collect();
    message.insert("content".to_owned(), blocks.into());
    let reason = choice.and_then(|it| it.finish_reason.as_ref());
    let reason = match parts.iter().any(is_cut) {
        true => stop_reason(&FinishKind::Length.into()),
        false => reason.map_or("end_turn".to_owned(), stop_reason),
    };
    message.insert("stop_reason".to_owned(), reason.into());
    message.insert("stop_sequence".to_owned(), Value::Null);
    for native in &response.native {
        message.extend(beyond(native));
    }
    let usage = usage_object(response.usage.as_ref());
    message.insert("usage".to_owned(), Value::Object(usage));
    serde_json::to_vec(&message)
        .map_err(|error| Error::new(parlor_core::ErrorKind::Unexpected, error.to_string()))
}

/// A message without content yet.
pub(in super::super) fn head(id: Option<&str>, model: Option<&str>) -> Object {
    let mut message = Object::new();
    // Clients need an id of its own for each message.
    let id = id.map_or_else(
        || format!("msg_{:016x}", RandomState::new().hash_one(0)),
        str::to_owned,
    );
    message.insert("id".to_owned(), id.into());
    message.insert("type".to_owned(), "message".into());
    message.insert("role".to_owned(), "assistant".into());
    message.insert("model".to_owned(), model.unwrap_or_default().into());
    message
}
