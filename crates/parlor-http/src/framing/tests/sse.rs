//! Server-sent events, case by case.

use bytes::{Bytes, BytesMut};

use super::{Owned, data_only, event, frames, run, run_all, stray};
use crate::framing::{Framer, Framing, FramingError, write_sse};

fn sse(body: impl AsRef<[u8]>) -> Vec<Owned> {
    frames(Framing::Sse, body)
}

#[test]
fn line_ends_may_be_lf_cr_crlf_or_mixed() {
    let expected = vec![event("a", "1"), data_only("2")];
    for body in [
        "event: a\ndata: 1\n\ndata: 2\n\n",
        "event: a\rdata: 1\r\rdata: 2\r\r",
        "event: a\r\ndata: 1\r\n\r\ndata: 2\r\n\r\n",
        "event: a\r\ndata: 1\n\rdata: 2\r\r\n",
        "event: a\ndata: 1\r\n\ndata: 2\n\r\n",
    ] {
        assert_eq!(sse(body), expected, "{body:?}");
    }
}

#[test]
fn a_cr_at_the_end_of_a_chunk_ends_the_event_at_once() {
    let mut framer = Framer::new(Framing::Sse);
    framer.push(Bytes::from_static(b"data: 1\r\n\r"));
    assert_eq!(framer.next_frame().unwrap().unwrap().data, b"1");
    assert!(framer.next_frame().unwrap().is_none());
    framer.push(Bytes::from_static(b"\ndata: 2\r"));
    assert!(framer.next_frame().unwrap().is_none());
    framer.push(Bytes::from_static(b"\n"));
    assert!(
        framer.next_frame().unwrap().is_none(),
        "the LF belongs to the CR"
    );
    framer.push(Bytes::from_static(b"\n"));
    assert_eq!(framer.next_frame().unwrap().unwrap().data, b"2");
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_only() {
    assert_eq!(
        sse("\u{feff}data: 1\n\ndata: 2\n\n"),
        [data_only("1"), data_only("2")]
    );
    assert_eq!(sse("\u{feff}\ndata: 1\n\n"), [data_only("1")]);
    assert_eq!(sse("data: 1\n\n\u{feff}data: 2\n\n"), [data_only("1")]);
    assert_eq!(sse("data: \u{feff}1\n\n"), [data_only("\u{feff}1")]);
}

#[test]
fn comments_are_no_frames() {
    assert_eq!(
        sse(": PROCESSING\n\n: PROCESSING\n\ndata: 1\n\n:\n\n"),
        [data_only("1")]
    );
    assert_eq!(sse(":\n:\n:\n"), []);
}

#[test]
fn a_comment_within_an_event_is_left_out() {
    let body = "id:1\nevent:result\n:HTTP_STATUS/200\ndata:{\"a\":1}\n\n";
    assert_eq!(sse(body), [event("result", "{\"a\":1}")]);
}

#[test]
fn one_space_after_the_colon_is_left_out() {
    assert_eq!(
        sse("data:1\n\ndata: 1\n\ndata:  1\n\ndata:\t1\n\n"),
        [
            data_only("1"),
            data_only("1"),
            data_only(" 1"),
            data_only("\t1"),
        ]
    );
}

#[test]
fn data_lines_are_joined_with_lf() {
    assert_eq!(
        sse("data: {\ndata:  \"a\":\r\ndata:1\rdata\ndata: }\n\n"),
        [data_only("{\n \"a\":\n1\n\n}")]
    );
    assert_eq!(sse("data:\ndata\ndata: 1\n\n"), [data_only("\n\n1")]);
}

#[test]
fn other_lines_may_stand_between_data_lines() {
    let data = "a\nbb\nccc";
    assert_eq!(
        sse("data: a\n: c\ndata: bb\nid: 7\ndata: ccc\n\n"),
        [data_only(data)]
    );
    for body in [
        "event: name\ndata: a\ndata: bb\ndata: ccc\n\n",
        "data: a\nevent: name\ndata: bb\ndata: ccc\n\n",
        "data: a\ndata: bb\nevent: name\ndata: ccc\n\n",
        "data: a\ndata: bb\ndata: ccc\nevent: name\n\n",
        "event: first\ndata: a\r\nevent: second\r\ndata: bb\r\nevent:name\r\ndata: ccc\r\n\r\n",
    ] {
        assert_eq!(sse(body), [event("name", data)], "{body:?}");
    }
}

#[test]
fn an_event_name_outlives_data_moved_over_its_place() {
    let long = "x".repeat(100);
    assert_eq!(
        sse(format!("data: a\nevent: name\ndata: {long}\n\n")),
        [event("name", &format!("a\n{long}"))]
    );
}

#[test]
fn an_event_name_holds_for_its_event_only() {
    assert_eq!(
        sse("event: a\ndata: 1\n\ndata: 2\n\nevent: b\n\ndata: 3\n\nevent:\ndata: 4\n\n"),
        [
            event("a", "1"),
            data_only("2"),
            data_only("3"),
            data_only("4"),
        ]
    );
}

#[test]
fn unknown_fields_are_ignored() {
    let body = "retry: 10\nid: 1\nfoo: bar\nfoo\ndatax: 2\nDATA: 3\nevents: b\ndata: 1\n\n";
    assert_eq!(sse(body), [data_only("1")]);
}

#[test]
fn events_without_data_are_not_dispatched() {
    assert_eq!(sse("event: ping\n\nid: 3\n\nretry: 1\n\n\n\n\r\n\r\n"), []);
}

#[test]
fn blank_data_and_data_that_is_a_comment_are_keep_alives() {
    assert_eq!(
        sse("data:\n\ndata\n\ndata:   \n\ndata:\ndata:\n\ndata: : keepalive\n\n"),
        []
    );
}

#[test]
fn an_event_that_ends_with_the_body_is_delivered() {
    assert_eq!(
        sse("data: 1\n\nevent: a\ndata: 2\n"),
        [data_only("1"), event("a", "2")]
    );
    assert_eq!(
        sse("data: 1\n\ndata: [DONE]"),
        [data_only("1"), data_only("[DONE]")]
    );
    assert_eq!(sse("data: 1\ndata: 2"), [data_only("1\n2")]);
    assert_eq!(sse("data: 1\r"), [data_only("1")]);
    assert_eq!(sse("event: a"), []);
    assert_eq!(sse("dat"), []);
}

#[test]
fn any_bytes_pass_through() {
    let mut body = b"data: ".to_vec();
    let bytes: Vec<u8> = (0..=255)
        .filter(|byte| !matches!(byte, b'\n' | b'\r'))
        .collect();
    body.extend_from_slice(&bytes);
    body.extend_from_slice(b"\n\n");
    assert_eq!(sse(body), [data_only(bytes)]);
}

#[test]
fn characters_split_between_chunks_stay_whole() {
    assert_eq!(sse("data: né😀漢\n\n"), [data_only("né😀漢")]);
}

#[test]
fn an_event_name_that_is_not_utf8_is_no_name() {
    assert_eq!(sse(b"event: \xff\ndata: 1\n\n"), [data_only("1")]);
}

#[test]
fn bare_json_is_a_stray_frame() {
    let error = "{\n  \"error\": {\n    \"code\": 503\n  }\n}";
    assert_eq!(
        sse(format!("data: 1\n\n{error}\n\ndata: 2\n\n")),
        [data_only("1"), stray(error), data_only("2"),]
    );
    assert_eq!(sse(error), [stray(error)]);
    assert_eq!(sse(format!("\u{feff}{error}\n")), [stray(error)]);
    assert_eq!(sse("[1\r\n,\r\n2]\r\n\r\n"), [stray("[1\r\n,\r\n2]")]);
    assert_eq!(sse("\n   \n\n{}"), [stray("{}")]);
    assert_eq!(sse("\"overloaded\"\n"), [stray("\"overloaded\"")]);
}

#[test]
fn an_error_field_is_an_event_named_error() {
    assert_eq!(
        sse("data: 1\n\nerror: {\"code\":500}\n\n"),
        [data_only("1"), event("error", "{\"code\":500}")]
    );
    assert_eq!(
        sse("data: 1\nerror:2\nerror: 3\n{}\nerror: 4\r\ndata: 5"),
        [
            data_only("1"),
            event("error", "2"),
            event("error", "3"),
            stray("{}"),
            event("error", "4\n5"),
        ]
    );
    assert_eq!(sse("error\n\nerror:\n\nerrors: 1\n\n"), []);
}

#[test]
fn a_bare_html_page_is_a_stray_frame() {
    let page = "<html>\n<body>502</body>\n</html>";
    assert_eq!(sse(page), [stray(page)]);
}

#[test]
fn stray_lines_and_events_without_a_blank_line_between_them_are_told_apart() {
    assert_eq!(
        sse("event: a\ndata: 1\n{\"error\":1}\ndata: 2\n\n"),
        [event("a", "1"), stray("{\"error\":1}"), data_only("2"),]
    );
    assert_eq!(
        sse("data: 1\r\ndata: 2\r\n{}\r\nx\r\n: c\r\n[]\r\n"),
        [data_only("1\n2"), stray("{}\r\nx"), stray("[]"),]
    );
    assert_eq!(sse("data:\n{}"), [stray("{}")]);
}

#[test]
fn white_space_alone_is_neither_stray_nor_the_end_of_an_event() {
    assert_eq!(sse("   \n\t\n\n"), []);
    assert_eq!(sse("data: 1\n  \ndata: 2\n\n"), [data_only("1\n2")]);
}

#[test]
fn an_endless_line_is_too_large() {
    let mut framer = Framer::with_limit(Framing::Sse, 100);
    let mut pushed = 0;
    let error = loop {
        assert!(framer.buffered() <= 100);
        framer.push(Bytes::from_static(b"data: zzzzzz"));
        pushed += 12;
        match framer.next_frame() {
            Ok(frame) => assert_eq!(frame, None),
            Err(error) => break error,
        }
    };
    assert_eq!(error, FramingError::FrameTooLarge { limit: 100 });
    assert_eq!(pushed, 108, "found with the first byte beyond the limit");
}

#[test]
fn an_event_of_endless_lines_is_too_large() {
    for line in ["data: 1\n", "data: 1\n: c\n", "{\n", "event: a\n"] {
        let lines = line.repeat(100);
        let outcome = run(
            Framer::with_limit(Framing::Sse, 100),
            lines.as_bytes().chunks(7),
        );
        assert_eq!(
            outcome,
            (vec![], Some(FramingError::FrameTooLarge { limit: 100 })),
            "{line:?}"
        );
    }
}

#[test]
fn the_limit_is_exact_and_line_ends_do_not_matter() {
    for ending in ["\n\n", "\r\n\r\n", ""] {
        let fits = format!("data: 1234{ending}");
        for size in [1, 3, 100] {
            let framer = Framer::with_limit(Framing::Sse, 10);
            let outcome = run(framer, fits.as_bytes().chunks(size));
            assert_eq!(outcome, (vec![data_only("1234")], None));
            let framer = Framer::with_limit(Framing::Sse, 9);
            let outcome = run(framer, fits.as_bytes().chunks(size));
            assert_eq!(
                outcome,
                (vec![], Some(FramingError::FrameTooLarge { limit: 9 }))
            );
        }
    }
}

#[test]
fn a_line_end_split_between_chunks_is_no_part_of_the_next_frame() {
    let body = "data: 1234\r\n\r\n".repeat(3);
    let outcome = run(
        Framer::with_limit(Framing::Sse, 10),
        body.as_bytes().chunks(1),
    );
    assert_eq!(outcome, (vec![data_only("1234"); 3], None));
}

#[test]
fn keep_alives_may_go_on_beyond_the_limit() {
    let body = ": keep-alive\nid: 1\nfoo\n".repeat(100) + "data: 1\n\n";
    let outcome = run(
        Framer::with_limit(Framing::Sse, 20),
        body.as_bytes().chunks(5),
    );
    assert_eq!(outcome, (vec![data_only("1")], None));
}

/// With any rescanning or recopying from the start this would take hours.
#[test]
fn a_large_event_in_small_reads_takes_linear_time() {
    let line = format!("data: {}\n", "x".repeat(63));
    let body = line.repeat(8 * 1024 * 1024 / line.len()) + "\n";
    let (seen, error) = run(Framer::new(Framing::Sse), body.as_bytes().chunks(1024));
    assert_eq!(error, None);
    assert_eq!(seen.len(), 1);
    assert_eq!(
        seen[0].data.len(),
        body.len() - 1 - 6 * (body.len() / line.len()) - 1
    );

    let body = format!("data: {}\n\n", "x".repeat(1 << 20));
    let (seen, error) = run(Framer::new(Framing::Sse), body.as_bytes().chunks(1));
    assert_eq!(error, None);
    assert_eq!(seen[0].data.len(), 1 << 20);
}

#[test]
fn what_is_written_is_read_back() {
    let mut body = BytesMut::new();
    write_sse(&mut body, Some("a"), b"{\"x\":1}");
    assert_eq!(&body[..], b"event: a\ndata: {\"x\":1}\n\n");
    write_sse(&mut body, None, b"1\n2\r\n3\r4\n");
    write_sse(&mut body, Some("evil\ndata: no"), b" leading");
    assert_eq!(
        sse(&body),
        [
            event("a", "{\"x\":1}"),
            data_only("1\n2\n3\n4\n"),
            event("evil", " leading"),
        ]
    );
    let mut body = Vec::new();
    write_sse(&mut body, None, b"");
    assert_eq!(body, b"data: \n\n");
    assert_eq!(run_all(Framing::Sse, body), (vec![], None));
}
