//! The built-in model: it repeats what it is told.

use crate::Event;
use crate::capability::{Capabilities, Capability};
use crate::error::{Error, ErrorKind, Result};
use crate::message::{Message, Role};
use crate::model::{ChatModel, ModelInfo};
use crate::part::{Media, MediaKind, MediaSource, Part};
use crate::request::{ChatRequest, OutputFormat};
use crate::response::{ChatResponse, Choice, FinishKind, FinishReason};
use crate::stream::{ChatStream, Ready};
use crate::tool::{Arguments, ToolCall, ToolChoice, ToolDefinition};
use crate::usage::Usage;
use async_trait::async_trait;
use serde_json::{Map, Value};
use std::sync::Arc;

/// A model that needs no key and no network, for examples, tests and the first
/// minute. It is not a language model.
///
/// # Behavior
/// - It answers with the text of the last message, and says what media came
///   with it.
/// - Where the text names a tool, or a tool must be called, it calls the tool
///   with the smallest arguments that its schema allows; given results, it
///   repeats them.
/// - Asked for JSON by a schema, it gives the smallest value that the schema
///   allows; asked for any JSON, `{"echo": …}`.
/// - The same request always gives the same answer. A token is a word, and a
///   stream yields one word at a time.
#[derive(Debug, Clone)]
pub struct Echo {
    info: Arc<ModelInfo>,
    /// What it says to a message, where it doesn't repeat it.
    says: Option<Says>,
}

/// The words that answer the last message of a request.
type Says = fn(&ChatRequest, &Message) -> String;

impl Echo {
    /// The model, with the id `echo`.
    pub fn new() -> Self {
        use Capability::*;
        let mut info = ModelInfo::new("echo", "echo");
        info.capabilities = Capabilities::UNKNOWN.having(&[
            Streaming,
            Tools,
            ToolChoice,
            Json,
            JsonSchema,
            ImageInput,
            AudioInput,
            VideoInput,
            DocumentInput,
        ]);
        Self {
            info: Arc::new(info),
            says: None,
        }
    }

    /// A model that says these words instead, and calls no tools.
    pub(crate) fn answering(info: ModelInfo, says: Says) -> Self {
        Self {
            info: Arc::new(info),
            says: Some(says),
        }
    }

    fn answer(&self, request: &ChatRequest) -> Result<ChatResponse> {
        let last = request.messages.last().ok_or_else(|| {
            Error::new(ErrorKind::InvalidRequest, "the request has no message")
                .with_provider(&self.info.provider)
                .with_help("Add a user message.")
        })?;
        let mut choice = Choice::new(0);
        choice.message.parts = vec![match (self.says, wanted_tool(request, last)) {
            (None, Some(call)) => Part::ToolCall(call),
            (None, None) => Part::text(in_form(request, || repeated(last))),
            (Some(says), _) => Part::text(in_form(request, || says(request, last))),
        }];
        let calls = choice.message.tool_calls().next().is_some();
        choice.finish_reason = Some(FinishReason::new(FinishKind::Stop, "stop").with_calls(calls));

        let input = request.messages.iter().map(|it| words(&it.text())).sum();
        let output = words(&choice.message.text());
        Ok(ChatResponse {
            id: Some(format!("{}-1", self.info.model)),
            provider: self.info.provider.clone(),
            model: Some(self.info.model.clone()),
            usage: Some(Usage {
                input_tokens: Some(input),
                output_tokens: Some(output),
                ..Usage::default()
            }),
            choices: vec![choice],
            ..ChatResponse::default()
        })
    }
}

impl Default for Echo {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl ChatModel for Echo {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        self.answer(request)
    }

    async fn stream(&self, request: &ChatRequest) -> Result<ChatStream> {
        let events = self.answer(request)?.into_events();
        let events = events
            .into_iter()
            .flat_map(Event::by_word)
            .collect::<Vec<_>>();
        Ok(ChatStream::new(
            self.info.clone(),
            Ready(events.into_iter()),
        ))
    }
}

