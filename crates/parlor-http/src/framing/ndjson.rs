//! Newline-delimited JSON: one value per line.

use bytes::BufMut;

use super::window::Window;
use super::{Found, FramingError, split_line};

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Finds the next line that isn't blank. A byte order mark before a line is left out: it can stand
/// only at the start of the body, for no JSON value begins with one.
pub(super) fn advance(window: &mut Window, ended: bool) -> Result<Option<Found>, FramingError> {
    if let Some(found) = usual(window) {
        window.take_lines(found.used);
        return Ok(Some(found));
    }
    while let Some(mut line) = window.line(ended)? {
        let bytes = window.bytes().get(line.clone()).unwrap_or_default();
        if bytes.starts_with(BOM) {
            line.start += BOM.len();
        }
        let bytes = bytes.strip_prefix(BOM).unwrap_or(bytes);
        if bytes.trim_ascii().is_empty() {
            window.consume(window.len());
            continue;
        }
        return Ok(Some(Found {
            data: line,
            used: window.len(),
            ..Found::default()
        }));
    }
    Ok(None)
}

/// A line that lies whole in the chunk: what nearly every one is.
fn usual(window: &Window) -> Option<Found> {
    let lines = window.untouched();
    if lines.first() != Some(&b'{') {
        return None;
    }
    let (line, rest) = split_line(lines)?;
    let found = Found {
        data: 0..line.len(),
        used: lines.len() - rest.len(),
        ..Found::default()
    };
    (line.len() <= window.limit()).then_some(found)
}

/// Writes one line. Line breaks in `json` can stand only between its tokens and become spaces.
pub fn write_ndjson(out: &mut impl BufMut, json: &[u8]) {
    let mut rest = json;
    while let Some(at) = memchr::memchr2(b'\n', b'\r', rest) {
        let (line, tail) = rest.split_at(at);
        out.put_slice(line);
        out.put_u8(b' ');
        rest = tail.get(1..).unwrap_or_default();
    }
    out.put_slice(rest);
    out.put_u8(b'\n');
}
