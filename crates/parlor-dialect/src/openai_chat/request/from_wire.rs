//! From a body to core's request.

use super::super::wire::request::{Request, Stop};
use super::read_messages::MessageReader;
use super::reasoning::{self, take};
use super::tools;
use crate::dialect::Incoming;
use crate::json;
use parlor_core::{ChatRequest, Error, ErrorKind, Origin, OutputFormat, OutputSchema, Result};
use serde_json::{Map, Value};

/// Reads a request that a client sent.
pub(in super::super) fn from_wire(_path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
    let refused = |error: serde_json::Error| {
        Error::new(
            ErrorKind::InvalidRequest,
            format!("the request can't be read: {error}"),
        )
    };
    let mut scratch = String::new();
    let wire: Request<'_> = json::read(body, &mut scratch).map_err(refused)?;
    let mut rest = wire.rest;
    let mut request = ChatRequest::new(MessageReader::new(origin).read(wire.messages)?);

    let offered = wire.tools.unwrap_or_default();
    request.tools = offered
        .into_iter()
        .map(|tool| tools::read(tool, origin))
        .collect();
    if let Some(choice) = wire.tool_choice {
        match tools::read_choice(choice) {
            Ok(choice) => request.tool_choice = Some(choice),
            Err(Value::Null) => {}
            Err(other) => {
                rest.insert("tool_choice".to_owned(), other);
            }
        }
    }
    if let Some(format) = wire.response_format {
        match output(format) {
            Ok(output) => request.output = Some(output),
            Err(Value::Null) => {}
            Err(other) => {
                rest.insert("response_format".to_owned(), other);
            }
        }
    }
    request.parallel_tool_calls = wire.parallel_tool_calls;
    request.reasoning = reasoning::read(&mut rest);
    request.max_output_tokens = wire.max_completion_tokens.or(wire.max_tokens);
    request.temperature = wire.temperature;
    request.top_p = wire.top_p;
    request.top_k = wire.top_k;
    request.frequency_penalty = wire.frequency_penalty;
    request.presence_penalty = wire.presence_penalty;
    request.n = wire.n;
    request.logprobs = wire.logprobs;
    request.top_logprobs = wire.top_logprobs;
    request.service_tier = wire.service_tier.map(Into::into);
    request.stop = match wire.stop {
        None => Vec::new(),
        Some(Stop::One(text)) => vec![text],
        Some(Stop::Many(texts)) => texts.into_owned(),
    };
    request.seed = ["seed", "random_seed"]
        .iter()
        .find_map(|key| take(&mut rest, key, Value::as_i64));
    request.user = ["user", "safety_identifier"]
        .iter()
        .find_map(|key| take(&mut rest, key, |it| Some(it.as_str()?.to_owned())));
    labels(&mut rest, &mut request);

    // Usage is what the writer asks for by itself; other options are kept.
    let mut stream_usage = false;
    if let Some(mut options) = wire.stream_options {
        stream_usage = options.get("include_usage") == Some(&Value::Bool(true));
        if stream_usage {
            options.remove("include_usage");
        }
        if !options.is_empty() {
            rest.insert("stream_options".to_owned(), options.into());
        }
    }
    rest.retain(|_, value| !value.is_null());
    if !rest.is_empty() {
        request.extra.insert(origin.provider.to_string(), rest);
    }
    let stream = wire.stream.unwrap_or(false);
    let mut incoming = Incoming::new(request, wire.model, stream);
    incoming.stream_usage = stream_usage;
    Ok(incoming)
}

/// The labels that are texts; others stay.
fn labels(rest: &mut Map<String, Value>, request: &mut ChatRequest) {
    let Some(Value::Object(metadata)) = rest.get_mut("metadata") else {
        return;
    };
    metadata.retain(|key, value| match value {
        Value::String(text) => {
            request.metadata.insert(key.clone(), std::mem::take(text));
            false
        }
        _ => true,
    });
    if metadata.is_empty() {
        rest.remove("metadata");
    }
}

/// Reads the form of the answer; what isn't a known one comes back.
fn output(format: Value) -> Result<OutputFormat, Value> {
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    match format.get("type").and_then(Value::as_str) {
        Some("text") => Ok(OutputFormat::Text),
        Some("json_object") if format.get("schema").is_none() => Ok(OutputFormat::Json),
        Some("json_schema") => {
            let Some(inner) = format.get("json_schema") else {
                return Err(format);
            };
            let (Some(name), Some(schema)) = (text(inner, "name"), inner.get("schema")) else {
                return Err(format);
            };
            let mut output = OutputSchema::new(name, schema.clone());
            output.description = text(inner, "description");
            output.strict = inner.get("strict").and_then(Value::as_bool);
            Ok(OutputFormat::JsonSchema(output))
        }
        _ => Err(format),
    }
}
