//! From core's answer to a body, and the pieces that streams share with it.

use super::super::NAME;
use super::super::stream::join;
use super::pieces::{self, finish_word};
use crate::json::merge;
use crate::media::{data_url, encode};
use parlor_core::{
    Arguments, ArgumentsForm, ChatResponse, Choice, Citation, Executor, Logprobs, Media, MediaKind,
    MediaSource, Native, Part, Source, TokenLogprob, ToolCall, Usage,
};
use serde_json::{Map, Value, json};

/// The item of a native that this dialect wrote, whichever host it came from:
/// clients send it back, and whoever reads them knows the host.
pub(in super::super) fn own(native: Option<&Native>) -> Option<&Value> {
    native
        .filter(|it| it.origin.dialect == NAME)
        .map(|it| &it.item)
}

/// The whole answer.
pub(in super::super) fn body(response: &ChatResponse) -> Value {
    let mut body = Map::new();
    let mut put = |key: &str, value: Value| body.insert(key.to_owned(), value);
    put("id", response.id.as_deref().unwrap_or_default().into());
    put("object", "chat.completion".into());
    put("created", response.created.unwrap_or_default().into());
    put(
        "model",
        response.model.as_deref().unwrap_or_default().into(),
    );
    let mut sources = Sources::default();
    let mut choices: Vec<Value> = Vec::new();
    for choice in &response.choices {
        choices.push(choice_of(choice, &mut sources));
    }
    put("choices", choices.into());
    if let Some(used) = response.usage.as_ref().and_then(usage) {
        put("usage", used);
    }
    merge(&mut body, &sources.into_fields());
    for native in &response.native {
        if let Some(Value::Object(item)) = own(Some(native)) {
            unknown(&mut body, item, "message");
        }
    }
    body.into()
}

/// Merges fields that core doesn't model into a body; those of choices go to
/// the choice of the same index.
pub(in super::super) fn unknown(
    body: &mut Map<String, Value>,
    item: &Map<String, Value>,
    message: &str,
) {
    let mut fields = item.clone();
    let own = fields.remove("choices");
    merge(body, &fields);
    let own = own.as_ref().and_then(Value::as_array);
    let Some(Value::Array(choices)) = body.get_mut("choices") else {
        return;
    };
    for fields in own.into_iter().flatten() {
        let Value::Object(fields) = fields else {
            continue;
        };
        let mut fields = fields.clone();
        if let Some(inner) = fields.remove("message") {
            fields.insert(message.to_owned(), inner);
        }
        let same = |it: &&mut Value| it.get("index") == fields.get("index");
        match choices.iter_mut().find(same) {
            Some(Value::Object(choice)) => merge(choice, &fields),
            _ => choices.push(fields.into()),
        }
    }
}

fn choice_of(choice: &Choice, sources: &mut Sources) -> Value {
    let mut message = Map::new();
    message.insert("role".to_owned(), "assistant".into());
    message.insert("content".to_owned(), Value::Null);
    let (mut text, mut reasoning, mut refusal) = (None, String::new(), String::new());
    let mut calls = Vec::new();
    let mut list: Vec<Value> = Vec::new();
    for part in &choice.message.parts {
        match part {
            Part::Text(it) => {
                text.get_or_insert_with(String::new).push_str(&it.text);
                for citation in &it.citations {
                    push(&mut message, "annotations", annotation(citation));
                }
            }
            Part::Reasoning(it) => reasoning.push_str(&it.text),
            Part::Refusal(it) => refusal.push_str(&it.text),
            Part::Media(it) => media(&mut message, it),
            Part::ToolCall(it) if it.executor == Executor::Client && !legacy(it) => {
                calls.push(call(it));
            }
            Part::Source(it) => sources.push(it),
            Part::Native(it) => list.extend(own(Some(it)).cloned()),
            _ => {}
        }
        fields_of(part, &mut message);
    }
    if !list.is_empty() {
        // Parts without a name here make the content a list.
        let said = text
            .take()
            .map(|text| json!({"type": "text", "text": text}));
        list.splice(..0, said);
        message.insert("content".to_owned(), list.into());
    }
    for (field, text) in [
        ("content", text),
        (
            "reasoning_content",
            Some(reasoning).filter(|it| !it.is_empty()),
        ),
        ("refusal", Some(refusal).filter(|it| !it.is_empty())),
    ] {
        if let Some(text) = text {
            message.insert(field.to_owned(), text.into());
        }
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), calls.into());
    }
    let reason = choice.finish_reason.as_ref().map(finish_word);
    let logprobs = choice.logprobs.as_ref().map(logprobs);
    json!({
        "index": choice.index,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": reason,
    })
}

