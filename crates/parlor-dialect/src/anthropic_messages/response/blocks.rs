//! Content blocks read as parts, the same in answers and in history.

use super::super::wire::{Object, kind_of, take_bool, take_text};
use crate::media;
use parlor_core::{
    Arguments, CacheHint, Citation, Executor, Media, MediaKind, MediaSource, Native, Origin, Part,
    Reasoning, Source, Text, ToolCall, ToolResult,
};
use serde_json::Value;

/// The part that a block amounts to. What core doesn't model in it is the
/// part's native item: leftover fields, or the whole block (then with its
/// `type`) where only the whole may be replayed.
pub(in super::super) fn part(block: Object, origin: &Origin) -> Part {
    let read = match kind_of(&block) {
        "text" => text(block, origin),
        "thinking" => thinking(block, origin),
        "redacted_thinking" => {
            let native = Native::new(origin.clone(), Value::Object(block));
            Ok(Part::from(Reasoning::default()).with_native(native))
        }
        "tool_use" => tool_use(block, origin),
        "tool_result" => tool_result(block, origin),
        "server_tool_use" | "mcp_tool_use" => Ok(server_call(block, origin)),
        "image" => media(block, MediaKind::Image, origin),
        "document" => media(block, MediaKind::Document, origin),
        kind if kind.ends_with("_tool_result") => Ok(server_result(block, origin)),
        _ => Err(block),
    };
    read.unwrap_or_else(|block| Part::Native(Native::new(origin.clone(), Value::Object(block))))
}

/// Puts what is left of a block on its part.
fn with_rest(part: impl Into<Part>, rest: Object, origin: &Origin) -> Part {
    match leftovers(rest) {
        Some(rest) => part.into().with_native(Native::new(origin.clone(), rest)),
        None => part.into(),
    }
}

/// What is left of a block once core's fields are taken out; null is nothing.
pub(in super::super) fn leftovers(mut rest: Object) -> Option<Value> {
    rest.shift_remove("type");
    rest.retain(|_, value| !value.is_null());
    // That the model itself called is the default and says nothing.
    let direct = |caller: &Value| caller.as_object().is_some_and(|it| it.len() == 1);
    if let Some(caller) = rest.get("caller")
        && caller["type"] == "direct"
        && direct(caller)
    {
        rest.shift_remove("caller");
    }
    (!rest.is_empty()).then_some(Value::Object(rest))
}

/// Takes a cache mark that core can say out of an object.
pub(in super::super) fn take_cache(object: &mut Object) -> Option<CacheHint> {
    let mark = object.get("cache_control")?.as_object()?;
    let known = |key: &String| key == "type" || key == "ttl";
    if kind_of(mark) != "ephemeral" || !mark.keys().all(known) {
        return None;
    }
    let hint = match mark.get("ttl") {
        None | Some(Value::Null) => CacheHint::default(),
        Some(ttl) if ttl == "5m" => CacheHint::ttl(300),
        Some(ttl) if ttl == "1h" => CacheHint::ttl(3600),
        Some(_) => return None,
    };
    object.shift_remove("cache_control");
    Some(hint)
}

fn text(mut block: Object, origin: &Origin) -> Result<Part, Object> {
    let Some(said) = take_text(&mut block, "text") else {
        return Err(block);
    };
    let mut text = Text::new(said);
    text.cache = take_cache(&mut block);
    if let Some(Value::Array(items)) = block.get_mut("citations") {
        let items = std::mem::take(items).into_iter();
        text.citations = items.map(|item| citation(item, origin)).collect();
        block.shift_remove("citations");
    }
    Ok(with_rest(text, block, origin))
}

/// What a citation of any kind says; the item itself is kept for replay.
pub(in super::super) fn citation(item: Value, origin: &Origin) -> Citation {
    let text = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| item.get(key)?.as_str());
        found.map(str::to_owned)
    };
    let mut citation = Citation::default();
    citation.url = text(&["url"]).or_else(|| text(&["source"]).filter(|it| is_url(it)));
    citation.title = text(&["title", "document_title"]);
    citation.quote = text(&["cited_text"]);
    citation.native = Some(Box::new(Native::new(origin.clone(), item)));
    citation
}

