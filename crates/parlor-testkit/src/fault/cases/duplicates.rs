//! Events that come twice, or before their turn.

use serde_json::json;

use super::put;
use crate::fault::answer::Answer;
use crate::fault::render::{Frame, Mark};
use crate::fault::scene::{Built, Scene, Wire};

/// The dialects that open and close parts.
const BLOCKS: &[Wire] = &[
    Wire::AnthropicMessages,
    Wire::OpenAiResponses,
    Wire::Cohere,
    Wire::BedrockAnthropic,
];
const NO_BLOCKS: &str = "the dialect doesn't open and close parts";

/// The greeting, each frame with that mark sent twice.
pub(in crate::fault) fn twice(s: Scene, mark: Mark) -> Built {
    s.stream_only()?;
    let answer = Answer::hello();
    let frames = s.frames(&answer);
    if !frames.iter().any(|it| it.mark == mark) {
        return Err("the dialect has no such frame");
    }
    let frames: Vec<_> = (frames.into_iter())
        .flat_map(|it| std::iter::repeat_n(it.clone(), if it.mark == mark { 2 } else { 1 }))
        .collect();
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn finish_on_usage(s: Scene) -> Built {
    s.stream_only()?;
    s.only(&[Wire::OpenAiChat], "usage has no frame of its own")?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    let again = json!([{"index": 0, "delta": {"role": "assistant", "content": ""},
        "finish_reason": "stop"}]);
    for frame in frames.iter_mut().filter(|it| it.mark == Mark::Usage) {
        frame.edit(|it| put(it, "/choices", again.clone()));
    }
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn role_on_every_chunk(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[Wire::OpenAiChat, Wire::Hunyuan],
        "the role stands where it always does",
    )?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    for (at, frame) in frames.iter_mut().enumerate() {
        let role = if at % 2 == 0 { "assistant" } else { "" };
        frame.edit(|it| put(it, "/choices/0/delta/role", json!(role)));
    }
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn unopened_block(s: Scene) -> Built {
    s.only(BLOCKS, NO_BLOCKS)?;
    let event = |name, data| Frame {
        event: Some(name),
        ..Frame::json(Mark::Extra, data)
    };
    if s.wire == Wire::Cohere {
        let piece = json!({"function": {"arguments": "{\"lost\":true}"}});
        let delta = json!({"type": "tool-call-delta", "index": 7,
            "delta": {"message": {"tool_calls": piece}}});
        let stop = json!({"type": "tool-call-end", "index": 7});
        return before_finish(
            s,
            [
                event("tool-call-delta", delta),
                event("tool-call-end", stop),
            ],
        );
    }
    if s.wire == Wire::OpenAiResponses {
        let name = "response.function_call_arguments.delta";
        let delta = json!({"type": name, "output_index": 7, "item_id": "item_7",
            "delta": "{\"lost\":true}"});
        let done = "response.function_call_arguments.done";
        let stop = json!({"type": done, "output_index": 7, "item_id": "item_7",
            "arguments": "{\"lost\":true}"});
        return before_finish(s, [event(name, delta), event(done, stop)]);
    }
    let delta = json!({"type": "content_block_delta", "index": 7,
        "delta": {"type": "input_json_delta", "partial_json": "{\"lost\":true}"}});
    let stop = json!({"type": "content_block_stop", "index": 7});
    before_finish(
        s,
        [
            event("content_block_delta", delta),
            event("content_block_stop", stop),
        ],
    )
}

pub(in crate::fault) fn delta_after_shut(s: Scene) -> Built {
    s.only(BLOCKS, NO_BLOCKS)?;
    let (name, delta) = match s.wire {
        Wire::Cohere => (
            "content-delta",
            json!({"type": "content-delta", "index": 0,
                "delta": {"message": {"content": {"text": ""}}}}),
        ),
        Wire::OpenAiResponses => (
            "response.output_text.delta",
            json!({"type": "response.output_text.delta", "output_index": 0,
                "item_id": "item_0", "content_index": 0, "delta": ""}),
        ),
        _ => (
            "content_block_delta",
            json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": ""}}),
        ),
    };
    let late = Frame {
        event: Some(name),
        ..Frame::json(Mark::Extra, delta)
    };
    before_finish(s, [late])
}

pub(in crate::fault) fn unknown_events(s: Scene) -> Built {
    let news = match s.words() {
        Wire::AnthropicMessages => json!({"type": "content_block_glimmer", "index": 0}),
        Wire::OpenAiResponses => json!({"type": "response.glimmer.delta", "output_index": 0,
            "delta": "glimmer"}),
        Wire::Cohere => json!({"type": "content-glimmer", "index": 0}),
        Wire::Ollama => json!({"status": "glimmering"}),
        _ => json!({"object": "glimmer", "progress": 0.5}),
    };
    let event = match s.words() {
        Wire::AnthropicMessages => Some("content_block_glimmer"),
        Wire::OpenAiResponses => Some("response.glimmer.delta"),
        Wire::Cohere => Some("content-glimmer"),
        Wire::BedrockConverse => Some("contentBlockGlimmer"),
        _ => None,
    };
    before_finish(
        s,
        [Frame {
            event,
            ..Frame::json(Mark::Extra, news)
        }],
    )
}

fn before_finish<const N: usize>(s: Scene, extra: [Frame; N]) -> Built {
    s.stream_only()?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    let at = s.unfinished(&answer).len();
    frames.splice(at..at, extra);
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn finish_before_shut(s: Scene) -> Built {
    s.stream_only()?;
    s.only(BLOCKS, NO_BLOCKS)?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    let at = s.unfinished(&answer).len();
    frames.swap(at - 1, at);
    s.reads(s.send_frames(&frames), &answer)
}
