//! Requests that clients send.

use super::super::wire::{ReadRequest, WireCall, WireMessage};
use super::no_arguments;
use crate::dialect::Incoming;
use crate::{json, media};
use parlor_core::{
    Arguments, ChatRequest, Effort, Error, ErrorKind, FunctionDefinition, Media, MediaKind,
    MediaSource, Message, Native, Origin, OutputFormat, OutputSchema, Part, Reasoning,
    ReasoningConfig, Result, Role, ToolCall, ToolDefinition, ToolResult,
};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// Reads a request; it wants a stream unless it says otherwise.
pub(crate) fn from_wire(body: &[u8], origin: &Origin) -> Result<Incoming> {
    let mut scratch = String::new();
    let wire: ReadRequest = json::read(body, &mut scratch)
        .map_err(|error| invalid(format!("the body is no chat request: {error}")))?;
    if wire.model.is_empty() {
        return Err(invalid("model is required"));
    }
    let mut reader = Reader {
        origin,
        pending: Vec::new(),
        minted: 0,
    };
    let mut request = ChatRequest::default();
    for message in wire.messages {
        reader.message(message, &mut request.messages)?;
    }
    for tool in wire.tools {
        request.tools.push(reader.tool(tool));
    }
    let (mut rest, mut options) = (wire.rest, wire.options);
    rest.retain(|_, value| !value.is_null());
    options.retain(|_, value| !value.is_null());
    request.output = format(&mut rest);
    request.reasoning = think(&mut rest);
    request.logprobs = wire.logprobs;
    request.top_logprobs = wire.top_logprobs;
    request.max_output_tokens = take(&mut options, "num_predict");
    request.temperature = take(&mut options, "temperature");
    request.top_k = take(&mut options, "top_k");
    request.top_p = take(&mut options, "top_p");
    request.presence_penalty = take(&mut options, "presence_penalty");
    request.frequency_penalty = take(&mut options, "frequency_penalty");
    request.seed = take(&mut options, "seed");
    request.stop = take(&mut options, "stop").unwrap_or_default();
    if !options.is_empty() {
        rest.insert("options".to_owned(), Value::Object(options));
    }
    if !rest.is_empty() {
        request.extra.insert(origin.provider.to_string(), rest);
    }
    Ok(Incoming::new(
        request,
        wire.model,
        wire.stream.unwrap_or(true),
    ))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, message.into())
}

/// Takes a value that reads as `T`; any other stays where it is.
fn take<T: DeserializeOwned>(map: &mut Map<String, Value>, key: &str) -> Option<T> {
    let value = serde_json::from_value(map.get(key)?.clone()).ok()?;
    map.shift_remove(key);
    Some(value)
}

fn format(rest: &mut Map<String, Value>) -> Option<OutputFormat> {
    let output = match rest.get("format")? {
        Value::String(word) if word.is_empty() => None,
        Value::String(word) if word == "json" => Some(OutputFormat::Json),
        Value::Object(schema) => {
            // The dialect has no name for it; other dialects want one.
            let schema = OutputSchema::new("response", Value::Object(schema.clone()));
            Some(OutputFormat::JsonSchema(schema))
        }
        _ => return None,
    };
    rest.shift_remove("format");
    output
}

fn think(rest: &mut Map<String, Value>) -> Option<ReasoningConfig> {
    let effort = match rest.get("think")? {
        Value::Bool(true) => Effort::Auto,
        Value::Bool(false) => Effort::Off,
        Value::String(word) if !word.is_empty() => Effort::from(word.as_str()),
        _ => return None,
    };
    rest.shift_remove("think");
    Some(effort.into())
}

struct Reader<'a> {
    origin: &'a Origin,
    /// Id and name of calls that have no result yet, for results without ids.
    pending: Vec<(String, String)>,
    minted: u32,
}

