//! A body read as core's request.

use super::super::forms;
use super::super::response::items;
use super::super::wire::{Body, Input, Object, kind_of, take_object, take_text};
use super::input::ROLE;
use super::to_wire::LOGPROBS;
use super::tools;
use crate::dialect::Incoming;
use crate::{effort, json};
use parlor_core::{
    ChatRequest, Error, ErrorKind, Executor, Message, Native, Origin, OutputFormat, OutputSchema,
    Part, ReasoningConfig, Result, Role,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads a request. What core can't say is kept in `extra`.
pub(in super::super) fn from_wire(_: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
    let mut scratch = String::new();
    let mut body: Body = json::read(body, &mut scratch).map_err(|error| {
        let message = format!("the request's body is not a request for a response: {error}");
        Error::new(ErrorKind::InvalidRequest, message)
    })?;
    let mut extra = std::mem::take(&mut body.rest);
    extra.retain(|_, value| !value.is_null());
    let mut request = ChatRequest::default();
    match body.instructions.take() {
        None | Some(Value::Null) => {}
        Some(Value::String(text)) => request.messages.push(Message::system(text)),
        // A list of items, as a stored prompt answers it.
        Some(other) => {
            extra.insert("instructions".to_owned(), other);
        }
    }
    let mut additional = Vec::new();
    match std::mem::take(&mut body.input) {
        Input::Text(text) => request.messages.push(Message::user(text)),
        Input::Items(mut items) => {
            additional = forms::take_additional(&mut items);
            let mut reader = Reader::new(origin);
            for item in items {
                reader.item(item)?;
            }
            request.messages.append(&mut reader.messages);
        }
        Input::Null(()) => {}
    }
    request.tools = forms::read(body.tools.take().unwrap_or_default(), additional, origin);
    if let Some(choice) = body.tool_choice.take() {
        match tools::read_choice(choice) {
            Ok(choice) => request.tool_choice = Some(choice),
            Err(Value::Null) => {}
            Err(other) => {
                extra.insert("tool_choice".to_owned(), other);
            }
        }
    }
    let tools = forms::client_tools(&request.tools, |_| true);
    forms::follow(
        &mut request.messages,
        request.tool_choice.as_mut(),
        &request.tools,
        &tools,
    );
    request.parallel_tool_calls = body.parallel_tool_calls;
    request.max_output_tokens = body.max_output_tokens;
    request.temperature = body.temperature;
    request.top_p = body.top_p;
    request.top_logprobs = body.top_logprobs;
    request.service_tier = body.service_tier.take();
    request.user = ["user", "safety_identifier"]
        .iter()
        .find_map(|key| take_text(&mut extra, key));
    if let Some(mut include) = body.include.take() {
        let count = include.len();
        include.retain(|it| it != LOGPROBS);
        if include.len() < count {
            request.logprobs = Some(true);
        }
        if !include.is_empty() {
            extra.insert("include".to_owned(), include.into());
        }
    }
    if let Some(store) = body.store {
        extra.insert("store".to_owned(), store.into());
    }
    labels(
        body.metadata.take().unwrap_or_default(),
        &mut request,
        &mut extra,
    );
    if let Some(mut text) = body.text.take() {
        if let Some(format) = take_object(&mut text, "format")
            && let Err(format) = output(format, &mut request)
        {
            text.insert("format".to_owned(), format.into());
        }
        keep(&mut extra, "text", text);
    }
    if let Some(fields) = body.reasoning.take() {
        let (wish, rest) = reasoning(fields);
        request.reasoning = (wish != ReasoningConfig::default()).then_some(wish);
        keep(&mut extra, "reasoning", rest);
    }
    if !extra.is_empty() {
        request.extra.insert(origin.provider.to_string(), extra);
    }
    let model = body.model.take().unwrap_or_default();
    let mut incoming = Incoming::new(request, model, body.stream.unwrap_or(false));
    incoming.tools = tools;
    Ok(incoming)
}

/// Keeps what is left of an object under its name.
fn keep(extra: &mut Object, key: &str, mut rest: Object) {
    rest.retain(|_, value| !value.is_null());
    if !rest.is_empty() {
        extra.insert(key.to_owned(), rest.into());
    }
}

/// The labels that are texts; others stay.
fn labels(mut metadata: Object, request: &mut ChatRequest, extra: &mut Object) {
    metadata.retain(|key, value| match value {
        Value::String(text) => {
            request.metadata.insert(key.clone(), std::mem::take(text));
            false
        }
        _ => true,
    });
    keep(extra, "metadata", metadata);
}

/// Reads the form of the answer; what isn't a known one comes back.
fn output(mut format: Object, request: &mut ChatRequest) -> Result<(), Object> {
    let read = match kind_of(&format) {
        "text" => OutputFormat::Text,
        "json_object" => OutputFormat::Json,
        "json_schema" if format.get("name").is_some_and(Value::is_string) => {
            let Some(schema) = format.shift_remove("schema") else {
                return Err(format);
            };
            let name = take_text(&mut format, "name").unwrap_or_default();
            let mut output = OutputSchema::new(name, schema);
            output.description = take_text(&mut format, "description");
            output.strict = format.get("strict").and_then(Value::as_bool);
            OutputFormat::JsonSchema(output)
        }
        _ => return Err(format),
    };
    request.output = Some(read);
    Ok(())
}

/// Reads how to reason, and gives back what core can't say of it.
fn reasoning(mut fields: Object) -> (ReasoningConfig, Object) {
    let mut wish = ReasoningConfig::default();
    let effort = take_text(&mut fields, "effort");
    wish.effort = effort.map(|word| effort::of_word(&word));
    let summary = take_text(&mut fields, "summary");
    wish.summary = summary.or_else(|| take_text(&mut fields, "generate_summary"));
    (wish, fields)
}

/// Reads items as messages.
struct Reader<'o> {
    origin: &'o Origin,
    messages: Vec<Message>,
    /// Where the results of calls are that weren't called again: the message and
    /// the part in it.
    answered: BTreeMap<String, (usize, usize)>,
}

