//! Laws for any bytes in any chunks.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

use super::{Outcome, Owned, data_only, run, run_all};
use crate::framing::{Framer, Framing, write_message, write_ndjson, write_sse};

const FRAMINGS: [Framing; 3] = [Framing::Sse, Framing::Ndjson, Framing::EventStream];

/// Bytes from pieces that matter to the line framings, and a few that don't.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "\n",
        "\r",
        "\r\n",
        "\n\n",
        "data",
        "data:",
        "data: ",
        "event: ",
        "event",
        "id: ",
        "retry",
        "error: ",
        ":",
        " ",
        "{",
        "}",
        "[",
        "\"",
        "<",
        "error:",
        "x",
        "ab",
        "é",
        "\u{feff}",
        "\0",
        "foo: ",
        "data: {\"a\":1}\n\n",
        "event: b\ndata: {}\r\n\r\n",
        "{\"c\":[]}\n",
        "{}\r\n",
    ]);
    vec(piece, 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Messages, some of them damaged.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    let message = (
        "[a-z]{0,8}",
        vec(any::<u8>(), 0..30),
        prop::option::weighted(0.1, 0..40usize),
    );
    vec(message, 0..6).prop_map(|messages| {
        let mut body = Vec::new();
        for (name, payload, damage) in messages {
            let start = body.len();
            write_message(&mut body, &[(":event-type", &name)], &payload).unwrap();
            if let Some(at) = damage
                && let Some(byte) = body.get_mut(start + at)
            {
                *byte ^= 0x10;
            }
        }
        body
    })
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![text(), messages(), vec(any::<u8>(), 0..100)]
}

/// Cuts at the given places, taken in turn as sizes of chunks.
fn cut<'a>(body: &'a [u8], sizes: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = body;
    let mut chunks = Vec::new();
    for &size in sizes.iter().cycle().take(body.len()) {
        let (chunk, tail) = rest.split_at(size.min(rest.len()));
        chunks.push(chunk);
        rest = tail;
    }
    chunks.push(rest);
    chunks
}

/// The rules for server-sent events written down a second time, for a whole body and without
/// regard to cost.
fn oracle(body: &[u8]) -> Vec<Owned> {
    fn end(out: &mut Vec<Owned>, event: &mut String, data: &mut Option<Vec<u8>>, stray: bool) {
        let name = std::mem::take(event);
        let Some(data) = data.take() else { return };
        if !data.trim_ascii().is_empty() && !data.trim_ascii_start().starts_with(b":") {
            let event = Some(name).filter(|name| !name.is_empty());
            out.push(Owned {
                event,
                stray,
                ..data_only(data)
            });
        }
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    // Lines with their ends.
    let mut lines = vec![vec![]];
    for (at, &byte) in body.iter().enumerate() {
        lines.last_mut().unwrap().push(byte);
        if byte == b'\n' || byte == b'\r' && body.get(at + 1) != Some(&b'\n') {
            lines.push(vec![]);
        }
    }
    let (mut out, mut event, mut data, mut stray) = (vec![], String::new(), None, None);
    let mut previous_end: &[u8] = b"";
    for line in &lines {
        let ends = line
            .iter()
            .rev()
            .take_while(|byte| matches!(byte, b'\n' | b'\r'))
            .count();
        let (content, line_end) = line.split_at(line.len() - ends);
        let colon = content.iter().position(|&byte| byte == b':');
        let (name, value) = content.split_at(colon.unwrap_or(content.len()));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let blank = content.trim_ascii().is_empty();
        let known = matches!(name, b"data" | b"event" | b"error" | b"id" | b"retry");
        let odd = content
            .first()
            .is_some_and(|first| b"{}[]\"< \t".contains(first))
            && !blank;
        if content.is_empty() {
            end(&mut out, &mut event, &mut data, false);
            end(&mut out, &mut event, &mut stray, true);
        } else if odd || stray.is_some() && !known && !content.starts_with(b":") {
            if stray.is_none() {
                end(&mut out, &mut event, &mut data, false);
            }
            let run = match stray.take() {
                Some(run) => [run, previous_end.to_vec(), content.to_vec()].concat(),
                None => content.to_vec(),
            };
            stray = Some(run);
        } else if known || content.starts_with(b":") {
            end(&mut out, &mut String::new(), &mut stray, true);
            match name {
                b"error" => {
                    end(&mut out, &mut event, &mut data, false);
                    event = "error".to_owned();
                    data = Some(value.to_vec());
                }
                b"data" => {
                    data = Some(match data.take() {
                        Some(data) => [data, b"\n".to_vec(), value.to_vec()].concat(),
                        None => value.to_vec(),
                    });
                }
                b"event" => event = String::from_utf8(value.to_vec()).unwrap_or_default(),
                _ => {}
            }
        }
        previous_end = line_end;
    }
    end(&mut out, &mut event, &mut data, false);
    end(&mut out, &mut event, &mut stray, true);
    out
}

fn with_limit(framing: Framing, limit: usize, chunks: &[&[u8]]) -> Outcome {
    run(Framer::with_limit(framing, limit), chunks.iter().copied())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunking_gives_the_same_frames(
        body in body(),
        sizes in vec(0..12usize, 1..6),
        limit in prop_oneof![Just(1 << 20), 1..60usize],
    ) {
        for framing in FRAMINGS {
            let whole = with_limit(framing, limit, &[&body]);
            let cut = with_limit(framing, limit, &cut(&body, &sizes));
            prop_assert_eq!(whole, cut, "{:?}", framing);
        }
    }

    #[test]
    fn server_sent_events_follow_the_rules(body in text()) {
        prop_assert_eq!(run_all(Framing::Sse, &body), (oracle(&body), None));
    }

    #[test]
    fn no_more_is_held_than_the_limit_and_a_chunk(
        body in body(),
        sizes in vec(1..12usize, 1..6),
        limit in 1..40usize,
    ) {
        for framing in FRAMINGS {
            let mut framer = Framer::with_limit(framing, limit);
            for chunk in cut(&body, &sizes) {
                framer.push(Bytes::copy_from_slice(chunk));
                while let Ok(Some(frame)) = framer.next_frame() {
                    prop_assert!(frame.data.len() <= limit);
                }
                // Twelve for a prelude, two for a line end that is still to come.
                prop_assert!(framer.buffered() <= limit.max(12) + 2);
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back(
        frames in vec(("[a-z]{1,8}", r#"\{[ -~\n]{0,30}"#), 0..6),
        sizes in vec(0..12usize, 1..6),
    ) {
        let mut bodies = [vec![], vec![], vec![]];
        for (name, data) in &frames {
            write_sse(&mut bodies[0], Some(name), data.as_bytes());
            write_ndjson(&mut bodies[1], data.as_bytes());
            write_message(&mut bodies[2], &[(":event-type", name)], data.as_bytes()).unwrap();
        }
        let named: Vec<_> = frames.iter().map(|(name, data)| super::event(name, data)).collect();
        let lines: Vec<_> = frames.iter().map(|(_, data)| data_only(data.replace('\n', " "))).collect();
        for (framing, (body, expected)) in FRAMINGS.into_iter().zip([
            (&bodies[0], &named),
            (&bodies[1], &lines),
            (&bodies[2], &named),
        ]) {
            let (seen, error) = run(Framer::new(framing), cut(body, &sizes));
            prop_assert_eq!(error, None);
            prop_assert_eq!(&seen, expected);
        }
    }
}
