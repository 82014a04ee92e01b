//! Requests, both ways: what stands elsewhere, and one call at a time.

use crate::dialect::WireRequest;
use crate::path::unescape;
use parlor_core::{ChatRequest, Error, ErrorKind, Message, Result, Role, Warning, WarningKind};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::VecDeque;

type Object = Map<String, Value>;

/// The lowest temperature that is taken: it must be above nothing.
const LOWEST_TEMPERATURE: f64 = 0.01;

/// What stands for a result that says nothing, which isn't taken.
const NO_RESULT: &str = "{}";

/// The request with instructions before everything else: they leave the
/// messages, and those around them become neighbours.
pub(super) fn instructed_first(request: &ChatRequest) -> Cow<'_, ChatRequest> {
    let instructs = |it: &&Message| it.role == Role::System;
    let messages = request.messages.iter();
    if !messages.skip_while(instructs).any(|it| instructs(&it)) {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    request.messages.sort_by_key(|it| it.role != Role::System);
    Cow::Owned(request)
}

/// The other dialect's request in the API's places.
pub(super) fn to_wire(mut wire: WireRequest) -> Result<WireRequest> {
    let unwritable = |error: serde_json::Error| {
        let message = format!("the request can't be written: {error}");
        Error::new(ErrorKind::Unexpected, message)
    };
    let mut body: Object = serde_json::from_slice(&wire.body).map_err(unwritable)?;
    body.shift_remove("model");
    let (system, messages) = split(list(&mut body, "messages"));
    body.insert("messages".to_owned(), messages.into());
    if !system.is_empty() {
        body.insert("system".to_owned(), system.into());
    }
    let functions: Vec<Value> = list(&mut body, "tools")
        .into_iter()
        .filter_map(function)
        .collect();
    if !functions.is_empty() {
        body.insert("functions".to_owned(), functions.into());
    }
    rename(&mut body, "max_tokens", "max_output_tokens");
    if let Some(format) = body.get_mut("response_format")
        && let Some(Value::String(word)) = format.get_mut("type").map(Value::take)
    {
        *format = word.into();
    }
    let temperature = body.get("temperature").and_then(Value::as_f64);
    if temperature.is_some_and(|it| it < LOWEST_TEMPERATURE) {
        body.insert("temperature".to_owned(), LOWEST_TEMPERATURE.into());
        let message = format!("the temperature is sent as {LOWEST_TEMPERATURE}, the lowest taken");
        let warning = Warning::new(WarningKind::Coerced, "temperature", message);
        wire.warnings.push(warning);
    }
    wire.body = serde_json::to_vec(&body).map_err(unwritable)?;
    Ok(wire)
}

/// A function as it stands by itself. A description is demanded.
fn function(mut tool: Value) -> Option<Value> {
    let mut function = match tool.get_mut("function")?.take() {
        Value::Object(function) => function,
        _ => return None,
    };
    let name = function.get("name").cloned().unwrap_or_default();
    function.entry("description").or_insert(name);
    Some(function.into())
}

/// Instructions, and the messages without them; of calls that were made at once
/// each has its result behind it, since they can only be told one by one.
fn split(messages: Vec<Value>) -> (String, Vec<Value>) {
    let mut system = String::new();
    let mut out = Vec::with_capacity(messages.len());
    let mut messages: VecDeque<Object> = messages.into_iter().filter_map(object).collect();
    while let Some(mut message) = messages.pop_front() {
        match role(&message) {
            "system" => {
                let text = message.get("content").and_then(Value::as_str);
                if !system.is_empty() {
                    system.push_str("\n\n");
                }
                system.push_str(text.unwrap_or_default());
            }
            "tool" => out.push(result(message, "").into()),
            _ => {
                let calls = list(&mut message, "tool_calls");
                if calls.is_empty() {
                    out.push(message.into());
                    continue;
                }
                let more = messages.iter().take_while(|it| role(it) == "tool");
                let results: Vec<Object> = messages.drain(..more.count()).collect();
                one_by_one(message, calls, results, &mut out);
            }
        }
    }
    (system, out)
}

