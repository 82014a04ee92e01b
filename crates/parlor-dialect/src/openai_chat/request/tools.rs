//! Tools and the choice among them, both ways.

use super::super::quirks::{CacheStyle, Quirks, ToolChoiceWord};
use super::super::wire::request::{Function, Request, Tool};
use super::media::{cache_field, take_cache};
use crate::dialect::Target;
use crate::json::merge;
use crate::policy::Policy;
use crate::schema::{OPENAI_STRICT, TYPED, within};
use parlor_core::{
    ChatRequest, Effort, FunctionDefinition, Native, Origin, Result, ToolChoice, ToolDefinition,
};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The schema of a function without arguments.
fn no_arguments() -> Value {
    json!({"type": "object", "properties": {}})
}

/// A schema as the host takes it.
pub(super) fn fitted<'a>(
    schema: &'a Value,
    strict: Option<bool>,
    quirks: &Quirks,
    setting: &str,
    policy: &mut Policy<'_>,
) -> Cow<'a, Value> {
    match strict == Some(true) && quirks.closed_schemas {
        true => within(schema, &OPENAI_STRICT, setting, policy),
        false if quirks.typed_schemas => within(schema, &TYPED, setting, policy),
        false => Cow::Borrowed(schema),
    }
}

/// Writes the tools, the choice among them and whether several may be called.
pub(super) fn write<'a>(
    request: &'a ChatRequest,
    target: &Target<'_>,
    quirks: &Quirks,
    origin: &Origin,
    policy: &mut Policy<'_>,
    body: &mut Request<'a>,
) -> Result<()> {
    if request.tools.is_empty() {
        return Ok(());
    }
    let mut tools = Vec::with_capacity(request.tools.len());
    for tool in &request.tools {
        match tool {
            ToolDefinition::Function(it) => tools.push(function(it, quirks, origin, policy)?),
            ToolDefinition::Native(it) if it.origin == *origin => tools.push(native(it)),
            _ => policy.foreign_tool("has a tool of another provider's own")?,
        }
    }
    if let Some(wanted) = request.tool_choice.as_ref().filter(|_| !tools.is_empty()) {
        let thinks = request
            .reasoning
            .as_ref()
            .is_some_and(|it| it.effort != Some(Effort::Off));
        let mut choice = Choice {
            quirks,
            policy,
            tools: &mut tools,
            free: target.profile.free_tool_choice && thinks,
        };
        body.tool_choice = choice.write(wanted)?;
    }
    // Without tools it is refused.
    if let Some(parallel) = request.parallel_tool_calls.filter(|_| !tools.is_empty()) {
        match quirks.parallel_tool_calls {
            true => body.parallel_tool_calls = Some(parallel),
            false => policy.knob("parallel_tool_calls", "is not known to this host")?,
        }
    }
    body.tools = (!tools.is_empty()).then_some(tools);
    Ok(())
}

fn function<'a>(
    it: &'a FunctionDefinition,
    quirks: &Quirks,
    origin: &Origin,
    policy: &mut Policy<'_>,
) -> Result<Tool<'a>> {
    let strict = match it.strict {
        Some(true) if !quirks.strict => {
            policy.knob("tools.strict", "is not known to this host")?;
            None
        }
        strict => strict.filter(|_| quirks.strict),
    };
    let mut tool = Tool {
        kind: "function".into(),
        function: Some(Function {
            name: it.name.as_str().into(),
            description: it.description.as_deref().map(Into::into),
            parameters: Some(match &it.parameters {
                Some(schema) => fitted(schema, strict, quirks, "tools.parameters", policy),
                None => Cow::Owned(no_arguments()),
            }),
            strict,
            rest: Map::new(),
        }),
        rest: Map::new(),
    };
    if let Some(native) = it.native.as_deref().filter(|it| it.origin == *origin)
        && let Value::Object(item) = &native.item
    {
        let mut item = item.clone();
        if let (Some(Value::Object(inner)), Some(function)) =
            (item.remove("function"), &mut tool.function)
        {
            merge(&mut function.rest, &inner);
        }
        merge(&mut tool.rest, &item);
    }
    if let Some(hint) = &it.cache
        && quirks.cache == CacheStyle::CacheControl
        && let Some((field, value)) = cache_field(hint, quirks.cache, policy)
    {
        tool.rest.insert(field.to_owned(), value);
    }
    Ok(tool)
}

/// A tool in the host's own words.
fn native(native: &Native) -> Tool<'static> {
    let mut rest = native.item.as_object().cloned().unwrap_or_default();
    let kind = match rest.remove("type") {
        Some(Value::String(kind)) => kind,
        _ => "function".to_owned(),
    };
    Tool {
        kind: kind.into(),
        function: None,
        rest,
    }
}

struct Choice<'c, 'p, 'a> {
    quirks: &'c Quirks,
    policy: &'c mut Policy<'p>,
    tools: &'c mut Vec<Tool<'a>>,
    /// The model can't be made to call while it reasons.
    free: bool,
}

