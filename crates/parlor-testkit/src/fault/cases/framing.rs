//! Odd framing of a good answer: line ends, comments, cuts, types, characters, sizes.

use serde_json::Value;

use crate::event_stream;
use crate::fault::answer::{Answer, Finish, text};
use crate::fault::expect::{Expect, Failure, Outcome, Partial};
use crate::fault::render::{Data, Frame, Mark};
use crate::fault::scene::{Built, Case, Scene, Wire};
use crate::http::{Ending, Framing, Reply};

/// How many bytes the text of a big event has.
const BIG: usize = 8 << 20;

/// The greeting's stream, frame by frame, each changed as bytes.
fn changed(s: Scene, change: impl Fn(Vec<u8>) -> Vec<u8>) -> Built {
    s.stream_only()?;
    s.text_only()?;
    let answer = Answer::hello();
    s.reads(s.send_changed(&answer, change), &answer)
}

fn replace(bytes: Vec<u8>, old: &str, new: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some(at) = rest.windows(old.len()).position(|it| it == old.as_bytes()) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    out
}

pub(in crate::fault) fn crlf(s: Scene) -> Built {
    changed(s, |frame| replace(frame, "\n", b"\r\n"))
}

pub(in crate::fault) fn cr(s: Scene) -> Built {
    s.sse_only()?;
    changed(s, |frame| replace(frame, "\n", b"\r"))
}

pub(in crate::fault) fn crlf_split(s: Scene) -> Built {
    s.stream_only()?;
    s.text_only()?;
    let answer = Answer::hello();
    let whole = replace(s.send(&answer).pieces.concat(), "\n", b"\r\n");
    let pieces = whole
        .split_inclusive(|it| *it == b'\r')
        .map(<[u8]>::to_vec)
        .collect();
    s.reads(s.send_pieces(pieces), &answer)
}

/// The greeting with `extra` before each frame and after the last.
fn sprinkled(s: Scene, extra: &[Frame], before: impl Fn(&mut Frame)) -> Built {
    let answer = Answer::hello();
    let mut frames = vec![];
    for mut frame in s.frames(&answer) {
        before(&mut frame);
        frames.extend_from_slice(extra);
        frames.push(frame);
    }
    frames.extend_from_slice(extra);
    s.reads(s.send_frames(&frames), &answer)
}

pub(in crate::fault) fn comments(s: Scene) -> Built {
    s.stream_only()?;
    s.text_only()?;
    match s.wire {
        Wire::Ollama => sprinkled(s, &[Frame::lines("\n"), Frame::lines("  \n")], |_| {}),
        _ => {
            let lines = ": PROCESSING\n\n:\n:HTTP_STATUS/200\n\n\nid: 7\nretry: 3000\n: note\n";
            sprinkled(s, &[Frame::lines(lines)], |_| {})
        }
    }
}

pub(in crate::fault) fn pings(s: Scene) -> Built {
    s.stream_only()?;
    s.only(
        &[Wire::AnthropicMessages, Wire::BedrockAnthropic],
        "the dialect has no pings",
    )?;
    let ping = serde_json::json!({"type": "ping"});
    let ping = Frame {
        event: Some("ping"),
        ..Frame::json(Mark::Extra, ping)
    };
    sprinkled(s, &[ping], |_| {})
}

pub(in crate::fault) fn event_lines(s: Scene) -> Built {
    s.sse_only()?;
    s.only(
        &[
            Wire::OpenAiChat,
            Wire::Gemini,
            Wire::Hunyuan,
            Wire::QianfanV1,
        ],
        "every event has a name anyway",
    )?;
    sprinkled(s, &[], |frame| frame.event = Some("result"))
}

pub(in crate::fault) fn no_event_lines(s: Scene) -> Built {
    s.stream_only()?;
    let named = [Wire::AnthropicMessages, Wire::OpenAiResponses, Wire::Cohere];
    s.only(&named, "no event has a name anyway")?;
    sprinkled(s, &[], |frame| frame.event = None)
}

pub(in crate::fault) fn keep_alive_data(s: Scene) -> Built {
    s.sse_only()?;
    let extra = [
        Frame::text(Mark::Extra, ": keepalive"),
        Frame::lines("data:\n\n"),
    ];
    sprinkled(s, &extra, |_| {})
}

pub(in crate::fault) fn no_space(s: Scene) -> Built {
    s.sse_only()?;
    changed(s, |frame| {
        replace(replace(frame, "data: ", b"data:"), "event: ", b"event:")
    })
}

pub(in crate::fault) fn blank_lines_first(s: Scene) -> Built {
    if s.streams() {
        return Err("blank lines in a stream are in another case");
    }
    let answer = Answer::hello();
    let mut reply = s.send(&answer);
    let blank = std::iter::repeat_n(b"\n         \n".to_vec(), 40);
    reply.pieces.splice(0..0, blank);
    s.reads(
        Reply {
            framing: Framing::Chunked,
            ..reply
        },
        &answer,
    )
}

pub(in crate::fault) fn two_data_lines(s: Scene) -> Built {
    s.sse_only()?;
    sprinkled(s, &[], |frame| {
        if let Data::Json(value) = &frame.data {
            let value = s.wire.named(value);
            frame.data = Data::Text(format!("{value:#}").replace('\n', "\ndata: "));
        }
    })
}

pub(in crate::fault) fn byte_by_byte(s: Scene) -> Built {
    let answer = Answer::hello();
    s.reads(s.send(&answer).recut(1), &answer)
}

pub(in crate::fault) fn byte_by_byte_tools(s: Scene) -> Built {
    let answer = s.tools();
    s.reads(s.send(&answer).recut(1), &answer)
}

