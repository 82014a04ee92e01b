//! A body read as core's request.

use super::super::response::blocks::{self, take_cache};
use super::super::wire::{
    Body, Content, Message as WireMessage, Object, kind_of, take_object, take_text,
};
use super::tools;
use crate::dialect::Incoming;
use crate::json;
use crate::path::unescape;
use parlor_core::{
    ChatRequest, Effort, Error, ErrorKind, Executor, Message, Native, Origin, OutputFormat,
    OutputSchema, Part, ReasoningConfig, Result, Role,
};
use serde_json::Value;

/// Reads a request. What core can't say is kept in `extra`.
pub(in super::super) fn from_wire(path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
    let mut scratch = String::new();
    let mut body: Body = json::read(body, &mut scratch).map_err(|error| {
        Error::new(
            ErrorKind::InvalidRequest,
            format!("the request's body is not a message request: {error}"),
        )
    })?;
    let (in_path, streamed) = model_in_path(path);
    let model = body.model.take().or(in_path).unwrap_or_default();
    let stream = body.stream.take().unwrap_or(streamed);
    let mut extra = std::mem::take(&mut body.rest);
    extra.retain(|_, value| !value.is_null());
    let mut request = ChatRequest::default();
    if let Some(system) = body.system.take() {
        let parts = parts(system, origin);
        if !parts.is_empty() {
            request.messages.push(Message::new(Role::System, parts));
        }
    }
    for message in std::mem::take(&mut body.messages) {
        read_message(message, origin, &mut request.messages)?;
    }
    let tools = body.tools.take().unwrap_or_default().into_iter();
    request.tools = tools.map(|tool| tools::read(tool, origin)).collect();
    if let Some(choice) = body.tool_choice.take() {
        let (choice, parallel, rest) = tools::read_choice(choice);
        request.tool_choice = choice;
        request.parallel_tool_calls = parallel;
        keep(&mut extra, "tool_choice", rest.unwrap_or_default());
    }
    request.max_output_tokens = body.max_tokens;
    request.temperature = body.temperature;
    request.top_p = body.top_p;
    request.top_k = body.top_k;
    request.stop = body.stop_sequences.take().unwrap_or_default();
    request.service_tier = body.service_tier.take();
    if let Some(mut metadata) = body.metadata.take() {
        request.user = take_text(&mut metadata, "user_id");
        keep(&mut extra, "metadata", metadata);
    }
    if let Some(mark) = body.cache_control.take() {
        let mut holder = Object::from_iter([("cache_control".to_owned(), Value::Object(mark))]);
        request.cache = take_cache(&mut holder);
        extra.append(&mut holder);
    }
    let config = body.output_config.take();
    reasoning(body.thinking.take(), config, &mut request, &mut extra);
    // The form that structured output had before `output_config`.
    if request.output.is_none()
        && let Some(format) = take_object(&mut extra, "output_format")
        && let Err(format) = output(format, &mut request)
    {
        extra.insert("output_format".to_owned(), Value::Object(format));
    }
    if !extra.is_empty() {
        request.extra.insert(origin.provider.to_string(), extra);
    }
    Ok(Incoming::new(request, model, stream))
}

/// Keeps what is left of an object under its name.
fn keep(extra: &mut Object, key: &str, mut rest: Object) {
    rest.retain(|_, value| !value.is_null());
    if !rest.is_empty() {
        extra.insert(key.to_owned(), Value::Object(rest));
    }
}

/// The model that a path names, as `…/models/{model}:rawPredict` or
/// `…/model/{model}/invoke`, and whether the path asks for a stream.
fn model_in_path(path: &str) -> (Option<String>, bool) {
    let path = path.split('?').next().unwrap_or_default();
    let streamed = ["streamRawPredict", "invoke-with-response-stream"];
    let streamed = streamed.iter().any(|it| path.ends_with(it));
    let after = |marker: &str| path.split_once(marker).map(|(_, rest)| rest);
    let model = match (after("/models/"), after("/model/")) {
        (Some(rest), _) => rest.rsplit_once(':').map(|(model, _)| model),
        (_, Some(rest)) => rest.rsplit_once('/').map(|(model, _)| model),
        _ => None,
    };
    (model.map(unescape), streamed)
}

