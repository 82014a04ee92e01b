//! Where usage stands, and where it doesn't.

use serde_json::{Value, json};

use super::{each_object, put, take};
use crate::fault::answer::{Answer, INPUT};
use crate::fault::expect::Expect;
use crate::fault::render::{Frame, Mark};
use crate::fault::scene::{Built, Case, Scene, Wire};

const ON_THE_END: &str = "usage stands on the frame that ends the stream";
/// The dialects whose usage stands on other frames too.
const BESIDE_TEXT: &[Wire] = &[
    Wire::OpenAiChat,
    Wire::Gemini,
    Wire::Hunyuan,
    Wire::QianfanV1,
];

/// The greeting's frames with usage taken off, and what was taken.
fn without_usage(s: Scene) -> (Answer, Vec<Frame>, Value) {
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    let mut usage = Value::Null;
    for frame in &mut frames {
        frame.edit(|value| {
            if let Some(found) = take(value, s.dialect().usage_at[0]) {
                usage = found;
            }
        });
    }
    frames.retain(|it| it.mark != Mark::Usage);
    (answer, frames, usage)
}

pub(in crate::fault) fn before_content(s: Scene) -> Built {
    s.stream_only()?;
    s.only(BESIDE_TEXT, ON_THE_END)?;
    let (answer, mut frames, usage) = without_usage(s);
    let (key, nothing) = match s.wire {
        Wire::Gemini => ("candidates", json!([])),
        Wire::QianfanV1 => ("result", json!("")),
        _ => ("choices", json!([])),
    };
    let mut frame = json!({"id": "c", "model": "test-model"});
    frame[key] = nothing;
    frame[s.dialect().usage_at[0].trim_start_matches('/')] = usage;
    frames.insert(0, Frame::json(Mark::Usage, frame));
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn with_finish(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[Wire::OpenAiChat, Wire::Hunyuan, Wire::QianfanV1],
        "usage stands with the finish reason anyway",
    )?;
    on_frames(s, |it| it == Mark::Finish)
}

pub(in crate::fault) fn with_content(s: Scene) -> Built {
    s.stream_only()?;
    s.only(BESIDE_TEXT, ON_THE_END)?;
    let (answer, mut frames, usage) = without_usage(s);
    if let Some(last) = frames.iter().rposition(|it| it.mark == Mark::Text) {
        frames[last].edit(|it| put(it, s.dialect().usage_at[0], usage));
    }
    s.reads(s.send_frames(&frames), &answer)
}

fn on_frames(s: Scene, which: impl Fn(Mark) -> bool) -> Built {
    let (answer, mut frames, usage) = without_usage(s);
    for frame in frames.iter_mut().filter(|it| which(it.mark)) {
        frame.edit(|it| put(it, s.dialect().usage_at[0], usage.clone()));
    }
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn on_every_frame(s: Scene) -> Built {
    s.stream_only()?;
    s.only(BESIDE_TEXT, ON_THE_END)?;
    let (answer, mut frames, usage) = without_usage(s);
    let total = frames.len();
    for (at, frame) in frames
        .iter_mut()
        .filter(|it| it.mark != Mark::Done)
        .enumerate()
    {
        let mut usage = usage.clone();
        // Cumulative: output grows to its figure, input is there from the first frame on.
        if at + 2 < total && frame.mark != Mark::Finish {
            for key in ["completion_tokens", "candidatesTokenCount"] {
                if usage.get(key).is_some() {
                    usage[key] = json!(at.min(4));
                }
            }
        }
        frame.edit(|it| put(it, s.dialect().usage_at[0], usage));
    }
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn inside_choice(s: Scene) -> Built {
    s.stream_only()?;
    s.only(&[Wire::OpenAiChat], "no server of the dialect does so")?;
    let (answer, mut frames, usage) = without_usage(s);
    for frame in frames.iter_mut().filter(|it| it.mark == Mark::Finish) {
        frame.edit(|it| put(it, "/choices/0/usage", usage.clone()));
    }
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn only_at_the_end(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[Wire::AnthropicMessages, Wire::BedrockAnthropic],
        "usage has one place",
    )?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    for frame in &mut frames {
        match frame.mark {
            Mark::Head => frame.edit(|it| {
                put(
                    it,
                    "/message/usage",
                    json!({"input_tokens": 0, "output_tokens": 0}),
                );
            }),
            Mark::Finish => frame.edit(|it| put(it, "/usage/input_tokens", json!(INPUT))),
            _ => {}
        }
    }
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn cumulative(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[Wire::AnthropicMessages, Wire::BedrockAnthropic],
        "usage on every frame is a case of its own",
    )?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    let at = s.unfinished(&answer).len();
    frames.insert(at, frames[at].clone());
    frames[at].edit(|it| {
        put(it, "/delta/stop_reason", Value::Null);
        put(it, "/usage/output_tokens", json!(3));
        put(it, "/usage/input_tokens", json!(INPUT));
    });
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn absent(s: Scene) -> Built {
    const COUNTS: &[&str] = &["usage", "usageMetadata", "prompt_eval_count", "eval_count"];
    let answer = Answer::hello();
    let reply = s.send_edited(&answer, |_, value| {
        each_object(value, &mut |map| {
            map.retain(|key, _| !COUNTS.contains(&key.as_str()))
        });
    });
    let mut reading = s.reading(&answer);
    (reading.input_tokens, reading.output_tokens) = (None, None);
    Ok(Case {
        reply,
        expect: Expect::answer(reading),
    })
}

pub(in crate::fault) fn empty_choices_first(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[Wire::OpenAiChat, Wire::Gemini, Wire::Hunyuan],
        "the dialect has no list of choices",
    )?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    let first = match s.wire {
        Wire::Gemini => json!({"candidates": [], "modelVersion": "test-model"}),
        _ => json!({"id": "", "object": "", "created": 0, "model": "", "choices": [],
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}]}),
    };
    frames.insert(0, Frame::json(Mark::Extra, first));
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn no_delta(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[Wire::OpenAiChat, Wire::Gemini, Wire::Hunyuan],
        "the dialect has no such wrapper",
    )?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    let inner = if s.wire == Wire::Gemini {
        "/candidates/0/content"
    } else {
        "/choices/0/delta"
    };
    let at = s.unfinished(&answer).len();
    frames[at].edit(|it| drop(take(it, inner)));
    frames.insert(at, frames[at].clone());
    frames[at].edit(|it| {
        put(it, inner, Value::Null);
        take(it, s.dialect().finish_at[0]);
        take(it, s.dialect().usage_at[0]);
    });
    s.reads(s.send_frames(&frames), &answer)
}
