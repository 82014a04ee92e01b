//! JSON Schema brought down to the part of it that a provider understands.
//!
//! What a provider takes is data, a [`SchemaSubset`]; one transformer,
//! [`restrict`], serves them all. It says what it had to leave out or change,
//! so that nothing a caller wrote is dropped in silence.

mod merge;
mod openapi;
mod subsets;
#[cfg(test)]
mod tests;
mod typed;
mod values;

pub use openapi::from_openapi;
pub use subsets::{
    ANTHROPIC_OUTPUT, EnumValues, GEMINI_JSON_SCHEMA, GEMINI_OPENAPI, OPENAI_STRICT, ObjectRule,
    SchemaSubset, TYPED, TypeArrays,
};

use crate::policy::Policy;
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// How deep a schema may nest. Deeper parts are left open with a note, so that
/// a hostile schema can't exhaust the stack.
const MAX_DEPTH: usize = 64;

/// The most schemas that one schema may grow to while its references are
/// written out. References that fan out would double it at each level.
const MAX_NODES: usize = 20_000;

/// A schema within a subset.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Restricted {
    /// The schema.
    pub schema: Value,
    /// What was left out or changed so that the schema means something else
    /// than before: a sentence each, none twice. Titles, comments and the like
    /// go without a note.
    pub notes: Vec<String>,
}

/// Brings a schema down to a subset.
///
/// Never fails: what can't be said in the subset is left out, with a note. A
/// schema already within the subset comes back as it is.
pub fn restrict(schema: &Value, subset: &SchemaSubset) -> Restricted {
    let mut walk = Walk {
        subset,
        root: schema,
        refs: Vec::new(),
        notes: Vec::new(),
        nodes: 0,
    };
    let schema = walk.schema(schema, 0);
    Restricted {
        schema,
        notes: walk.notes,
    }
}

/// The schema as hosts want it that hold a model to it strictly: closed where
/// it must be, with a warning for each change.
pub(crate) fn closed_if_strict<'a>(
    schema: &'a Value,
    strict: bool,
    setting: &str,
    policy: &mut Policy<'_>,
) -> Cow<'a, Value> {
    match strict {
        true => within(schema, &OPENAI_STRICT, setting, policy),
        false => Cow::Borrowed(schema),
    }
}

/// The schema within a subset, with a warning for each change.
pub(crate) fn within<'a>(
    schema: &'a Value,
    subset: &SchemaSubset,
    setting: &str,
    policy: &mut Policy<'_>,
) -> Cow<'a, Value> {
    let restricted = restrict(schema, subset);
    for note in restricted.notes {
        policy.coerced(setting, note);
    }
    match restricted.schema == *schema {
        true => Cow::Borrowed(schema),
        false => Cow::Owned(restricted.schema),
    }
}

/// Keywords that describe and don't constrain: they go without a note.
const ANNOTATIONS: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "$anchor",
    "title",
    "description",
    "examples",
    "example",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "propertyOrdering",
];

struct Walk<'a> {
    subset: &'a SchemaSubset,
    root: &'a Value,
    /// The references that are being written out, outermost first.
    refs: Vec<String>,
    notes: Vec<String>,
    nodes: usize,
}

