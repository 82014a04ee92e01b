//! One part, both ways: what requests and answers share.
//!
//! A part's native item is what its wire form says beyond core's words: an
//! object that is merged over the plain form when the part goes back. So
//! `{"thoughtSignature": "…"}` stands on the part that it came on, and
//! `{"functionCall": {"id": "…"}}` says that the id was the provider's own. The
//! item of a call without an id is at least `{}`. Of parts that the provider
//! runs (code, server-side tools) the item is the whole part, verbatim.

use super::{FunctionCall, FunctionResponse, Part, compact, rest_of, value};
use parlor_core::{Executor, Part as CorePart, ToolCall, ToolResult};
use serde_json::{Map, Value, json};

/// The name of the provider's own tool that runs code.
const CODE_EXECUTION: &str = "code_execution";

/// What a part says beyond its kind and, where `thought` is false, beyond the
/// mark of a thought.
pub(in crate::gemini) fn modifiers(part: &Part<'_>, thought: bool) -> Map<String, Value> {
    let mut out = rest_of(&part.rest);
    if thought && part.thought.is_true() {
        out.insert("thought".to_owned(), json!(true));
    }
    if !part.signature.is_empty() {
        out.insert("thoughtSignature".to_owned(), json!(&*part.signature));
    }
    let raw = [
        ("videoMetadata", part.video_metadata),
        ("mediaResolution", part.media_resolution),
    ];
    for (name, raw) in raw {
        out.extend(raw.map(|raw| (name.to_owned(), value(raw))));
    }
    out
}

/// Whether a part is of no kind but text.
pub(in crate::gemini) fn is_text(part: &Part<'_>) -> bool {
    let kinds = [
        part.inline_data,
        part.file_data,
        part.function_call,
        part.function_response,
        part.executable_code,
        part.code_result,
        part.tool_call,
        part.tool_response,
    ];
    kinds.iter().all(Option::is_none)
}

/// Whether a part is nothing but its kind.
pub(in crate::gemini) fn is_plain(part: &Part<'_>) -> bool {
    part.signature.is_empty()
        && part.rest.is_empty()
        && part.video_metadata.is_none()
        && part.media_resolution.is_none()
}

/// The whole part.
pub(in crate::gemini) fn verbatim(part: &Part<'_>) -> Value {
    let mut out = Map::new();
    if let Some(text) = &part.text {
        out.insert("text".to_owned(), json!(&**text));
    }
    let kinds = [
        ("inlineData", part.inline_data),
        ("fileData", part.file_data),
        ("functionCall", part.function_call),
        ("functionResponse", part.function_response),
        ("executableCode", part.executable_code),
        ("codeExecutionResult", part.code_result),
        ("toolCall", part.tool_call),
        ("toolResponse", part.tool_response),
    ];
    for (name, raw) in kinds {
        out.extend(raw.map(|raw| (name.to_owned(), value(raw))));
    }
    out.extend(modifiers(part, true));
    Value::Object(out)
}

/// A call of a function that the client runs: its id, which is empty if none
/// came, name, arguments and native item.
pub(in crate::gemini) fn function_call(
    call: &FunctionCall<'_>,
    part: &Part<'_>,
) -> (ToolCall, Map<String, Value>) {
    let arguments = call.args.map_or("{}".to_owned(), |raw| compact(raw.get()));
    let native = call_native(call, part);
    (
        ToolCall::new(
            &*call.id,
            &*call.name,
            parlor_core::Arguments::json(arguments),
        ),
        native,
    )
}

/// The native item of a call.
pub(in crate::gemini) fn call_native(
    call: &FunctionCall<'_>,
    part: &Part<'_>,
) -> Map<String, Value> {
    let mut own = rest_of(&call.rest);
    if !call.id.is_empty() {
        own.insert("id".to_owned(), json!(&*call.id));
    }
    let mut native = modifiers(part, true);
    if !own.is_empty() {
        native.insert("functionCall".to_owned(), own.into());
    }
    native
}

/// The provider's id of a call, as its native item keeps it.
pub(in crate::gemini) fn own_id<'a>(item: &'a Value, field: &str) -> Option<&'a str> {
    item.get(field)?.get("id")?.as_str()
}

