//! Anthropic Messages: named events over SSE, content in blocks, ended by `message_stop`.

use serde_json::{Value, json};

use super::{Dialect, Fail, Frame, Mark, bedrock, object, or_null};
use crate::fault::answer::{Answer, Finish, INPUT, OUTPUT, Part};

pub(super) const DIALECT: Dialect = Dialect {
    frames,
    whole,
    finish,
    finish_at: ["/delta/stop_reason", "/stop_reason"],
    usage_at: ["/usage", "/usage"],
    envelope: &["id", "role", "model", "stop_sequence"],
    nulls: &[
        ("stop_sequence", "stop_reason"),
        ("stop_details", "stop_reason"),
        ("container", "stop_reason"),
        ("citations", "text"),
        ("cache_creation_input_tokens", "output_tokens"),
        ("cache_read_input_tokens", "output_tokens"),
        ("cache_creation", "output_tokens"),
        ("server_tool_use", "output_tokens"),
    ],
    error,
};

/// The same by way of Bedrock, which reports failures as its others do.
pub(super) const BEDROCK: Dialect = Dialect {
    error: bedrock::error,
    ..DIALECT
};

fn frames(answer: &Answer) -> Vec<Frame> {
    let mut message = envelope();
    message["content"] = json!([]);
    message["stop_reason"] = Value::Null;
    message["usage"] = json!({"input_tokens": INPUT, "output_tokens": 1});
    let mut frames = vec![event(
        Mark::Head,
        "message_start",
        json!({"message": message}),
    )];
    for (index, part) in answer.parts.iter().enumerate() {
        let open = |mark, block: Value| {
            event(
                mark,
                "content_block_start",
                json!({"index": index, "content_block": block}),
            )
        };
        let delta = |mark, delta: Value| {
            event(
                mark,
                "content_block_delta",
                json!({"index": index, "delta": delta}),
            )
        };
        match part {
            Part::Text(pieces) => {
                frames.push(open(Mark::Open, json!({"type": "text", "text": ""})));
                frames.extend(
                    pieces.iter().map(|piece| {
                        delta(Mark::Text, json!({"type": "text_delta", "text": piece}))
                    }),
                );
            }
            Part::Refusal(text) => {
                frames.push(open(Mark::Open, json!({"type": "text", "text": ""})));
                frames.push(delta(
                    Mark::Text,
                    json!({"type": "text_delta", "text": text}),
                ));
            }
            Part::Reasoning(pieces) => {
                let block = json!({"type": "thinking", "thinking": "", "signature": ""});
                frames.push(open(Mark::Open, block));
                frames.extend(pieces.iter().map(|piece| {
                    delta(
                        Mark::Text,
                        json!({"type": "thinking_delta", "thinking": piece}),
                    )
                }));
                let signature = json!({"type": "signature_delta", "signature": "EqQBCg=="});
                frames.push(delta(Mark::Text, signature));
            }
            Part::Redacted => frames.push(open(Mark::Open, redacted())),
            Part::Call(call) => {
                let block = object([
                    ("type", json!("tool_use")),
                    ("id", or_null(call.id)),
                    ("name", json!(call.name)),
                    ("input", json!({})),
                ]);
                frames.push(open(Mark::Call, block));
                frames.extend(call.arguments.iter().map(|piece| {
                    let json = json!({"type": "input_json_delta", "partial_json": piece});
                    delta(Mark::Arguments, json)
                }));
            }
        }
        frames.push(event(
            Mark::Shut,
            "content_block_stop",
            json!({"index": index}),
        ));
    }
    let ending = json!({"delta": {"stop_reason": finish(answer.finish), "stop_sequence": null},
        "usage": {"output_tokens": OUTPUT}});
    frames.push(event(Mark::Finish, "message_delta", ending));
    frames.push(event(Mark::Done, "message_stop", json!({})));
    frames
}

fn whole(answer: &Answer) -> Value {
    let blocks = answer.parts.iter().map(|part| match part {
        Part::Text(pieces) => json!({"type": "text", "text": pieces.concat()}),
        Part::Refusal(text) => json!({"type": "text", "text": text}),
        Part::Reasoning(pieces) => {
            json!({"type": "thinking", "thinking": pieces.concat(), "signature": "EqQBCg=="})
        }
        Part::Redacted => redacted(),
        Part::Call(call) => object([
            ("type", json!("tool_use")),
            ("id", or_null(call.id)),
            ("name", json!(call.name)),
            ("input", call.value()),
        ]),
    });
    let mut body = envelope();
    body["content"] = blocks.collect();
    body["stop_reason"] = json!(finish(answer.finish));
    body["usage"] = json!({"input_tokens": INPUT, "output_tokens": OUTPUT});
    body
}

fn envelope() -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "test-model",
        "stop_sequence": null})
}

fn redacted() -> Value {
    json!({"type": "redacted_thinking", "data": "EmwKAhgBEgy3va3pzix="})
}

fn event(mark: Mark, name: &'static str, mut data: Value) -> Frame {
    data["type"] = json!(name);
    Frame {
        event: Some(name),
        ..Frame::json(mark, data)
    }
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::ToolCalls => "tool_use",
        Finish::Filtered | Finish::Refused => "refusal",
        Finish::Word(word) => word,
    }
}

fn error(fail: &Fail) -> Value {
    json!({"type": "error", "error": {"type": fail.anthropic, "message": fail.message},
        "request_id": "req_1"})
}
