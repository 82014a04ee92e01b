//! Tools and the choice among them.

use super::super::response::blocks::{leftovers, take_cache};
use super::super::wire::{Body, Content, Message, Object, block, kind_of, take_bool, take_text};
use super::writer::Writer;
use crate::schema::{ANTHROPIC_OUTPUT, restrict};
use parlor_core::{
    ChatRequest, FunctionDefinition, Native, Origin, Result, ToolChoice, ToolDefinition,
};
use serde_json::{Value, json};

/// Writes tools and tool choice.
pub(super) fn write(
    request: &ChatRequest,
    thinks: bool,
    writer: &mut Writer<'_>,
    body: &mut Body,
) -> Result<()> {
    let allowed = match &request.tool_choice {
        Some(ToolChoice::Allowed { tools, .. }) => Some(tools),
        _ => None,
    };
    if allowed.is_some() {
        writer.coerced("tool_choice", "only the allowed tools were sent");
    }
    let mut tools = Vec::new();
    for tool in &request.tools {
        match tool {
            ToolDefinition::Function(function) => {
                if allowed.is_none_or(|it| it.contains(&function.name)) {
                    tools.push(write_function(function, writer)?);
                }
            }
            ToolDefinition::Native(native) => match &native.item {
                Value::Object(item) if native.origin == writer.origin => {
                    if writer.quirks.server_tools {
                        tools.push(item.clone());
                    } else {
                        writer.feature("tools", "that the server runs are not supported here")?;
                    }
                }
                _ => writer
                    .policy
                    .foreign_tool("of another provider can't be used here")?,
            },
            _ => writer.feature("tools", "of this sort are not known to this dialect")?,
        }
    }
    // Without tools it is refused; a server of tools is in the fields of the caller's own.
    let extra = writer.target.extra(request);
    let brought = |field| extra.get(field).is_some();
    if brought("tools") || brought("mcp_servers") || !tools.is_empty() {
        body.tool_choice = choice(request, thinks, !tools.is_empty(), writer)?;
    }
    if tools.is_empty() && !brought("tools") {
        // Nor are calls in earlier messages taken without them.
        for name in names(&body.messages) {
            tools.push(write_function(&FunctionDefinition::new(name), writer)?);
        }
        if !tools.is_empty() {
            body.tool_choice.get_or_insert_with(|| block("none"));
            let note = "tools that earlier messages call were named, since the host wants them";
            writer.coerced("tools", note);
        }
    }
    body.tools = (!tools.is_empty()).then_some(tools);
    Ok(())
}

/// The names of the tools that messages call; an unknown one for a result
/// whose call isn't there.
fn names(messages: &[Message]) -> Vec<&str> {
    let mut names = Vec::new();
    let blocks = messages.iter().filter_map(|it| match &it.content {
        Content::Blocks(blocks) => Some(blocks),
        _ => None,
    });
    for block in blocks.flatten() {
        let name = match kind_of(block) {
            "tool_use" => block.get("name").and_then(Value::as_str),
            "tool_result" if names.is_empty() => Some("unknown"),
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

fn choice(
    request: &ChatRequest,
    thinks: bool,
    has_tools: bool,
    writer: &mut Writer<'_>,
) -> Result<Option<Object>> {
    let mut choice = match &request.tool_choice {
        Some(ToolChoice::None) => return Ok(Some(block("none"))),
        Some(
            ToolChoice::Auto
            | ToolChoice::Allowed {
                required: false, ..
            },
        ) => block("auto"),
        Some(ToolChoice::Required | ToolChoice::Allowed { .. }) => block("any"),
        Some(ToolChoice::Tool(name)) => {
            let mut choice = block("tool");
            choice.insert("name".to_owned(), name.as_str().into());
            choice
        }
        None if request.parallel_tool_calls.is_some() && has_tools => block("auto"),
        _ => return Ok(None),
    };
    if thinks && kind_of(&choice) != "auto" {
        writer.feature("tool_choice", "can't force a call while the model thinks")?;
        choice = block("auto");
    }
    if let Some(parallel) = request.parallel_tool_calls {
        choice.insert("disable_parallel_tool_use".to_owned(), (!parallel).into());
    }
    Ok(Some(choice))
}

fn write_function(function: &FunctionDefinition, writer: &mut Writer<'_>) -> Result<Object> {
    let mut tool = Object::new();
    tool.insert("name".to_owned(), function.name.as_str().into());
    if let Some(description) = &function.description {
        tool.insert("description".to_owned(), description.as_str().into());
    }
    let mut schema = input_schema(function.parameters.as_ref());
    if function.strict == Some(true) {
        let restricted = restrict(&schema, &ANTHROPIC_OUTPUT);
        for note in restricted.notes {
            writer.changed("tools", format!("{}: {note}", function.name));
        }
        schema = restricted.schema;
    }
    tool.insert("input_schema".to_owned(), schema);
    if let Some(strict) = function.strict {
        tool.insert("strict".to_owned(), strict.into());
    }
    writer.mark(&mut tool, function.cache.as_ref())?;
    let native = function.native.as_deref();
    if let Some(Value::Object(rest)) = native
        .filter(|it| it.origin == writer.origin)
        .map(|it| &it.item)
    {
        tool.extend(rest.clone());
    }
    Ok(tool)
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

/// Reads a tool: a function, or a tool in the provider's own words.
pub(super) fn read(mut tool: Object, origin: &Origin) -> ToolDefinition {
    let native = |item| Native::new(origin.clone(), Value::Object(item));
    if !matches!(kind_of(&tool), "" | "custom") {
        return ToolDefinition::Native(native(tool));
    }
    let Some(name) = take_text(&mut tool, "name") else {
        return ToolDefinition::Native(native(tool));
    };
    let mut function = FunctionDefinition::new(name);
    function.description = take_text(&mut tool, "description");
    function.parameters = tool.shift_remove("input_schema").filter(|it| !it.is_null());
    function.strict = take_bool(&mut tool, "strict");
    function.cache = take_cache(&mut tool);
    let rest = leftovers(tool).map(|rest| Native::new(origin.clone(), rest));
    function.native = rest.map(Box::new);
    ToolDefinition::Function(function)
}

/// Reads a tool choice and whether calls may be parallel. What core can't say
/// is given back.
pub(super) fn read_choice(
    mut choice: Object,
) -> (Option<ToolChoice>, Option<bool>, Option<Object>) {
    let parallel = take_bool(&mut choice, "disable_parallel_tool_use").map(|it| !it);
    let read = match kind_of(&choice) {
        "auto" => Some(ToolChoice::Auto),
        "any" => Some(ToolChoice::Required),
        "none" => Some(ToolChoice::None),
        "tool" => take_text(&mut choice, "name").map(ToolChoice::Tool),
        _ => None,
    };
    if read.is_some() {
        choice.shift_remove("type");
        choice.retain(|_, value| !value.is_null());
    }
    (read, parallel, (!choice.is_empty()).then_some(choice))
}
