//! A body read as core's request.

use super::super::PLAN;
use super::super::response::read::{citation, leftover_call};
use super::super::wire::{Body, Message as Wire, Object, kind_of, leftovers, take_text};
use super::tools;
use crate::dialect::Incoming;
use crate::{json, media};
use parlor_core::{
    Arguments, ChatRequest, Effort, Error, ErrorKind, Media, MediaKind, Message, Native, Origin,
    OutputFormat, OutputSchema, Part, Reasoning, ReasoningConfig, Result, Role, ToolCall,
    ToolResult,
};
use serde_json::{Value, json};

/// Reads a request. What core can't say is kept in `extra`.
pub(in super::super) fn from_wire(body: &[u8], origin: &Origin) -> Result<Incoming> {
    let mut scratch = String::new();
    let mut body: Body = json::read(body, &mut scratch)
        .map_err(|error| invalid(format!("the body is no chat request: {error}")))?;
    if body.model.is_empty() {
        return Err(invalid("model is required"));
    }
    let mut extra = std::mem::take(&mut body.rest);
    extra.retain(|_, value| !value.is_null());
    let mut request = ChatRequest::default();
    let reader = Reader { origin };
    for message in body.messages {
        reader.message(message, &mut request.messages)?;
    }
    let tools = body.tools.unwrap_or_default().into_iter();
    request.tools = tools
        .map(|tool| tools::read(tool, body.strict_tools, origin))
        .collect();
    if let (true, Some(strict)) = (request.tools.is_empty(), body.strict_tools) {
        extra.insert("strict_tools".to_owned(), strict.into());
    }
    match body.tool_choice.map(tools::read_choice) {
        Some(Ok(choice)) => request.tool_choice = Some(choice),
        Some(Err(word)) => {
            extra.insert("tool_choice".to_owned(), word.into());
        }
        None => {}
    }
    if let Some(documents) = body.documents {
        extra.insert("documents".to_owned(), documents.into());
    }
    match body.response_format.map(format) {
        Some(Ok(output)) => request.output = Some(output),
        Some(Err(format)) => {
            extra.insert("response_format".to_owned(), Value::Object(format));
        }
        None => {}
    }
    if let Some(wish) = body.thinking {
        let (config, rest) = thinking(wish);
        request.reasoning = config;
        if let Some(rest) = leftovers(rest) {
            extra.insert("thinking".to_owned(), rest);
        }
    }
    request.max_output_tokens = body.max_tokens;
    request.stop = body.stop_sequences.unwrap_or_default();
    request.temperature = body.temperature;
    request.top_p = body.p;
    request.top_k = body.k;
    request.seed = body.seed;
    request.frequency_penalty = body.frequency_penalty;
    request.presence_penalty = body.presence_penalty;
    request.logprobs = body.logprobs;
    if !extra.is_empty() {
        request.extra.insert(origin.provider.to_string(), extra);
    }
    let stream = body.stream.unwrap_or_default();
    Ok(Incoming::new(request, body.model, stream))
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidRequest, message.into())
}

/// Reads an output format; one that core can't say is given back.
fn format(mut format: Object) -> std::result::Result<OutputFormat, Object> {
    let only = |format: &Object, known: &[&str]| {
        let mut keys = format.iter().filter(|it| !it.1.is_null());
        keys.all(|it| known.contains(&it.0.as_str()))
    };
    match kind_of(&format) {
        "text" if only(&format, &["type"]) => Ok(OutputFormat::Text),
        "json_object" if only(&format, &["type", "json_schema"]) => {
            match format.shift_remove("json_schema") {
                None | Some(Value::Null) => Ok(OutputFormat::Json),
                Some(schema) => {
                    // The dialect has no names for schemas.
                    let schema = OutputSchema::new("response", schema);
                    Ok(OutputFormat::JsonSchema(schema))
                }
            }
        }
        _ => Err(format),
    }
}

/// Reads whether to think, and gives back what core can't say of it.
fn thinking(mut wish: Object) -> (Option<ReasoningConfig>, Object) {
    let mut config = ReasoningConfig::default();
    match kind_of(&wish) {
        "disabled" => config.effort = Some(Effort::Off),
        "enabled" => {
            config.budget_tokens = wish.get("token_budget").and_then(Value::as_u64);
            match config.budget_tokens {
                Some(_) => {
                    wish.shift_remove("token_budget");
                }
                None => config.effort = Some(Effort::Auto),
            }
        }
        _ => return (None, wish),
    }
    wish.shift_remove("type");
    (Some(config), wish)
}

struct Reader<'a> {
    origin: &'a Origin,
}

