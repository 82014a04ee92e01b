//! Tools in forms that only this dialect has: in groups, as free text, and told amid the input.
//!
//! To others each goes as a function. Its native item is the whole form, from the outermost group
//! in, and is what goes back to its own origin; calls follow their tools both ways.

use super::NAME;
use super::request::read_tool;
use super::response::scope::Scope;
use super::wire::{Object, kind_of};
use crate::client_tools::{ClientTool, ClientTools, Names, arguments_of, text_of, text_schema};
use parlor_core::{
    Arguments, ArgumentsForm, Executor, FunctionDefinition, Message, Native, Origin, Part,
    ToolCall, ToolChoice, ToolDefinition,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// The type of an input item that brings tools.
const ADDITIONAL: &str = "additional_tools";

/// The type of a group of tools.
const NAMESPACE: &str = "namespace";

/// The type of a tool that takes a text.
const CUSTOM: &str = "custom";

/// The group whose tools a model knows by their own names.
const DEFAULT: &str = "functions";

/// The key for what is in a group.
const TOOLS: &str = "tools";

/// Takes the items that bring tools out of an input.
pub(super) fn take_additional(items: &mut Vec<Object>) -> Vec<Object> {
    let brings =
        |item: &Object| kind_of(item) == ADDITIONAL && item.get(TOOLS).is_some_and(Value::is_array);
    items.extract_if(.., |item| brings(item)).collect()
}

/// Reads the tools of a request, and of the items that bring others. Of two with the same name in
/// the same group the later counts, since histories have them more than once.
pub(super) fn read(
    tools: Vec<Object>,
    additional: Vec<Object>,
    origin: &Origin,
) -> Vec<ToolDefinition> {
    let is_plain = |tool: &&Object| kind_of(tool) == "function";
    let name = |tool: &Object| Some(tool.get("name")?.as_str()?.to_owned());
    let mut reader = Reader {
        origin,
        names: tools.iter().filter(is_plain).filter_map(name).collect(),
        read: Vec::with_capacity(tools.len()),
        places: BTreeMap::new(),
    };
    for tool in tools {
        reader.tool(tool, &Place::default());
    }
    for mut item in additional {
        let tools = take_list(&mut item);
        let place = Place {
            item: Some(item),
            ..Place::default()
        };
        tools.into_iter().for_each(|tool| reader.tool(tool, &place));
    }
    reader.read
}

/// Takes what is in a group.
fn take_list(group: &mut Object) -> Vec<Object> {
    let Some(Value::Array(tools)) = group.shift_remove(TOOLS) else {
        return Vec::new();
    };
    let object = |tool: Value| match tool {
        Value::Object(tool) => Some(tool),
        _ => None,
    };
    tools.into_iter().filter_map(object).collect()
}

/// Where a tool stands: what is around it, without its other tools.
#[derive(Debug, Default)]
struct Place {
    item: Option<Object>,
    group: Option<Object>,
}

impl Place {
    fn namespace(&self) -> Option<&str> {
        self.group.as_ref()?.get("name")?.as_str()
    }

    /// A tool with what is around it.
    fn around(&self, tool: Object) -> Object {
        let around = [&self.group, &self.item].into_iter().flatten();
        around.fold(tool, |inner, outer| {
            let mut outer = outer.clone();
            outer.insert(TOOLS.to_owned(), vec![Value::Object(inner)].into());
            outer
        })
    }
}

struct Reader<'o> {
    origin: &'o Origin,
    names: Names,
    read: Vec<ToolDefinition>,
    /// Where tools are among those that were read, by group and name.
    places: BTreeMap<(Option<String>, String), usize>,
}

