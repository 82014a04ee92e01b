//! A body read as core's request.

use super::super::response::blocks;
use super::super::wire::{Body, Message as WireMessage, Object, take_object, take_text};
use super::{reasoning, tools};
use crate::dialect::Incoming;
use crate::json;
use crate::path::unescape;
use parlor_core::{
    ChatRequest, Error, ErrorKind, Executor, Message, Native, Origin, OutputFormat, OutputSchema,
    Part, Result, Role,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads a request. What core can't say is kept in `extra`.
pub(in super::super) fn from_wire(path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
    let mut scratch = String::new();
    let mut body: Body = json::read(body, &mut scratch).map_err(|error| {
        Error::new(
            ErrorKind::InvalidRequest,
            format!("the request's body is not a conversation: {error}"),
        )
    })?;
    let (model, stream) = asked(path);
    let mut extra = std::mem::take(&mut body.rest);
    extra.retain(|_, value| !value.is_null());
    let mut request = ChatRequest::default();
    let system = blocks::parts(body.system.take().unwrap_or_default(), origin);
    if !system.is_empty() {
        request.messages.push(Message::new(Role::System, system));
    }
    for message in std::mem::take(&mut body.messages) {
        read_message(message, origin, &mut request.messages)?;
    }
    if let Some(mut config) = body.tool_config.take() {
        request.tools = tools::read(std::mem::take(&mut config.tools), origin);
        let mut rest = config.rest;
        if let Some(choice) = config.tool_choice {
            let (choice, left) = tools::read_choice(choice);
            request.tool_choice = choice;
            keep(&mut rest, "toolChoice", left.unwrap_or_default());
        }
        keep(&mut extra, "toolConfig", rest);
    }
    if let Some(config) = body.inference_config.take() {
        request.max_output_tokens = config.max_tokens;
        request.temperature = config.temperature;
        request.top_p = config.top_p;
        request.stop = config.stop_sequences.unwrap_or_default();
        keep(&mut extra, "inferenceConfig", config.rest);
    }
    let mut config = body.output_config.take().unwrap_or_default();
    let mut fields = body
        .additional_model_request_fields
        .take()
        .unwrap_or_default();
    request.reasoning = reasoning::read(&mut fields, &mut config);
    request.top_k = top_k(&mut fields);
    if let Some(format) = take_object(&mut config, "textFormat") {
        match output(&format) {
            Some(schema) => request.output = Some(OutputFormat::JsonSchema(schema)),
            None => keep(&mut config, "textFormat", format),
        }
    }
    keep(&mut extra, "outputConfig", config);
    keep(&mut extra, "additionalModelRequestFields", fields);
    if let Some(mut tier) = body.service_tier.take() {
        request.service_tier = take_text(&mut tier, "type");
        keep(&mut extra, "serviceTier", tier);
    }
    let mut labels = body.request_metadata.take().unwrap_or_default();
    for key in labels.keys().cloned().collect::<Vec<_>>() {
        if let Some(value) = take_text(&mut labels, &key) {
            request.metadata.insert(key, value);
        }
    }
    keep(&mut extra, "requestMetadata", labels);
    if !extra.is_empty() {
        request.extra = BTreeMap::from([(origin.provider.to_string(), extra)]);
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

/// The model that a path `…/model/{model}/converse` names, and whether it asks
/// for a stream.
fn asked(path: &str) -> (String, bool) {
    let path = path.split('?').next().unwrap_or_default();
    let rest = path.split_once("/model/").map_or("", |(_, rest)| rest);
    let (model, operation) = rest.rsplit_once('/').unwrap_or((rest, ""));
    (unescape(model), operation.ends_with("-stream"))
}

fn top_k(fields: &mut Object) -> Option<u32> {
    let read = |value: &Value| value.as_u64().and_then(|it| u32::try_from(it).ok());
    if let Some(top_k) = fields.get("top_k").and_then(read) {
        fields.shift_remove("top_k");
        return Some(top_k);
    }
    let mut config = take_object(fields, "inferenceConfig")?;
    let top_k = config.get("topK").and_then(read);
    if top_k.is_some() {
        config.shift_remove("topK");
    }
    keep(fields, "inferenceConfig", config);
    top_k
}

/// Reads a message. The results that a user's message holds are a message of
/// their own, in front of what is said.
fn read_message(message: WireMessage, origin: &Origin, out: &mut Vec<Message>) -> Result<()> {
    let mut rest = message.rest;
    rest.retain(|_, value| !value.is_null());
    let role = match message.role.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => {
            // It goes back to this place, in this role.
            rest.insert("role".to_owned(), "system".into());
            Role::System
        }
        other => {
            let message = format!("a message has the unknown role `{other}`");
            return Err(Error::new(ErrorKind::InvalidRequest, message));
        }
    };
    let native = (!rest.is_empty()).then(|| Box::new(Native::new(origin.clone(), rest)));
    let all = blocks::parts(message.content, origin);
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

/// Reads an output format; `None` for one that core can't say.
fn output(format: &Object) -> Option<OutputSchema> {
    if format.get("type")? != "json_schema" {
        return None;
    }
    let said = format.get("structure")?.get("jsonSchema")?;
    let schema = match said.get("schema")? {
        Value::String(text) => serde_json::from_str(text).ok()?,
        schema @ Value::Object(_) => schema.clone(),
        _ => return None,
    };
    let text = |key: &str| said.get(key).and_then(Value::as_str).map(str::to_owned);
    // The dialect lets names be missing.
    let mut schema = OutputSchema::new(text("name").unwrap_or("response".to_owned()), schema);
    schema.description = text("description");
    Some(schema)
}
