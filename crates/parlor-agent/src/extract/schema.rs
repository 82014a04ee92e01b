//! The schema of a type as a model gets it: an object at its root.

use crate::schema::settings;
use parlor_core::OutputSchema;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

/// The property that holds a value whose own schema isn't an object's.
pub(crate) const ANSWER: &str = "answer";

/// What an answer must be like.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) output: OutputSchema,
    /// Whether the value stands in [`ANSWER`].
    pub(crate) wrapped: bool,
    /// Whether anything in it may have properties that aren't declared, as a
    /// map does: hosts that hold a model to a schema refuse or close such.
    pub(crate) open: bool,
    /// What the value itself is held to, where no type does so.
    pub(crate) check: Option<Value>,
}

impl Shape {
    pub(crate) fn of<T: JsonSchema>() -> Self {
        let mut generator = settings().into_generator();
        // Not as a root schema: recursion would then lead to `#`, which is
        // another place once the schema is wrapped.
        let mut schema = Value::from(generator.subschema_for::<T>());
        let mut definitions = generator.take_definitions(true);
        let target = schema.get("$ref").and_then(Value::as_str);
        let target = target.and_then(|it| it.strip_prefix("#/$defs/"));
        let root = target.and_then(|name| definitions.get(name));
        if let Some(root) = root.filter(|it| is_plain_object(it)) {
            let (name, root) = (target.map(str::to_owned), root.clone());
            let all = json!([&root, &definitions]);
            let used = schema.get("$ref").is_some_and(|it| refers(&all, it));
            if let (Some(name), false) = (name, used) {
                definitions.remove(&name);
            }
            schema = root;
        }
        let wrapped = !is_plain_object(&schema);
        if wrapped {
            schema = wrap(schema);
        }
        let known = definitions.clone();
        if let (Some(root), false) = (schema.as_object_mut(), definitions.is_empty()) {
            root.insert("$defs".to_owned(), Value::Object(definitions));
        }
        merge(&mut schema, &known, 0);
        clean(&mut schema);
        let open = is_open(&schema);
        let mut output = OutputSchema::new(name_of(&T::schema_name()), schema);
        output.strict = (!open).then_some(true);
        Self {
            output,
            wrapped,
            open,
            check: None,
        }
    }

    /// The shape of a schema that no type stands for.
    pub(crate) fn of_schema(mut output: OutputSchema) -> Self {
        if let Some(root) = output.schema.as_object_mut() {
            // Hosts know neither.
            root.shift_remove("$schema");
            root.shift_remove("$id");
        }
        let check = output.schema.clone();
        let wrapped = !is_plain_object(&output.schema);
        if wrapped {
            let mut schema = output.schema;
            let inner = schema.as_object_mut();
            let definitions = inner.map(|inner| {
                DEFINITIONS.map(|key| inner.shift_remove(key).map(|it| (key.to_owned(), it)))
            });
            schema = wrap(schema);
            if let Some(root) = schema.as_object_mut() {
                // References lead to the root.
                root.extend(definitions.into_iter().flatten().flatten());
            }
            output.schema = schema;
        }
        let open = is_open(&output.schema);
        output.name = name_of(&output.name);
        output.strict = output.strict.or((!open).then_some(true));
        Self {
            output,
            wrapped,
            open,
            check: Some(check),
        }
    }
}

/// Where schemas that are referred to stand, now and in older drafts.
const DEFINITIONS: [&str; 2] = ["$defs", "definitions"];

fn wrap(schema: Value) -> Value {
    json!({
        "type": "object",
        "properties": {ANSWER: schema},
        "required": [ANSWER],
        "additionalProperties": false,
    })
}

fn is_plain_object(schema: &Value) -> bool {
    let several = ["anyOf", "oneOf", "allOf", "$ref"];
    schema.get("type") == Some(&json!("object"))
        && schema.get("properties").is_some()
        && several.iter().all(|key| schema.get(key).is_none())
}

fn refers(schema: &Value, target: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            map.get("$ref") == Some(target) || map.values().any(|it| refers(it, target))
        }
        Value::Array(list) => list.iter().any(|it| refers(it, target)),
        _ => false,
    }
}

