//! Cuts the body of a streaming response into frames, without I/O and without decoding UTF-8.
//!
//! A [`Framer`] is fed chunks as they arrive and hands out [`Frame`]s, whatever the size of the
//! chunks and wherever they are split:
//!
//! ```
//! use bytes::Bytes;
//! use parlor_http::framing::{Framer, Framing};
//!
//! let mut framer = Framer::new(Framing::Sse);
//! framer.push(Bytes::from_static(b"data: {\"a\":1}\r\n\r"));
//! while let Some(frame) = framer.next_frame()? {
//!     assert_eq!(frame.data, b"{\"a\":1}");
//! }
//! framer.push(Bytes::from_static(b"\ndata: [DONE]"));
//! assert!(framer.next_frame()?.is_none());
//! while let Some(frame) = framer.finish()? {
//!     assert_eq!(frame.data, b"[DONE]");
//! }
//! # Ok::<(), parlor_http::framing::FramingError>(())
//! ```
//!
//! A frame that lies whole in one chunk is borrowed from that chunk: nothing is copied and nothing
//! is allocated. A frame that spans chunks is gathered in one buffer that never outgrows the limit.
//! Keep-alives (comments, blank lines, blank `data:`) are swallowed: they are bytes that arrived,
//! never frames. Each byte is scanned once.

mod crc;
mod event_stream;
mod ndjson;
mod sse;
#[cfg(test)]
mod tests;
mod window;

pub use event_stream::{Exception, Headers, write_message};
pub use ndjson::write_ndjson;
pub use sse::write_sse;

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use memchr::memchr2;

pub use parlor_dialect::Framing;
use window::Window;

/// The largest frame accepted unless told otherwise: 16 MiB, counted in bytes on the wire from the
/// frame's first byte to the end of its last line.
///
/// It leaves room for an image of several megabytes as base64 in one event.
pub const DEFAULT_MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// One frame, borrowed from the [`Framer`] until it is asked for the next.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The event's name: the `event` field of a server-sent event, or the `:event-type` of a
    /// message. `None` where none was sent or where it isn't UTF-8.
    pub event: Option<&'a str>,
    /// The payload as it came, which may hold any bytes. The `data` lines of a server-sent event
    /// are joined with LF. Empty only for messages of an event stream.
    pub data: &'a [u8],
    /// True for lines in a body of server-sent events that can't be fields: a JSON object or an
    /// HTML page that arrived bare, most often an error. `data` then has these lines verbatim.
    pub stray: bool,
    /// The headers of a message of an event stream; empty in the other framings.
    pub headers: Headers<'a>,
}

impl<'a> Frame<'a> {
    /// The failure that this frame reports, for an event-stream message whose `:message-type` is
    /// `exception` or `error`. `data` may then have a JSON object with a `message`.
    #[must_use]
    pub fn exception(&self) -> Option<Exception<'a>> {
        self.headers.exception()
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("event", &self.event)
            .field("data", &format_args!("\"{}\"", self.data.escape_ascii()))
            .field("stray", &self.stray)
            .field("headers", &self.headers)
            .finish()
    }
}

/// Why a body can't be cut into frames any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FramingError {
    /// A line, event or message is longer than the limit.
    FrameTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body ended inside a message.
    Truncated,
    /// A checksum doesn't match: the bytes were damaged, or aren't an event stream.
    Checksum,
    /// A message contradicts its own lengths or has a header of an unknown type.
    Malformed,
}

impl fmt::Display for FramingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FrameTooLarge { limit } => {
                write!(f, "a frame of the response is larger than {limit} bytes")
            }
            Self::Truncated => f.write_str("the response ended inside a frame"),
            Self::Checksum => f.write_str("a frame of the response fails its checksum"),
            Self::Malformed => f.write_str("a frame of the response is malformed"),
        }
    }
}

impl std::error::Error for FramingError {}

/// Takes chunks of a body and hands out its frames.
///
/// Push a chunk, take frames until there are none, push the next one; at the end of the body take
/// what is left with [`finish`](Self::finish). It holds at most the limit plus the chunks that were
/// pushed and not yet taken apart. After an error the same error is returned for good.
pub struct Framer {
    window: Window,
    parser: Parser,
    failed: Option<FramingError>,
    /// How many bytes of the window the frame handed out last has used up.
    used: usize,
}

enum Parser {
    Sse(sse::Parser),
    Ndjson,
    EventStream,
}

