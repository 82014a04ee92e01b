//! How a stream ends, and how it should not.

use serde_json::{Value, json};

use super::{put, take};
use crate::fault::answer::{Answer, Finish, text};
use crate::fault::expect::{Expect, Failure, Outcome, Partial};
use crate::fault::render::{BROKEN, Data, Fail, Frame, Mark, OVERLOADED};
use crate::fault::scene::{Built, Case, NO_FRAMES, Scene, Wire};
use crate::http::Ending;

const CALLS_ARE_WHOLE: &str = "a tool call comes whole in one frame";

pub(in crate::fault) fn plain(s: Scene) -> Built {
    s.plain(&Answer::hello())
}

pub(in crate::fault) fn plain_tools(s: Scene) -> Built {
    s.plain(&s.tools())
}

pub(in crate::fault) fn clean_close(s: Scene) -> Built {
    s.stream_only()?;
    let answer = Answer::hello();
    let reply = s.send_frames(&s.unfinished(&answer));
    s.fails(reply, Failure::new(&["truncated"]).after(answer.text()))
}

pub(in crate::fault) fn clean_close_in_call(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[
            Wire::OpenAiChat,
            Wire::OpenAiResponses,
            Wire::AnthropicMessages,
            Wire::Cohere,
            Wire::BedrockConverse,
            Wire::BedrockAnthropic,
            Wire::Hunyuan,
        ],
        CALLS_ARE_WHOLE,
    )?;
    let frames = s.unfinished(&Answer::tools());
    let last = frames
        .iter()
        .rposition(|it| it.mark == Mark::Arguments)
        .unwrap_or(0);
    s.fails(s.send_frames(&frames[..last]), Failure::new(&["truncated"]))
}

pub(in crate::fault) fn no_events(s: Scene) -> Built {
    let kinds: &[&str] = if s.streams() {
        &["truncated"]
    } else {
        &["decode", "truncated"]
    };
    s.fails(s.send_pieces(vec![]), Failure::new(kinds))
}

pub(in crate::fault) fn cut_mid_chunk(s: Scene) -> Built {
    let answer = Answer::hello();
    let failure = Failure::new(&["truncated", "connection"]);
    if s.streams() {
        let frames = s.frames(&answer);
        let kept = s.unfinished(&answer).len();
        let mut broken = frames[kept].bytes(s.wire);
        broken.truncate(broken.len() / 2);
        let reply = s.send_frames(&frames[..kept]).ending(Ending::Cut(broken));
        return s.fails(reply, failure.after(answer.text()));
    }
    let mut body = s.send(&answer).pieces.concat();
    body.truncate(body.len() / 2);
    s.fails(s.send_pieces(vec![]).ending(Ending::Cut(body)), failure)
}

pub(in crate::fault) fn no_done(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[
            Wire::OpenAiChat,
            Wire::AnthropicMessages,
            Wire::Cohere,
            Wire::BedrockAnthropic,
        ],
        "the finish reason is the only end",
    )?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    frames.retain(|it| it.mark != Mark::Done);
    s.reads(s.send_frames(&frames), &answer)
}

/// The greeting with its finish reason and usage, without the end marker.
fn but_for_done(s: Scene) -> Result<Vec<Frame>, &'static str> {
    s.stream_only()?;
    s.only(
        &[
            Wire::OpenAiChat,
            Wire::AnthropicMessages,
            Wire::Gemini,
            Wire::BedrockAnthropic,
            Wire::Hunyuan,
            Wire::QianfanV1,
        ],
        "nothing is left to come after the finish reason",
    )?;
    let mut frames = s.frames(&Answer::hello());
    frames.retain(|it| it.mark != Mark::Done);
    Ok(frames)
}

pub(in crate::fault) fn cut_after_finish(s: Scene) -> Built {
    let reply = s.send_frames(&but_for_done(s)?);
    let broken = Frame::text(Mark::Extra, "[DO").bytes(s.wire);
    let kept = match s.wire.is_binary() {
        true => broken.len() / 2,
        false => broken.trim_ascii_end().len(),
    };
    let broken = broken[..kept].to_vec();
    s.reads(reply.ending(Ending::Cut(broken)), &Answer::hello())
}