impl Reader<'_> {
    fn native(&self, item: Map<String, Value>) -> Native {
        Native::new(self.origin.clone(), item)
    }

    /// Reads a message. Neighbouring tool messages are one in core.
    fn message(&mut self, mut wire: WireMessage, out: &mut Vec<Message>) -> Result<()> {
        let role = match wire.role.to_lowercase().as_str() {
            "system" | "developer" => Role::System,
            "assistant" => Role::Assistant,
            "tool" => return self.result(wire, out),
            "user" => Role::User,
            // Some templates have roles of their own.
            _ => {
                let role = Value::String(std::mem::take(&mut wire.role));
                wire.rest.insert("role".to_owned(), role);
                Role::User
            }
        };
        let mut parts = Vec::new();
        if !wire.thinking.is_empty() {
            // The mark alone says that it may go back.
            let part = Part::from(Reasoning::new(wire.thinking));
            parts.push(part.with_native(self.native(Map::new())));
        }
        if !wire.content.is_empty() {
            parts.push(Part::text(wire.content));
        }
        for image in wire.images {
            parts.push(image_part(&image)?.into());
        }
        for call in wire.tool_calls {
            parts.push(self.call(call));
        }
        for (key, value) in [
            ("tool_name", wire.tool_name),
            ("tool_call_id", wire.tool_call_id),
        ] {
            if !value.is_empty() {
                wire.rest.insert(key.to_owned(), Value::String(value));
            }
        }
        let mut message = Message::new(role, parts);
        if !wire.rest.is_empty() {
            message.native = Some(Box::new(self.native(wire.rest)));
        }
        out.push(message);
        Ok(())
    }

    fn call(&mut self, mut wire: WireCall) -> Part {
        if wire.id.is_empty() {
            // Counted, so that the same history reads the same each time.
            self.minted += 1;
            wire.id = format!("call{:05}", self.minted);
        }
        self.pending
            .push((wire.id.clone(), wire.function.name.clone()));
        let (call, leftovers) = read_call(wire);
        let part = Part::from(call);
        match leftovers {
            Some(leftovers) => part.with_native(self.native(leftovers)),
            None => part,
        }
    }

    fn result(&mut self, wire: WireMessage, out: &mut Vec<Message>) -> Result<()> {
        let mut result = ToolResult::default();
        let known = match wire.tool_call_id.is_empty() {
            false => self.pending.iter().position(|it| it.0 == wire.tool_call_id),
            true if wire.tool_name.is_empty() => (!self.pending.is_empty()).then_some(0),
            true => self.pending.iter().position(|it| it.1 == wire.tool_name),
        };
        let paired = known.map(|at| self.pending.remove(at).0);
        result.call_id = match (wire.tool_call_id.is_empty(), paired) {
            (false, _) => wire.tool_call_id,
            (true, Some(id)) => id,
            (true, None) => {
                self.minted += 1;
                format!("call{:05}", self.minted)
            }
        };
        result.name = (!wire.tool_name.is_empty()).then_some(wire.tool_name);
        if !wire.content.is_empty() {
            result.parts.push(Part::text(wire.content));
        }
        for image in wire.images {
            result.parts.push(image_part(&image)?.into());
        }
        let mut part = Part::from(result);
        if !wire.rest.is_empty() {
            part.set_native(self.native(wire.rest));
        }
        match out.last_mut() {
            Some(last) if last.role == Role::Tool => last.parts.push(part),
            _ => out.push(Message::new(Role::Tool, vec![part])),
        }
        Ok(())
    }

    fn tool(&self, tool: Value) -> ToolDefinition {
        let verbatim = |tool: Value| ToolDefinition::Native(Native::new(self.origin.clone(), tool));
        let Value::Object(mut outer) = tool else {
            return verbatim(tool);
        };
        let is_function = outer.get("type").is_none_or(|it| it == "function");
        let inner = outer.get("function").and_then(Value::as_object);
        let (true, Some(inner)) = (is_function, inner) else {
            return verbatim(Value::Object(outer));
        };
        let mut inner = inner.clone();
        inner.retain(|_, value| !value.is_null());
        let Some(name) = take(&mut inner, "name") else {
            return verbatim(Value::Object(outer));
        };
        let mut function = FunctionDefinition::new(String::default());
        function.name = name;
        function.description = take(&mut inner, "description");
        function.strict = take(&mut inner, "strict");
        let parameters = inner.shift_remove("parameters");
        function.parameters = parameters.filter(|it| *it != no_arguments());
        outer.shift_remove("type");
        match inner.is_empty() {
            true => outer.shift_remove("function"),
            false => outer.insert("function".to_owned(), Value::Object(inner)),
        };
        if !outer.is_empty() {
            function.native = Some(Box::new(self.native(outer)));
        }
        ToolDefinition::Function(function)
    }
}

/// Reads a call, and what core has no place for.
pub(crate) fn read_call(mut wire: WireCall) -> (ToolCall, Option<Map<String, Value>>) {
    wire.function.rest.shift_remove("index");
    let arguments = wire.function.arguments.as_deref().map(read_arguments);
    let call = ToolCall::new(wire.id, wire.function.name, arguments.unwrap_or_default());
    let mut leftovers = wire.rest;
    if !wire.function.rest.is_empty() {
        leftovers.insert("function".to_owned(), json!(wire.function.rest));
    }
    (call, (!leftovers.is_empty()).then_some(leftovers))
}

/// Arguments are an object; copies of the dialect send its text.
fn read_arguments(raw: &RawValue) -> Arguments {
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) => Arguments::json(text),
        Err(_) => Arguments::json(raw.get()),
    }
}

/// Base64, or, from lenient clients, a data URL.
pub(crate) fn image_part(text: &str) -> Result<Media> {
    let read = match media::parse_data_url(text) {
        Some((media_type, bytes)) => Some((Some(media_type), bytes)),
        None => media::decode(text).map(|bytes| (media::sniff(&bytes), bytes)),
    };
    let Some((media_type, bytes)) = read else {
        return Err(invalid("an image is no base64"));
    };
    let kind = match media_type.map(MediaKind::of_media_type) {
        Some(kind @ (MediaKind::Image | MediaKind::Audio)) => kind,
        _ => MediaKind::Image,
    };
    let mut media = Media::new(kind, MediaSource::Bytes(bytes));
    media.media_type = media_type.map(str::to_owned);
    Ok(media)
}