impl Reader<'_> {
    fn native(&self, item: impl Into<Value>) -> Native {
        Native::new(self.origin.clone(), item)
    }

    /// Reads a message. Neighbouring results are one message in core.
    fn message(&self, mut wire: Wire, out: &mut Vec<Message>) -> Result<()> {
        let role = match wire.role.to_ascii_lowercase().as_str() {
            "system" | "developer" => Role::System,
            "user" => Role::User,
            "assistant" | "chatbot" => Role::Assistant,
            "tool" => return self.result(wire, out),
            other => {
                return Err(invalid(format!("a message has the unknown role `{other}`")));
            }
        };
        let items = std::mem::take(&mut wire.content).into_blocks();
        let mut parts: Vec<Part> = items.into_iter().map(|it| self.item(it)).collect();
        self.citations(
            wire.citations.unwrap_or_default(),
            &mut parts,
            &mut wire.rest,
        );
        if let Some(plan) = wire.tool_plan.filter(|it| !it.is_empty()) {
            let plan = json!({ "type": PLAN, PLAN: plan });
            parts.push(Part::Native(self.native(plan)));
        }
        let calls = wire.tool_calls.unwrap_or_default().into_iter();
        parts.extend(calls.map(|call| self.call(call)));
        if let (Role::User, Some(id)) = (role, wire.tool_call_id) {
            wire.rest.insert("tool_call_id".to_owned(), id.into());
        }
        let mut message = Message::new(role, parts);
        let rest = leftovers(wire.rest);
        message.native = rest.map(|rest| Box::new(self.native(rest)));
        out.push(message);
        Ok(())
    }

    /// An item of a content.
    fn item(&self, mut item: Object) -> Part {
        let part = match kind_of(&item) {
            "text" => take_text(&mut item, "text").map(Part::text),
            "thinking" => take_text(&mut item, "thinking").map(|text| {
                let mut rest = item.clone();
                rest.shift_remove("type");
                let native = self.native(leftovers(rest).unwrap_or_else(|| json!({})));
                // The mark alone says that it may go back.
                Part::from(Reasoning::new(text)).with_native(native)
            }),
            "image_url" => self.image(&mut item),
            // Its plain meaning for others; it goes back as it came.
            "document" => {
                let text = plain(&item);
                let native = self.native(Value::Object(item));
                return Part::text(text).with_native(native);
            }
            _ => None,
        };
        let Some(part) = part else {
            return Part::Native(self.native(Value::Object(item)));
        };
        item.shift_remove("type");
        match leftovers(item) {
            Some(rest) if part.native().is_none() => part.with_native(self.native(rest)),
            _ => part,
        }
    }

    fn image(&self, item: &mut Object) -> Option<Part> {
        let inner = item.get("image_url")?;
        let url = inner.as_str().or_else(|| inner["url"].as_str())?;
        let mut image = match media::parse_data_url(url) {
            Some((media_type, bytes)) => {
                let mut image = Media::bytes(media_type, bytes);
                image.kind = MediaKind::Image;
                image
            }
            None => Media::url(MediaKind::Image, url),
        };
        image.detail = inner["detail"].as_str().map(str::to_owned);
        item.shift_remove("image_url");
        Some(image.into())
    }

    /// Puts citations on the texts that they are about; others stay with the
    /// message.
    fn citations(&self, citations: Vec<Value>, parts: &mut [Part], rest: &mut Object) {
        let mut others = Vec::new();
        for item in citations {
            let named = item["content_index"].as_u64();
            let named = named.and_then(|it| usize::try_from(it).ok());
            let at = named.or_else(|| {
                let is_text = |part: &Part| matches!(part, Part::Text(_));
                parts.iter().rposition(is_text)
            });
            match at.and_then(|at| parts.get_mut(at)) {
                Some(Part::Text(text)) => text.citations.push(citation(item, self.origin)),
                _ => others.push(item),
            }
        }
        if !others.is_empty() {
            rest.insert("citations".to_owned(), others.into());
        }
    }

    fn call(&self, mut call: Object) -> Part {
        let rest = leftover_call(call.clone());
        let id = take_text(&mut call, "id").unwrap_or_default();
        let function = call.get("function").unwrap_or(&Value::Null);
        let arguments = match &function["arguments"] {
            Value::String(text) => Arguments::json(text),
            Value::Null => Arguments::default(),
            other => Arguments::from(other.clone()),
        };
        let name = function["name"].as_str().unwrap_or_default();
        let part = Part::from(ToolCall::new(id, name, arguments));
        match rest {
            Some(rest) => part.with_native(self.native(rest)),
            None => part,
        }
    }

    fn result(&self, mut wire: Wire, out: &mut Vec<Message>) -> Result<()> {
        let mut result = ToolResult::default();
        result.call_id = wire.tool_call_id.take().unwrap_or_default();
        let items = std::mem::take(&mut wire.content).into_blocks().into_iter();
        result.parts = items.map(|it| self.item(it)).collect();
        let part = Part::from(result);
        let part = match leftovers(wire.rest) {
            Some(rest) => part.with_native(self.native(rest)),
            None => part,
        };
        match out.last_mut() {
            Some(last) if last.role == Role::Tool => last.parts.push(part),
            _ => out.push(Message::new(Role::Tool, vec![part])),
        }
        Ok(())
    }
}

/// What a document says: its one text, or its fields as JSON.
fn plain(item: &Object) -> String {
    let document = item.get("document").unwrap_or(&Value::Null);
    let data = match document.get("data") {
        Some(data) => data,
        None => document,
    };
    match data {
        Value::String(text) => text.clone(),
        Value::Object(fields) if fields.len() == 1 => match fields.values().next() {
            Some(Value::String(text)) => text.clone(),
            _ => data.to_string(),
        },
        other => other.to_string(),
    }
}
