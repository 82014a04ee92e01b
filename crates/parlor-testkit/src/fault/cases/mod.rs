//! The cases' builders: each makes bytes and the expectation side by side.

pub(super) mod answers;
pub(super) mod connection;
pub(super) mod duplicates;
pub(super) mod encoding;
pub(super) mod endings;
pub(super) mod errors;
pub(super) mod framing;
pub(super) mod tools;
pub(super) mod usage;

use serde_json::Value;

/// Calls `visit` for every object within `value`, itself included, the inner ones first.
fn each_object(value: &mut Value, visit: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|it| each_object(it, visit)),
        Value::Object(map) => {
            map.values_mut().for_each(|it| each_object(it, visit));
            visit(map);
        }
        _ => {}
    }
}

/// Puts `new` at a JSON pointer, where it is a key of an object that is there.
fn put(value: &mut Value, pointer: &str, new: Value) {
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return;
    };
    if let Some(Value::Object(map)) = value.pointer_mut(parent) {
        map.insert(key.to_owned(), new);
    }
}

/// Takes what stands at a JSON pointer, where it is a key of an object.
fn take(value: &mut Value, pointer: &str) -> Option<Value> {
    let (parent, key) = pointer.rsplit_once('/')?;
    value
        .pointer_mut(parent)?
        .as_object_mut()?
        .shift_remove(key)
}
