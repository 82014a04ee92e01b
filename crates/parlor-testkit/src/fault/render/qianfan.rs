//! Qianfan's first generation: flat chunks that all tell usage, and `is_end` on the last.

use serde_json::{Value, json};

use super::{Dialect, Fail, Frame, Mark};
use crate::fault::answer::{Answer, Finish, INPUT, OUTPUT, Part};

pub(super) const DIALECT: Dialect = Dialect {
    frames,
    whole,
    finish,
    finish_at: ["/finish_reason", "/finish_reason"],
    usage_at: ["/usage", "/usage"],
    envelope: &["id", "object", "created", "sentence_id"],
    nulls: &[
        ("function_call", "result"),
        ("ban_round", "result"),
        ("search_info", "result"),
        ("flag", "result"),
        ("thoughts", "arguments"),
    ],
    error,
};

/// Chunks that all say `normal` up to the last, which brings the call.
fn frames(answer: &Answer) -> Vec<Frame> {
    let texts = answer.parts.iter().filter_map(|part| match part {
        Part::Text(pieces) => Some(pieces),
        _ => None,
    });
    let mut frames: Vec<Frame> = (texts.flatten())
        .map(|piece| Frame::json(Mark::Text, said(piece, finish(Finish::Stop))))
        .collect();
    frames.push(Frame::json(Mark::Finish, ended(answer, "")));
    let last = frames.len() - 1;
    for (at, frame) in frames.iter_mut().enumerate() {
        frame.edit(|it| {
            it["sentence_id"] = json!(at);
            it["is_end"] = json!(at == last);
        });
    }
    frames
}

fn whole(answer: &Answer) -> Value {
    ended(answer, &answer.text())
}

/// What a chunk and a whole answer have alike.
fn said(text: &str, word: &str) -> Value {
    json!({"id": "as-1", "object": "chat.completion", "created": 1_730_000_000, "result": text,
        "is_truncated": false, "need_clear_history": false, "finish_reason": word,
        "usage": {"prompt_tokens": INPUT, "completion_tokens": OUTPUT,
            "total_tokens": INPUT + OUTPUT}})
}

/// The same with the call, which has its thoughts within.
fn ended(answer: &Answer, text: &str) -> Value {
    let mut body = said(text, finish(answer.finish));
    let mut thoughts = String::new();
    for part in &answer.parts {
        match part {
            Part::Reasoning(pieces) => thoughts += &pieces.concat(),
            Part::Call(call) => {
                body["function_call"] =
                    json!({"name": call.name, "arguments": call.arguments.concat()});
            }
            Part::Text(_) | Part::Redacted | Part::Refusal(_) => {}
        }
    }
    if !thoughts.is_empty() {
        body["function_call"]["thoughts"] = json!(thoughts);
    }
    body
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Refused => "normal",
        Finish::ToolCalls => "function_call",
        Finish::Filtered => "content_filter",
        Finish::Word(word) => word,
    }
}

fn error(fail: &Fail) -> Value {
    json!({"error_code": fail.baidu, "error_msg": fail.message, "id": "as-1"})
}
