//! Stalls, resets, drips, and the client's own hanging up.

use crate::event_stream;
use crate::fault::answer::Answer;
use crate::fault::expect::{DropAt, Expect, Failure, Outcome, Partial};
use crate::fault::render::{Frame, Mark};
use crate::fault::scene::{Built, Case, NO_FRAMES, Scene, Wire};
use crate::http::{Ending, Framing, Opening, Reply};

/// In how many pieces a drip comes, a pause before each.
const DRIPS: usize = 100;
const NO_FIRST: &[&str] = &["first_event_timeout"];
const IDLE: &[&str] = &["idle_timeout"];
/// A whole answer has no events, so any of the clocks may be the one that runs out.
const ANY_CLOCK: &[&str] = &["first_event_timeout", "idle_timeout", "total_timeout"];

fn clock(s: Scene, clock: &'static [&'static str]) -> Failure {
    Failure::new(if s.streams() { clock } else { ANY_CLOCK })
}

pub(in crate::fault) fn stall_before_headers(s: Scene) -> Built {
    s.fails(
        s.send_pieces(vec![]).opening(Opening::Hold),
        clock(s, NO_FIRST),
    )
}

pub(in crate::fault) fn stall_before_first(s: Scene) -> Built {
    s.fails(
        s.send_pieces(vec![]).ending(Ending::Hold),
        clock(s, NO_FIRST),
    )
}

pub(in crate::fault) fn stall_between(s: Scene) -> Built {
    halfway(s, Ending::Hold)
}

/// What servers send to keep an idle connection open.
fn keep_alive(s: Scene) -> Vec<u8> {
    match (s.streams(), s.wire) {
        (false, _) | (_, Wire::Ollama) => b"\n".to_vec(),
        (_, Wire::BedrockConverse) => {
            let mut out = Vec::new();
            event_stream::message(&mut out, "ping", b"{}");
            out
        }
        (_, Wire::BedrockAnthropic) => {
            let ping = serde_json::json!({"type": "ping"});
            Frame::json(Mark::Extra, ping).bytes(s.wire)
        }
        (_, Wire::AnthropicMessages) => b"event: ping\ndata: {\"type\": \"ping\"}\n\n".to_vec(),
        _ => b": keep-alive\n\n".to_vec(),
    }
}

pub(in crate::fault) fn keep_alives_before_first(s: Scene) -> Built {
    let reply = s.send_pieces(vec![]).ending(Ending::Pulse(keep_alive(s)));
    s.fails(
        Reply {
            framing: Framing::Chunked,
            ..reply
        },
        clock(s, NO_FIRST),
    )
}

pub(in crate::fault) fn keep_alives_between(s: Scene) -> Built {
    if !s.streams() {
        return Err(NO_FRAMES);
    }
    halfway(s, Ending::Pulse(keep_alive(s)))
}

/// The greeting up to its end, or the first half of a whole one; then nothing good.
fn halfway(s: Scene, ending: Ending) -> Built {
    let (reply, partial) = half(s);
    let failure = Failure {
        partial,
        ..clock(s, IDLE)
    };
    s.fails(reply.ending(ending), failure)
}

fn half(s: Scene) -> (Reply, Partial) {
    let answer = Answer::hello();
    if s.streams() {
        let reply = s.send_frames(&s.unfinished(&answer));
        return (reply, Partial::Exactly(answer.text()));
    }
    let mut body = s.send(&answer).pieces.concat();
    body.truncate(body.len() / 2);
    (s.send_pieces(vec![body]), Partial::None)
}

pub(in crate::fault) fn reset_before_headers(s: Scene) -> Built {
    let reply = s.send_pieces(vec![]).opening(Opening::Reset);
    s.fails(reply, Failure::new(&["connection"]))
}

pub(in crate::fault) fn reset_after_headers(s: Scene) -> Built {
    let reply = s.send_pieces(vec![]).ending(Ending::Reset);
    s.fails(reply, Failure::new(&["connection", "truncated"]))
}

pub(in crate::fault) fn reset_halfway(s: Scene) -> Built {
    let (reply, partial) = half(s);
    let partial = match partial {
        Partial::Exactly(text) => Partial::Within(text),
        other => other,
    };
    let failure = Failure {
        partial,
        ..Failure::new(&["connection", "truncated"])
    };
    s.fails(reply.ending(Ending::Reset), failure)
}

pub(in crate::fault) fn reset_reused(s: Scene) -> Built {
    let answer = Answer::hello();
    let reply = s.send(&answer).opening(Opening::ResetIfReused);
    let failure = Outcome::Failure(Failure::new(&["connection"]));
    let expect = Expect::answer(s.reading(&answer)).or(failure);
    Ok(Case {
        reply,
        expect: Expect {
            warm_up: true,
            ..expect
        },
    })
}

pub(in crate::fault) fn interim(s: Scene) -> Built {
    let answer = Answer::hello();
    s.reads(
        s.send(&answer).opening(Opening::Interim(&[100, 102, 103])),
        &answer,
    )
}

pub(in crate::fault) fn drip(s: Scene) -> Built {
    let answer = Answer::hello();
    let reply = s.send(&answer);
    let (framing, length) = (reply.framing, reply.pieces.concat().len());
    let reply = reply.recut(length.div_ceil(DRIPS));
    s.reads(
        Reply {
            framing,
            paced: true,
            ..reply
        },
        &answer,
    )
}

fn dropped(reply: Reply, at: DropAt) -> Built {
    let expect = Expect {
        drop_at: Some(at),
        ..Expect::any([])
    };
    Ok(Case { reply, expect })
}

pub(in crate::fault) fn drop_before_headers(s: Scene) -> Built {
    dropped(
        s.send_pieces(vec![]).opening(Opening::Hold),
        DropAt::BeforeHeaders,
    )
}

pub(in crate::fault) fn drop_after_headers(s: Scene) -> Built {
    dropped(
        s.send_pieces(vec![]).ending(Ending::Hold),
        DropAt::AfterHeaders,
    )
}

pub(in crate::fault) fn drop_after_text(s: Scene) -> Built {
    s.stream_only()?;
    let reply = s.send_frames(&s.unfinished(&Answer::hello()));
    dropped(reply.ending(Ending::Hold), DropAt::AfterText)
}

pub(in crate::fault) fn drop_in_call(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[
            Wire::OpenAiChat,
            Wire::OpenAiResponses,
            Wire::AnthropicMessages,
            Wire::Cohere,
            Wire::BedrockConverse,
        ],
        "a tool call comes whole in one frame",
    )?;
    let frames = s.unfinished(&Answer::tools());
    let some = frames
        .iter()
        .position(|it| it.mark == Mark::Arguments)
        .unwrap_or(0);
    let frames: Vec<Frame> = frames.into_iter().take(some + 1).collect();
    dropped(
        s.send_frames(&frames).ending(Ending::Hold),
        DropAt::AfterArguments,
    )
}

pub(in crate::fault) fn drop_in_drip(s: Scene) -> Built {
    s.stream_only()?;
    let answer = Answer::hello();
    let reply = s.send_frames(&s.unfinished(&answer));
    let piece = keep_alive(s);
    dropped(reply.ending(Ending::Pulse(piece)), DropAt::AfterText)
}
