//! The bodies of requests: within their bounds, and out of what they were compressed with.

use std::error::Error as StdError;
use std::io::{self, Read as _};

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use parlor::{Error, ErrorKind, Member, Result};

/// How much of the length that a head tells is made room for at once.
const BELIEVED: usize = 1 << 20;

/// A body, and what was seen of it.
pub(crate) struct Seen {
    pub(crate) bytes: Bytes,
    /// Where its members stand, if it is an object; none where nobody looked.
    pub(crate) members: Vec<Member>,
}

impl From<Bytes> for Seen {
    fn from(bytes: Bytes) -> Self {
        let members = Vec::new();
        Self { bytes, members }
    }
}

/// The whole body of a request with this head, of so many bytes at most: as they come, and out of
/// their compression too.
///
/// # Errors
/// 413 for one that is larger, 408 for one that takes too long, 415 for a compression that isn't
/// understood, 400 for one that is broken.
pub(crate) async fn whole(head: &HeaderMap, body: Body, most: usize) -> Result<Seen> {
    let coding = Coding::of(head)?;
    let bytes = joined(body, most).await?;
    match coding {
        Coding::None => Ok(bytes.into()),
        Coding::Gzip => inflated(MultiGzDecoder::new(&*bytes), most),
        Coding::Deflate => inflated(ZlibDecoder::new(&*bytes), most),
    }
}

async fn joined(mut body: Body, most: usize) -> Result<Bytes> {
    let told = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    // Said before anything of it is read.
    if told > most {
        return Err(too_large(most));
    }
    // One that comes in one piece needs no copy. Each other piece is let go at once, so that the
    // connection reads the next one into the same memory.
    let mut piece = Bytes::new();
    let mut joined = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if data.len() > most - joined.len().max(piece.len()) {
            return Err(too_large(most));
        }
        if joined.is_empty() {
            if piece.is_empty() {
                piece = data;
                continue;
            }
            joined.reserve_exact(told.min(BELIEVED).max(piece.len() + data.len()));
            joined.extend_from_slice(&std::mem::take(&mut piece));
        }
        joined.extend_from_slice(&data);
    }
    Ok(match joined.is_empty() {
        true => piece,
        false => joined.into(),
    })
}

/// What a body is compressed with.
enum Coding {
    None,
    Gzip,
    Deflate,
}

impl Coding {
    fn of(head: &HeaderMap) -> Result<Self> {
        let mut all = head.get_all(header::CONTENT_ENCODING).iter();
        let (Some(said), more) = (all.next(), all.next()) else {
            return Ok(Self::None);
        };
        let said = said.to_str().unwrap_or_default().trim();
        match said.to_ascii_lowercase().as_str() {
            _ if more.is_some() => {}
            "" | "identity" => return Ok(Self::None),
            "gzip" | "x-gzip" => return Ok(Self::Gzip),
            "deflate" => return Ok(Self::Deflate),
            _ => {}
        }
        let error = refused(
            "the body is compressed in a way that isn't understood",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        );
        Err(error.with_help("Send it as it is, or by gzip or deflate alone."))
    }
}

fn inflated(from: impl io::Read, most: usize) -> Result<Seen> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = from.take(limit).read_to_end(&mut bytes);
    let broken = |_| {
        refused(
            "the body isn't what its content-encoding says",
            StatusCode::BAD_REQUEST,
        )
    };
    match read.map_err(broken)? {
        size if size > most => Err(too_large(most)),
        _ => Ok(Bytes::from(bytes).into()),
    }
}

/// Why a body can't be read.
fn broken(error: &axum::Error) -> Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(it) = cause {
        let io = it.downcast_ref::<io::Error>();
        if io.is_some_and(|it| it.kind() == io::ErrorKind::TimedOut) {
            return refused("the body comes too slowly", StatusCode::REQUEST_TIMEOUT);
        }
        cause = it.source();
    }
    refused("the body broke off", StatusCode::BAD_REQUEST)
}

fn too_large(most: usize) -> Error {
    let most = match most {
        it if it >= 1 << 20 => format!("{} MiB", it >> 20),
        it => format!("{it} bytes"),
    };
    let message = format!("the body is larger than {most}");
    let error = Error::new(ErrorKind::InvalidRequest, message).with_status(413);
    error.with_help("Send less at once, or have `max_body` raised.")
}

fn refused(message: &'static str, status: StatusCode) -> Error {
    Error::new(ErrorKind::InvalidRequest, message).with_status(status.as_u16())
}
