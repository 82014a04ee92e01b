//! Server-sent events.
//!
//! Read as section 9.2 of the WHATWG HTML standard says, but for these things:
//!
//! - An event that ends with the body instead of a blank line is delivered.
//! - Data that is blank or begins with `:` is a keep-alive and isn't delivered.
//! - Lines that can't be fields are delivered as stray frames, not dropped.
//! - A field `error: {…}`, which some servers send in place of `data`, is delivered as an event
//!   named `error`.
//! - `id` and `retry` serve reconnection, which no model API offers, and are ignored.

use std::ops::Range;

use bytes::BufMut;
use memchr::memchr2;

use super::window::Window;
use super::{Found, FramingError, split_line, strip_line_end};

/// What is known of the event, or the run of stray lines, that the window holds.
///
/// The window has its raw lines; the ranges say where in them the fields' values lie.
#[derive(Default)]
pub(super) struct Parser {
    /// The value of the last `event` line.
    event: Option<Range<usize>>,
    /// The value of the first `data` line.
    data: Option<Range<usize>>,
    /// There are more `data` lines behind the first.
    several: bool,
    /// From the first stray line to the last. An event and stray lines never share a window.
    stray: Option<Range<usize>>,
    /// How long a line is that belongs to what comes after the frame handed out last, and begins
    /// the window.
    next_line: Option<usize>,
    /// The first line, which may have a byte order mark, has been seen.
    begun: bool,
}

/// What a line is. Ranges are counted from its start.
enum Line {
    Blank,
    /// A comment, or a field that means nothing here.
    Ignored,
    Data(Range<usize>),
    Event(Range<usize>),
    /// Name and value in one field: an event of its own.
    Error {
        name: Range<usize>,
        value: Range<usize>,
    },
    /// A field with an unknown name, unless it stands among stray lines.
    Unknown,
    Stray,
}

impl Parser {
    pub(super) fn advance(
        &mut self,
        window: &mut Window,
        ended: bool,
    ) -> Result<Option<Found>, FramingError> {
        if self.next_line.is_none()
            && !self.pending()
            && let Some(found) = usual(window)
        {
            self.begun = true;
            window.take_lines(found.used);
            return Ok(Some(found));
        }
        loop {
            let line = match self.next_line.take() {
                Some(length) => 0..length,
                None => match window.line(ended)? {
                    Some(line) => self.skip_bom(window, line),
                    None if ended => return Ok(self.dispatch(window, window.len())),
                    None => return Ok(None),
                },
            };
            let kind = classify(window.bytes().get(line.clone()).unwrap_or_default());
            let boundary = match kind {
                Line::Blank => Some(window.len()),
                Line::Unknown => None,
                Line::Error { .. } => self.pending().then_some(line.start),
                Line::Stray => (self.pending() && self.stray.is_none()).then_some(line.start),
                _ => self.stray.is_some().then_some(line.start),
            };
            if let Some(end) = boundary {
                if !matches!(kind, Line::Blank) {
                    self.next_line = Some(line.len());
                }
                match self.dispatch(window, end) {
                    Some(found) => return Ok(Some(found)),
                    None => continue,
                }
            }
            let at = |value: Range<usize>| line.start + value.start..line.start + value.end;
            match kind {
                Line::Data(_) if self.data.is_some() => self.several = true,
                Line::Data(value) => self.data = Some(at(value)),
                Line::Event(value) => self.event = Some(at(value)),
                Line::Error { name, value } => {
                    self.event = Some(at(name));
                    self.data = Some(at(value));
                }
                Line::Stray => self.add_stray(line),
                Line::Unknown if self.stray.is_some() => self.add_stray(line),
                Line::Blank | Line::Ignored | Line::Unknown => {
                    // Outside an event nothing is kept, so keep-alives can go on forever.
                    if !self.pending() {
                        window.consume(window.len());
                    }
                }
            }
        }
    }

    /// Whether the window holds the start of a frame.
    fn pending(&self) -> bool {
        self.event.is_some() || self.data.is_some() || self.stray.is_some()
    }

    fn add_stray(&mut self, line: Range<usize>) {
        let start = self.stray.as_ref().map_or(line.start, |stray| stray.start);
        self.stray = Some(start..line.end);
    }

    fn skip_bom(&mut self, window: &Window, mut line: Range<usize>) -> Range<usize> {
        if !std::mem::replace(&mut self.begun, true)
            && window
                .bytes()
                .get(line.clone())
                .unwrap_or_default()
                .starts_with(b"\xef\xbb\xbf")
        {
            line.start += 3;
        }
        line
    }

