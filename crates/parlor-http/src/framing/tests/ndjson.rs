//! Newline-delimited JSON, case by case.

use super::{Owned, data_only, frames, run};
use crate::framing::{Framer, Framing, FramingError, write_ndjson};

fn ndjson(body: impl AsRef<[u8]>) -> Vec<Owned> {
    frames(Framing::Ndjson, body)
}

#[test]
fn line_ends_may_be_lf_cr_or_crlf() {
    let expected = [data_only("{\"a\":1}"), data_only("2")];
    assert_eq!(ndjson("{\"a\":1}\n2\n"), expected);
    assert_eq!(ndjson("{\"a\":1}\r\n2\r\n"), expected);
    assert_eq!(ndjson("{\"a\":1}\r2\r"), expected);
}

#[test]
fn blank_lines_are_skipped() {
    assert_eq!(
        ndjson("\n\r\n  \n1\n\n\t\n2\n\n"),
        [data_only("1"), data_only("2")]
    );
    assert_eq!(ndjson(" \n "), []);
}

#[test]
fn a_last_line_without_end_is_delivered() {
    assert_eq!(ndjson("1\n2"), [data_only("1"), data_only("2")]);
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(ndjson("\u{feff}1\n2\n"), [data_only("1"), data_only("2")]);
    assert_eq!(ndjson("\u{feff}\n1"), [data_only("1")]);
}

#[test]
fn any_bytes_pass_through() {
    assert_eq!(
        ndjson(b"\"\0\xff\xf0\x9f\"\n"),
        [data_only(b"\"\0\xff\xf0\x9f\"")]
    );
}

#[test]
fn a_line_beyond_the_limit_is_too_large_however_it_is_split() {
    let body = b"12345\n123456\n1\n";
    for size in 1..=body.len() {
        let outcome = run(Framer::with_limit(Framing::Ndjson, 5), body.chunks(size));
        let error = FramingError::FrameTooLarge { limit: 5 };
        assert_eq!(
            outcome,
            (vec![data_only("12345")], Some(error)),
            "chunks of {size}"
        );
    }
}

#[test]
fn what_is_written_is_one_line() {
    let mut body = Vec::new();
    write_ndjson(&mut body, b"{\n  \"a\": 1\r\n}");
    write_ndjson(&mut body, b"2");
    assert_eq!(body, b"{   \"a\": 1  }\n2\n");
    assert_eq!(
        ndjson(&body),
        [data_only("{   \"a\": 1  }"), data_only("2")]
    );
}
