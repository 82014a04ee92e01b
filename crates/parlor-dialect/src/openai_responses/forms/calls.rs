//! Calls of tools in forms of this dialect's: as calls of functions, and back.

use super::super::response::scope::Scope;
use super::NAMESPACE;
use crate::client_tools::{ClientTools, arguments_of, text_of};
use parlor_core::{
    Arguments, ArgumentsForm, Executor, Message, Native, Origin, Part, ToolCall, ToolChoice,
    ToolDefinition,
};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Has a conversation's calls, and the choice of a tool, name the functions that stand for tools.
pub(in super::super) fn follow(
    messages: &mut [Message],
    choice: Option<&mut ToolChoice>,
    offered: &[ToolDefinition],
    tools: &ClientTools,
) {
    if tools.is_empty() {
        return;
    }
    let functions = offered.iter().filter_map(ToolDefinition::as_function);
    let names = functions.map(|it| it.name.as_str());
    let plain: BTreeSet<&str> = names.filter(|name| tools.get(name).is_none()).collect();
    let mut by_place = BTreeMap::new();
    let mut by_name: BTreeMap<&str, Option<(&str, bool)>> = BTreeMap::new();
    for (function, tool) in tools.iter() {
        let named = (function, tool.is_text);
        by_place.insert((tool.namespace.as_deref(), tool.name.as_str()), named);
        let only = by_name.entry(&tool.name);
        only.and_modify(|it| *it = None).or_insert(Some(named));
    }
    // Without a group it is a plain function, or the only tool of that name.
    let function = |namespace: Option<&str>, name: &str| {
        let exact = by_place.get(&(namespace, name)).copied();
        let only = || by_name.get(name).copied().flatten();
        match namespace {
            None if plain.contains(name) => None,
            None => exact.or_else(only),
            Some(_) => exact,
        }
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
        let Some((function, _)) = function(namespace, &call.name).filter(|it| it.1 == is_text)
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
pub(in super::super) fn restored(
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