pub(in crate::fault) fn stall_after_finish(s: Scene) -> Built {
    let reply = s.send_frames(&but_for_done(s)?);
    s.reads(reply.ending(Ending::Hold), &Answer::hello())
}

pub(in crate::fault) fn reset_after_finish(s: Scene) -> Built {
    let answer = Answer::hello();
    let reply = s.send_frames(&but_for_done(s)?).ending(Ending::Reset);
    // How much arrives before a reset is chance.
    let failure = Failure {
        partial: Partial::Within(answer.text()),
        ..Failure::new(&["connection", "truncated"])
    };
    s.reads_or_fails(reply, s.reading(&answer), failure)
}

pub(in crate::fault) fn bad_json_after_finish(s: Scene) -> Built {
    let mut frames = but_for_done(s)?;
    let broken = Data::Text(r#"{"type":"x","choices":[{"delta":"#.into());
    frames.push(Frame {
        mark: Mark::Extra,
        event: frames.last().and_then(|it| it.event),
        data: broken,
    });
    s.reads(s.send_frames(&frames), &Answer::hello())
}

pub(in crate::fault) fn done_alone(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[Wire::OpenAiChat],
        "there is no end marker that stands without a finish reason",
    )?;
    let answer = Answer::hello();
    let mut frames = s.frames(&answer);
    frames.retain(|it| it.mark != Mark::Finish);
    let mut reading = s.reading(&answer);
    for choice in &mut reading.choices {
        choice.finish = &["stop", "other"];
        choice.finish_raw = None;
    }
    Ok(Case {
        reply: s.send_frames(&frames),
        expect: Expect::answer(reading),
    })
}

/// The dialect's frame for an error.
pub(in crate::fault) fn error_frame(s: Scene, fail: &Fail) -> Frame {
    if s.wire == Wire::Cohere {
        let delta = json!({"finish_reason": "ERROR", "error": fail.message});
        let end = json!({"type": "message-end", "delta": delta});
        return Frame {
            event: Some("message-end"),
            ..Frame::json(Mark::Extra, end)
        };
    }
    if s.wire == Wire::OpenAiResponses {
        let error = (s.dialect().error)(fail);
        let flat = json!({"type": "error", "code": error["error"]["code"],
            "message": fail.message, "param": null, "sequence_number": 9});
        return Frame {
            event: Some("error"),
            ..Frame::json(Mark::Extra, flat)
        };
    }
    if s.wire == Wire::Hunyuan && fail.kind == BROKEN.kind {
        let error = json!({"ErrorMsg": {"Msg": fail.message, "Code": 4001}});
        return Frame::json(Mark::Extra, error);
    }
    let event = match s.wire {
        Wire::AnthropicMessages => Some("error"),
        wire if wire.is_binary() => Some(fail.bedrock[1]),
        _ => None,
    };
    Frame {
        event,
        ..Frame::json(Mark::Extra, (s.dialect().error)(fail))
    }
}

/// The kinds that an error may have where only the dialect's words tell it.
pub(in crate::fault) fn told_kinds(s: Scene, fail: &Fail) -> &'static [&'static str] {
    match (s.wire, fail.kind) {
        (Wire::Ollama, _) => &["server"],
        (Wire::OpenAiChat | Wire::OpenAiResponses, "overloaded") => &["overloaded", "server"],
        (_, "overloaded") => &["overloaded"],
        _ => &["server"],
    }
}

/// The greeting without its end, then `last`.
fn error_after_text(s: Scene, last: Frame, failure: Failure) -> Built {
    s.stream_only()?;
    let answer = Answer::hello();
    let mut frames = s.unfinished(&answer);
    frames.push(last);
    s.fails(s.send_frames(&frames), failure.after(answer.text()))
}

pub(in crate::fault) fn error_event(s: Scene) -> Built {
    let failure = Failure::new(told_kinds(s, &BROKEN)).message(BROKEN.message);
    error_after_text(s, error_frame(s, &BROKEN), failure)
}

pub(in crate::fault) fn error_event_overloaded(s: Scene) -> Built {
    s.only(
        &[
            Wire::OpenAiChat,
            Wire::OpenAiResponses,
            Wire::AnthropicMessages,
            Wire::Gemini,
            Wire::BedrockConverse,
            Wire::BedrockAnthropic,
            Wire::Hunyuan,
            Wire::QianfanV1,
        ],
        "an error has a text and no type",
    )?;
    let failure = Failure::new(told_kinds(s, &OVERLOADED)).message(OVERLOADED.message);
    error_after_text(s, error_frame(s, &OVERLOADED), failure)
}