fn words(text: &str) -> u64 {
    text.split_whitespace().count() as u64
}

fn repeated(last: &Message) -> String {
    let mut said = String::new();
    for part in &last.parts {
        let piece = match part {
            Part::Text(text) => text.text.clone(),
            Part::ToolResult(result) => result.joined_text(),
            Part::Media(media) => describe(media),
            _ => continue,
        };
        if !said.is_empty() && !piece.is_empty() {
            said.push('\n');
        }
        said.push_str(&piece);
    }
    said
}

/// The words in the form that is asked for.
fn in_form(request: &ChatRequest, said: impl Fn() -> String) -> String {
    match &request.output {
        Some(OutputFormat::Json) => serde_json::json!({ "echo": said() }).to_string(),
        Some(OutputFormat::JsonSchema(wanted)) => {
            smallest(&wanted.schema, &wanted.schema, 0).to_string()
        }
        Some(OutputFormat::Text) | None => said(),
    }
}

fn describe(media: &Media) -> String {
    let kind = match media.kind {
        MediaKind::Image => "image",
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
        MediaKind::Document => "document",
    };
    let what = media.media_type.as_deref().unwrap_or("unknown type");
    match &media.source {
        MediaSource::Bytes(bytes) => format!("[{kind}: {what}, {} bytes]", bytes.len()),
        MediaSource::Url(url) => format!("[{kind}: {what}, {url}]"),
        MediaSource::File(id) => format!("[{kind}: {what}, file {id}]"),
    }
}

fn wanted_tool(request: &ChatRequest, last: &Message) -> Option<ToolCall> {
    if last.role == Role::Tool {
        return None;
    }
    let text = last.text();
    let mut tools = request.tools.iter().filter_map(ToolDefinition::as_function);
    let tool = match &request.tool_choice {
        Some(ToolChoice::None) => None,
        Some(ToolChoice::Tool(name)) => tools.find(|tool| tool.name == *name),
        Some(ToolChoice::Required) => tools.next(),
        _ => tools.find(|tool| text.contains(&tool.name)),
    }?;
    let arguments = match &tool.parameters {
        Some(schema) => smallest(schema, schema, 0),
        None => Value::Object(Map::new()),
    };
    Some(ToolCall::new(
        "echo00001",
        &tool.name,
        Arguments::from(arguments),
    ))
}

/// The smallest value that a schema allows, for the schemas people write.
fn smallest(schema: &Value, root: &Value, depth: u8) -> Value {
    if depth > 16 {
        return Value::Null;
    }
    let deeper = |schema: &Value| smallest(schema, root, depth + 1);
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(target.trim_start_matches('#'));
        return target.map_or(Value::Null, deeper);
    }
    if let Some(value) = schema.get("const").or_else(|| schema.get("default")) {
        return value.clone();
    }
    if let Some(first) = ["enum", "examples"]
        .iter()
        .find_map(|key| schema.get(key)?.get(0))
    {
        return first.clone();
    }
    if let Some(first) = ["anyOf", "oneOf", "allOf"]
        .iter()
        .find_map(|key| schema.get(key)?.get(0))
    {
        return deeper(first);
    }
    let kind = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
        Some(kind) => kind.as_str(),
        None => schema.get("properties").map(|_| "object"),
    };
    match kind {
        Some("object") => {
            let required = schema.get("required").and_then(Value::as_array);
            let names = required.into_iter().flatten().filter_map(Value::as_str);
            let member = |name: &str| {
                let property = schema.get("properties").and_then(|all| all.get(name));
                (name.to_owned(), property.map_or(Value::Null, deeper))
            };
            Value::Object(names.map(member).collect())
        }
        Some("array") => {
            let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
            let item = schema.get("items").map_or(Value::Null, deeper);
            Value::Array(vec![item; usize::try_from(least.min(64)).unwrap_or(0)])
        }
        Some("string") => Value::from("text"),
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or_else(|| 0.into()),
        Some("boolean") => Value::Bool(true),
        _ => Value::Null,
    }
}
