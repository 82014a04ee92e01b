//! Binary messages of `application/vnd.amazon.eventstream`, each with headers and two checksums.
//!
//! A message is, in big-endian order: total length (u32), length of the headers (u32), CRC-32 of
//! these eight bytes, the headers, the payload, CRC-32 of everything before it.
//! Source: the Smithy specification, "Amazon Event Stream Specification".

use std::fmt;

use bytes::BufMut;

use super::crc::Crc;
use super::window::Window;
use super::{Found, FramingError};

/// Two lengths and their checksum.
const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;
/// The type of a header whose value is a string of up to 65,535 bytes.
const STRING: u8 = 7;

/// Finds the next message. Lengths are trusted only once their checksum was found right.
pub(super) fn advance(window: &mut Window, ended: bool) -> Result<Option<Found>, FramingError> {
    let incomplete = |window: &Window| match ended && window.len() > 0 {
        true => Err(FramingError::Truncated),
        false => Ok(None),
    };
    if !window.fill(PRELUDE) {
        return incomplete(window);
    }
    let bytes = window.bytes();
    check(bytes, PRELUDE - CHECKSUM)?;
    let total = read_u32(bytes, 0).ok_or(FramingError::Malformed)?;
    let headers = read_u32(bytes, 4).ok_or(FramingError::Malformed)?;
    if total > window.limit() {
        let limit = window.limit();
        return Err(FramingError::FrameTooLarge { limit });
    }
    // Proof for the ranges below: PRELUDE + headers <= end of the payload = total - CHECKSUM.
    let payload = total
        .checked_sub(PRELUDE + CHECKSUM)
        .and_then(|rest| rest.checked_sub(headers))
        .ok_or(FramingError::Malformed)?;
    if !window.fill(total) {
        return incomplete(window);
    }
    check(window.bytes(), total - CHECKSUM)?;
    let found = Found {
        headers: PRELUDE..PRELUDE + headers,
        data: PRELUDE + headers..PRELUDE + headers + payload,
        used: total,
        ..Found::default()
    };
    let mut rest = window
        .bytes()
        .get(found.headers.clone())
        .unwrap_or_default();
    while !rest.is_empty() {
        (_, rest) = split_header(rest).ok_or(FramingError::Malformed)?;
    }
    Ok(Some(found))
}

/// Compares the checksum at `end` with that of the bytes before it.
fn check(bytes: &[u8], end: usize) -> Result<(), FramingError> {
    let body = bytes.get(..end).ok_or(FramingError::Malformed)?;
    match bytes.get(end..).and_then(<[u8]>::first_chunk) {
        Some(stored) if Crc::new().with(body).value() == u32::from_be_bytes(*stored) => Ok(()),
        _ => Err(FramingError::Checksum),
    }
}

fn read_u32(bytes: &[u8], at: usize) -> Option<usize> {
    let number = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*number)).ok()
}

struct Header<'a> {
    name: &'a [u8],
    kind: u8,
    value: &'a [u8],
}

/// Splits off the first header; `None` if it is cut or of an unknown type.
fn split_header(raw: &[u8]) -> Option<(Header<'_>, &[u8])> {
    let (&length, rest) = raw.split_first()?;
    let (name, rest) = rest.split_at_checked(length.into())?;
    let (&kind, rest) = rest.split_first()?;
    let (length, rest) = match kind {
        0 | 1 => (0, rest), // true, false
        2 => (1, rest),     // i8
        3 => (2, rest),     // i16
        4 => (4, rest),     // i32
        5 | 8 => (8, rest), // i64, timestamp
        9 => (16, rest),    // uuid
        6 | STRING => {
            let (length, rest) = rest.split_first_chunk()?;
            (u16::from_be_bytes(*length).into(), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((Header { name, kind, value }, rest))
}

/// The headers of a message.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Headers<'a> {
    raw: &'a [u8],
}

impl<'a> Headers<'a> {
    pub(super) fn new(raw: &'a [u8]) -> Self {
        Self { raw }
    }

    /// The first header of that name, if its value is a string. Protocol headers begin with `:`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.iter()
            .find(|header| header.name == name.as_bytes() && header.kind == STRING)
            .and_then(|header| std::str::from_utf8(header.value).ok())
    }

    /// `:message-type`: `event`, `exception` or `error`.
    #[must_use]
    pub fn message_type(&self) -> Option<&'a str> {
        self.get(":message-type")
    }

    /// `:event-type`, the name of an event.
    #[must_use]
    pub fn event_type(&self) -> Option<&'a str> {
        self.get(":event-type")
    }

    /// `:exception-type`, the name of a modelled failure.
    #[must_use]
    pub fn exception_type(&self) -> Option<&'a str> {
        self.get(":exception-type")
    }

    /// `:content-type`, the media type of the payload.
    #[must_use]
    pub fn content_type(&self) -> Option<&'a str> {
        self.get(":content-type")
    }

    pub(super) fn exception(&self) -> Option<Exception<'a>> {
        let code = match self.message_type() {
            Some("exception") => self.exception_type(),
            Some("error") => self.get(":error-code"),
            _ => return None,
        };
        let message = self.get(":error-message");
        Some(Exception { code, message })
    }

    fn iter(self) -> impl Iterator<Item = Header<'a>> {
        let mut rest = self.raw;
        std::iter::from_fn(move || {
            let (header, tail) = split_header(rest)?;
            rest = tail;
            Some(header)
        })
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        f.debug_map()
            .entries(
                self.iter()
                    .map(|header| (text(header.name), text(header.value))),
            )
            .finish()
    }
}

/// A failure that arrived as a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exception<'a> {
    /// The `:exception-type` of an exception, such as `throttlingException`, or the `:error-code`
    /// of an error.
    pub code: Option<&'a str>,
    /// The `:error-message` of an error. An exception has its message in the frame's data.
    pub message: Option<&'a str>,
}

/// Writes one message with headers of string type.
///
/// # Errors
/// [`FramingError::Malformed`], with nothing written, if a header's name is longer than 255 bytes,
/// its value longer than 65,535 or the message longer than 4 GiB.
pub fn write_message(
    out: &mut impl BufMut,
    headers: &[(&str, &str)],
    payload: &[u8],
) -> Result<(), FramingError> {
    let mut encoded = Vec::new();
    for (name, value) in headers {
        encoded.put_u8(u8::try_from(name.len()).map_err(|_| FramingError::Malformed)?);
        encoded.put_slice(name.as_bytes());
        encoded.put_u8(STRING);
        encoded.put_u16(u16::try_from(value.len()).map_err(|_| FramingError::Malformed)?);
        encoded.put_slice(value.as_bytes());
    }
    let length = |bytes: usize| u32::try_from(bytes).map_err(|_| FramingError::Malformed);
    let total = length(PRELUDE + encoded.len() + payload.len() + CHECKSUM)?;

    let mut prelude = Vec::with_capacity(PRELUDE);
    prelude.put_u32(total);
    prelude.put_u32(length(encoded.len())?);
    prelude.put_u32(Crc::new().with(&prelude).value());

    let mut checksum = Crc::new();
    for piece in [prelude.as_slice(), &encoded, payload] {
        checksum = checksum.with(piece);
        out.put_slice(piece);
    }
    out.put_u32(checksum.value());
    Ok(())
}
