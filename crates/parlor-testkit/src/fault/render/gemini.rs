//! Gemini: whole responses over SSE, each with new parts, ended by a finish reason and the close.

use serde_json::{Value, json};

use super::{Dialect, Fail, Frame, Mark, object, or_null};
use crate::fault::answer::{Answer, Finish, INPUT, OUTPUT, Part};

pub(super) const DIALECT: Dialect = Dialect {
    frames,
    whole,
    finish,
    finish_at: ["/candidates/0/finishReason", "/candidates/0/finishReason"],
    usage_at: ["/usageMetadata", "/usageMetadata"],
    envelope: &[
        "modelVersion",
        "responseId",
        "index",
        "role",
        "totalTokenCount",
    ],
    nulls: &[
        ("promptFeedback", "candidates"),
        ("safetyRatings", "content"),
        ("citationMetadata", "content"),
        ("groundingMetadata", "content"),
        ("finishMessage", "content"),
        ("thought", "text"),
        ("thoughtSignature", "text"),
        ("thoughtsTokenCount", "promptTokenCount"),
        ("cachedContentTokenCount", "promptTokenCount"),
        ("promptTokensDetails", "promptTokenCount"),
    ],
    error,
};

fn frames(answer: &Answer) -> Vec<Frame> {
    let chunk = |mark, part| Frame::json(mark, response(vec![part]));
    let mut frames = vec![];
    for part in &answer.parts {
        match part {
            Part::Text(pieces) => frames.extend(
                pieces
                    .iter()
                    .map(|piece| chunk(Mark::Text, json!({"text": piece}))),
            ),
            Part::Reasoning(pieces) => frames.extend(
                pieces
                    .iter()
                    .map(|piece| chunk(Mark::Text, json!({"text": piece, "thought": true}))),
            ),
            Part::Call(_) => frames.extend(part_of(part).map(|part| chunk(Mark::Call, part))),
            Part::Redacted | Part::Refusal(_) => {}
        }
    }
    let mut last = response(vec![json!({"text": ""})]);
    last["candidates"][0]["finishReason"] = json!(finish(answer.finish));
    last["usageMetadata"] = usage();
    frames.push(Frame::json(Mark::Finish, last));
    frames
}

fn whole(answer: &Answer) -> Value {
    let mut body = response(answer.parts.iter().filter_map(part_of).collect());
    body["candidates"][0]["finishReason"] = json!(finish(answer.finish));
    body["usageMetadata"] = usage();
    body
}

fn part_of(part: &Part) -> Option<Value> {
    Some(match part {
        Part::Text(pieces) => json!({"text": pieces.concat()}),
        Part::Reasoning(pieces) => json!({"text": pieces.concat(), "thought": true}),
        Part::Call(call) => json!({"functionCall": object([
            ("id", or_null(call.id)),
            ("name", json!(call.name)),
            ("args", call.value()),
        ])}),
        Part::Redacted | Part::Refusal(_) => return None,
    })
}

fn response(parts: Vec<Value>) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}],
        "modelVersion": "test-model", "responseId": "r1"})
}

fn usage() -> Value {
    json!({"promptTokenCount": INPUT, "candidatesTokenCount": OUTPUT,
        "totalTokenCount": INPUT + OUTPUT})
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::ToolCalls => "STOP",
        Finish::Filtered | Finish::Refused => "SAFETY",
        Finish::Word(word) => word,
    }
}

fn error(fail: &Fail) -> Value {
    json!({"error": {"code": fail.status, "message": fail.message, "status": fail.gemini}})
}
