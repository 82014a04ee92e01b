//! Tools in forms that only this dialect has: in groups, as free text, and told amid the input.
//!
//! To others each goes as a function. Its native item is the whole form, from the outermost group
//! in, and is what goes back to its own origin; of a group the first tool has all that it says, and
//! the others go on with it. Calls follow their tools both ways.

mod calls;

pub(super) use calls::{follow, restored};

use super::NAME;
use super::request::read_tool;
use super::response::items::CONTINUES;
use super::wire::{Object, kind_of};
use crate::client_tools::{ClientTool, ClientTools, Names, text_schema};
use parlor_core::{FunctionDefinition, Native, Origin, ToolDefinition};
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

/// The key in a form for how many items stand before the one that brings it.
const BEHIND: &str = "behind";

/// The longest name of a group, in bytes, that is taken for one, since every tool in it has the
/// name.
const GROUP_NAME: usize = 256;

/// Takes the items that bring tools out of an input, with their places in it.
pub(super) fn take_additional(items: &mut Vec<Object>) -> Vec<Object> {
    let mut behind = 0;
    let brings = |item: &mut Object| {
        let brings = kind_of(item) == ADDITIONAL && item.get(TOOLS).is_some_and(Value::is_array);
        if brings {
            item.insert(BEHIND.to_owned(), behind.into());
        }
        behind += 1;
        brings
    };
    items.extract_if(.., brings).collect()
}

/// Puts items that bring tools into an input, where they stood.
pub(super) fn with_additional(items: Vec<Object>, additional: Vec<Object>) -> Vec<Object> {
    let mut all = Vec::with_capacity(items.len() + additional.len());
    let mut items = items.into_iter();
    for mut item in additional {
        let behind = item.shift_remove(BEHIND).and_then(|it| it.as_u64());
        let behind = usize::try_from(behind.unwrap_or_default()).unwrap_or(usize::MAX);
        all.extend(items.by_ref().take(behind.saturating_sub(all.len())));
        all.push(item);
    }
    all.extend(items);
    all
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
        item: None,
        group: None,
        names: tools.iter().filter(is_plain).filter_map(name).collect(),
        read: Vec::with_capacity(tools.len()),
        places: BTreeMap::new(),
    };
    for tool in tools {
        reader.tool(tool);
    }
    for mut item in additional {
        let tools = take_list(&mut item);
        reader.item = Some(Head::new(item));
        tools.into_iter().for_each(|tool| reader.tool(tool));
    }
    reader.read.into_iter().flatten().collect()
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

/// What a group says beside its tools.
#[derive(Debug)]
struct Head {
    /// All of it, until a tool has it.
    whole: Option<Object>,
    /// What the tools behind the first have.
    short: Object,
}

impl Head {
    fn new(whole: Object) -> Self {
        let named = ["type", "name", "role"].iter().filter_map(|key| {
            let value = whole.get(*key)?.as_str()?;
            let is_short = value.len() <= GROUP_NAME;
            is_short.then(|| ((*key).to_owned(), Value::from(value)))
        });
        let mut short: Object = named.collect();
        short.insert(CONTINUES.to_owned(), true.into());
        let whole = Some(whole);
        Self { whole, short }
    }

    /// A tool in its group.
    fn around(&mut self, tool: Object) -> Object {
        let head = self.whole.take();
        let mut group = head.unwrap_or_else(|| self.short.clone());
        group.insert(TOOLS.to_owned(), vec![Value::Object(tool)].into());
        group
    }
}

struct Reader<'o> {
    origin: &'o Origin,
    /// The item that brings the tools, and their group.
    item: Option<Head>,
    group: Option<Head>,
    names: Names,
    /// Nothing where a later one is in its place.
    read: Vec<Option<ToolDefinition>>,
    /// Where tools are among those that were read, by group and name.
    places: BTreeMap<(Option<String>, String), usize>,
}