fn push(map: &mut Map<String, Value>, field: &str, item: Value) {
    let slot = map.entry(field).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = slot {
        list.push(item);
    }
}

/// Merges the fields that a part's native item has for its message.
pub(in super::super) fn fields_of(part: &Part, message: &mut Map<String, Value>) {
    let Some(Value::Object(item)) = own(part.native()) else {
        return;
    };
    match part {
        Part::Reasoning(_) => {
            for (field, value) in item {
                match (message.get_mut(field), value) {
                    (Some(Value::Array(mine)), Value::Array(more)) => {
                        more.iter().for_each(|piece| join(mine, piece.clone()));
                    }
                    _ => {
                        message.insert(field.clone(), value.clone());
                    }
                }
            }
        }
        Part::ToolCall(call) if call.executor == Executor::Provider => {
            for (field, value) in item {
                for piece in value.as_array().into_iter().flatten() {
                    push(message, field, piece.clone());
                }
            }
        }
        Part::ToolCall(call) if legacy(call) => {
            let call = json!({"name": call.name, "arguments": said(&call.arguments)});
            message.insert("function_call".to_owned(), call);
        }
        Part::Media(_) => merge(message, item),
        _ => {}
    }
}

/// Whether a call came in the deprecated form.
pub(in super::super) fn legacy(call: &ToolCall) -> bool {
    let item = own(call.native.as_deref());
    item.and_then(|it| it.get("type"))
        .is_some_and(|it| it == "function_call")
}

/// Arguments as clients parse them: where the model gave none, they are an object too.
pub(in super::super) fn said(arguments: &Arguments) -> &str {
    match (arguments.text.as_str(), arguments.form) {
        ("", ArgumentsForm::Json) => "{}",
        (text, _) => text,
    }
}

fn call(call: &ToolCall) -> Value {
    let mut body = Map::new();
    body.insert("id".to_owned(), call.id.as_str().into());
    let (kind, inner) = match call.arguments.form {
        ArgumentsForm::Text => (
            "custom",
            json!({"name": call.name, "input": call.arguments.text}),
        ),
        _ => (
            "function",
            json!({"name": call.name, "arguments": said(&call.arguments)}),
        ),
    };
    body.insert("type".to_owned(), kind.into());
    body.insert(kind.to_owned(), inner);
    if let Some(Value::Object(item)) = own(call.native.as_deref()) {
        merge(&mut body, item);
    }
    body.into()
}

/// Puts media that the model made into a message.
pub(in super::super) fn media(message: &mut Map<String, Value>, media: &Media) {
    let kind = media.media_type.as_deref();
    match media.kind {
        MediaKind::Image => {
            let url = match &media.source {
                MediaSource::Bytes(bytes) => data_url(kind.unwrap_or("image/png"), bytes),
                MediaSource::Url(url) => url.clone(),
                _ => return,
            };
            let image = json!({"type": "image_url", "image_url": {"url": url}});
            push(message, "images", image);
        }
        MediaKind::Audio => {
            let mut audio = Map::new();
            if let MediaSource::Bytes(bytes) = &media.source {
                audio.insert("data".to_owned(), encode(bytes).into());
            }
            if let Some(transcript) = &media.transcript {
                audio.insert("transcript".to_owned(), transcript.as_str().into());
            }
            message.insert("audio".to_owned(), audio.into());
        }
        _ => {}
    }
}

