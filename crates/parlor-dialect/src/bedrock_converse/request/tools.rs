//! Tools and the choice among them.

use super::super::Family;
use super::super::response::blocks::cache_hint;
use super::super::wire::{
    Message, Object, ToolConfig, block, key_of, keys, take_bool, take_object, take_text,
};
use super::writer::Writer;
use crate::schema::{ANTHROPIC_OUTPUT, restrict};
use parlor_core::{
    Capability, ChatRequest, FunctionDefinition, Native, Origin, Result, ToolChoice, ToolDefinition,
};
use serde_json::{Value, json};

/// The key of a function among the tools.
const SPEC: &str = "toolSpec";

/// Writes tools and tool choice. The service wants tools wherever the messages
/// speak of them.
pub(super) fn write(
    request: &ChatRequest,
    messages: &[Message],
    thinks: bool,
    writer: &mut Writer<'_>,
) -> Result<Option<ToolConfig>> {
    if request.parallel_tool_calls.is_some() {
        writer.knob("parallel_tool_calls", "has no place in this dialect")?;
    }
    let wanted = !request.tools.is_empty();
    if writer.lacks(Capability::Tools) {
        return Ok(None);
    }
    let spoken = names(messages);
    let none = request.tool_choice == Some(ToolChoice::None);
    if none && spoken.is_empty() {
        // Without tools there are no calls.
        return Ok(None);
    }
    if none && wanted {
        let why = "can't forbid calls where earlier messages have some";
        writer.knob("tool_choice", why)?;
    }
    let mut config = ToolConfig::default();
    let allowed = match &request.tool_choice {
        Some(ToolChoice::Allowed { tools, .. }) => {
            writer.coerced("tool_choice", "only the allowed tools were sent");
            Some(tools)
        }
        _ => None,
    };
    for tool in &request.tools {
        match tool {
            ToolDefinition::Function(function) => {
                if allowed.is_some_and(|it| !it.contains(&function.name)) {
                    continue;
                }
                config.tools.push(write_function(function, writer));
                config
                    .tools
                    .extend(writer.cache_point(function.cache.as_ref())?);
            }
            ToolDefinition::Native(native) => match &native.item {
                Value::Object(item) if native.origin == writer.origin => {
                    config.tools.push(item.clone());
                }
                _ => writer
                    .policy
                    .foreign_tool("of another provider can't be used here")?,
            },
            _ => writer.feature("tools", "of this sort are not known to this dialect")?,
        }
    }
    if config.tools.is_empty() {
        if !spoken.is_empty() {
            let note = "tools that earlier messages call were named, since the host wants them";
            writer.coerced("tools", note);
        }
        let named = |name: &&str| write_function(&FunctionDefinition::new(*name), writer);
        config.tools = spoken.iter().map(named).collect();
        return Ok((!config.tools.is_empty()).then_some(config));
    }
    config.tool_choice = choice(request, thinks, writer)?;
    Ok(Some(config))
}