/// Writes calls that were made at once, each with its result. One that has none
/// is left out, unless it is all there is.
fn one_by_one(message: Object, calls: Vec<Value>, mut results: Vec<Object>, out: &mut Vec<Value>) {
    let mut message = Some(message);
    let unanswered = results.is_empty();
    for mut call in calls {
        let id = call.get("id").cloned();
        let of_it = |it: &Object| it.get("tool_call_id") == id.as_ref();
        let at = results.iter().position(of_it);
        let Some(Value::Object(mut called)) = call.get_mut("function").map(Value::take) else {
            continue;
        };
        if at.is_none() && !(unanswered && message.is_some()) {
            continue;
        }
        // What was said beside the calls stands before the first.
        let mut said = message.take().unwrap_or_else(|| {
            Object::from_iter([
                ("role".to_owned(), "assistant".into()),
                ("content".to_owned(), "".into()),
            ])
        });
        called.retain(|key, _| matches!(key.as_str(), "name" | "arguments"));
        let name = called.get("name").and_then(Value::as_str);
        let name = name.unwrap_or_default().to_owned();
        said.insert("function_call".to_owned(), called.into());
        out.push(said.into());
        if let Some(at) = at {
            out.push(result(results.remove(at), &name).into());
        }
    }
}

/// A result as the message of a function.
fn result(mut message: Object, name: &str) -> Object {
    let content = message.shift_remove("content");
    let content = content.filter(|it| it.as_str().is_none_or(|it| !it.trim().is_empty()));
    Object::from_iter([
        ("role".to_owned(), "function".into()),
        ("name".to_owned(), name.into()),
        (
            "content".to_owned(),
            content.unwrap_or_else(|| NO_RESULT.into()),
        ),
    ])
}

/// A request that a client sent, in the other dialect's places.
pub(super) fn from_wire(path: &str, body: &[u8]) -> Result<Vec<u8>> {
    let unreadable = |error: serde_json::Error| {
        let message = format!("the request is no JSON of a chat: {error}");
        Error::new(ErrorKind::InvalidRequest, message)
    };
    let mut body: Object = serde_json::from_slice(body).map_err(unreadable)?;
    let path = path.split('?').next().unwrap_or(path);
    let model = path.rsplit('/').next().unwrap_or(path);
    body.insert("model".to_owned(), unescape(model).into());
    let mut messages = Vec::new();
    if let Some(system) = body.shift_remove("system") {
        messages.push(json!({"role": "system", "content": system}));
    }
    let mut calls = 0;
    for message in list(&mut body, "messages") {
        messages.extend(object(message).map(|it| Value::from(read(it, &mut calls))));
    }
    body.insert("messages".to_owned(), messages.into());
    let functions = list(&mut body, "functions").into_iter();
    let tools: Vec<Value> = functions
        .map(|it| json!({"type": "function", "function": it}))
        .collect();
    if !tools.is_empty() {
        body.insert("tools".to_owned(), tools.into());
    }
    rename(&mut body, "max_output_tokens", "max_tokens");
    rename(&mut body, "user_id", "user");
    if let Some(format) = body.get_mut("response_format")
        && format.is_string()
    {
        *format = json!({"type": format.take()});
    }
    serde_json::to_vec(&body).map_err(unreadable)
}

/// A message that a client sent. Calls have no ids: a result is that of the
/// call before it.
fn read(mut message: Object, calls: &mut usize) -> Object {
    if let Some(Value::Object(mut call)) = message.shift_remove("function_call") {
        *calls += 1;
        if let Some(thoughts) = call.shift_remove("thoughts") {
            message.insert("reasoning_content".to_owned(), thoughts);
        }
        let call = json!([{"id": id(*calls), "type": "function", "function": call}]);
        message.insert("tool_calls".to_owned(), call);
    }
    if role(&message) == "function" {
        message.shift_remove("name");
        message.insert("role".to_owned(), "tool".into());
        message.insert("tool_call_id".to_owned(), id(*calls).into());
        if message.get("content").and_then(Value::as_str) == Some(NO_RESULT) {
            message.insert("content".to_owned(), "".into());
        }
    }
    message
}

fn id(call: usize) -> String {
    format!("call_{call}")
}

fn role(message: &Object) -> &str {
    let role = message.get("role").and_then(Value::as_str);
    role.unwrap_or_default()
}

fn object(value: Value) -> Option<Object> {
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// Takes a list out of an object.
fn list(body: &mut Object, key: &str) -> Vec<Value> {
    match body.shift_remove(key) {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

fn rename(map: &mut Object, from: &str, to: &str) {
    if let Some(value) = map.shift_remove(from) {
        map.insert(to.to_owned(), value);
    }
}
