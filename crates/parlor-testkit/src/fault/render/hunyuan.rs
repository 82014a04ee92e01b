//! Hunyuan's own: the common chat dialect's words in Pascal case, wrapped when they come whole.

use serde_json::{Map, Value, json};

use super::{Dialect, Fail, Frame, Mark, openai_chat};
use crate::fault::answer::{Answer, Finish};

pub(super) const DIALECT: Dialect = Dialect {
    frames,
    whole,
    finish,
    envelope: &["id", "created", "note", "request_id"],
    nulls: &[
        ("error_msg", "choices"),
        ("moderation_level", "choices"),
        ("search_info", "choices"),
        ("usage", "choices"),
        ("tool_calls", "content"),
        ("reasoning_content", "content"),
    ],
    error,
    ..openai_chat::DIALECT
};

/// Chunks without an end marker, each with usage, and with an empty finish reason up to the last.
fn frames(answer: &Answer) -> Vec<Frame> {
    let words = (openai_chat::DIALECT.frames)(answer);
    let tail = words.iter().find(|it| it.mark == Mark::Usage);
    let mut usage = Value::Null;
    if let Some(mut tail) = tail.cloned() {
        tail.edit(|it| usage = it["usage"].take());
    }
    let mut frames: Vec<Frame> = (words.into_iter())
        .filter(|it| !matches!(it.mark, Mark::Usage | Mark::Done))
        .collect();
    for frame in &mut frames {
        let word = match frame.mark {
            Mark::Finish => finish(answer.finish),
            _ => "",
        };
        frame.edit(|it| {
            it["choices"][0]["finish_reason"] = json!(word);
            it["usage"] = usage.clone();
            trim(it);
        });
    }
    frames
}

fn whole(answer: &Answer) -> Value {
    let mut body = (openai_chat::DIALECT.whole)(answer);
    body["choices"][0]["finish_reason"] = json!(finish(answer.finish));
    body["request_id"] = json!("r-1");
    trim(&mut body);
    body
}

/// Takes off what the other dialect says of an answer, and puts on what this one does.
fn trim(body: &mut Value) {
    if let Value::Object(map) = body {
        map.shift_remove("object");
        map.shift_remove("model");
        map.insert("note".into(), json!("made by a machine"));
    }
}

/// A whole answer as it stands in a body.
pub(super) fn wrapped(answer: &Value) -> Value {
    json!({"Response": named(answer)})
}

/// JSON with its fields named as Tencent Cloud names them.
pub(super) fn named(value: &Value) -> Value {
    let list = |items: &Vec<Value>| items.iter().map(named).collect();
    let field = |(key, value): (&String, &Value)| (pascal(key), named(value));
    match value {
        Value::Array(items) => Value::Array(list(items)),
        Value::Object(map) => Value::Object(map.iter().map(field).collect::<Map<_, _>>()),
        other => other.clone(),
    }
}

/// A name in Pascal case; one that is so already stays.
fn pascal(name: &str) -> String {
    let word = |word: &str| match word.split_at_checked(1) {
        Some((first, rest)) => first.to_ascii_uppercase() + rest,
        None => word.to_owned(),
    };
    name.split('_').map(word).collect()
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Filtered => "sensitive",
        other => (openai_chat::DIALECT.finish)(other),
    }
}

fn error(fail: &Fail) -> Value {
    json!({"Response": {
        "Error": {"Code": fail.tencent, "Message": fail.message},
        "RequestId": "r-1",
    }})
}