    /// Ends what lies in the first `end` bytes of the window: a frame, or nothing worth one.
    fn dispatch(&mut self, window: &mut Window, end: usize) -> Option<Found> {
        let mut event = self.event.take();
        let several = std::mem::take(&mut self.several);
        let stray = self.stray.take();
        let found = match (self.data.take(), stray) {
            (Some(first), _) => {
                let data = match several {
                    true => join(window.make_mut(), first, &mut event, end),
                    false => first,
                };
                Some(Found {
                    event,
                    data,
                    used: end,
                    ..Found::default()
                })
            }
            (None, Some(data)) => Some(Found {
                data,
                stray: true,
                used: end,
                ..Found::default()
            }),
            (None, None) => None,
        };
        let found = found.filter(|found| {
            let data = window
                .bytes()
                .get(found.data.clone())
                .unwrap_or_default()
                .trim_ascii_start();
            !data.is_empty() && !data.starts_with(b":")
        });
        if found.is_none() {
            window.consume(end);
        }
        found
    }
}

/// An event that lies whole in the chunk and is an object on one line, with or without a name
/// before it: what nearly every one is. It is read as line by line.
fn usual(window: &Window) -> Option<Found> {
    let lines = window.untouched();
    let (event, named) = match lines.strip_prefix(b"event: ") {
        Some(named) => {
            let (name, rest) = split_line(named)?;
            let start = lines.len() - named.len();
            (Some(start..start + name.len()), rest)
        }
        None => (None, lines),
    };
    let value = named.strip_prefix(b"data: ")?;
    if value.first() != Some(&b'{') {
        return None;
    }
    let (data, rest) = split_line(value)?;
    let rest = strip_line_end(rest)?;
    let start = lines.len() - value.len();
    let end = start + data.len();
    let found = Found {
        event,
        data: start..end,
        used: lines.len() - rest.len(),
        ..Found::default()
    };
    (end <= window.limit()).then_some(found)
}

fn classify(line: &[u8]) -> Line {
    let value = |name: &[u8]| {
        let start = match line.strip_prefix(name)? {
            [] => name.len(),
            [b':', b' ', ..] => name.len() + 2,
            [b':', ..] => name.len() + 1,
            _ => return None,
        };
        Some(start..line.len())
    };
    match line.first() {
        None => Line::Blank,
        Some(b':') => Line::Ignored,
        Some(b'{' | b'}' | b'[' | b']' | b'"' | b'<') => Line::Stray,
        Some(first) if first.is_ascii_whitespace() => match line.trim_ascii().is_empty() {
            true => Line::Unknown,
            false => Line::Stray,
        },
        Some(_) => {
            if let Some(value) = value(b"data") {
                Line::Data(value)
            } else if let Some(value) = value(b"event") {
                Line::Event(value)
            } else if let Some(value) = value(b"error") {
                let name = 0..b"error".len();
                Line::Error { name, value }
            } else if value(b"id").or_else(|| value(b"retry")).is_some() {
                Line::Ignored
            } else {
                Line::Unknown
            }
        }
    }
}

/// Moves the values of all `data` lines in `bytes[..end]` together, joined with LF, and returns
/// where they lie. `first` is the value of the first of them.
fn join(
    bytes: &mut [u8],
    first: Range<usize>,
    event: &mut Option<Range<usize>>,
    end: usize,
) -> Range<usize> {
    // Proof for the slices: `first` and `event` are values of lines before `end`, which is a place
    // in the window. `write` stays behind `read`, since for each LF put in a line end and a field
    // name are left out.
    let mut start = first.start;
    let mut write = first.end;
    if let Some(name) = event
        && name.start > start
    {
        // The name stands where data will be moved to, so bring it before the data. Its line stays
        // as an `event` line without a value.
        let length = name.len();
        bytes[start..name.end].rotate_right(length);
        *name = start..start + length;
        start += length;
        write += length;
    }
    let mut read = write;
    while read < end {
        let rest = &bytes[read..end];
        let line = &rest[..memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())];
        let next = read + line.len() + 1;
        if let Line::Data(value) = classify(line) {
            bytes[write] = b'\n';
            bytes.copy_within(read + value.start..read + value.end, write + 1);
            write += 1 + value.len();
        }
        read = next;
    }
    start..write
}

/// Writes one event with its blank line. Each line of `data` becomes a `data` line; a name is cut
/// at a line break, which can't be sent.
pub fn write_sse(out: &mut impl BufMut, event: Option<&str>, data: &[u8]) {
    if let Some(event) = event {
        out.put_slice(b"event: ");
        let end = memchr2(b'\n', b'\r', event.as_bytes()).unwrap_or(event.len());
        out.put_slice(event.as_bytes().get(..end).unwrap_or_default());
        out.put_u8(b'\n');
    }
    let mut rest = data;
    loop {
        let end = memchr2(b'\n', b'\r', rest);
        let (line, tail) = rest.split_at(end.unwrap_or(rest.len()));
        out.put_slice(b"data: ");
        out.put_slice(line);
        out.put_u8(b'\n');
        rest = match tail {
            [] => break,
            [b'\r', b'\n', tail @ ..] | [_, tail @ ..] => tail,
        };
    }
    out.put_u8(b'\n');
}
