//! Tools and the choice among them.

use super::super::wire::{Body, Object, block, kind_of, leftovers, take_text};
use super::to_wire::Writer;
use crate::json;
use parlor_core::{
    ChatRequest, FunctionDefinition, Native, Origin, Result, ToolChoice, ToolDefinition,
};
use serde_json::Value;

/// Writes tools and tool choice. One tool can't be forced by its name; where
/// no other is sent, that comes to the same.
pub(super) fn write(request: &ChatRequest, writer: &mut Writer<'_>, body: &mut Body) -> Result<()> {
    if request.tools.is_empty() {
        return Ok(());
    }
    let (only, word) = match &request.tool_choice {
        None | Some(ToolChoice::Auto) => (None, None),
        Some(ToolChoice::None) => (None, Some("NONE")),
        Some(ToolChoice::Required) => (None, Some("REQUIRED")),
        Some(ToolChoice::Tool(name)) => (Some(std::slice::from_ref(name)), Some("REQUIRED")),
        Some(ToolChoice::Allowed { tools, required }) => {
            (Some(tools.as_slice()), required.then_some("REQUIRED"))
        }
        Some(_) => {
            let why = "of this sort can't be said in this dialect";
            writer.policy.feature("tool_choice", why)?;
            (None, None)
        }
    };
    let offered = |name: &String| only.is_none_or(|it| it.contains(name));
    let (mut tools, mut strict) = (Vec::new(), None);
    for tool in &request.tools {
        match tool {
            ToolDefinition::Function(function) if !offered(&function.name) => {
                let message = "only the tools that may be called were sent";
                writer.coerced("tool_choice", message);
            }
            ToolDefinition::Function(function) => {
                strict = match (strict, function.strict) {
                    (Some(true), _) | (_, Some(true)) => Some(true),
                    (strict, other) => strict.or(other),
                };
                tools.push(write_function(function, writer));
            }
            ToolDefinition::Native(native) => match &native.item {
                Value::Object(item) if native.origin == writer.origin => tools.push(item.clone()),
                _ => {
                    let why = "of another provider can't be used here";
                    writer.policy.foreign_tool(why)?;
                }
            },
            _ => {
                let why = "of this sort can't be said in this dialect";
                writer.policy.feature("tools", why)?;
            }
        }
    }
    let mixed = |it: &ToolDefinition| {
        let function = it.as_function();
        function.is_some_and(|it| offered(&it.name) && it.strict != Some(true))
    };
    if strict == Some(true) && request.tools.iter().any(mixed) {
        let message = "all tools are held to their schemas, since one is";
        writer.coerced("tools.strict", message);
    }
    if !tools.is_empty() {
        body.tools = Some(tools);
        body.strict_tools = strict;
        body.tool_choice = word.map(str::to_owned);
    }
    Ok(())
}

fn write_function(function: &FunctionDefinition, writer: &Writer<'_>) -> Object {
    let mut inner = Object::new();
    inner.insert("name".to_owned(), function.name.as_str().into());
    if let Some(description) = &function.description {
        inner.insert("description".to_owned(), description.as_str().into());
    }
    if let Some(parameters) = &function.parameters {
        inner.insert("parameters".to_owned(), parameters.clone());
    }
    let mut tool = block("function");
    tool.insert("function".to_owned(), Value::Object(inner));
    let native = function.native.as_deref();
    if let Some(rest) = native.filter(|it| it.origin == writer.origin)
        && let Value::Object(rest) = &rest.item
    {
        json::merge(&mut tool, rest);
    }
    tool
}

/// Reads a tool.
pub(super) fn read(mut tool: Object, strict: Option<bool>, origin: &Origin) -> ToolDefinition {
    let is_function = matches!(kind_of(&tool), "function" | "");
    let name = match tool.get_mut("function") {
        Some(Value::Object(inner)) if is_function => take_text(inner, "name"),
        _ => None,
    };
    let Some(name) = name else {
        return ToolDefinition::Native(Native::new(origin.clone(), Value::Object(tool)));
    };
    let mut function = FunctionDefinition::new(name);
    function.strict = strict;
    tool.shift_remove("type");
    if let Some(Value::Object(mut inner)) = tool.shift_remove("function") {
        function.description = take_text(&mut inner, "description");
        let parameters = inner.shift_remove("parameters");
        function.parameters = parameters.filter(|it| !it.is_null());
        if let Some(rest) = leftovers(inner) {
            tool.insert("function".to_owned(), rest);
        }
    }
    let rest = leftovers(tool).map(|rest| Native::new(origin.clone(), rest));
    function.native = rest.map(Box::new);
    ToolDefinition::Function(function)
}

/// Reads a tool choice; a word that isn't known is given back.
pub(super) fn read_choice(word: String) -> std::result::Result<ToolChoice, String> {
    match word.to_ascii_uppercase().as_str() {
        "REQUIRED" => Ok(ToolChoice::Required),
        "NONE" => Ok(ToolChoice::None),
        "AUTO" => Ok(ToolChoice::Auto),
        _ => Err(word),
    }
}
