//! Reading JSON leniently and merging it.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Reads `null` as the default; for `#[serde(default, deserialize_with = …)]`.
pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// Merges `extra` into `body`: objects key by key, everything else replaced.
pub(crate) fn merge(body: &mut Map<String, Value>, extra: &Map<String, Value>) {
    for (key, value) in extra {
        match (body.get_mut(key), value) {
            (Some(Value::Object(mine)), Value::Object(theirs)) => merge(mine, theirs),
            _ => {
                body.insert(key.clone(), value.clone());
            }
        }
    }
}

/// A code or id that is text in some replies and a number in others.
pub(crate) fn text_or_number(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn extra_merges_objects_and_replaces_the_rest() {
        let mut body = json!({"a": {"x": 1, "y": [1]}, "b": 2});
        let extra = json!({"a": {"y": [2], "z": 3}, "b": {"c": 4}});
        merge(body.as_object_mut().unwrap(), extra.as_object().unwrap());
        assert_eq!(
            body,
            json!({"a": {"x": 1, "y": [2], "z": 3}, "b": {"c": 4}})
        );
    }
}