pub(in crate::fault) fn error_event_first(s: Scene) -> Built {
    s.stream_only()?;
    let failure = Failure::new(told_kinds(s, &BROKEN)).message(BROKEN.message);
    s.fails(s.send_frames(&[error_frame(s, &BROKEN)]), failure)
}

pub(in crate::fault) fn error_on_chunk(s: Scene) -> Built {
    s.only(
        &[Wire::OpenAiChat, Wire::Hunyuan],
        "an error stands in a frame of its own",
    )?;
    let mut chunk = json!({"id": "gen-1", "object": "chat.completion.chunk", "model": "test-model",
        "error": {"code": 502, "message": "the upstream went away"},
        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}]});
    if s.wire == Wire::Hunyuan {
        take(&mut chunk, "/error");
        let error = json!({"Msg": "the upstream went away", "Code": 4001});
        put(&mut chunk, "/ErrorMsg", error);
        put(&mut chunk, "/choices/0/finish_reason", json!(""));
    }
    let failure = Failure::new(&["server"]).message("the upstream went away");
    error_after_text(s, Frame::json(Mark::Extra, chunk), failure)
}

pub(in crate::fault) fn error_bare(s: Scene) -> Built {
    s.only(&[Wire::Gemini], "an error stands in a frame of its own")?;
    let error = format!("{:#}\n\n", (s.dialect().error)(&BROKEN));
    let failure = Failure::new(&["server"]).message(BROKEN.message);
    error_after_text(s, Frame::lines(&error), failure)
}

pub(in crate::fault) fn bad_json(s: Scene) -> Built {
    let answer = Answer::hello();
    if s.streams() {
        let mut frames = s.frames(&answer);
        let at = s.unfinished(&answer).len();
        let event = frames[at].event;
        let data = Data::Text(r#"{"type":"x","choices":[{"delta":"#.into());
        frames.insert(
            at,
            Frame {
                mark: Mark::Extra,
                event,
                data,
            },
        );
        let failure = Failure::new(&["decode"]).after(answer.text());
        return s.fails(s.send_frames(&frames), failure);
    }
    let mut body = s.send(&answer).pieces.concat();
    body.truncate(body.len() - 7);
    let failure = Failure::new(&["decode", "truncated"]);
    s.fails(s.send_pieces(vec![body]), failure)
}

pub(in crate::fault) fn no_json_last(s: Scene) -> Built {
    s.stream_only()?;
    let answer = Answer::hello();
    let frames = s.unfinished(&answer);
    let last = Frame {
        mark: Mark::Extra,
        event: frames.last().and_then(|it| it.event),
        data: Data::Text("{no json: at all".into()),
    };
    let mut last = last.bytes(s.wire);
    last.truncate(last.trim_ascii_end().len());
    let mut reply = s.send_frames(&frames);
    reply.pieces.push(last);
    s.fails(reply, Failure::new(&["decode"]).after(answer.text()))
}

pub(in crate::fault) fn after_terminal(s: Scene) -> Built {
    if !s.streams() {
        return Err(NO_FRAMES);
    }
    let first = Answer::hello();
    let second = Answer::new(vec![text(&["A second ", "answer."])], Finish::Word("again"));
    let mut frames = s.frames(&first);
    let mut after = s.frames(&second);
    for frame in &mut after {
        frame.edit(|value| {
            super::each_object(value, &mut |map| {
                for (_, tokens) in map.iter_mut().filter(|(key, _)| is_count(key)) {
                    *tokens = Value::from(4_000);
                }
            });
        });
    }
    frames.append(&mut after);
    let reading = s.reading(&first);
    let reply = s.send_frames(&frames);
    Ok(Case {
        reply,
        expect: Expect::any([Outcome::Answer(reading)]),
    })
}

/// Whether a key is one of the dialects' names for a count of tokens.
fn is_count(key: &str) -> bool {
    key.to_ascii_lowercase().contains("tokens")
        || key.ends_with("TokenCount")
        || key.ends_with("eval_count")
}