fn is_url(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

fn thinking(mut block: Object, origin: &Origin) -> Result<Part, Object> {
    let Some(text) = take_text(&mut block, "thinking") else {
        return Err(block);
    };
    block.shift_remove("type");
    block.retain(|key, value| !value.is_null() && (key != "signature" || value != ""));
    // Without a signature it still says where it came from.
    let native = Native::new(origin.clone(), Value::Object(block));
    Ok(Part::from(Reasoning::new(text)).with_native(native))
}

fn tool_use(mut block: Object, origin: &Origin) -> Result<Part, Object> {
    let Some(name) = take_text(&mut block, "name") else {
        return Err(block);
    };
    let id = take_text(&mut block, "id").unwrap_or_default();
    let mut call = ToolCall::new(id, name, arguments(block.shift_remove("input")));
    call.cache = take_cache(&mut block);
    Ok(with_rest(call, block, origin))
}

fn arguments(input: Option<Value>) -> Arguments {
    match input {
        None | Some(Value::Null) => Arguments::default(),
        Some(Value::String(text)) => Arguments::json(text),
        Some(input) => Arguments::from(input),
    }
}

fn server_call(block: Object, origin: &Origin) -> Part {
    let text = |key: &str| block.get(key).and_then(Value::as_str).unwrap_or_default();
    let input = arguments(block.get("input").cloned());
    let mut call = ToolCall::new(text("id"), text("name"), input);
    call.executor = Executor::Provider;
    Part::from(call).with_native(Native::new(origin.clone(), Value::Object(block)))
}

fn tool_result(mut block: Object, origin: &Origin) -> Result<Part, Object> {
    let Some(id) = take_text(&mut block, "tool_use_id") else {
        return Err(block);
    };
    let mut result = ToolResult::default();
    result.call_id = id;
    match block.shift_remove("content") {
        Some(Value::String(text)) => result.parts = vec![Part::text(text)],
        Some(Value::Array(items)) => result.parts = parts(items, origin),
        None | Some(Value::Null) => {}
        Some(other) => {
            block.insert("content".to_owned(), other);
        }
    }
    result.is_error = take_bool(&mut block, "is_error").unwrap_or_default();
    result.cache = take_cache(&mut block);
    Ok(with_rest(result, block, origin))
}

fn parts(items: Vec<Value>, origin: &Origin) -> Vec<Part> {
    let read = |item| match item {
        Value::Object(block) => part(block, origin),
        other => Part::Native(Native::new(origin.clone(), other)),
    };
    items.into_iter().map(read).collect()
}

fn media(mut block: Object, kind: MediaKind, origin: &Origin) -> Result<Part, Object> {
    let source = block.get("source").and_then(Value::as_object);
    let Some((source, media_type)) = source.and_then(media_source) else {
        return Err(block);
    };
    block.shift_remove("source");
    let mut media = Media::new(kind, source);
    media.media_type = media_type;
    media.cache = take_cache(&mut block);
    if kind == MediaKind::Document {
        media.name = take_text(&mut block, "title");
    }
    Ok(with_rest(media, block, origin))
}

/// Where media is and of which type; `None` for a source that core can't say.
fn media_source(source: &Object) -> Option<(MediaSource, Option<String>)> {
    let text = |key: &str| source.get(key).and_then(Value::as_str);
    let only = |keys: &[&str]| {
        let mut all = source.iter();
        all.all(|(key, value)| key == "type" || keys.contains(&key.as_str()) || value.is_null())
    };
    let media_type = text("media_type").map(str::to_owned);
    match kind_of(source) {
        "base64" if only(&["media_type", "data"]) => {
            let bytes = media::decode(text("data")?)?;
            Some((MediaSource::Bytes(bytes), media_type))
        }
        "text" if only(&["media_type", "data"]) => {
            let bytes = text("data")?.to_owned().into_bytes();
            Some((MediaSource::Bytes(bytes.into()), media_type))
        }
        "url" if only(&["url"]) => Some((MediaSource::Url(text("url")?.to_owned()), None)),
        "file" if only(&["file_id"]) => {
            Some((MediaSource::File(text("file_id")?.to_owned()), None))
        }
        _ => None,
    }
}

/// A result of a tool that the provider ran: its plain meaning for reading,
/// and the block for replay.
fn server_result(block: Object, origin: &Origin) -> Part {
    let mut result = ToolResult::default();
    let id = block.get("tool_use_id").and_then(Value::as_str);
    result.call_id = id.unwrap_or_default().to_owned();
    result.executor = Executor::Provider;
    result.is_error = block.get("is_error").and_then(Value::as_bool) == Some(true);
    match block.get("content") {
        Some(Value::Array(items)) => result.parts = items.iter().flat_map(plain).collect(),
        Some(Value::String(text)) => result.parts = vec![Part::text(text.as_str())],
        None | Some(Value::Null) => {}
        Some(content) => {
            let kind = content["type"].as_str().unwrap_or_default();
            result.is_error |= kind.ends_with("_error");
            result.parts = plain(content);
        }
    }
    Part::from(result).with_native(Native::new(origin.clone(), Value::Object(block)))
}

/// What an item of a provider's result says to a reader.
fn plain(item: &Value) -> Vec<Part> {
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    let said = |key: &str| text(key).filter(|it| !it.is_empty()).map(Part::text);
    let mut parts = Vec::new();
    if let Some(url) = text("url") {
        let mut source = Source::default();
        source.url = Some(url.to_owned());
        let title = text("title").or_else(|| item["content"]["title"].as_str());
        source.title = title.map(str::to_owned);
        parts.push(Part::Source(source));
    }
    let page = &item["content"]["source"];
    if page["type"] == "text" {
        parts.extend(page["data"].as_str().map(Part::text));
    }
    for key in ["text", "stdout", "stderr", "error_code"] {
        parts.extend(said(key));
    }
    if parts.is_empty() {
        parts.push(Part::text(item.to_string()));
    }
    parts
}
