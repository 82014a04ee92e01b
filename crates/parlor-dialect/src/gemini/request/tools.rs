//! Tools and the choice among them, both ways.

use super::camel_keys;
use super::family::Family;
use crate::gemini::{Quirks, SchemaField};
use crate::schema::{self, SchemaSubset};
use crate::{Policy, json};
use parlor_core::{
    ChatRequest, FunctionDefinition, Native, Origin, Result, ToolChoice, ToolDefinition,
};
use serde_json::{Map, Value, json};

/// The subset that schemas are brought down to.
pub(super) fn subset(quirks: &Quirks) -> &'static SchemaSubset {
    match quirks.schemas {
        SchemaField::JsonSchema => &schema::GEMINI_JSON_SCHEMA,
        SchemaField::OpenApi => &schema::GEMINI_OPENAPI,
    }
}

/// Writes `tools`: the functions in one tool, every other in its own.
///
/// # Errors
/// As [`Policy::foreign_tool`], for a tool of another origin.
pub(super) fn write(
    tools: &[ToolDefinition],
    origin: &Origin,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
) -> Result<Vec<Value>> {
    let mut declarations = Vec::new();
    let mut others = Vec::new();
    for tool in tools {
        match tool {
            ToolDefinition::Function(function) => {
                declarations.push(declaration(function, origin, quirks, policy));
            }
            ToolDefinition::Native(native) if native.origin == *origin => {
                others.push(native.item.clone());
            }
            _ => policy.foreign_tool("has a tool of another provider")?,
        }
    }
    if !declarations.is_empty() {
        others.insert(0, json!({ "functionDeclarations": declarations }));
    }
    Ok(others)
}

fn declaration(
    function: &FunctionDefinition,
    origin: &Origin,
    quirks: &Quirks,
    policy: &mut Policy<'_>,
) -> Value {
    let mut out = Map::from_iter([("name".to_owned(), json!(function.name))]);
    out.extend((function.description.as_ref()).map(|it| ("description".to_owned(), json!(it))));
    if let Some(parameters) = &function.parameters {
        let restricted = schema::restrict(parameters, subset(quirks));
        for note in restricted.notes {
            policy.coerced("tools", format!("`{}`: {note}", function.name));
        }
        let (field, is_empty) = match quirks.schemas {
            SchemaField::JsonSchema => ("parametersJsonSchema", false),
            // An object without properties is refused.
            SchemaField::OpenApi => {
                let schema = &restricted.schema;
                (
                    "parameters",
                    schema["properties"].is_null() && schema["anyOf"].is_null(),
                )
            }
        };
        if !is_empty {
            out.insert(field.to_owned(), restricted.schema);
        }
    }
    if let Some(native) = function.native.as_ref().filter(|it| it.origin == *origin)
        && let Value::Object(item) = &native.item
    {
        json::merge(&mut out, item);
    }
    Value::Object(out)
}

/// Writes `functionCallingConfig`; `None` leaves the model its default.
///
/// # Errors
/// As [`Policy::knob`].
pub(super) fn write_choice(
    request: &ChatRequest,
    family: &Family,
    policy: &mut Policy<'_>,
) -> Result<Option<Value>> {
    let functions = || request.tools.iter().filter_map(ToolDefinition::as_function);
    let strict = functions().any(|it| it.strict == Some(true));
    let (mode, names) = match &request.tool_choice {
        None | Some(ToolChoice::Auto) if strict && family.validates => ("VALIDATED", None),
        None => return Ok(None),
        Some(ToolChoice::Auto) => ("AUTO", None),
        Some(ToolChoice::None) => ("NONE", None),
        Some(ToolChoice::Required) => ("ANY", None),
        Some(ToolChoice::Tool(name)) => ("ANY", Some(vec![name.clone()])),
        Some(ToolChoice::Allowed { tools, required }) => match (required, family.validates) {
            (true, _) => ("ANY", Some(tools.clone())),
            (false, true) => ("VALIDATED", Some(tools.clone())),
            (false, false) => {
                let why = "has a list of tools that may be called or not, which this model lacks";
                policy.knob("tool_choice", why)?;
                ("AUTO", None)
            }
        },
        Some(_) => {
            policy.knob("tool_choice", "is of a kind that has no form here")?;
            return Ok(None);
        }
    };
    let mut out = json!({ "mode": mode });
    if let Some(names) = names {
        out["allowedFunctionNames"] = json!(names);
    }
    Ok(Some(out))
}

