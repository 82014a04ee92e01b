//! The value in an answer's text: bare, fenced, or with words around it.

use super::check::check;
use super::schema::{ANSWER, Shape};
use crate::schema;
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value};

/// How many places of a text are tried: prose may have many brackets.
const PLACES: usize = 256;

/// Reads a value out of a text.
///
/// # Errors
/// What is wrong with the text, in words for the model.
pub(crate) fn read<T: DeserializeOwned>(text: &str, shape: &Shape) -> Result<T, String> {
    let mut wrong = None;
    for value in candidates(text) {
        match fit(&value, shape) {
            Ok(value) => return Ok(value),
            Err(why) => {
                wrong.get_or_insert(why);
            }
        }
    }
    Err(wrong.unwrap_or_else(|| no_json(text)))
}

/// The values in a text, the longest first: an example or a citation in the
/// words around the answer is shorter.
fn candidates(text: &str) -> Vec<Value> {
    if let Ok(value) = serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        return vec![value];
    }
    let mut found: Vec<(usize, Value)> = Vec::new();
    let mut rest = text;
    for _ in 0..PLACES {
        let Some(tail) = rest.find(['{', '[']).and_then(|at| rest.get(at..)) else {
            break;
        };
        let mut values = Deserializer::from_str(tail).into_iter::<Value>();
        let used = match values.next() {
            Some(Ok(value)) => {
                let used = values.byte_offset();
                found.push((used, value));
                used
            }
            // The text ends within: what is inside is no answer by itself.
            Some(Err(error)) if error.is_eof() => break,
            _ => 1,
        };
        rest = tail.get(used..).unwrap_or_default();
    }
    found.sort_by_key(|(length, _)| std::cmp::Reverse(*length));
    found.into_iter().map(|(_, value)| value).collect()
}

fn no_json(text: &str) -> String {
    let begin = text.find(['{', '[']).and_then(|at| text.get(at..));
    match begin.map(serde_json::from_str::<Value>) {
        _ if text.trim().is_empty() => "the answer is empty".to_owned(),
        Some(Err(error)) => format!("it is not JSON: {error}"),
        _ => "there is no JSON in it".to_owned(),
    }
}

/// The value within what may be wrapped; a model may have left that out.
pub(crate) fn unwrapped(value: &Value, wrapped: bool) -> &Value {
    match value.get(ANSWER) {
        Some(inner) if wrapped => inner,
        _ => value,
    }
}

fn fit<T: DeserializeOwned>(value: &Value, shape: &Shape) -> Result<T, String> {
    let value = unwrapped(value, shape.wrapped);
    let wrong = match held(value.clone(), shape) {
        Ok(read) => return Ok(read),
        Err(wrong) => wrong,
    };
    // Hosts that want every property let those be null that may be missing.
    let mut bare = value.clone();
    if strip_nulls(&mut bare)
        && let Ok(read) = held(bare, shape)
    {
        return Ok(read);
    }
    // Some models write the JSON as a text within JSON.
    if let Value::String(text) = value
        && let Ok(inner) = serde_json::from_str::<Value>(text)
        && let Ok(read) = held(unwrapped(&inner, shape.wrapped).clone(), shape)
    {
        return Ok(read);
    }
    Err(wrong)
}

/// The value, held to its schema where there is one, and to its type.
fn held<T: DeserializeOwned>(value: Value, shape: &Shape) -> Result<T, String> {
    if let Some(schema) = &shape.check {
        check(schema, &value)?;
    }
    schema::read(value).map_err(|error| error.message().to_owned())
}

/// Takes out members that are null; whether there were any.
fn strip_nulls(value: &mut Value) -> bool {
    match value {
        Value::Object(map) => {
            let before = map.len();
            map.retain(|_, it| !it.is_null());
            let within = map.values_mut().map(strip_nulls).filter(|it| *it).count();
            map.len() < before || within > 0
        }
        Value::Array(list) => list.iter_mut().map(strip_nulls).filter(|it| *it).count() > 0,
        _ => false,
    }
}
