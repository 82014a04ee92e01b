//! From the words of OpenAPI 3.0 to those of JSON Schema.

use serde_json::{Map, Value, json};

/// How deep a schema may nest; deeper parts stay as they are.
const MAX_DEPTH: usize = 64;

/// A schema of OpenAPI 3.0, whose types may stand in upper case, as JSON
/// Schema: `{"type": "STRING", "nullable": true}` is
/// `{"type": ["string", "null"]}`.
pub fn from_openapi(schema: &Value) -> Value {
    convert(schema, 0)
}

fn convert(schema: &Value, depth: usize) -> Value {
    let Value::Object(source) = schema else {
        return schema.clone();
    };
    if depth > MAX_DEPTH {
        return schema.clone();
    }
    let mut out = Map::new();
    for (key, value) in source {
        let value = match (key.as_str(), value) {
            ("nullable", _) => continue,
            ("type", Value::String(word)) => json!(word.to_ascii_lowercase()),
            ("type", Value::Array(words)) => {
                let lower = |it: &Value| it.as_str().map(str::to_ascii_lowercase);
                words.iter().filter_map(lower).collect()
            }
            ("properties" | "$defs" | "defs", Value::Object(members)) => {
                let members = members
                    .iter()
                    .map(|(name, member)| (name.clone(), convert(member, depth + 1)));
                Value::Object(members.collect())
            }
            ("items" | "additionalProperties", _) => convert(value, depth + 1),
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(members)) => {
                members.iter().map(|it| convert(it, depth + 1)).collect()
            }
            ("ref", Value::String(name)) => json!(name.replacen("#/defs/", "#/$defs/", 1)),
            _ => value.clone(),
        };
        let key = match key.as_str() {
            "defs" => "$defs",
            "ref" => "$ref",
            key => key,
        };
        out.insert(key.to_owned(), value);
    }
    if source.get("nullable") == Some(&Value::Bool(true)) {
        super::merge::allow_null(&mut out);
    }
    Value::Object(out)
}
