//! Messages of the AWS event stream, case by case.

use bytes::Bytes;

use super::{data_only, event, frames, run, run_all};
use crate::framing::{Framer, Framing, FramingError, write_message};

/// Made with botocore: a `contentBlockDelta` event and a `throttlingException`.
const EVENT: &str = "0000009400000057b4ab9aee0b3a6576656e742d74797065070011636f6e74656e74426c6f63\
    6b44656c74610d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e0d3a6d6573736167\
    652d747970650700056576656e747b22636f6e74656e74426c6f636b496e646578223a302c2264656c7461223a7b22\
    74657874223a224869227d7d1f944657";
const EXCEPTION: &str = "0000008800000061de0175f40f3a657863657074696f6e2d747970650700137468726f74\
    746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e\
    0d3a6d6573736167652d74797065070009657863657074696f6e7b226d657373616765223a22736c6f7720646f776e\
    227d832ee072";
const EVENT_DATA: &str = r#"{"contentBlockIndex":0,"delta":{"text":"Hi"}}"#;

fn unhex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap() as u8;
    text.as_bytes()
        .chunks(2)
        .map(|pair| digit(pair[0]) << 4 | digit(pair[1]))
        .collect()
}

/// A message with headers given as bytes and right checksums.
fn raw_message(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let total = (headers.len() + payload.len() + 16) as u32;
    sealed(total, headers.len() as u32, &[headers, payload].concat())
}

fn sealed(total: u32, headers: u32, rest: &[u8]) -> Vec<u8> {
    let mut out = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out.extend_from_slice(rest);
    out.extend_from_slice(&crc32fast::hash(&out).to_be_bytes());
    out
}

