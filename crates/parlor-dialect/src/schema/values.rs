//! Types, values and alternatives in a subset's words.

use super::merge::allow_null;
use super::{EnumValues, TypeArrays, Walk};
use serde_json::{Map, Value, json};

impl Walk<'_> {
    /// `type`, `nullable`, and what they become.
    pub(super) fn types(
        &mut self,
        source: &Map<String, Value>,
        out: &mut Map<String, Value>,
        depth: usize,
    ) {
        let nullable = source.get("nullable") == Some(&Value::Bool(true));
        let words: Vec<&Value> = match source.get("type") {
            Some(Value::Array(words)) => words.iter().collect(),
            Some(word) => vec![word],
            None => Vec::new(),
        };
        let is_null = |it: &&Value| {
            it.as_str()
                .is_some_and(|it| it.eq_ignore_ascii_case("null"))
        };
        if self.subset.types == TypeArrays::Keep {
            let type_ = source.get("type").cloned();
            let type_ = match (type_, nullable && !self.subset.has("nullable")) {
                (Some(Value::String(word)), true) if word != "null" => Some(json!([word, "null"])),
                (type_, _) => type_,
            };
            out.extend(type_.map(|it| ("type".to_owned(), it)));
            if nullable && self.subset.has("nullable") {
                out.insert("nullable".to_owned(), json!(true));
            }
            return;
        }
        let others: Vec<&Value> = words.iter().copied().filter(|it| !is_null(it)).collect();
        if nullable || (others.len() < words.len() && !others.is_empty()) {
            out.insert("nullable".to_owned(), json!(true));
        }
        match others.as_slice() {
            [] => out.extend(words.first().map(|it| ("type".to_owned(), (*it).clone()))),
            [only] => {
                out.insert("type".to_owned(), (*only).clone());
            }
            several => {
                let alternatives: Value = several.iter().map(|it| json!({ "type": it })).collect();
                self.any_of(&alternatives, out, depth);
            }
        }
    }

    /// `enum`, and `const` as an enum of one.
    pub(super) fn enums(&mut self, source: &Map<String, Value>, out: &mut Map<String, Value>) {
        let values = match (source.get("const"), source.get("enum")) {
            (Some(only), _) if self.subset.has("const") => {
                out.insert("const".to_owned(), only.clone());
                return;
            }
            (Some(only), _) => std::slice::from_ref(only),
            (None, Some(Value::Array(values))) => values.as_slice(),
            _ => return,
        };
        let mut kept = Vec::new();
        for value in values {
            match (self.subset.enums, value) {
                (EnumValues::Any, _) | (_, Value::String(_)) => kept.push(value.clone()),
                (EnumValues::TextsAndNumbers, Value::Number(_)) => kept.push(value.clone()),
                (EnumValues::Texts, Value::Null) => {
                    out.insert("nullable".to_owned(), json!(true));
                }
                (EnumValues::TextsAndNumbers, Value::Null) => allow_null(out),
                (EnumValues::Texts, _) => {
                    self.note("values of `enum` that aren't texts are written as texts");
                    kept.push(Value::String(value.to_string()));
                }
                (EnumValues::TextsAndNumbers, _) => {
                    self.note("values of `enum` that aren't texts or numbers are left out");
                }
            }
        }
        if kept.is_empty() {
            return;
        }
        if self.subset.enums == EnumValues::Texts {
            out.insert("type".to_owned(), json!("string"));
        }
        out.insert("enum".to_owned(), kept.into());
    }

    /// A bound that its own value doesn't satisfy: the next integer, else the
    /// value itself.
    pub(super) fn exclusive(
        &mut self,
        keyword: &str,
        value: &Value,
        source: &Map<String, Value>,
        out: &mut Map<String, Value>,
    ) {
        let (bound, step) = match keyword {
            "exclusiveMinimum" => ("minimum", 1),
            _ => ("maximum", -1),
        };
        let integer = source.get("type") == Some(&json!("integer"));
        let moved = value.as_i64().filter(|_| integer);
        let moved = moved.and_then(|it| it.checked_add(step));
        let value = match moved {
            Some(moved) => json!(moved),
            None if value.is_number() => {
                self.note(format!("`{keyword}` is said as `{bound}`"));
                value.clone()
            }
            None => return self.note(format!("`{keyword}` is left out")),
        };
        if self.subset.has(bound) {
            out.entry(bound).or_insert(value);
        }
    }

    /// Alternatives. Null among them is said as the subset says it, and one
    /// that is left alone takes the place of the list.
    pub(super) fn any_of(&mut self, value: &Value, out: &mut Map<String, Value>, depth: usize) {
        let Value::Array(mut members) = self.list(value, depth) else {
            return;
        };
        if self.subset.types == TypeArrays::Nullable {
            let before = members.len();
            members.retain(|it| it.get("type") != Some(&json!("null")));
            if members.len() < before {
                out.insert("nullable".to_owned(), json!(true));
            }
            if members.len() == 1
                && let Some(Value::Object(only)) = members.pop()
            {
                for (key, value) in only {
                    out.entry(key).or_insert(value);
                }
                return;
            }
        }
        if let Some(Value::Array(others)) = out.get_mut("anyOf") {
            others.append(&mut members);
            self.note("several lists of alternatives are said as one");
        } else if !members.is_empty() {
            out.insert("anyOf".to_owned(), members.into());
        }
    }

    /// A list with a schema for each place: any of them, at any place.
    pub(super) fn tuple(&mut self, value: &Value, out: &mut Map<String, Value>, depth: usize) {
        self.note("a list's places share one schema");
        let Value::Array(mut members) = self.list(value, depth) else {
            return;
        };
        let count = members.len();
        let mut seen = Vec::new();
        members.retain(|it| {
            !seen.contains(it) && {
                seen.push(it.clone());
                true
            }
        });
        let items = match (members.len(), members.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                members.push(last);
                json!({ "anyOf": members })
            }
            (_, None) => json!({}),
        };
        out.insert("items".to_owned(), items);
        for bound in ["minItems", "maxItems"] {
            out.entry(bound).or_insert(json!(count));
        }
    }
}