/// A citation as an annotation.
pub(in super::super) fn annotation(citation: &Citation) -> Value {
    let item = own(citation.native.as_deref());
    let bare = citation.url.is_none() && citation.title.is_none();
    if let (Some(item), true) = (item, bare) {
        return item.clone();
    }
    let mut inner = Map::new();
    for (key, text) in [
        ("url", &citation.url),
        ("title", &citation.title),
        ("content", &citation.quote),
    ] {
        if let Some(text) = text {
            inner.insert(key.to_owned(), text.as_str().into());
        }
    }
    for (key, at) in [("start_index", citation.start), ("end_index", citation.end)] {
        if let Some(at) = at {
            inner.insert(key.to_owned(), at.into());
        }
    }
    if let Some(Value::Object(item)) = item {
        merge(&mut inner, item);
    }
    json!({"type": "url_citation", "url_citation": inner})
}

/// The pages that an answer rests on, as fields of the body.
#[derive(Debug, Default)]
pub(in super::super) struct Sources {
    citations: Vec<Value>,
    results: Vec<Value>,
}

impl Sources {
    pub(in super::super) fn push(&mut self, source: &Source) {
        let mut result = match own(source.native.as_deref()) {
            Some(Value::Object(item)) => item.clone(),
            _ => Map::new(),
        };
        for (key, text) in [
            ("url", &source.url),
            ("title", &source.title),
            ("snippet", &source.snippet),
        ] {
            if let Some(text) = text {
                result.insert(key.to_owned(), text.as_str().into());
            }
        }
        if let Some(url) = &source.url {
            self.citations.push(url.as_str().into());
        }
        self.results.push(result.into());
    }

    pub(in super::super) fn into_fields(self) -> Map<String, Value> {
        let mut fields = Map::new();
        for (key, list) in [
            ("citations", self.citations),
            ("search_results", self.results),
        ] {
            if !list.is_empty() {
                fields.insert(key.to_owned(), list.into());
            }
        }
        fields
    }
}

/// The usage object: the host's own where it says the same by this dialect's
/// names, else one made of the figures; none where neither input nor output is known.
pub(in super::super) fn usage(usage: &Usage) -> Option<Value> {
    if let Some(raw) = &usage.raw
        && raw.get("prompt_tokens").is_some()
        && pieces::usage(raw.clone()) == *usage
    {
        return Some(raw.clone());
    }
    let (input, output) = (usage.input_tokens, usage.output_tokens);
    let known = input.or(output)?;
    let details = |fields: &[(&str, Option<u64>)]| {
        let known = fields.iter().filter_map(|(key, count)| {
            let count: u64 = (*count)?;
            Some(((*key).to_owned(), Value::from(count)))
        });
        Value::Object(known.collect())
    };
    Some(json!({
        "prompt_tokens": input.unwrap_or_default(),
        "completion_tokens": output.unwrap_or_default(),
        "total_tokens": usage.total_tokens().unwrap_or(known),
        "prompt_tokens_details": details(&[
            ("cached_tokens", usage.cached_input_tokens),
            ("cache_write_tokens", usage.cache_write_tokens),
            ("audio_tokens", usage.input_audio_tokens),
        ]),
        "completion_tokens_details": details(&[
            ("reasoning_tokens", usage.reasoning_tokens),
            ("audio_tokens", usage.output_audio_tokens),
        ]),
    }))
}

fn logprobs(all: &Logprobs) -> Value {
    let mut fields = Map::new();
    fields.insert("content".to_owned(), tokens(&all.content));
    if !all.refusal.is_empty() {
        fields.insert("refusal".to_owned(), tokens(&all.refusal));
    }
    fields.into()
}

/// Tokens as this dialect and Responses write them: every field there.
pub(crate) fn tokens(list: &[TokenLogprob]) -> Value {
    let one = |it: &TokenLogprob| {
        let top = it.top_logprobs.iter();
        let top: Vec<Value> = top
            .map(|it| json!({"token": it.token, "logprob": it.logprob, "bytes": it.bytes}))
            .collect();
        json!({
            "token": it.token,
            "logprob": it.logprob,
            "bytes": it.bytes,
            "top_logprobs": top,
        })
    };
    list.iter().map(one).collect()
}