impl Choice<'_, '_, '_> {
    fn write(&mut self, wanted: &ToolChoice) -> Result<Option<Value>> {
        use ToolChoiceWord as Word;
        let says = |word: Word| self.quirks.tool_choice.contains(&word);
        let forced = matches!(
            wanted,
            ToolChoice::Required | ToolChoice::Tool(_) | ToolChoice::Allowed { required: true, .. }
        );
        if forced && self.free {
            self.policy
                .feature("tool_choice", "can't be forced while this model reasons")?;
            return Ok(None);
        }
        Ok(match wanted {
            ToolChoice::Auto if says(Word::Auto) => Some("auto".into()),
            ToolChoice::Auto => None,
            ToolChoice::None if says(Word::None) => Some("none".into()),
            ToolChoice::None => {
                let message = "the host knows no choice `none`: the tools are left out";
                self.policy.coerced("tool_choice", message);
                self.tools.clear();
                None
            }
            ToolChoice::Required if says(Word::Required) => Some(self.required()),
            ToolChoice::Required => {
                self.policy
                    .feature("tool_choice", "can't be `required` at this host")?;
                None
            }
            ToolChoice::Tool(name) if says(Word::Named) => Some(self.named(name)),
            ToolChoice::Tool(name) if says(Word::Required) => {
                self.only(std::slice::from_ref(name));
                Some(self.required())
            }
            ToolChoice::Tool(_) => {
                self.policy
                    .feature("tool_choice", "can't name a tool at this host")?;
                None
            }
            ToolChoice::Allowed { tools, required } if says(Word::Allowed) => {
                let names = tools.iter().map(|name| self.named(name));
                let mode = if *required { "required" } else { "auto" };
                let allowed = json!({"mode": mode, "tools": names.collect::<Vec<_>>()});
                Some(json!({"type": "allowed_tools", "allowed_tools": allowed}))
            }
            ToolChoice::Allowed { tools, required } => {
                self.only(tools);
                match *required {
                    true => return self.write(&ToolChoice::Required),
                    false => says(Word::Auto).then(|| "auto".into()),
                }
            }
            _ => {
                self.policy
                    .feature("tool_choice", "is not known to this dialect")?;
                None
            }
        })
    }

    fn required(&self) -> Value {
        self.quirks.required_word.as_str().into()
    }

    /// Leaves only the tools of these names on offer.
    fn only(&mut self, names: &[String]) {
        let message = "the host can't choose among tools: the others are left out";
        self.policy.coerced("tool_choice", message);
        self.tools.retain(|tool| {
            let name = name(tool);
            names.iter().any(|it| Some(it.as_str()) == name)
        });
    }

    /// A tool by its name and type.
    fn named(&self, wanted: &str) -> Value {
        let custom = self
            .tools
            .iter()
            .any(|it| it.kind == "custom" && name(it) == Some(wanted));
        let kind = if custom { "custom" } else { "function" };
        json!({"type": kind, kind: {"name": wanted}})
    }
}

/// The name of a tool, where it has one.
fn name<'a>(tool: &'a Tool<'_>) -> Option<&'a str> {
    match &tool.function {
        Some(function) => Some(&function.name),
        None => tool.rest.get(&*tool.kind)?.get("name")?.as_str(),
    }
}

/// Reads a tool.
pub(super) fn read(tool: Tool<'_>, origin: &Origin) -> ToolDefinition {
    let mut rest = tool.rest;
    let Some(function) = tool.function.filter(|_| tool.kind == "function") else {
        rest.insert("type".to_owned(), tool.kind.into_owned().into());
        return ToolDefinition::Native(Native::new(origin.clone(), rest));
    };
    let mut definition = FunctionDefinition::new(function.name);
    definition.description = function.description.map(Cow::into_owned);
    definition.parameters = function
        .parameters
        .map(Cow::into_owned)
        .filter(|schema| *schema != no_arguments());
    definition.strict = function.strict;
    definition.cache = take_cache(&mut rest);
    if !function.rest.is_empty() {
        rest.insert("function".to_owned(), function.rest.into());
    }
    if !rest.is_empty() {
        definition.native = Some(Box::new(Native::new(origin.clone(), rest)));
    }
    ToolDefinition::Function(definition)
}

/// Reads a tool choice; what isn't one comes back.
pub(super) fn read_choice(choice: Value) -> Result<ToolChoice, Value> {
    let named = |value: &Value| {
        let kind = value.get("type")?.as_str()?;
        Some(value.get(kind)?.get("name")?.as_str()?.to_owned())
    };
    let read = match (&choice, choice.get("type").and_then(Value::as_str)) {
        (Value::String(word), _) => match word.as_str() {
            "auto" => Some(ToolChoice::Auto),
            "none" => Some(ToolChoice::None),
            "required" | "any" => Some(ToolChoice::Required),
            _ => None,
        },
        (_, Some("function" | "custom")) => named(&choice).map(ToolChoice::Tool),
        (_, Some("allowed_tools")) => choice.get("allowed_tools").and_then(|allowed| {
            let tools = allowed.get("tools")?.as_array()?.iter().map(named);
            Some(ToolChoice::Allowed {
                tools: tools.collect::<Option<_>>()?,
                required: allowed.get("mode").is_some_and(|it| it == "required"),
            })
        }),
        _ => None,
    };
    read.ok_or(choice)
}