fn parts(content: Content, origin: &Origin) -> Vec<Part> {
    let blocks = content.into_blocks().into_iter();
    blocks.map(|block| blocks::part(block, origin)).collect()
}

/// Reads a message. The results that a user's message holds are a message of
/// their own, in front of what is said.
fn read_message(message: WireMessage, origin: &Origin, out: &mut Vec<Message>) -> Result<()> {
    let mut rest = message.rest;
    rest.retain(|_, value| !value.is_null());
    let role = match &*message.role {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" | "developer" => {
            // It goes back to this place, in this role.
            rest.insert("role".to_owned(), "system".into());
            Role::System
        }
        other => {
            let message = format!("a message has the unknown role `{other}`");
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
    };
    let native = Native::new(origin.clone(), Value::Object(rest));
    let native = (native.item != Value::Object(Object::new())).then(|| Box::new(native));
    let all = parts(message.content, origin);
    let is_result = |part: &Part| match part {
        Part::ToolResult(result) => result.executor == Executor::Client,
        _ => false,
    };
    let (results, parts) = match role {
        Role::User => all.into_iter().partition(is_result),
        _ => (Vec::new(), all),
    };
    if !results.is_empty() {
        out.push(Message::new(Role::Tool, results));
        if parts.is_empty() {
            return Ok(());
        }
    }
    let mut message = Message::new(role, parts);
    message.native = native;
    out.push(message);
    Ok(())
}

/// Reads how to think and how to write the answer.
fn reasoning(
    thinking: Option<Object>,
    config: Option<Object>,
    request: &mut ChatRequest,
    extra: &mut Object,
) {
    let mut config = config.unwrap_or_default();
    if let Some(format) = take_object(&mut config, "format")
        && let Err(format) = output(format, request)
    {
        config.insert("format".to_owned(), Value::Object(format));
    }
    let effort = config
        .get("effort")
        .and_then(Value::as_str)
        .map(Effort::from);
    let mut wish = ReasoningConfig::default();
    let mut rest = thinking.unwrap_or_default();
    match kind_of(&rest) {
        "" => {
            // Effort alone also rules how much is said; thinking stays off.
            if effort.is_some() {
                extra.insert("thinking".to_owned(), Value::Null);
            }
            wish.effort = effort;
        }
        "disabled" => {
            rest.shift_remove("type");
            wish.effort = Some(Effort::Off);
        }
        kind @ ("enabled" | "adaptive") => {
            let adaptive = kind == "adaptive";
            rest.shift_remove("type");
            wish.budget_tokens = rest.get("budget_tokens").and_then(Value::as_u64);
            if wish.budget_tokens.is_some() {
                rest.shift_remove("budget_tokens");
            }
            wish.summary = take_text(&mut rest, "display");
            wish.effort = effort;
            if wish.effort.is_none() && (adaptive || wish.budget_tokens.is_none()) {
                wish.effort = Some(Effort::Auto);
            }
        }
        _ => wish.effort = Some(Effort::Auto),
    }
    // With thinking off the effort stays a wish about the answer.
    if wish.effort != Some(Effort::Off) && wish.effort != Some(Effort::Auto) {
        config.shift_remove("effort");
    }
    keep(extra, "thinking", rest);
    keep(extra, "output_config", config);
    if wish != ReasoningConfig::default() {
        request.reasoning = Some(wish);
    }
}

/// Reads an output format; one that core can't say is given back.
fn output(mut format: Object, request: &mut ChatRequest) -> std::result::Result<(), Object> {
    let only = |key: &String| key == "type" || key == "schema";
    if kind_of(&format) != "json_schema" || !format.keys().all(only) {
        return Err(format);
    }
    let Some(schema) = format.shift_remove("schema") else {
        return Err(format);
    };
    // The dialect has no names for schemas.
    let schema = OutputSchema::new("response", schema);
    request.output = Some(OutputFormat::JsonSchema(schema));
    Ok(())
}