pub(in crate::fault) fn content_type(s: Scene, name: Option<&str>) -> Built {
    let answer = Answer::hello();
    let mut reply = s.send(&answer);
    reply.headers = name
        .map(|it| ("content-type".into(), it.into()))
        .into_iter()
        .collect();
    s.reads(reply, &answer)
}

pub(in crate::fault) fn whole_for_stream(s: Scene) -> Built {
    s.stream_only()?;
    let answer = Answer::hello();
    let body = s.wire.body(&(s.dialect().whole)(&answer));
    s.reads(Reply::new(200, "application/json", vec![body]), &answer)
}

pub(in crate::fault) fn array_for_stream(s: Scene) -> Built {
    s.stream_only()?;
    s.only(&[Wire::Gemini], "no server of the dialect sends an array")?;
    let answer = Answer::hello();
    let frames = s
        .frames(&answer)
        .into_iter()
        .filter_map(|frame| match frame.data {
            Data::Json(value) => Some(value),
            Data::Text(_) | Data::Lines(_) => None,
        });
    let body = format!("{:#}", frames.collect::<Value>()).replace("\n  },", "\n  }\n,\r\n");
    s.reads(
        Reply::new(200, "application/json", vec![body.into_bytes()]),
        &answer,
    )
}

pub(in crate::fault) fn html(s: Scene) -> Built {
    let page = b"<!DOCTYPE html>\n<html><body><h1>Sign in to continue</h1></body></html>\n";
    let reply = Reply::new(200, "text/html; charset=utf-8", vec![page.to_vec()]);
    s.fails(reply, Failure::new(&["decode", "truncated"]))
}

/// The greeting with `old` replaced by bytes that aren't text.
fn garbled(s: Scene, old: &str, new: &[u8]) -> Built {
    let answer = Answer::hello();
    let reply = s.send_changed(&answer, |bytes| replace(bytes, old, new));
    let mut reading = s.reading(&answer);
    for choice in &mut reading.choices {
        choice.text = choice.text.replace(old, "\u{fffd}");
    }
    let partial = Partial::Within(answer.text());
    let failure = Failure {
        partial,
        ..Failure::new(&["decode"])
    };
    s.reads_or_fails(reply, reading, failure)
}

pub(in crate::fault) fn invalid_utf8(s: Scene) -> Built {
    garbled(s, "ö", b"\xff")
}

pub(in crate::fault) fn lone_surrogate(s: Scene) -> Built {
    garbled(s, "🌍", b"\\ud83c")
}

pub(in crate::fault) fn byte_order_mark(s: Scene) -> Built {
    s.text_only()?;
    let answer = Answer::hello();
    let mut reply = s.send(&answer);
    reply.pieces.insert(0, b"\xef\xbb\xbf".to_vec());
    s.reads(reply, &answer)
}

pub(in crate::fault) fn nul(s: Scene) -> Built {
    s.plain(&Answer::new(vec![text(&["a", "\0", "b\0c"])], Finish::Stop))
}

pub(in crate::fault) fn big_event(s: Scene) -> Built {
    // The text goes in as bytes: to escape it as JSON takes long where nothing is optimised.
    let small = Answer::new(vec![text(&["PLACE"])], Finish::Stop);
    let text_of_it = vec![b'x'; BIG];
    let small = s.send_changed(&small, |bytes| replace(bytes, "PLACE", &text_of_it));
    let body = small.pieces.concat();
    let big = Answer::new(vec![text(&[&"x".repeat(BIG)])], Finish::Stop);
    s.reads(
        Reply {
            pieces: vec![body],
            ..small
        }
        .recut(1024),
        &big,
    )
}

fn endless(reply: Reply, failure: Failure) -> Built {
    let reply = Reply {
        framing: Framing::Chunked,
        ..reply.ending(Ending::Flood(vec![b'x'; 64 << 10]))
    };
    let expect = Expect {
        hangs_up: true,
        ..Expect::any([Outcome::Failure(failure)])
    };
    Ok(Case { reply, expect })
}

pub(in crate::fault) fn endless_line(s: Scene) -> Built {
    s.stream_only()?;
    let answer = Answer::hello();
    let mut reply = s.send_frames(&s.unfinished(&answer));
    let start: Vec<u8> = match s.wire {
        Wire::Ollama => b"{\"x\":\"".to_vec(),
        wire if wire.is_binary() => event_stream::endless(),
        _ => b"data: {\"x\":\"".to_vec(),
    };
    reply.pieces.push(start);
    endless(reply, Failure::new(&["decode"]).after(answer.text()))
}

pub(in crate::fault) fn endless_body(s: Scene) -> Built {
    if s.streams() {
        return Err("a stream may last as long as it likes; its lines may not");
    }
    endless(
        s.send_pieces(vec![b"{\"x\":\"".to_vec()]),
        Failure::new(&["decode"]),
    )
}

pub(in crate::fault) fn endless_error(_: Scene) -> Built {
    let reply = Reply::new(500, "text/plain", vec![]);
    endless(reply, Failure::new(&["server"]).status(500))
}

pub(in crate::fault) fn chunk_extensions(s: Scene) -> Built {
    let answer = Answer::hello();
    s.reads(
        Reply {
            framing: Framing::Extended,
            ..s.send(&answer).recut(16)
        },
        &answer,
    )
}

pub(in crate::fault) fn trailers(s: Scene) -> Built {
    let answer = Answer::hello();
    s.reads(s.send(&answer).recut(64).ending(Ending::Trailers), &answer)
}