impl Reader<'_> {
    fn tool(&mut self, mut tool: Object, place: &Place) {
        let name = tool.get("name").and_then(Value::as_str).map(str::to_owned);
        match (kind_of(&tool), name) {
            (NAMESPACE, Some(_))
                if place.group.is_none() && tool.get(TOOLS).is_some_and(Value::is_array) =>
            {
                let tools = take_list(&mut tool);
                let place = Place {
                    item: place.item.clone(),
                    group: Some(tool),
                };
                tools.into_iter().for_each(|tool| self.tool(tool, &place));
            }
            ("function", Some(name)) if place.item.is_some() || place.group.is_some() => {
                let ToolDefinition::Function(function) = read_tool(tool.clone(), self.origin)
                else {
                    return;
                };
                self.put(function, name, place, tool);
            }
            (CUSTOM, Some(name)) => {
                let mut function = FunctionDefinition::new("");
                function.description = Some(described(&tool));
                function.parameters = Some(text_schema());
                self.put(function, name, place, tool);
            }
            ("function", _) if place.item.is_none() && place.group.is_none() => {
                self.read.push(read_tool(tool, self.origin));
            }
            _ => {
                let native = Native::new(self.origin.clone(), place.around(tool));
                self.read.push(ToolDefinition::Native(native));
            }
        }
    }

    fn put(&mut self, mut function: FunctionDefinition, name: String, place: &Place, tool: Object) {
        let namespace = place.namespace().map(str::to_owned);
        let native = Native::new(self.origin.clone(), place.around(tool));
        function.native = Some(Box::new(native));
        let key = (namespace, name);
        if let Some(at) = self.places.get(&key)
            && let Some(ToolDefinition::Function(known)) = self.read.get_mut(*at)
        {
            function.name = std::mem::take(&mut known.name);
            *known = function;
            return;
        }
        let (namespace, name) = (key.0.as_deref(), key.1.as_str());
        let full = namespace.map(|it| match it.ends_with("__") {
            true => format!("{it}{name}"),
            false => format!("{it}__{name}"),
        });
        function.name = match &full {
            Some(full) if namespace == Some(DEFAULT) => self.names.take(&[name, full]),
            Some(full) => self.names.take(&[full]),
            None => self.names.take(&[name]),
        };
        self.places.insert(key, self.read.len());
        self.read.push(ToolDefinition::Function(function));
    }
}