impl Reader<'_> {
    fn tool(&mut self, mut tool: Object) {
        let name = tool.get("name").and_then(Value::as_str).map(str::to_owned);
        let is_plain = self.item.is_none() && self.group.is_none();
        let read = match (kind_of(&tool), name) {
            (NAMESPACE, Some(name)) if self.group.is_none() && is_group(&tool, &name) => {
                let tools = take_list(&mut tool);
                self.group = Some(Head::new(tool));
                tools.into_iter().for_each(|tool| self.tool(tool));
                self.group = None;
                return;
            }
            ("function", _) if is_plain => read_tool(tool, self.origin),
            ("function", Some(name)) => match read_tool(tool.clone(), self.origin) {
                ToolDefinition::Function(function) => return self.put(function, name, tool),
                other => other,
            },
            (CUSTOM, Some(name)) => {
                let mut function = FunctionDefinition::new("");
                function.description = Some(described(&tool));
                function.parameters = Some(text_schema());
                return self.put(function, name, tool);
            }
            _ => ToolDefinition::Native(self.native(tool)),
        };
        self.read.push(Some(read));
    }

    /// A tool with what is around it.
    fn native(&mut self, tool: Object) -> Native {
        let around = [&mut self.group, &mut self.item].into_iter().flatten();
        let form = around.fold(tool, |inner, outer| outer.around(inner));
        Native::new(self.origin.clone(), form)
    }

    fn put(&mut self, mut function: FunctionDefinition, name: String, tool: Object) {
        function.native = Some(Box::new(self.native(tool)));
        let namespace = self.group.as_ref().and_then(|it| it.short.get("name"));
        let namespace = namespace.and_then(Value::as_str);
        let key = (namespace.map(str::to_owned), name);
        let known = self.places.get(&key).and_then(|at| self.read.get_mut(*at));
        function.name = match known.and_then(Option::take) {
            Some(ToolDefinition::Function(known)) => known.name,
            _ => {
                let (namespace, name) = (key.0.as_deref(), key.1.as_str());
                let full = namespace.map(|it| match it.ends_with("__") {
                    true => format!("{it}{name}"),
                    false => format!("{it}__{name}"),
                });
                match &full {
                    Some(full) if namespace == Some(DEFAULT) => self.names.take(&[name, full]),
                    Some(full) => self.names.take(&[full]),
                    None => self.names.take(&[name]),
                }
            }
        };
        self.places.insert(key, self.read.len());
        self.read.push(Some(ToolDefinition::Function(function)));
    }
}

/// Whether what is said to be a group is one.
fn is_group(tool: &Object, name: &str) -> bool {
    name.len() <= GROUP_NAME && tool.get(TOOLS).is_some_and(Value::is_array)
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
        let list = match kind_of(&form) {
            ADDITIONAL => &mut self.items,
            _ => &mut self.tools,
        };
        let form = match list.last_mut() {
            Some(last) => join(last, form),
            None => Some(form),
        };
        list.extend(form.map(first));
    }
}

/// Puts a form into the group before it, if it goes on with that; else it comes back.
fn join(last: &mut Object, mut form: Object) -> Option<Object> {
    let same = |key: &str| last.get(key) == form.get(key);
    let goes_on = has_tools(&form) && form.contains_key(CONTINUES);
    if !goes_on || !same("type") || !same("name") {
        return Some(form);
    }
    let Some(Value::Array(tools)) = last.get_mut(TOOLS) else {
        return Some(form);
    };
    for tool in take_list(&mut form) {
        let tool = match tools.last_mut() {
            Some(Value::Object(last)) => join(last, tool),
            _ => Some(tool),
        };
        tools.extend(tool.map(|it| Value::Object(first(it))));
    }
    None
}

/// A form that goes on with nothing.
fn first(mut form: Object) -> Object {
    if has_tools(&form) {
        form.shift_remove(CONTINUES);
        let inner = form.get_mut(TOOLS).and_then(Value::as_array_mut);
        for tool in inner.into_iter().flatten() {
            if let Value::Object(tool) = tool
                && has_tools(tool)
            {
                tool.shift_remove(CONTINUES);
            }
        }
    }
    form
}

/// Whether a form is one around tools.
fn has_tools(form: &Object) -> bool {
    matches!(kind_of(form), ADDITIONAL | NAMESPACE)
}
