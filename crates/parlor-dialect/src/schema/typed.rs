//! Schemas that each say their type.

use super::Walk;
use serde_json::{Map, Value, json};

/// What a value may be.
const TYPES: [&str; 6] = ["string", "number", "boolean", "object", "array", "null"];

/// What only schemas of a type say.
const TELLING: [(&str, &[&str]); 4] = [
    (
        "object",
        &[
            "properties",
            "additionalProperties",
            "minProperties",
            "maxProperties",
        ],
    ),
    ("array", &["items", "minItems", "maxItems", "uniqueItems"]),
    ("string", &["minLength", "maxLength", "pattern", "format"]),
    (
        "number",
        &[
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        ],
    ),
];

impl Walk<'_> {
    /// A schema that allows anything.
    pub(super) fn open(&self) -> Value {
        match self.subset.typed {
            true => json!({ "anyOf": anything() }),
            false => json!({}),
        }
    }

    /// The schema without alternatives beside its type or its properties, if it
    /// has some: a type goes into them, and their properties into it.
    pub(super) fn apart(
        &mut self,
        source: &Map<String, Value>,
        is_root: bool,
    ) -> Option<Map<String, Value>> {
        let list = ["anyOf", "oneOf"].into_iter();
        let list = list.filter(|it| source.get(*it).is_some_and(Value::is_array));
        let mut lists = list.peekable();
        lists.peek()?;
        let of_object = is_root || source.contains_key("properties");
        if !of_object && !source.contains_key("type") {
            return None;
        }
        let mut apart = source.clone();
        if of_object {
            self.note("alternatives beside an object's properties are left out");
        }
        for list in lists {
            let members = match of_object {
                true => apart.shift_remove(list),
                false => apart.get_mut(list).map(Value::take),
            };
            let Some(Value::Array(mut members)) = members else {
                continue;
            };
            for member in members.iter_mut().filter_map(Value::as_object_mut) {
                match of_object {
                    true => add_properties(member, &mut apart),
                    false => add_type(member, source),
                }
            }
            if !of_object {
                apart.insert(list.to_owned(), members.into());
            }
        }
        if !of_object {
            apart.shift_remove("type");
        }
        Some(apart)
    }
}

fn add_properties(member: &mut Map<String, Value>, whole: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = member.shift_remove("properties") else {
        return;
    };
    let mine = whole.entry("properties").or_insert_with(|| json!({}));
    for (name, property) in properties {
        if let Some(mine) = mine.as_object_mut() {
            mine.entry(name).or_insert(property);
        }
    }
}

fn add_type(member: &mut Map<String, Value>, whole: &Map<String, Value>) {
    let says = ["type", "$ref", "anyOf", "oneOf", "allOf"];
    if let Some(kind) = whole.get("type")
        && !says.iter().any(|it| member.contains_key(*it))
    {
        member.insert("type".to_owned(), kind.clone());
    }
}

/// Says the type of a schema that says none: that of its values, or of what else
/// it says; else it may be anything.
pub(super) fn say_type(out: &mut Map<String, Value>, is_root: bool) {
    if !out.contains_key("properties") {
        // A required property that isn't declared is refused.
        out.shift_remove("required");
    }
    if is_root {
        out.entry("type").or_insert_with(|| json!("object"));
    }
    if out.contains_key("type") || out.contains_key("anyOf") {
        return;
    }
    let telling = TELLING.iter();
    let mut telling = telling.filter(|(_, words)| words.iter().any(|it| out.contains_key(*it)));
    let (key, value) = match (out.get("enum").and_then(Value::as_array), telling.next()) {
        (Some(values), _) => of_values(values),
        (None, Some((kind, _))) => ("type", json!(kind)),
        (None, None) => ("anyOf", anything()),
    };
    if key == "anyOf" {
        out.shift_remove("enum");
    }
    out.insert(key.to_owned(), value);
}

fn anything() -> Value {
    TYPES.iter().map(|it| json!({ "type": it })).collect()
}

/// The type of these values; of several types, alternatives.
fn of_values(values: &[Value]) -> (&'static str, Value) {
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let mut kinds: Vec<(&str, Vec<&Value>)> = Vec::new();
    for value in values {
        match kinds.iter_mut().find(|(it, _)| *it == kind(value)) {
            Some((_, alike)) => alike.push(value),
            None => kinds.push((kind(value), vec![value])),
        }
    }
    match kinds.as_slice() {
        [(only, _)] => ("type", json!(only)),
        several => {
            let several = several.iter();
            let several = several.map(|(kind, alike)| json!({ "type": kind, "enum": alike }));
            ("anyOf", several.collect())
        }
    }
}