/// Letters, digits, `_` and `-`, at most 64.
pub(crate) fn name_of(name: &str) -> String {
    let allowed = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '-';
    let clean = name.chars().map(|it| if allowed(it) { it } else { '_' });
    let name: String = clean.take(64).collect();
    match name.is_empty() {
        true => ANSWER.to_owned(),
        false => name,
    }
}

/// Deeper than any schema that a model makes sense of.
const MAX_DEPTH: usize = 64;

/// Keywords that hold values and no schemas.
const VALUES: &[&str] = &["const", "default", "enum", "examples"];

/// Writes out references that have properties beside them, as the variants of a
/// tagged enum have their tag: many hosts read nothing beside a reference.
fn merge(schema: &mut Value, definitions: &Map<String, Value>, depth: usize) {
    match schema {
        // What is written out may refer to itself again.
        _ if depth > MAX_DEPTH => {}
        Value::Object(map) => {
            let target = map.get("$ref").and_then(Value::as_str);
            let target = target.and_then(|it| definitions.get(it.strip_prefix("#/$defs/")?));
            if let Some(target) = target.filter(|it| is_plain_object(it))
                && map.contains_key("properties")
            {
                add(map, target);
                map.shift_remove("$ref");
            }
            let schemas = map
                .iter_mut()
                .filter(|(key, _)| !VALUES.contains(&key.as_str()));
            schemas.for_each(|(_, it)| merge(it, definitions, depth + 1));
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|it| merge(it, definitions, depth + 1)),
        _ => {}
    }
}

/// Adds an object's schema to another one.
fn add(map: &mut Map<String, Value>, target: &Value) {
    for (key, value) in target.as_object().into_iter().flatten() {
        match (map.get_mut(key), value) {
            (Some(Value::Object(mine)), Value::Object(more)) => {
                for (name, property) in more {
                    mine.entry(name).or_insert_with(|| property.clone());
                }
            }
            (Some(Value::Array(mine)), Value::Array(more)) => {
                let new: Vec<_> = more.iter().filter(|it| !mine.contains(it)).collect();
                let new: Vec<_> = new.into_iter().cloned().collect();
                mine.extend(new);
            }
            (Some(_), _) => {}
            (None, value) => {
                map.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Takes out what no host knows: the number formats of Rust's types. Their
/// bounds stay.
fn clean(schema: &mut Value) {
    const NUMBERS: &[&str] = &["int", "uint", "float", "double"];
    match schema {
        Value::Object(map) => {
            let format = map.get("format").and_then(Value::as_str);
            let sized = |it: &str| {
                it.trim_end_matches(|it: char| it.is_ascii_digit())
                    .to_owned()
            };
            if format.is_some_and(|it| NUMBERS.contains(&&*sized(it))) {
                map.shift_remove("format");
            }
            let schemas = map
                .iter_mut()
                .filter(|(key, _)| !VALUES.contains(&key.as_str()));
            schemas.for_each(|(_, it)| clean(it));
        }
        Value::Array(list) => list.iter_mut().for_each(clean),
        _ => {}
    }
}

fn is_open(schema: &Value) -> bool {
    match schema {
        Value::Bool(allows) => *allows,
        Value::Object(map) => {
            let said = ["type", "$ref", "enum", "const", "anyOf", "oneOf", "allOf"];
            !said.iter().any(|key| map.contains_key(*key))
                || map
                    .get("additionalProperties")
                    .is_some_and(|it| *it != json!(false))
                || map.contains_key("patternProperties")
                || map.get("items").is_some_and(is_open)
                || any_open(map, &["properties", "$defs"], Value::as_object, Map::values)
                || any_open(
                    map,
                    &["anyOf", "oneOf", "allOf", "prefixItems"],
                    Value::as_array,
                    |it| it.iter(),
                )
        }
        _ => false,
    }
}

fn any_open<'a, C: 'a, I: Iterator<Item = &'a Value>>(
    map: &'a Map<String, Value>,
    keys: &[&str],
    read: impl Fn(&'a Value) -> Option<&'a C>,
    members: impl Fn(&'a C) -> I,
) -> bool {
    let found = keys.iter().filter_map(|key| read(map.get(*key)?));
    found.flat_map(members).any(is_open)
}