impl<'o> Reader<'o> {
    fn new(origin: &'o Origin) -> Self {
        Self {
            origin,
            messages: Vec::new(),
            answered: BTreeMap::new(),
        }
    }

    fn item(&mut self, mut item: Object) -> Result<()> {
        let kind = kind_of(&item).to_owned();
        if matches!(kind.as_str(), "message" | "") && item.contains_key(ROLE) {
            let role = take_text(&mut item, ROLE).unwrap_or_default();
            return self.message(&role, item);
        }
        for part in items::parts(item, self.origin) {
            let role = match &part {
                Part::ToolResult(result) if result.executor == Executor::Client => Role::Tool,
                _ => Role::Assistant,
            };
            self.put(role, part);
        }
        Ok(())
    }

    /// Adds a part to the last message, if that is of its role.
    fn put(&mut self, role: Role, part: Part) {
        match &part {
            Part::ToolCall(call) => {
                self.answered.remove(&call.id);
            }
            Part::ToolResult(result) if role == Role::Tool => {
                if let Some(place) = self.answered.get(&result.call_id) {
                    return self.add(*place, part);
                }
                let place = match self.messages.last() {
                    Some(last) if last.role == role => (self.messages.len() - 1, last.parts.len()),
                    _ => (self.messages.len(), 0),
                };
                self.answered.insert(result.call_id.clone(), place);
            }
            _ => {}
        }
        match self.messages.last_mut() {
            Some(last) if last.role == role => last.parts.push(part),
            _ => self.messages.push(Message::new(role, vec![part])),
        }
    }

    /// Adds what a tool said beside its result to that: elsewhere a call has one.
    fn add(&mut self, (message, part): (usize, usize), more: Part) {
        let parts = self.messages.get_mut(message).map(|it| &mut it.parts);
        let known = parts.and_then(|it| it.get_mut(part));
        if let (Some(Part::ToolResult(known)), Part::ToolResult(more)) = (known, more) {
            known.parts.extend(more.parts);
            // Put on anew, since the result isn't what it was put on.
            if let Some(native) = known.native.take() {
                let whole = std::mem::take(known);
                let whole = Part::from(whole).with_native(*native);
                if let Part::ToolResult(whole) = whole {
                    *known = whole;
                }
            }
        }
    }

    fn message(&mut self, role: &str, mut item: Object) -> Result<()> {
        let role = match role {
            "user" => Role::User,
            "assistant" => return self.assistant(item),
            "system" | "developer" => {
                // It goes back to this place, in this role.
                item.insert(ROLE.to_owned(), role.into());
                Role::System
            }
            other => {
                let message = format!("a message has the unknown role `{other}`");
                return Err(Error::new(ErrorKind::InvalidRequest, message));
            }
        };
        let parts = match item.shift_remove("content") {
            Some(Value::String(text)) => vec![Part::text(text)],
            Some(Value::Array(contents)) => {
                let contents = contents.into_iter();
                contents.map(|it| items::given(it, self.origin)).collect()
            }
            _ => Vec::new(),
        };
        let mut message = Message::new(role, parts);
        item.shift_remove("type");
        item.retain(|_, value| !value.is_null());
        if !item.is_empty() {
            message.native = Some(Box::new(Native::new(self.origin.clone(), item)));
        }
        self.messages.push(message);
        Ok(())
    }

    /// A message of the assistant's. One that came out of an answer, with an
    /// id, goes on with the turn; another begins one where the last has words.
    fn assistant(&mut self, item: Object) -> Result<()> {
        let of_answer = item.contains_key("id");
        let speaks = |part: &Part| matches!(part, Part::Text(_) | Part::Refusal(_));
        let last = self.messages.last().filter(|it| it.role == Role::Assistant);
        let spoke = last.is_some_and(|it| it.parts.iter().any(speaks));
        if spoke && !of_answer {
            self.messages
                .push(Message::new(Role::Assistant, Vec::new()));
        }
        for part in items::parts(item, self.origin) {
            self.put(Role::Assistant, part);
        }
        Ok(())
    }
}