#[test]
fn messages_made_by_another_encoder_are_read() {
    let body = unhex(&[EVENT, EXCEPTION, EVENT].concat());
    let delta = event("contentBlockDelta", EVENT_DATA);
    let mut failure = data_only(r#"{"message":"slow down"}"#);
    failure.exception = Some("throttlingException".to_owned());
    assert_eq!(
        frames(Framing::EventStream, body),
        [delta.clone(), failure, delta]
    );
}

#[test]
fn headers_are_told_by_name() {
    let mut framer = Framer::new(Framing::EventStream);
    framer.push(unhex(EVENT).into());
    let frame = framer.next_frame().unwrap().unwrap();
    assert_eq!(frame.headers.message_type(), Some("event"));
    assert_eq!(frame.headers.event_type(), Some("contentBlockDelta"));
    assert_eq!(frame.headers.content_type(), Some("application/json"));
    assert_eq!(frame.headers.exception_type(), None);
    assert_eq!(frame.headers.get("other"), None);
    assert_eq!(frame.exception(), None);
    let text = format!("{frame:?}");
    assert!(
        text.contains(r#"":event-type": "contentBlockDelta""#),
        "{text}"
    );
}

#[test]
fn an_error_message_has_code_and_text_in_its_headers() {
    let mut body = Vec::new();
    let headers = [
        (":message-type", "error"),
        (":error-code", "InternalFailure"),
        (":error-message", "gone"),
    ];
    write_message(&mut body, &headers, b"").unwrap();
    let mut framer = Framer::new(Framing::EventStream);
    framer.push(body.into());
    let frame = framer.next_frame().unwrap().unwrap();
    assert_eq!((frame.event, frame.data), (None, &b""[..]));
    let exception = frame.exception().unwrap();
    assert_eq!(exception.code, Some("InternalFailure"));
    assert_eq!(exception.message, Some("gone"));
}

#[test]
fn the_encoder_agrees_with_another_one() {
    let mut body = Vec::new();
    let headers = [
        (":event-type", "contentBlockDelta"),
        (":content-type", "application/json"),
        (":message-type", "event"),
    ];
    write_message(&mut body, &headers, EVENT_DATA.as_bytes()).unwrap();
    assert_eq!(body, unhex(EVENT));
}

#[test]
fn a_header_too_long_to_write_is_an_error_and_nothing_is_written() {
    let long = "x".repeat(70_000);
    let mut body = Vec::new();
    for header in [(long.as_str(), "value"), ("name", long.as_str())] {
        let error = write_message(&mut body, &[header], b"").unwrap_err();
        assert_eq!(error, FramingError::Malformed);
    }
    assert_eq!(body, b"");
}

#[test]
fn headers_of_every_type_are_tolerated() {
    let mut headers = Vec::new();
    let values: [(u8, &[u8]); 10] = [
        (0, &[]),
        (1, &[]),
        (2, &[1]),
        (3, &[1, 2]),
        (4, &[1, 2, 3, 4]),
        (5, &[8; 8]),
        (6, &[0, 2, b'o', b'h']),
        (7, &[0, 2, b'h', b'i']),
        (8, &[8; 8]),
        (9, &[16; 16]),
    ];
    for (kind, value) in values {
        headers.extend_from_slice(&[1, b'a' + kind, kind]);
        headers.extend_from_slice(value);
    }
    headers.extend_from_slice(b"\x0b:event-type\x07\x00\x01e");
    let mut framer = Framer::new(Framing::EventStream);
    framer.push(raw_message(&headers, b"{}").into());
    let frame = framer.next_frame().unwrap().unwrap();
    assert_eq!((frame.event, frame.data), (Some("e"), &b"{}"[..]));
    assert_eq!(frame.headers.get("h"), Some("hi"));
    assert_eq!(frame.headers.get("g"), None, "bytes aren't a string");
}

#[test]
fn a_message_without_headers_or_payload_is_a_frame() {
    assert_eq!(
        frames(Framing::EventStream, raw_message(b"", b"")),
        [data_only("")]
    );
}

#[test]
fn a_cut_message_is_truncated() {
    let body = unhex(EVENT);
    for length in 1..body.len() {
        let outcome = run_all(Framing::EventStream, &body[..length]);
        assert_eq!(
            outcome,
            (vec![], Some(FramingError::Truncated)),
            "{length} bytes"
        );
    }
}

#[test]
fn a_changed_byte_is_found() {
    let body = unhex(EVENT);
    for at in 0..body.len() {
        let mut body = body.clone();
        body[at] ^= 1;
        let outcome = run_all(Framing::EventStream, body);
        assert_eq!(outcome, (vec![], Some(FramingError::Checksum)), "byte {at}");
    }
}

#[test]
fn lengths_that_contradict_each_other_are_malformed() {
    for (total, headers) in [(0, 0), (15, 0), (16, 1), (20, 5), (20, u32::MAX)] {
        let outcome = run_all(Framing::EventStream, sealed(total, headers, b"1234"));
        assert_eq!(
            outcome,
            (vec![], Some(FramingError::Malformed)),
            "{total} {headers}"
        );
    }
}

#[test]
fn a_cut_header_or_one_of_unknown_type_is_malformed() {
    for headers in [
        &b"\x05a"[..],
        b"\x01a",
        b"\x01a\x0a",
        b"\x01a\x07\x00",
        b"\x01a\x07\x00\x02x",
    ] {
        let outcome = run_all(Framing::EventStream, raw_message(headers, b""));
        assert_eq!(
            outcome,
            (vec![], Some(FramingError::Malformed)),
            "{headers:?}"
        );
    }
}

#[test]
fn a_message_beyond_the_limit_is_refused_by_its_prelude() {
    let body = unhex(EVENT);
    let framer = Framer::with_limit(Framing::EventStream, body.len());
    assert_eq!(run(framer, body.chunks(10)).0.len(), 1);

    let mut framer = Framer::with_limit(Framing::EventStream, body.len() - 1);
    framer.push(Bytes::copy_from_slice(&body[..12]));
    let limit = body.len() - 1;
    assert_eq!(
        framer.next_frame(),
        Err(FramingError::FrameTooLarge { limit })
    );
}

#[test]
fn a_large_message_in_small_reads_takes_linear_time() {
    let mut body = Vec::new();
    write_message(&mut body, &[(":event-type", "e")], &vec![b'x'; 8 << 20]).unwrap();
    let (seen, error) = run(Framer::new(Framing::EventStream), body.chunks(1024));
    assert_eq!(error, None);
    assert_eq!(seen[0].data.len(), 8 << 20);
}
