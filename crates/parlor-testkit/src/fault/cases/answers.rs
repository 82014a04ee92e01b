//! Odd content of an answer: its words, keys, channels and choices.

use serde_json::{Value, json};

use super::{each_object, put, take};
use crate::fault::answer::{Answer, Finish, OSLO, Part, UTC, hello, text};
use crate::fault::expect::{Choice, Expect, Failure, Outcome};
use crate::fault::render::{Frame, Mark};
use crate::fault::scene::{Built, Case, Mode, Scene, Wire};
use crate::http::Reply;

const NO_CHOICES: &str = "the dialect has one answer a request";

pub(in crate::fault) fn unknown_finish(s: Scene) -> Built {
    s.plain(&Answer::new(vec![hello()], Finish::Word("wombat")))
}

/// A finish reason that is none, before the real one.
pub(in crate::fault) fn idle_finish(s: Scene, word: &str) -> Built {
    s.stream_only()?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    if s.words() == Wire::AnthropicMessages {
        // The word has a frame of its own there, so that frame comes once more before.
        let at = s.unfinished(&answer).len();
        frames.insert(at, frames[at].clone());
        frames[at].edit(|it| put(it, s.dialect().finish_at[0], json!(word)));
    }
    for frame in frames
        .iter_mut()
        .filter(|it| matches!(it.mark, Mark::Head | Mark::Text))
    {
        frame.edit(|it| put(it, s.dialect().finish_at[0], json!(word)));
    }
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn null_word_finish(s: Scene) -> Built {
    s.only(
        &[Wire::OpenAiChat],
        "no server of the dialect writes the word",
    )?;
    idle_finish(s, "null")
}

pub(in crate::fault) fn no_envelope(s: Scene) -> Built {
    let answer = Answer::hello();
    let keys = s.dialect().envelope;
    let strip = |_, value: &mut Value| {
        each_object(value, &mut |map| {
            map.retain(|key, _| !keys.contains(&key.as_str()))
        });
    };
    s.reads(s.send_edited(&answer, strip), &answer)
}

pub(in crate::fault) fn nulls_and_extras(s: Scene) -> Built {
    let answer = Answer::hello();
    let decorate = |_, value: &mut Value| {
        each_object(value, &mut |map| {
            for (key, beside) in s.dialect().nulls {
                if map.contains_key(*beside) && !map.contains_key(*key) {
                    map.insert((*key).to_owned(), Value::Null);
                }
            }
            map.insert("x_null".into(), Value::Null);
            map.insert(
                "x_new".into(),
                json!({"tokens": 7, "list": [1.5, "a", null, {"b": []}]}),
            );
        });
        for tier in [
            "/service_tier",
            "/usage/service_tier",
            "/usageMetadata/serviceTier",
        ] {
            put(value, tier, json!("galactic"));
        }
    };
    s.reads(s.send_edited(&answer, decorate), &answer)
}

pub(in crate::fault) fn reasoning(s: Scene) -> Built {
    if s.wire == Wire::QianfanV1 {
        // There are no thoughts but those within a call.
        let thought = Part::Reasoning(&["They ask; ", "look it up."]);
        let parts = vec![thought, Part::Call(OSLO)];
        return s.plain(&Answer::new(parts, Finish::ToolCalls));
    }
    s.plain(&Answer::thinking())
}

/// The reasoning of a compatible server, moved by `edit` from `reasoning_content`.
fn reasoning_as(s: Scene, edit: impl Fn(&mut serde_json::Map<String, Value>, Value)) -> Built {
    s.only(
        &[Wire::OpenAiChat],
        "the dialect has one field for reasoning",
    )?;
    let answer = Answer::thinking();
    let rename = |_, value: &mut Value| {
        each_object(value, &mut |map| {
            if let Some(words) = map.shift_remove("reasoning_content") {
                edit(map, words);
            }
        });
    };
    s.reads(s.send_edited(&answer, rename), &answer)
}

pub(in crate::fault) fn reasoning_field(s: Scene) -> Built {
    reasoning_as(s, |map, words| {
        map.insert("reasoning".into(), words);
    })
}

pub(in crate::fault) fn reasoning_twice(s: Scene) -> Built {
    reasoning_as(s, |map, words| {
        let details = json!([{"type": "reasoning.text", "index": 0, "text": words.clone()}]);
        map.insert("reasoning".into(), words.clone());
        map.insert("reasoning_content".into(), words);
        map.insert("reasoning_details".into(), details);
    })
}

pub(in crate::fault) fn two_choices(s: Scene) -> Built {
    s.only(&[Wire::OpenAiChat, Wire::Gemini], NO_CHOICES)?;
    let first = Answer::hello();
    let second = Answer::new(vec![text(&["Go", "od ", "day", ", ", "🌍."])], Finish::Stop);
    let list = if s.wire == Wire::Gemini {
        "/candidates"
    } else {
        "/choices"
    };
    let index = format!("{list}/0/index");
    let reply = match s.mode {
        Mode::Stream => {
            let mut others = s.frames(&second);
            others.retain(|it| it.mark != Mark::Usage && it.mark != Mark::Done);
            for frame in &mut others {
                frame.edit(|value| put(value, &index, json!(1)));
            }
            let (mut frames, tail): (Vec<_>, Vec<_>) = (s.frames(&first).into_iter())
                .partition(|it| it.mark != Mark::Usage && it.mark != Mark::Done);
            frames = interleave([others, frames]);
            frames.extend(tail);
            s.send_frames(&frames)
        }
        Mode::Whole => {
            let mut other = (s.dialect().whole)(&second);
            put(&mut other, &index, json!(1));
            let other = other.pointer_mut(&format!("{list}/0")).map(Value::take);
            s.send_edited(&first, |_, value| {
                if let Some(Value::Array(choices)) = value.pointer_mut(list) {
                    choices.extend(other.clone());
                }
            })
        }
    };
    let mut reading = s.reading(&first);
    reading.choices.extend(s.reading(&second).choices);
    Ok(Case {
        reply,
        expect: Expect::answer(reading),
    })
}

/// One of each in turn, until all are used up.
pub(super) fn interleave<const N: usize>(groups: [Vec<Frame>; N]) -> Vec<Frame> {
    let mut groups = groups.map(Vec::into_iter);
    let mut out = vec![];
    loop {
        let before = out.len();
        out.extend(groups.iter_mut().filter_map(Iterator::next));
        if out.len() == before {
            return out;
        }
    }
}

pub(in crate::fault) fn refusal(s: Scene) -> Built {
    let answer = Answer::new(
        vec![Part::Refusal("I can't help with that.")],
        Finish::Refused,
    );
    let mut reading = s.reading(&answer);
    match s.wire {
        Wire::OpenAiChat => reading.choices[0].finish = &["refusal", "stop"],
        Wire::OpenAiResponses => {}
        // The words are a text block there; the stop reason alone makes them a refusal.
        Wire::AnthropicMessages | Wire::BedrockAnthropic => {
            reading.choices[0].text = std::mem::take(&mut reading.choices[0].refusal);
        }
        _ => return Err("the dialect has no refusals"),
    }
    Ok(Case {
        reply: s.send(&answer),
        expect: Expect::answer(reading),
    })
}

pub(in crate::fault) fn content_filter(s: Scene) -> Built {
    s.only(
        &[
            Wire::OpenAiChat,
            Wire::OpenAiResponses,
            Wire::Gemini,
            Wire::BedrockConverse,
            Wire::Hunyuan,
            Wire::QianfanV1,
        ],
        "the dialect has no word for a filter",
    )?;
    s.plain(&Answer::new(vec![text(&["Hello, "])], Finish::Filtered))
}

pub(in crate::fault) fn filtered_without_content(s: Scene) -> Built {
    s.only(&[Wire::Gemini], "the content is always there")?;
    let answer = Answer::new(vec![], Finish::Filtered);
    let strip = |_, value: &mut Value| drop(take(value, "/candidates/0/content"));
    s.reads(s.send_edited(&answer, strip), &answer)
}

pub(in crate::fault) fn prompt_blocked(s: Scene) -> Built {
    let failure = Failure::new(&["content_filtered"]);
    match s.wire {
        Wire::OpenAiChat | Wire::OpenAiResponses => {
            let body = json!({"error": {"code": "content_filter", "type": null, "param": "prompt",
                "status": 400, "message": "The prompt was blocked by the content policy.",
                "innererror": {"code": "ResponsibleAIPolicyViolation",
                    "content_filter_result": {"hate": {"filtered": true, "severity": "high"}}}}});
            let reply = Reply::new(400, "application/json", vec![body.to_string().into_bytes()]);
            s.fails(reply, failure.status(400).message("content policy"))
        }
        Wire::Gemini => {
            let body = json!({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
                "usageMetadata": {"promptTokenCount": 9, "totalTokenCount": 9},
                "modelVersion": "test-model"});
            let choice = Choice {
                finish: &["content_filter"],
                finish_raw: Some("PROHIBITED_CONTENT".into()),
                ..Choice::default()
            };
            let reading = crate::fault::Reading {
                choices: vec![choice],
                input_tokens: Some(9),
                output_tokens: None,
            };
            let reply = match s.mode {
                Mode::Stream => s.send_frames(&[Frame::json(Mark::Finish, body)]),
                Mode::Whole => s.send_pieces(vec![body.to_string().into_bytes()]),
            };
            let expect = Expect::answer(reading).or(Outcome::Failure(failure));
            Ok(Case { reply, expect })
        }
        Wire::Hunyuan => {
            let error = json!({"Code": "OperationDenied.TextIllegalDetected",
                "Message": "The prompt was blocked by the content policy."});
            let body = json!({"Response": {"Error": error, "RequestId": "r-1"}});
            let reply = Reply::new(200, "application/json", vec![body.to_string().into_bytes()]);
            s.fails(reply, failure.message("content policy"))
        }
        _ => Err("the dialect doesn't tell a blocked prompt from a refusal"),
    }
}

pub(in crate::fault) fn reasoning_after_text(s: Scene) -> Built {
    if s.wire == Wire::QianfanV1 {
        return Err("reasoning stands within a call, and nowhere else");
    }
    s.plain(&Answer::new(
        vec![
            text(&["First, "]),
            Part::Reasoning(&["wait, ", "think: "]),
            text(&["then ", "this."]),
            Part::Reasoning(&["done."]),
        ],
        Finish::Stop,
    ))
}

pub(in crate::fault) fn reasoning_between_calls(s: Scene) -> Built {
    s.has_many_calls()?;
    let thought = Part::Reasoning(&["And ", "the time."]);
    let parts = vec![Part::Call(OSLO), thought, Part::Call(UTC)];
    s.plain(&Answer::new(parts, Finish::ToolCalls))
}

pub(in crate::fault) fn redacted_reasoning(s: Scene) -> Built {
    s.only(
        &[
            Wire::AnthropicMessages,
            Wire::OpenAiResponses,
            Wire::BedrockConverse,
            Wire::BedrockAnthropic,
        ],
        "the dialect has no redacted reasoning",
    )?;
    let parts = vec![
        Part::Redacted,
        Part::Reasoning(&["Greet."]),
        Part::Redacted,
        hello(),
    ];
    s.plain(&Answer::new(parts, Finish::Stop))
}
