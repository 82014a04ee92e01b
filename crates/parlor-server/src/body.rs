//! The bodies of requests: within their bounds, and out of what they were compressed with.

use std::error::Error as StdError;
use std::io::{self, Read as _};
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode, header};
use bytes::Bytes;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use parlor::{Error, ErrorKind, Member, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::ServerConfig;

/// How much of the length that a head tells is made room for at once.
const BELIEVED: usize = 1 << 20;

/// What is taken at once of the bytes that may be held: a small body is one of it.
const UNIT: usize = 4 * 1024;

/// How much comes out of a compression at once.
const STEP: usize = 64 * 1024;

/// How large bodies may be: each of them, and all together that are held at once.
#[derive(Debug, Clone)]
pub(crate) struct Bounds {
    each: usize,
    all: Arc<Semaphore>,
}

/// What a body takes of the bytes that may be held, for as long as this is kept.
#[derive(Debug, Default)]
pub(crate) struct Held(Option<OwnedSemaphorePermit>);

/// A body, and what was seen of it.
pub(crate) struct Seen {
    pub(crate) bytes: Bytes,
    /// Where its members stand, if it is an object; none where nobody looked.
    pub(crate) members: Vec<Member>,
    /// Its part of what may be held.
    pub(crate) held: Held,
}

impl From<Bytes> for Seen {
    fn from(bytes: Bytes) -> Self {
        let members = Vec::new();
        let held = Held::default();
        Self {
            bytes,
            members,
            held,
        }
    }
}

impl Bounds {
    pub(crate) fn new(config: &ServerConfig) -> Self {
        Self {
            each: config.max_body,
            all: Arc::new(Semaphore::new(config.max_buffered / UNIT)),
        }
    }

    /// The same for bodies that are no larger than this either.
    pub(crate) fn short(&self, most: usize) -> Self {
        let mut bounds = self.clone();
        bounds.each = bounds.each.min(most);
        bounds
    }

    /// The whole body of a request with this head: as it comes, and out of its compression, each
    /// within the bounds.
    ///
    /// # Errors
    /// 413 for one that is too large, 503 where too much is held already, 408 for one that takes
    /// too long, 415 for a compression that isn't understood, 400 for one that is broken.
    pub(crate) async fn whole(&self, head: &HeaderMap, body: Body) -> Result<Seen> {
        let coding = Coding::of(head)?;
        let mut held = Held::default();
        let bytes = self.joined(body, &mut held).await?;
        let bytes = match coding {
            Coding::None => bytes,
            Coding::Gzip => self.inflated(MultiGzDecoder::new(&*bytes), &mut held)?,
            Coding::Deflate => self.inflated(ZlibDecoder::new(&*bytes), &mut held)?,
        };
        held.shrink(bytes.len());
        let mut seen = Seen::from(bytes);
        seen.held = held;
        Ok(seen)
    }

    async fn joined(&self, mut body: Body, held: &mut Held) -> Result<Bytes> {
        let most = self.each;
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
            let size = joined.len().max(piece.len()) + data.len();
            held.grow(size, &self.all)?;
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

    /// What comes out of a compression, beside what is held already.
    fn inflated(&self, mut from: impl io::Read, held: &mut Held) -> Result<Bytes> {
        let before = held.bytes();
        let mut bytes = Vec::new();
        loop {
            let read = from.by_ref().take(STEP as u64).read_to_end(&mut bytes);
            let read = read.map_err(|_| {
                refused(
                    "the body isn't what its content-encoding says",
                    StatusCode::BAD_REQUEST,
                )
            })?;
            if bytes.len() > self.each {
                return Err(too_large(self.each));
            }
            held.grow(before + bytes.len(), &self.all)?;
            if read < STEP {
                return Ok(bytes.into());
            }
        }
    }
}

impl Held {
    fn units(&self) -> usize {
        let permit = self.0.as_ref();
        permit.map_or(0, OwnedSemaphorePermit::num_permits)
    }

    fn bytes(&self) -> usize {
        self.units() * UNIT
    }

    /// Takes what so many bytes come to, as far as that isn't taken. Nobody waits for it: those
    /// who hold a part of what they need would wait for each other.
    fn grow(&mut self, bytes: usize, all: &Arc<Semaphore>) -> Result<()> {
        let lacking = bytes.div_ceil(UNIT).saturating_sub(self.units());
        if lacking == 0 {
            return Ok(());
        }
        let taken = u32::try_from(lacking).ok();
        let taken = taken.and_then(|it| Arc::clone(all).try_acquire_many_owned(it).ok());
        let taken = taken.ok_or_else(|| {
            let message = "the requests on their way are as large together as this service bears";
            let error = Error::new(ErrorKind::Overloaded, message).with_status(503);
            error.with_help("Come again, or have `max_buffered` raised.")
        })?;
        match &mut self.0 {
            Some(held) => held.merge(taken),
            None => self.0 = Some(taken),
        }
        Ok(())
    }

    /// Gives back what is beyond so many bytes.
    fn shrink(&mut self, bytes: usize) {
        let beyond = self.units().saturating_sub(bytes.div_ceil(UNIT));
        if beyond > 0
            && let Some(held) = &mut self.0
        {
            drop(held.split(beyond));
        }
    }
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
