//! Several schemas as one, and objects that say all they have.

use super::{ANNOTATIONS, MAX_DEPTH, MAX_NODES, Walk};
use serde_json::{Map, Value, json};

impl Walk<'_> {
    /// All of several schemas as one: properties and required names together,
    /// and of everything else the first that says it.
    pub(super) fn all_of(
        &mut self,
        source: &Map<String, Value>,
        members: &[Value],
        depth: usize,
    ) -> Map<String, Value> {
        let mut merged = source.clone();
        merged.shift_remove("allOf");
        for member in members {
            self.nodes += 1;
            if self.nodes > MAX_NODES {
                break;
            }
            let member = match member.get("$ref").and_then(Value::as_str) {
                Some(name) if !self.refs.iter().any(|it| it == name) => {
                    let target = name.strip_prefix('#').and_then(|it| self.root.pointer(it));
                    target.unwrap_or(member)
                }
                _ => member,
            };
            let Some(member) = member.as_object() else {
                continue;
            };
            let nested;
            let member = match member.get("allOf").and_then(Value::as_array) {
                Some(inner) if depth < MAX_DEPTH => {
                    nested = self.all_of(member, inner, depth + 1);
                    &nested
                }
                _ => member,
            };
            for (key, value) in member {
                match (merged.get_mut(key), value) {
                    (None, _) => {
                        merged.insert(key.clone(), value.clone());
                    }
                    (Some(Value::Object(mine)), Value::Object(theirs)) if key == "properties" => {
                        for (name, property) in theirs {
                            mine.entry(name.clone()).or_insert_with(|| property.clone());
                        }
                    }
                    (Some(Value::Array(mine)), Value::Array(theirs)) if key == "required" => {
                        let missing: Vec<_> =
                            theirs.iter().filter(|it| !mine.contains(it)).collect();
                        let missing: Vec<_> = missing.into_iter().cloned().collect();
                        mine.extend(missing);
                    }
                    (Some(mine), theirs) if mine == theirs => {}
                    _ if ANNOTATIONS.contains(&key.as_str()) => {}
                    _ => self.note(format!("of several `{key}` in `allOf` the first counts")),
                }
            }
        }
        merged
    }

    /// Nothing beyond the properties, and all of them required; those that
    /// were optional may be null.
    pub(super) fn close(&mut self, out: &mut Map<String, Value>) {
        let required = out.get("required").and_then(Value::as_array).cloned();
        let required = required.unwrap_or_default();
        let mut names = Vec::new();
        if let Some(Value::Object(properties)) = out.get_mut("properties") {
            for (name, property) in properties.iter_mut() {
                let name = Value::String(name.clone());
                if !required.contains(&name)
                    && let Some(property) = property.as_object_mut()
                {
                    allow_null(property);
                }
                names.push(name);
            }
        }
        out.insert("required".to_owned(), names.into());
        self.seal(out);
    }

    /// Nothing beyond the properties.
    pub(super) fn seal(&mut self, out: &mut Map<String, Value>) {
        if out
            .insert("additionalProperties".to_owned(), json!(false))
            .is_some_and(|it| it != json!(false))
        {
            self.note("`additionalProperties` is always false");
        }
    }
}

/// Lets a schema be null too, in the words of JSON Schema.
pub(super) fn allow_null(schema: &mut Map<String, Value>) {
    match schema.get_mut("type") {
        Some(Value::String(word)) if word != "null" => {
            let both = json!([word, "null"]);
            schema.insert("type".to_owned(), both);
        }
        Some(Value::Array(words)) if !words.contains(&json!("null")) => words.push(json!("null")),
        Some(_) => {}
        None => {
            let nothing = json!({ "type": "null" });
            if let Some(Value::Array(members)) = schema.get_mut("anyOf") {
                if !members.contains(&nothing) {
                    members.push(nothing);
                }
            } else if !schema.is_empty() {
                let own = Value::Object(std::mem::take(schema));
                schema.insert("anyOf".to_owned(), json!([own, nothing]));
            }
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}