impl Walk<'_> {
    fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn schema(&mut self, schema: &Value, depth: usize) -> Value {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            self.note("a schema that nests too deep is left open there");
            return self.open();
        }
        match schema {
            Value::Object(source) if source.contains_key("$ref") => self.reference(source, depth),
            Value::Object(source) => self.object(source, depth),
            Value::Bool(false) => {
                self.note("a schema that allows nothing is left open");
                self.open()
            }
            _ => self.open(),
        }
    }

    fn reference(&mut self, source: &Map<String, Value>, depth: usize) -> Value {
        let name = source
            .get("$ref")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if self.subset.keep_refs {
            // A reference stands alone, but for other `$` keywords.
            let name = name.replacen("#/definitions/", "#/$defs/", 1);
            let mut out = Map::from_iter([("$ref".to_owned(), Value::String(name))]);
            self.definitions(source, &mut out, depth);
            return Value::Object(out);
        }
        let target = name
            .strip_prefix('#')
            .and_then(|pointer| self.root.pointer(pointer));
        let Some(target) = target else {
            self.note(format!(
                "the reference `{name}` leads nowhere and is left open"
            ));
            return self.open();
        };
        if self.refs.iter().any(|open| open == name) {
            self.note(format!(
                "the reference `{name}` leads back to itself and is left open there"
            ));
            return match target.get("type") {
                Some(Value::String(kind)) => json!({ "type": kind }),
                _ => self.open(),
            };
        }
        self.refs.push(name.to_owned());
        // What stands beside the reference wins, as descriptions do.
        let mut merged = target.as_object().cloned().unwrap_or_default();
        let beside = source
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "$ref" | "$defs" | "definitions"));
        merged.extend(beside.map(|(key, value)| (key.clone(), value.clone())));
        let out = self.schema(&Value::Object(merged), depth + 1);
        self.refs.pop();
        out
    }

    fn object(&mut self, source: &Map<String, Value>, depth: usize) -> Value {
        let merged = match source.get("allOf").and_then(Value::as_array) {
            Some(members) if !self.subset.has("allOf") => Some(self.all_of(source, members, depth)),
            _ => None,
        };
        let source = merged.as_ref().unwrap_or(source);
        let apart = match self.subset.typed {
            true => self.apart(source, depth == 0),
            false => None,
        };
        let source = apart.as_ref().unwrap_or(source);
        let mut out = Map::new();
        self.types(source, &mut out, depth);
        for (keyword, value) in source {
            self.keyword(keyword, value, source, &mut out, depth);
        }
        self.enums(source, &mut out);
        if self.subset.keep_refs {
            self.definitions(source, &mut out, depth);
        }
        if self.subset.objects == ObjectRule::Closed && out.contains_key("properties") {
            self.close(&mut out);
        }
        if self.subset.objects == ObjectRule::Sealed
            && (out.contains_key("properties") || out.get("type") == Some(&json!("object")))
        {
            self.seal(&mut out);
        }
        if let Some(required) = out.get_mut("required").and_then(Value::as_array_mut) {
            // A required property that isn't declared is refused by some providers.
            if let Some(Value::Object(known)) = source.get("properties") {
                required.retain(|name| name.as_str().is_some_and(|name| known.contains_key(name)));
            }
        }
        if self.subset.typed {
            typed::say_type(&mut out, depth == 0);
        }
        Value::Object(out)
    }

    fn keyword(
        &mut self,
        keyword: &str,
        value: &Value,
        source: &Map<String, Value>,
        out: &mut Map<String, Value>,
        depth: usize,
    ) {
        let written = match (keyword, self.subset.has(keyword)) {
            // Said by `types`, `enums` and `definitions`.
            ("type" | "nullable" | "enum" | "const" | "$defs" | "definitions", _) => return,
            ("oneOf", false) => return self.any_of(value, out, depth),
            ("prefixItems", false) => return self.tuple(value, out, depth),
            ("exclusiveMinimum" | "exclusiveMaximum", false) => {
                return self.exclusive(keyword, value, source, out);
            }
            // Models keep to the declared properties, whatever this says.
            ("additionalProperties", false) if value.is_boolean() => return,
            (_, false) if ANNOTATIONS.contains(&keyword) => return,
            (_, false) => return self.note(format!("`{keyword}` is left out")),
            ("anyOf", true) => return self.any_of(value, out, depth),
            ("items", true) if value.is_array() => return self.tuple(value, out, depth),
            ("items", true) => self.schema(value, depth + 1),
            ("oneOf" | "allOf" | "prefixItems", true) => self.list(value, depth),
            ("properties", true) => self.properties(value, depth),
            ("additionalProperties", true) if value.is_object() => self.schema(value, depth + 1),
            ("format", true) if !self.knows_format(value) => {
                return self.note(format!("the format {value} is left out"));
            }
            (_, true) => value.clone(),
        };
        let empty = written.as_object().is_some_and(Map::is_empty);
        // An object type without properties is refused where types are said the OpenAPI way.
        if keyword == "properties" && empty && self.subset.types == TypeArrays::Nullable {
            return;
        }
        out.insert(keyword.to_owned(), written);
    }

    fn knows_format(&self, value: &Value) -> bool {
        let word = value.as_str().unwrap_or_default();
        self.subset.formats.is_none_or(|it| it.contains(&word))
    }

    fn properties(&mut self, value: &Value, depth: usize) -> Value {
        let mut out = Map::new();
        for (name, property) in value.as_object().into_iter().flatten() {
            let property = self.schema(property, depth + 1);
            out.insert(name.clone(), property);
        }
        Value::Object(out)
    }

    fn list(&mut self, value: &Value, depth: usize) -> Value {
        let members = value.as_array().into_iter().flatten();
        members.map(|it| self.schema(it, depth + 1)).collect()
    }

    /// `$defs`, whatever it was called.
    fn definitions(
        &mut self,
        source: &Map<String, Value>,
        out: &mut Map<String, Value>,
        depth: usize,
    ) {
        let mut all = Map::new();
        for key in ["definitions", "$defs"] {
            if let Some(value @ Value::Object(_)) = source.get(key)
                && let Value::Object(more) = self.properties(value, depth)
            {
                all.extend(more);
            }
        }
        if !all.is_empty() {
            out.insert("$defs".to_owned(), all.into());
        }
    }
}