/// The names of the tools that messages call; an unknown one for a result
/// whose call isn't there.
fn names(messages: &[Message]) -> Vec<&str> {
    let mut names = Vec::new();
    for item in messages.iter().flat_map(|it| &it.content) {
        let name = match key_of(item) {
            keys::TOOL_USE => item.get(keys::TOOL_USE).and_then(|it| it["name"].as_str()),
            keys::TOOL_RESULT if names.is_empty() => Some("unknown"),
            _ => None,
        };
        if let Some(name) = name
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

fn choice(request: &ChatRequest, thinks: bool, writer: &mut Writer<'_>) -> Result<Option<Object>> {
    let empty = || Value::Object(Object::new());
    let choice = match &request.tool_choice {
        Some(
            ToolChoice::Auto
            | ToolChoice::Allowed {
                required: false, ..
            },
        ) => block("auto", empty()),
        Some(ToolChoice::Required | ToolChoice::Allowed { .. }) => block("any", empty()),
        Some(ToolChoice::Tool(name)) => block("tool", json!({ "name": name })),
        _ => return Ok(None),
    };
    if key_of(&choice) == "auto" {
        return Ok(Some(choice));
    }
    if thinks {
        writer.feature("tool_choice", "can't force a call while the model thinks")?;
        return Ok(Some(block("auto", empty())));
    }
    Ok(Some(choice))
}

fn write_function(function: &FunctionDefinition, writer: &mut Writer<'_>) -> Object {
    let mut spec = Object::new();
    spec.insert("name".to_owned(), function.name.as_str().into());
    // A blank one is refused.
    let description = function.description.as_deref();
    if let Some(description) = description.filter(|it| !it.trim().is_empty()) {
        spec.insert("description".to_owned(), description.into());
    }
    let mut schema = input_schema(function.parameters.as_ref());
    if function.strict == Some(true) && writer.family == Family::Claude {
        let restricted = restrict(&schema, &ANTHROPIC_OUTPUT);
        for note in restricted.notes {
            let note = format!("{}: {note}", function.name);
            writer.policy.coerced("tools", note);
        }
        schema = restricted.schema;
    }
    spec.insert("inputSchema".to_owned(), json!({ "json": schema }));
    if let Some(strict) = function.strict {
        spec.insert("strict".to_owned(), strict.into());
    }
    let native = function.native.as_deref();
    if let Some(Value::Object(rest)) = native
        .filter(|it| it.origin == writer.origin)
        .map(|it| &it.item)
    {
        spec.extend(rest.clone());
    }
    block(SPEC, spec)
}

/// A schema of arguments as the dialect wants it: an object's.
fn input_schema(schema: Option<&Value>) -> Value {
    match schema {
        Some(Value::Object(schema)) if schema.contains_key("type") => Value::Object(schema.clone()),
        Some(Value::Object(schema)) if !schema.is_empty() => {
            let mut schema = schema.clone();
            schema.insert("type".to_owned(), "object".into());
            Value::Object(schema)
        }
        _ => json!({ "type": "object", "properties": {} }),
    }
}

/// Reads tools. A cache point is a hint on the function in front of it; what
/// is no function is a tool in the provider's own words.
pub(super) fn read(tools: Vec<Object>, origin: &Origin) -> Vec<ToolDefinition> {
    let mut read: Vec<ToolDefinition> = Vec::with_capacity(tools.len());
    for tool in tools {
        if let (Some(hint), Some(ToolDefinition::Function(last))) =
            (cache_hint(&tool), read.last_mut())
            && last.cache.is_none()
        {
            last.cache = Some(hint);
            continue;
        }
        read.push(read_tool(tool, origin));
    }
    read
}

fn read_tool(mut tool: Object, origin: &Origin) -> ToolDefinition {
    let native = |item: Object| Native::new(origin.clone(), item);
    let named = |it: &Value| it["name"].is_string();
    let known = tool.len() == 1 && tool.get(SPEC).is_some_and(named);
    let Some(mut spec) = take_object(&mut tool, SPEC).filter(|_| known) else {
        return ToolDefinition::Native(native(tool));
    };
    let mut function = FunctionDefinition::new(take_text(&mut spec, "name").unwrap_or_default());
    function.description = take_text(&mut spec, "description");
    function.strict = take_bool(&mut spec, "strict");
    if let Some(mut schema) = take_object(&mut spec, "inputSchema") {
        function.parameters = schema.shift_remove("json").filter(|it| !it.is_null());
    }
    spec.retain(|_, value| !value.is_null());
    function.native = (!spec.is_empty()).then(|| Box::new(native(spec)));
    ToolDefinition::Function(function)
}

/// Reads a tool choice. What core can't say is given back.
pub(super) fn read_choice(mut choice: Object) -> (Option<ToolChoice>, Option<Object>) {
    choice.retain(|_, value| !value.is_null());
    let name = choice.get("tool").and_then(|it| it["name"].as_str());
    let read = match (choice.len(), key_of(&choice)) {
        (1, "auto") => Some(ToolChoice::Auto),
        (1, "any") => Some(ToolChoice::Required),
        (1, "tool") => name.map(|name| ToolChoice::Tool(name.to_owned())),
        _ => None,
    };
    match read {
        Some(read) => (Some(read), None),
        None => (None, (!choice.is_empty()).then_some(choice)),
    }
}