/// Reads `tools`.
pub(super) fn read(tools: Value, origin: &Origin) -> Vec<ToolDefinition> {
    let tools = match tools {
        Value::Array(tools) => tools,
        one => vec![one],
    };
    let mut out = Vec::new();
    for tool in tools {
        let Value::Object(tool) = tool else { continue };
        for (name, value) in camel_keys(tool) {
            if name != "functionDeclarations" {
                let item = Value::Object(Map::from_iter([(name, value)]));
                out.push(ToolDefinition::Native(Native::new(origin.clone(), item)));
                continue;
            }
            let declarations = match value {
                Value::Array(declarations) => declarations,
                one => vec![one],
            };
            for declaration in declarations {
                if let Value::Object(declaration) = declaration {
                    out.push(ToolDefinition::Function(function(declaration, origin)));
                }
            }
        }
    }
    out
}

fn function(declaration: Map<String, Value>, origin: &Origin) -> FunctionDefinition {
    let mut rest = camel_keys(declaration);
    let mut take = |name: &str| rest.shift_remove(name);
    let text = |value: Option<Value>| value.and_then(|it| it.as_str().map(str::to_owned));
    let mut function = FunctionDefinition::new(text(take("name")).unwrap_or_default());
    function.description = text(take("description"));
    let openapi = take("parameters").map(|it| schema::from_openapi(&it));
    function.parameters = take("parametersJsonSchema").or(openapi);
    if !rest.is_empty() {
        function.native = Some(Box::new(Native::new(origin.clone(), rest)));
    }
    function
}

/// The modes by the numbers that some clients send.
static MODES: &[&str] = &["", "AUTO", "ANY", "NONE", "", "VALIDATED"];

/// Reads `functionCallingConfig` into a request whose tools are read, and
/// gives back what it says beyond that.
pub(super) fn read_choice(config: Map<String, Value>, out: &mut ChatRequest) -> Map<String, Value> {
    let mut rest = camel_keys(config);
    let mode = match rest.shift_remove("mode") {
        Some(Value::String(mode)) => mode,
        Some(Value::Number(number)) => {
            let at = number.as_u64().and_then(|it| usize::try_from(it).ok());
            at.and_then(|at| MODES.get(at))
                .copied()
                .unwrap_or_default()
                .to_owned()
        }
        _ => String::new(),
    };
    let names = match rest.shift_remove("allowedFunctionNames") {
        Some(Value::Array(names)) => {
            let names = names.iter().filter_map(Value::as_str);
            names.map(str::to_owned).collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    out.tool_choice = match (mode.as_str(), names.as_slice()) {
        ("AUTO", _) => Some(ToolChoice::Auto),
        ("NONE", _) => Some(ToolChoice::None),
        ("ANY", []) => Some(ToolChoice::Required),
        ("ANY", [one]) => Some(ToolChoice::Tool(one.clone())),
        ("ANY", _) => Some(ToolChoice::Allowed {
            tools: names,
            required: true,
        }),
        ("VALIDATED", []) => {
            for tool in &mut out.tools {
                if let ToolDefinition::Function(function) = tool {
                    function.strict = Some(true);
                }
            }
            Some(ToolChoice::Auto)
        }
        ("VALIDATED", _) => Some(ToolChoice::Allowed {
            tools: names,
            required: false,
        }),
        ("" | "MODE_UNSPECIFIED", _) => None,
        _ => {
            rest.insert("mode".to_owned(), json!(mode));
            None
        }
    };
    rest
}
