//! Tool calls for dialects that want ids of a certain form and objects as arguments.

use parlor_core::{Arguments, ArgumentsForm};
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::borrow::Cow;

/// An id of letters, digits, `_` and `-`, at most `limit` of them (at least
/// ten). Others are rewritten, the same in calls and results; a hash keeps them
/// apart.
pub(crate) fn call_id(id: &str, limit: usize) -> String {
    if !id.is_empty() && id.len() <= limit && id.chars().all(is_plain) {
        return id.to_owned();
    }
    rewritten(id, limit)
}

/// An id of at most `limit` bytes (at least ten), whatever is in it. Longer
/// ones are rewritten, the same in calls and results.
pub(crate) fn short_id(id: &str, limit: usize) -> Cow<'_, str> {
    match id.len() <= limit {
        true => id.into(),
        false => rewritten(id, limit).into(),
    }
}

/// Whether a character stands in names and ids everywhere.
pub(crate) fn is_plain(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_' || it == '-'
}

/// The beginning of an id and a hash of all of it.
fn rewritten(id: &str, limit: usize) -> String {
    let clean = |it: char| if is_plain(it) { it } else { '_' };
    let head: String = id.chars().map(clean).take(40.min(limit - 9)).collect();
    format!("{head}_{:08x}", hash(id))
}

/// What tells a text from others that begin like it, the same in every process (FNV-1a).
pub(crate) fn hash(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// The input of a call, which must be an object; and whether it is. Anything
/// else is put in one, so that its reader sees what the model wrote.
pub(crate) fn input(arguments: &Arguments) -> (Value, bool) {
    match arguments.parse() {
        Ok(object @ Value::Object(_)) => (object, true),
        Ok(other) => (json!({ "input": other }), false),
        Err(_) => (json!({ "invalid_arguments": arguments.text }), false),
    }
}

/// The arguments as the text of an object, and whether they were one: what is
/// none goes as [`input`] puts it, since many hosts read the text of earlier
/// calls and refuse a request in which it isn't an object. Free text stays.
pub(crate) fn object_text(arguments: &Arguments) -> (Cow<'_, str>, bool) {
    let text = arguments.text.as_str();
    let is_json = || serde_json::from_str::<IgnoredAny>(text).is_ok();
    match text.trim() {
        _ if arguments.form == ArgumentsForm::Text => (text.into(), true),
        "" | "null" => ("{}".into(), true),
        trimmed if trimmed.starts_with('{') && is_json() => (text.into(), true),
        _ => (input(arguments).0.to_string().into(), false),
    }
}
