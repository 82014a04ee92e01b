//! Tools and the choice among them, both ways.

use super::super::NAME;
use super::super::forms::{self, Forms};
use super::super::quirks::Quirks;
use super::super::wire::{Body, Object, block, kind_of, take_text};
use crate::client_tools::ClientTools;
use crate::dialect::Target;
use crate::json::merge;
use crate::policy::Policy;
use crate::schema::closed_if_strict;
use parlor_core::{
    ChatRequest, FunctionDefinition, Native, Origin, Result, ToolChoice, ToolDefinition,
};
use serde_json::{Value, json};

/// The schema of a function without arguments.
fn no_arguments() -> Value {
    json!({"type": "object", "properties": {}})
}

/// Writes the tools, the choice among them and whether several may be called;
/// gives the items that bring tools in the input. `own` are those in forms of
/// this origin's own.
pub(super) fn write(
    request: &ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
    own: &ClientTools,
    policy: &mut Policy<'_>,
    body: &mut Body,
) -> Result<Vec<Object>> {
    if request.tools.is_empty() {
        return Ok(Vec::new());
    }
    let origin = target.origin(NAME);
    let mut written = Forms::default();
    for tool in &request.tools {
        match tool {
            ToolDefinition::Function(it) => {
                let form = forms::own(it.native.as_deref(), |it| is_own(it, target));
                match form {
                    Some(form) => written.put(form.clone()),
                    None => written.put(function(it, quirks, &origin, policy)),
                }
            }
            ToolDefinition::Native(it) if is_own(&it.origin, target) && it.item.is_object() => {
                written.put(it.item.as_object().cloned().unwrap_or_default());
            }
            _ => policy.foreign_tool("has a tool of another provider's own")?,
        }
    }
    // Without tools either is refused.
    if written.tools.is_empty() && written.items.is_empty() {
        return Ok(Vec::new());
    }
    if let Some(parallel) = request.parallel_tool_calls {
        match quirks.takes("parallel_tool_calls") {
            true => body.parallel_tool_calls = Some(parallel),
            false => policy.knob("parallel_tool_calls", "is not known to this host")?,
        }
    }
    if let Some(wanted) = &request.tool_choice {
        body.tool_choice = choice(wanted, &written.tools, own, policy)?;
    }
    body.tools = (!written.tools.is_empty()).then_some(written.tools);
    Ok(written.items)
}

/// Whether a tool of the provider's own is this one's: it names the provider,
/// or the provider whose instance this is.
pub(super) fn is_own(origin: &Origin, target: &Target<'_>) -> bool {
    let info = target.info;
    let of_provider = info.instance_of.as_deref() == Some(origin.provider.as_str());
    origin.dialect == NAME && (of_provider || origin.provider == info.native_provider())
}

fn function(
    it: &FunctionDefinition,
    quirks: &Quirks,
    origin: &Origin,
    policy: &mut Policy<'_>,
) -> Object {
    let mut tool = block("function");
    tool.insert("name".to_owned(), it.name.as_str().into());
    if let Some(description) = &it.description {
        tool.insert("description".to_owned(), description.as_str().into());
    }
    let strict = it.strict == Some(true) && quirks.closed_schemas;
    let schema = match &it.parameters {
        Some(schema) => closed_if_strict(schema, strict, "tools.parameters", policy).into_owned(),
        None => no_arguments(),
    };
    tool.insert("parameters".to_owned(), schema);
    if let Some(strict) = it.strict.or(quirks.strict) {
        tool.insert("strict".to_owned(), strict.into());
    }
    let native = it.native.as_deref().filter(|it| it.origin == *origin);
    if let Some(Value::Object(item)) = native.map(|it| &it.item) {
        merge(&mut tool, item);
    }
    tool
}

fn choice(
    wanted: &ToolChoice,
    tools: &[Object],
    own: &ClientTools,
    policy: &mut Policy<'_>,
) -> Result<Option<Value>> {
    let named = |name: &String| match own.get(name) {
        Some(tool) if tool.is_text => json!({"type": "custom", "name": tool.name}),
        Some(tool) => json!({"type": "function", "name": tool.name}),
        None => named(name, tools),
    };
    Ok(Some(match wanted {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Required => "required".into(),
        ToolChoice::Tool(name) => named(name),
        ToolChoice::Allowed {
            tools: names,
            required,
        } => {
            let names: Vec<Value> = names.iter().map(named).collect();
            let mode = if *required { "required" } else { "auto" };
            json!({"type": "allowed_tools", "mode": mode, "tools": names})
        }
        _ => {
            policy.feature("tool_choice", "is not known to this dialect")?;
            return Ok(None);
        }
    }))
}

/// A tool by its name and type; built-in ones have their type for a name.
fn named(wanted: &str, tools: &[Object]) -> Value {
    let has = |tool: &&Object, key: &str| tool.get(key).is_some_and(|it| it == wanted);
    let by_name = tools.iter().find(|it| has(it, "name"));
    let built_in = tools
        .iter()
        .any(|it| has(&it, "type") && !it.contains_key("name"));
    match by_name {
        None if built_in => json!({ "type": wanted }),
        None => json!({"type": "function", "name": wanted}),
        Some(tool) => json!({"type": kind_of(tool), "name": wanted}),
    }
}

/// Reads a tool.
pub(in super::super) fn read(mut tool: Object, origin: &Origin) -> ToolDefinition {
    let named = tool.get("name").is_some_and(Value::is_string);
    if kind_of(&tool) != "function" || !named {
        return ToolDefinition::Native(Native::new(origin.clone(), tool));
    }
    tool.shift_remove("type");
    let mut function = FunctionDefinition::new(take_text(&mut tool, "name").unwrap_or_default());
    function.description = take_text(&mut tool, "description");
    let parameters = tool.shift_remove("parameters");
    function.parameters = parameters.filter(|it| !it.is_null() && *it != no_arguments());
    if let Some(strict) = tool.get("strict").and_then(Value::as_bool) {
        function.strict = Some(strict);
        tool.shift_remove("strict");
    }
    tool.retain(|_, value| !value.is_null());
    if !tool.is_empty() {
        function.native = Some(Box::new(Native::new(origin.clone(), tool)));
    }
    ToolDefinition::Function(function)
}

/// Reads a tool choice; what isn't one comes back.
pub(super) fn read_choice(choice: Value) -> Result<ToolChoice, Value> {
    let name = |value: &Value| {
        let kind = value.get("type")?.as_str()?;
        match kind {
            "function" | "custom" => Some(value.get("name")?.as_str()?.to_owned()),
            kind => (value.as_object()?.len() == 1).then(|| kind.to_owned()),
        }
    };
    let read = match &choice {
        Value::String(word) => match word.as_str() {
            "auto" => Some(ToolChoice::Auto),
            "none" => Some(ToolChoice::None),
            "required" => Some(ToolChoice::Required),
            _ => None,
        },
        object if object["type"] == "allowed_tools" => {
            let tools = object["tools"].as_array();
            let names = tools.and_then(|it| it.iter().map(name).collect::<Option<Vec<_>>>());
            names.map(|tools| ToolChoice::Allowed {
                tools,
                required: object["mode"] == "required",
            })
        }
        object => name(object).map(ToolChoice::Tool),
    };
    read.ok_or(choice)
}