/// What a model is told of a tool that takes a text.
fn described(tool: &Object) -> String {
    let text = |of: Option<&Value>, key: &str| {
        let text = of.and_then(|it| it.get(key)).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let mut told = tool
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    if !told.is_empty() {
        told.push_str("\n\n");
    }
    told.push_str("`input` is the whole text that this tool takes, as it is.");
    let format = tool.get("format");
    let definition = text(format, "definition");
    if !definition.is_empty() {
        let syntax = text(format, "syntax");
        told.push_str(&format!(
            " It has to match this grammar ({syntax}):\n\n{definition}"
        ));
    }
    told
}

/// The form of its own that a function has here, if it is this one's.
pub(super) fn own(native: Option<&Native>, is_own: impl Fn(&Origin) -> bool) -> Option<&Object> {
    let native = native.filter(|it| it.origin.dialect == NAME && is_own(&it.origin))?;
    let form = native.item.as_object();
    form.filter(|it| it.contains_key("type"))
}

/// The tool in a form that is a group.
fn inner(group: &Object) -> Option<&Object> {
    group.get(TOOLS)?.as_array()?.first()?.as_object()
}

/// A form's innermost tool, and the name of its group.
fn innermost(form: &Object) -> Option<(Option<&str>, &Object)> {
    let form = match kind_of(form) {
        ADDITIONAL => inner(form)?,
        _ => form,
    };
    match kind_of(form) {
        NAMESPACE => Some((form.get("name")?.as_str(), inner(form)?)),
        _ => Some((None, form)),
    }
}

/// What the client calls the tools whose forms are of these origins.
pub(super) fn client_tools(
    tools: &[ToolDefinition],
    is_own: impl Fn(&Origin) -> bool,
) -> ClientTools {
    let named = |tool: &ToolDefinition| {
        let function = tool.as_function()?;
        let form = own(function.native.as_deref(), &is_own)?;
        let (namespace, tool) = innermost(form)?;
        let tool = ClientTool {
            name: tool.get("name")?.as_str()?.to_owned(),
            namespace: namespace.map(str::to_owned),
            is_text: kind_of(tool) == CUSTOM,
        };
        let same = tool.namespace.is_none() && !tool.is_text && tool.name == function.name;
        (!same).then(|| (function.name.clone(), tool))
    };
    tools.iter().filter_map(named).collect()
}

/// Forms on their way out, those of one group together.
#[derive(Debug, Default)]
pub(super) struct Forms {
    pub(super) tools: Vec<Object>,
    /// Those that stand in the input.
    pub(super) items: Vec<Object>,
}

impl Forms {
    pub(super) fn put(&mut self, form: Object) {
        match kind_of(&form) {
            ADDITIONAL => join(&mut self.items, form),
            _ => join(&mut self.tools, form),
        }
    }
}

/// Puts a form at the end of a list: into the group there, if it is of the same.
fn join(list: &mut Vec<Object>, mut form: Object) {
    let is_group = matches!(kind_of(&form), ADDITIONAL | NAMESPACE);
    let head = |group: &Object| {
        group
            .iter()
            .filter(|it| it.0 != TOOLS)
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect::<Object>()
    };
    match list.last_mut() {
        Some(last) if is_group && head(last) == head(&form) => {
            let mut inner = take_list(last);
            take_list(&mut form)
                .into_iter()
                .for_each(|form| join(&mut inner, form));
            let inner: Vec<Value> = inner.into_iter().map(Value::Object).collect();
            last.insert(TOOLS.to_owned(), inner.into());
        }
        _ => list.push(form),
    }
}

/// Has a conversation's calls, and the choice of a tool, name the functions that stand for tools.
pub(super) fn follow(
    messages: &mut [Message],
    choice: Option<&mut ToolChoice>,
    offered: &[ToolDefinition],
    tools: &ClientTools,
) {
    if tools.is_empty() {
        return;
    }
    // A function that is called the same is meant where no group is named.
    let is_plain = |name: &str| {
        let mut functions = offered.iter().filter_map(ToolDefinition::as_function);
        tools.get(name).is_none() && functions.any(|it| it.name == name)
    };
    let function = |namespace: Option<&str>, name: &str| match namespace.is_none() && is_plain(name)
    {
        true => None,
        false => tools.function(namespace, name),
    };
    let rename = |name: &mut String| {
        if let Some((function, _)) = function(None, name) {
            *name = function.to_owned();
        }
    };
    match choice {
        Some(ToolChoice::Tool(name)) => rename(name),
        Some(ToolChoice::Allowed { tools, .. }) => tools.iter_mut().for_each(rename),
        _ => {}
    }
    for part in messages.iter_mut().flat_map(|it| &mut it.parts) {
        let Part::ToolCall(call) = part else { continue };
        let fields = call.native.as_deref().and_then(|it| it.item.as_object());
        if call.executor != Executor::Client || fields.is_some_and(|it| it.contains_key("type")) {
            continue;
        }
        let namespace = fields
            .and_then(|it| it.get(NAMESPACE))
            .and_then(Value::as_str);
        let is_text = call.arguments.form == ArgumentsForm::Text;
        let Some((function, _)) =
            function(namespace, &call.name).filter(|it| it.1.is_text == is_text)
        else {
            continue;
        };
        call.name = function.to_owned();
        if is_text {
            call.arguments = arguments_of(&call.arguments.text);
        }
        // Put on anew, since the call isn't what it was put on.
        if let Some(mut native) = call.native.take()
            && let Value::Object(fields) = &mut native.item
        {
            fields.shift_remove(NAMESPACE);
            if !fields.is_empty() {
                part.set_native(*native);
            }
        }
    }
}

/// A call in the form of its tool, if that has one of its own; `origin` says whose the form is.
pub(super) fn restored(
    part: &Part,
    scope: &dyn Scope,
    tools: &ClientTools,
    origin: &Origin,
) -> Option<Part> {
    let Part::ToolCall(call) = part else {
        return None;
    };
    let tool = tools.get(&call.name)?;
    let own = scope.native(part).and_then(Value::as_object);
    let mut fields = own.cloned().unwrap_or_default();
    // One that came in a form of its own.
    let is_own = ["type", NAMESPACE]
        .iter()
        .any(|key| fields.contains_key(*key));
    if is_own || call.executor != Executor::Client || call.arguments.form == ArgumentsForm::Text {
        return None;
    }
    let mut restored = ToolCall::new(call.id.clone(), tool.name.clone(), call.arguments.clone());
    if let Some(namespace) = &tool.namespace {
        fields.insert(NAMESPACE.to_owned(), namespace.as_str().into());
    }
    if tool.is_text {
        if call.arguments.form == ArgumentsForm::Cut {
            fields.insert("status".to_owned(), "incomplete".into());
        }
        restored.arguments = Arguments::text(text_of(&call.arguments));
    }
    Some(match fields.is_empty() {
        true => restored.into(),
        false => Part::from(restored).with_native(Native::new(origin.clone(), fields)),
    })
}