/// What the client answers to a call, and the native item.
///
/// The wire wants an object. A text that is itself a JSON object goes as that
/// object; any other goes as `{"output": text}`, and a failure as
/// `{"error": text}`. Read back, the two wrappers come off and everything else
/// is the object's text.
pub(in crate::gemini) fn function_response(
    result: &FunctionResponse<'_>,
    part: &Part<'_>,
) -> (ToolResult, Map<String, Value>) {
    let mut out = ToolResult::default();
    out.call_id = result.id.to_string();
    out.name = (!result.name.is_empty()).then(|| result.name.to_string());
    let text = match result.response.map(value) {
        Some(Value::Object(map)) => match wrapped(&map) {
            Some((is_error, text)) => {
                out.is_error = is_error;
                text.to_owned()
            }
            None => compact(result.response.map_or("{}", |raw| raw.get())),
        },
        Some(Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    if !text.is_empty() {
        out.parts.push(CorePart::text(text));
    }
    let mut own = rest_of(&result.rest);
    if !result.id.is_empty() {
        own.insert("id".to_owned(), json!(&*result.id));
    }
    let mut native = modifiers(part, true);
    if !own.is_empty() {
        native.insert("functionResponse".to_owned(), own.into());
    }
    (out, native)
}

/// The object that a client's answer goes as; see [`function_response`].
pub(in crate::gemini) fn write_result(result: &ToolResult) -> Value {
    let text = result.joined_text();
    if result.is_error {
        return json!({ "error": text });
    }
    match serde_json::from_str(&text) {
        Ok(Value::Object(map)) if wrapped(&map).is_none() => Value::Object(map),
        _ => json!({ "output": text }),
    }
}

fn wrapped(map: &Map<String, Value>) -> Option<(bool, &str)> {
    let (key, value) = map.iter().next().filter(|_| map.len() == 1)?;
    match (key.as_str(), value) {
        ("output", Value::String(text)) => Some((false, text)),
        ("error", Value::String(text)) => Some((true, text)),
        _ => None,
    }
}

/// A call that the provider ran; its id is empty if none came.
pub(in crate::gemini) fn provider_call(part: &Part<'_>) -> Option<ToolCall> {
    let (raw, is_code) = match (part.executable_code, part.tool_call) {
        (Some(raw), _) => (raw, true),
        (None, Some(raw)) => (raw, false),
        (None, None) => return None,
    };
    let mut fields = value(raw);
    let word = |it: Option<Value>| it.and_then(|it| it.as_str().map(str::to_owned));
    let mut take = |name: &str| fields.as_object_mut().and_then(|it| it.shift_remove(name));
    let id = word(take("id")).unwrap_or_default();
    let mut call = match is_code {
        true => ToolCall::new(id, CODE_EXECUTION, fields),
        false => {
            let name = word(take("toolType").or_else(|| take("tool_type"))).unwrap_or_default();
            ToolCall::new(id, name, take("args").unwrap_or_else(|| json!({})))
        }
    };
    call.executor = Executor::Provider;
    Some(call)
}

/// The result of a call that the provider ran; the call's id is empty if none
/// came.
pub(in crate::gemini) fn provider_result(part: &Part<'_>) -> Option<ToolResult> {
    let (raw, is_code) = match (part.code_result, part.tool_response) {
        (Some(raw), _) => (raw, true),
        (None, Some(raw)) => (raw, false),
        (None, None) => return None,
    };
    let fields = value(raw);
    let word = |name: &str| fields[name].as_str().unwrap_or_default();
    let mut result = ToolResult::default();
    result.call_id = word("id").to_owned();
    result.executor = Executor::Provider;
    let text = match is_code {
        true => {
            result.name = Some(CODE_EXECUTION.to_owned());
            // 1 is `OUTCOME_OK`, where a proxy sends numbers.
            let outcome = &fields["outcome"];
            result.is_error = !(outcome.is_null() || *outcome == "OUTCOME_OK" || *outcome == 1);
            word("output").to_owned()
        }
        false => {
            let name = [word("toolType"), word("tool_type")].concat();
            result.name = (!name.is_empty()).then_some(name);
            match &fields["response"] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            }
        }
    };
    if !text.is_empty() {
        result.parts.push(CorePart::text(text));
    }
    Some(result)
}

/// A call that a provider ran, for clients of this wire: verbatim if it came
/// from here, else as a server-side tool.
pub(in crate::gemini) fn write_provider_call(call: &ToolCall) -> Value {
    let args = call
        .arguments
        .parse()
        .unwrap_or_else(|error| json!({ "input": error.text }));
    json!({"toolCall": {"id": call.id, "toolType": call.name, "args": args}})
}

/// The result of a call that a provider ran; see [`write_provider_call`].
pub(in crate::gemini) fn write_provider_result(result: &ToolResult) -> Value {
    let mut out = json!({"id": result.call_id, "response": write_result(result)});
    if let Some(name) = &result.name {
        out["toolType"] = json!(name);
    }
    json!({ "toolResponse": out })
}
