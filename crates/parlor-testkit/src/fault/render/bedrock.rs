//! Bedrock's Converse: binary messages named by a header, content in blocks, usage after the end.

use serde_json::{Value, json};

use super::{Dialect, Fail, Frame, Mark, object, or_null};
use crate::fault::answer::{Answer, Finish, INPUT, OUTPUT, Part};

pub(super) const DIALECT: Dialect = Dialect {
    frames,
    whole,
    finish,
    finish_at: ["/stopReason", "/stopReason"],
    usage_at: ["/usage", "/usage"],
    envelope: &["role", "metrics", "totalTokens"],
    nulls: &[
        ("additionalModelResponseFields", "stopReason"),
        ("trace", "usage"),
        ("performanceConfig", "usage"),
        ("serviceTier", "usage"),
        ("cacheReadInputTokens", "outputTokens"),
        ("cacheWriteInputTokens", "outputTokens"),
        ("cacheDetails", "outputTokens"),
    ],
    error,
};

fn frames(answer: &Answer) -> Vec<Frame> {
    let mut frames = vec![event(
        Mark::Head,
        "messageStart",
        json!({"role": "assistant"}),
    )];
    for (index, part) in answer.parts.iter().enumerate() {
        let delta = |mark, delta: Value| {
            let data = json!({"contentBlockIndex": index, "delta": delta, "p": "abcdef"});
            event(mark, "contentBlockDelta", data)
        };
        match part {
            Part::Text(pieces) => {
                let said = pieces.iter();
                frames.extend(said.map(|it| delta(Mark::Text, json!({"text": it}))));
            }
            Part::Refusal(text) => frames.push(delta(Mark::Text, json!({"text": text}))),
            Part::Reasoning(pieces) => {
                let thought = |it: Value| delta(Mark::Text, json!({"reasoningContent": it}));
                frames.extend(pieces.iter().map(|it| thought(json!({"text": it}))));
                frames.push(thought(json!({"signature": "EqQBCg=="})));
            }
            Part::Redacted => frames.push(delta(Mark::Open, redacted())),
            Part::Call(call) => {
                let head = object([("toolUseId", or_null(call.id)), ("name", json!(call.name))]);
                let data = json!({"contentBlockIndex": index, "start": {"toolUse": head}});
                frames.push(event(Mark::Call, "contentBlockStart", data));
                frames.extend(
                    call.arguments
                        .iter()
                        .map(|piece| delta(Mark::Arguments, json!({"toolUse": {"input": piece}}))),
                );
            }
        }
        let stop = json!({"contentBlockIndex": index, "p": "abc"});
        frames.push(event(Mark::Shut, "contentBlockStop", stop));
    }
    let stop = json!({"stopReason": finish(answer.finish)});
    frames.push(event(Mark::Finish, "messageStop", stop));
    let metadata = json!({"usage": usage(), "metrics": {"latencyMs": 420}});
    frames.push(event(Mark::Usage, "metadata", metadata));
    frames
}

fn whole(answer: &Answer) -> Value {
    let blocks = answer.parts.iter().map(|part| match part {
        Part::Text(pieces) => json!({"text": pieces.concat()}),
        Part::Refusal(text) => json!({"text": text}),
        Part::Reasoning(pieces) => json!({"reasoningContent": {"reasoningText":
            {"text": pieces.concat(), "signature": "EqQBCg=="}}}),
        Part::Redacted => redacted(),
        Part::Call(call) => json!({"toolUse": object([
            ("toolUseId", or_null(call.id)),
            ("name", json!(call.name)),
            ("input", call.value()),
        ])}),
    });
    let content: Vec<Value> = blocks.collect();
    json!({"output": {"message": {"role": "assistant", "content": content}},
        "stopReason": finish(answer.finish), "usage": usage(), "metrics": {"latencyMs": 420}})
}

fn usage() -> Value {
    json!({"inputTokens": INPUT, "outputTokens": OUTPUT, "totalTokens": INPUT + OUTPUT})
}

fn redacted() -> Value {
    json!({"reasoningContent": {"redactedContent": "EmwKAhgBEgy3va3pzix="}})
}

fn event(mark: Mark, name: &'static str, data: Value) -> Frame {
    Frame {
        event: Some(name),
        ..Frame::json(mark, data)
    }
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "end_turn",
        Finish::ToolCalls => "tool_use",
        Finish::Filtered | Finish::Refused => "content_filtered",
        Finish::Word(word) => word,
    }
}

pub(super) fn error(fail: &Fail) -> Value {
    json!({"__type": fail.bedrock[0], "message": fail.message})
}
