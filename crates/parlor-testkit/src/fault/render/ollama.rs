//! Ollama's native API: objects on lines, ended by `done: true`.

use serde_json::{Value, json};

use super::{Dialect, Fail, Frame, Mark, object, or_null};
use crate::fault::answer::{Answer, Call, Finish, INPUT, OUTPUT, Part};

pub(super) const DIALECT: Dialect = Dialect {
    frames,
    whole,
    finish,
    finish_at: ["/done_reason", "/done_reason"],
    usage_at: ["", ""],
    envelope: &["model", "created_at", "role", "total_duration"],
    nulls: &[
        ("remote_model", "done"),
        ("logprobs", "done"),
        ("prompt_eval_duration", "done"),
        ("thinking", "content"),
        ("tool_calls", "content"),
        ("images", "content"),
    ],
    error,
};

fn frames(answer: &Answer) -> Vec<Frame> {
    let mut frames = vec![];
    let mut index = 0;
    for part in &answer.parts {
        match part {
            Part::Text(pieces) => frames.extend(
                pieces
                    .iter()
                    .map(|piece| Frame::json(Mark::Text, line(json!({"content": piece})))),
            ),
            Part::Reasoning(pieces) => frames.extend(pieces.iter().map(|piece| {
                Frame::json(Mark::Text, line(json!({"content": "", "thinking": piece})))
            })),
            Part::Call(it) => {
                let message = json!({"content": "", "tool_calls": [call(it, index)]});
                frames.push(Frame::json(Mark::Call, line(message)));
                index += 1;
            }
            Part::Redacted | Part::Refusal(_) => {}
        }
    }
    frames.push(Frame::json(
        Mark::Finish,
        ended(line(json!({"content": ""})), answer.finish),
    ));
    frames
}

fn whole(answer: &Answer) -> Value {
    let (mut text, mut thinking, mut calls) = (String::new(), String::new(), vec![]);
    for part in &answer.parts {
        match part {
            Part::Text(pieces) => text += &pieces.concat(),
            Part::Reasoning(pieces) => thinking += &pieces.concat(),
            Part::Call(it) => calls.push(call(it, calls.len())),
            Part::Redacted | Part::Refusal(_) => {}
        }
    }
    let message = object([
        ("content", json!(text)),
        ("thinking", or_null(&thinking)),
        (
            "tool_calls",
            if calls.is_empty() {
                Value::Null
            } else {
                json!(calls)
            },
        ),
    ]);
    ended(line(message), answer.finish)
}

fn call(call: &Call, index: usize) -> Value {
    object([
        ("id", or_null(call.id)),
        (
            "function",
            json!({"index": index, "name": call.name, "arguments": call.value()}),
        ),
    ])
}

fn line(mut message: Value) -> Value {
    message["role"] = json!("assistant");
    json!({"model": "test-model", "created_at": "2026-08-01T10:00:00.123Z", "message": message,
        "done": false})
}

fn ended(mut line: Value, reason: Finish) -> Value {
    line["done"] = json!(true);
    line["done_reason"] = json!(finish(reason));
    line["total_duration"] = json!(4_200_000);
    line["prompt_eval_count"] = json!(INPUT);
    line["eval_count"] = json!(OUTPUT);
    line
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Word(word) => word,
        _ => "stop",
    }
}

fn error(fail: &Fail) -> Value {
    json!({"error": fail.message})
}