/// Where a frame's parts lie in the window.
#[derive(Default)]
struct Found {
    event: Option<Range<usize>>,
    headers: Range<usize>,
    data: Range<usize>,
    stray: bool,
    /// Length of the window's start that belongs to this frame and those before it.
    used: usize,
}

impl Framer {
    /// A framer with the [default limit](DEFAULT_MAX_FRAME_BYTES). Allocates nothing.
    #[must_use]
    pub fn new(framing: Framing) -> Self {
        Self::with_limit(framing, DEFAULT_MAX_FRAME_BYTES)
    }

    /// A framer that fails with [`FramingError::FrameTooLarge`] as soon as a frame passes
    /// `max_frame_bytes` on the wire, field names and line ends included.
    #[must_use]
    pub fn with_limit(framing: Framing, max_frame_bytes: usize) -> Self {
        Self {
            window: Window::new(max_frame_bytes),
            parser: match framing {
                Framing::Sse => Parser::Sse(sse::Parser::default()),
                Framing::Ndjson => Parser::Ndjson,
                Framing::EventStream => Parser::EventStream,
            },
            failed: None,
            used: 0,
        }
    }

    /// Adds a chunk of the body. Chunks that are pushed before the frames of earlier ones were
    /// taken wait in line, so it is the caller who bounds their number.
    pub fn push(&mut self, chunk: Bytes) {
        if self.failed.is_none() {
            self.window.consume(std::mem::take(&mut self.used));
            self.window.push(chunk);
        }
    }

    /// The next whole frame, or `None` until more is pushed.
    ///
    /// # Errors
    /// The body breaks its framing or the limit. There is no way on from there.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, FramingError> {
        self.advance(false)
    }

    /// A frame that ended with the body; call it until it says `None`.
    ///
    /// A last event or line that lacks its end is delivered all the same, since some servers leave
    /// it out. If the decoder can't read it, the body was cut.
    ///
    /// # Errors
    /// As for [`next_frame`](Self::next_frame), and [`FramingError::Truncated`] if the body ended
    /// inside a message of an event stream.
    pub fn finish(&mut self) -> Result<Option<Frame<'_>>, FramingError> {
        self.advance(true)
    }

    /// How many bytes of the body are held and belong to no frame delivered so far.
    #[must_use]
    pub fn buffered(&self) -> usize {
        self.window.held().saturating_sub(self.used)
    }

    fn advance(&mut self, ended: bool) -> Result<Option<Frame<'_>>, FramingError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.window.consume(std::mem::take(&mut self.used));
        if self.window.release_spent() {
            return Ok(None);
        }
        let found = match &mut self.parser {
            Parser::Sse(parser) => parser.advance(&mut self.window, ended),
            Parser::Ndjson => ndjson::advance(&mut self.window, ended),
            Parser::EventStream => event_stream::advance(&mut self.window, ended),
        };
        match found {
            Ok(Some(found)) => {
                self.used = found.used;
                Ok(Some(found.frame(self.window.bytes())))
            }
            Ok(None) => Ok(None),
            Err(error) => {
                self.failed = Some(error);
                self.window.clear();
                Err(error)
            }
        }
    }
}

/// The content of the first of these lines and what follows its end, LF or CRLF, where the end is
/// in sight.
fn split_line(lines: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, rest) = lines.split_at_checked(memchr2(b'\n', b'\r', lines)?)?;
    Some((line, strip_line_end(rest)?))
}

fn strip_line_end(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'\n', rest @ ..] | [b'\r', b'\n', rest @ ..] => Some(rest),
        _ => None,
    }
}

impl Found {
    fn frame(self, bytes: &[u8]) -> Frame<'_> {
        let slice = |range| bytes.get(range).unwrap_or_default();
        let headers = Headers::new(slice(self.headers));
        let event = match self.event {
            Some(range) => std::str::from_utf8(slice(range))
                .ok()
                .filter(|name| !name.is_empty()),
            None => headers.event_type(),
        };
        Frame {
            event,
            data: slice(self.data),
            stray: self.stray,
            headers,
        }
    }
}

impl fmt::Debug for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let framing = match self.parser {
            Parser::Sse(_) => Framing::Sse,
            Parser::Ndjson => Framing::Ndjson,
            Parser::EventStream => Framing::EventStream,
        };
        f.debug_struct("Framer")
            .field("framing", &framing)
            .field("buffered", &self.buffered())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
