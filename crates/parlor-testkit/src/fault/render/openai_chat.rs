//! OpenAI Chat Completions: chunks over SSE, ended by `[DONE]`.

use serde_json::{Value, json};

use super::{Dialect, Fail, Frame, Mark, object, or_null};
use crate::fault::answer::{Answer, Finish, INPUT, OUTPUT, Part};

pub(super) const DIALECT: Dialect = Dialect {
    frames,
    whole,
    finish,
    finish_at: ["/choices/0/finish_reason", "/choices/0/finish_reason"],
    usage_at: ["/usage", "/usage"],
    envelope: &["id", "object", "created", "model"],
    nulls: &[
        ("service_tier", "choices"),
        ("system_fingerprint", "choices"),
        ("usage", "object"),
        ("logprobs", "finish_reason"),
        ("refusal", "content"),
        ("tool_calls", "content"),
        ("function_call", "content"),
        ("reasoning_content", "content"),
        ("prompt_tokens_details", "prompt_tokens"),
        ("completion_tokens_details", "prompt_tokens"),
    ],
    error,
};

fn frames(answer: &Answer) -> Vec<Frame> {
    let delta =
        |mark, delta| Frame::json(mark, chunk(json!([choice("delta", delta, Value::Null)])));
    let mut frames = vec![delta(
        Mark::Head,
        json!({"role": "assistant", "content": ""}),
    )];
    let mut index = 0;
    for part in &answer.parts {
        match part {
            Part::Text(pieces) => frames.extend(
                pieces
                    .iter()
                    .map(|piece| delta(Mark::Text, json!({"content": piece}))),
            ),
            Part::Reasoning(pieces) => frames.extend(
                pieces
                    .iter()
                    .map(|piece| delta(Mark::Text, json!({"reasoning_content": piece}))),
            ),
            Part::Redacted => {}
            Part::Refusal(text) => frames.push(delta(Mark::Text, json!({"refusal": text}))),
            Part::Call(call) => {
                let mut opening = json!({"index": index, "type": "function",
                    "function": {"name": call.name, "arguments": ""}});
                if !call.id.is_empty() {
                    opening["id"] = json!(call.id);
                }
                frames.push(delta(Mark::Call, json!({"tool_calls": [opening]})));
                frames.extend(call.arguments.iter().map(|piece| {
                    let piece = json!({"index": index, "function": {"arguments": piece}});
                    delta(Mark::Arguments, json!({"tool_calls": [piece]}))
                }));
                index += 1;
            }
        }
    }
    let last = choice("delta", json!({}), json!(finish(answer.finish)));
    frames.push(Frame::json(Mark::Finish, chunk(json!([last]))));
    let mut tail = chunk(json!([]));
    tail["usage"] = usage();
    frames.push(Frame::json(Mark::Usage, tail));
    frames.push(Frame::text(Mark::Done, "[DONE]"));
    frames
}

fn whole(answer: &Answer) -> Value {
    let (mut text, mut reasoning, mut refusal, mut calls) =
        (String::new(), String::new(), String::new(), vec![]);
    for part in &answer.parts {
        match part {
            Part::Text(pieces) => text += &pieces.concat(),
            Part::Reasoning(pieces) => reasoning += &pieces.concat(),
            Part::Redacted => {}
            Part::Refusal(words) => refusal += words,
            Part::Call(call) => calls.push(object([
                ("id", or_null(call.id)),
                ("type", json!("function")),
                (
                    "function",
                    json!({"name": call.name, "arguments": call.arguments.concat()}),
                ),
            ])),
        }
    }
    let mut message = object([
        ("role", json!("assistant")),
        ("reasoning_content", or_null(&reasoning)),
        ("refusal", or_null(&refusal)),
        (
            "tool_calls",
            if calls.is_empty() {
                Value::Null
            } else {
                json!(calls)
            },
        ),
    ]);
    message["content"] = or_null(&text);
    let mut body = chunk(json!([choice(
        "message",
        message,
        json!(finish(answer.finish))
    )]));
    body["object"] = json!("chat.completion");
    body["usage"] = usage();
    body
}

fn chunk(choices: Value) -> Value {
    json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1_730_000_000,
        "model": "test-model", "choices": choices})
}

fn choice(field: &str, value: Value, finish: Value) -> Value {
    let mut choice = json!({"index": 0});
    choice[field] = value;
    choice["finish_reason"] = finish;
    choice
}

fn usage() -> Value {
    json!({"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT})
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::Refused => "stop",
        Finish::ToolCalls => "tool_calls",
        Finish::Filtered => "content_filter",
        Finish::Word(word) => word,
    }
}

fn error(fail: &Fail) -> Value {
    let (kind, code) = fail.openai;
    json!({"error": {"message": fail.message, "type": kind, "param": null, "code": code}})
}
