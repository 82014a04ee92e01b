//! Whether two answers, or two JSON values, mean the same.

use super::Outcome;
use parlor_core::*;
use serde_json::{Value, json};

/// Clients get an empty object for no arguments, which mean one.
pub(super) fn with_arguments(mut response: ChatResponse) -> ChatResponse {
    let choices = response.choices.iter_mut();
    for part in choices.flat_map(|it| &mut it.message.parts) {
        if let Part::ToolCall(call) = part
            && call.arguments == Arguments::json("")
        {
            call.arguments = Arguments::json("{}");
        }
    }
    response
}

/// Compares two decodings of the same answer; minted ids, which are random
/// where the answer has none of its own, don't count.
pub(super) fn same(
    first: &Result<ChatResponse>,
    second: &Result<ChatResponse>,
    what: &str,
) -> Outcome {
    let plain = |result: &Result<ChatResponse>| match result {
        Ok(response) => serde_json::to_value(without_minted(response.clone())).unwrap(),
        Err(error) => json!({
            "error": error.to_string(),
            "kind": error.kind().as_str(),
            "partial": error.partial().map(|it| without_minted(it.clone())),
        }),
    };
    match difference("", &plain(first), &plain(second)) {
        Some(found) => Err(format!("{what}: {found}")),
        None => Ok(()),
    }
}

fn without_minted(mut response: ChatResponse) -> ChatResponse {
    let has_id = response.id.is_some();
    let parts = response
        .choices
        .iter_mut()
        .flat_map(|it| &mut it.message.parts);
    for part in parts {
        if let Part::ToolCall(call) = part
            && !has_id
            && call.id.len() == 9
        {
            call.id.clear();
        }
    }
    response
}

/// The first place where two JSON values differ in meaning: numbers compare by
/// value and object keys in any order.
pub(crate) fn difference(path: &str, wanted: &Value, got: &Value) -> Option<String> {
    match (wanted, got) {
        (Value::Object(wanted), Value::Object(got)) => {
            let missing = wanted.iter().find_map(|(key, value)| {
                let path = format!("{path}.{key}");
                match got.get(key) {
                    Some(other) => difference(&path, value, other),
                    None => Some(format!("{path}: expected {value}, got nothing")),
                }
            });
            let extra = || got.iter().find(|(key, _)| !wanted.contains_key(*key));
            missing.or_else(|| {
                extra().map(|(key, value)| format!("{path}.{key}: not expected: {value}"))
            })
        }
        (Value::Array(wanted), Value::Array(got)) if wanted.len() == got.len() => {
            let mut pairs = wanted.iter().zip(got).enumerate();
            pairs.find_map(|(at, (wanted, got))| difference(&format!("{path}[{at}]"), wanted, got))
        }
        (Value::Number(wanted), Value::Number(got)) if wanted.as_f64() == got.as_f64() => None,
        _ if wanted == got => None,
        _ => {
            let short = |value: &Value| value.to_string().chars().take(300).collect::<String>();
            Some(format!(
                "{path}: expected {}, got {}",
                short(wanted),
                short(got)
            ))
        }
    }
}

/// Takes away keys whose value is null, everywhere: a null is the same as
/// nothing to every host.
pub(crate) fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
