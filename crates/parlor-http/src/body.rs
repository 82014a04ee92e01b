//! The body of an answer that comes whole, and that of a request that goes in pieces.

use crate::endpoint::Endpoint;
use crate::failure;
use crate::model::after;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use parlor_core::{Error, Result, TimeoutKind};
use reqwest::Response;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::time::{Instant, timeout_at};

/// The most bytes of an answer in one piece.
pub(crate) const BODY_LIMIT: usize = 32 << 20;

/// How much of the length that a head tells is made room for at once.
const BELIEVED: usize = 4 << 20;

/// The body of an answer: as it came, if that was in one piece, or joined.
#[derive(Debug)]
pub(crate) enum Body {
    Piece(Bytes),
    Joined(Vec<u8>),
}

impl Deref for Body {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Self::Piece(piece) => piece,
            Self::Joined(bytes) => bytes,
        }
    }
}

impl From<Body> for Bytes {
    fn from(body: Body) -> Self {
        match body {
            Body::Piece(piece) => piece,
            Body::Joined(bytes) => bytes.into(),
        }
    }
}

/// Reads the body of an exchange that began then to its end, within the time
/// limits but for the total, and within [`BODY_LIMIT`].
pub(crate) async fn read_whole(
    mut response: Response,
    endpoint: &Endpoint,
    begun: Instant,
) -> Result<Body> {
    let limits = *endpoint.timeouts();
    let first = after(begun, limits.first_event);
    let told = response.content_length().and_then(|it| it.try_into().ok());
    let room = told.unwrap_or(0).min(BELIEVED);
    // One that comes in one piece needs no copy.
    let mut piece = Bytes::new();
    let mut body = Vec::new();
    loop {
        // Blank bytes before the answer keep the line open, no more.
        let is_blank = body.is_empty() && piece.trim_ascii_start().is_empty();
        let (deadline, kind) = match is_blank {
            true => (first, TimeoutKind::FirstEvent),
            false => (after(Instant::now(), limits.idle), TimeoutKind::Idle),
        };
        let chunk = match deadline {
            Some(deadline) => timeout_at(deadline, response.chunk())
                .await
                .map_err(|_| failure::of_timeout(kind, endpoint))?,
            None => response.chunk().await,
        };
        let Some(chunk) = chunk.map_err(failure::of_read)? else {
            return Ok(match body.is_empty() {
                true => Body::Piece(piece),
                false => Body::Joined(body),
            });
        };
        if is_blank {
            within_limit(chunk.len())?;
            piece = chunk;
            continue;
        }
        if body.is_empty() {
            body.reserve_exact(room.max(piece.len()));
            append(&mut body, &std::mem::take(&mut piece))?;
        }
        append(&mut body, &chunk)?;
    }
}

/// Appends to a body, up to [`BODY_LIMIT`].
pub(crate) fn append(body: &mut Vec<u8>, chunk: &[u8]) -> Result<()> {
    within_limit(body.len() + chunk.len())?;
    body.extend_from_slice(chunk);
    Ok(())
}

fn within_limit(length: usize) -> Result<()> {
    match length > BODY_LIMIT {
        true => {
            let limit = BODY_LIMIT >> 20;
            Err(Error::decode(format!(
                "the answer is larger than {limit} MiB"
            )))
        }
        false => Ok(()),
    }
}

/// The body of a request in pieces, whose length is known.
pub(crate) struct Pieces(pub(crate) VecDeque<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let length: usize = self.0.iter().map(Bytes::len).sum();
        SizeHint::with_exact(u64::try_from(length).unwrap_or(u64::MAX))
    }
}
