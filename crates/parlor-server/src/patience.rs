//! How long a client may take: to read what it is sent, and to send what it began.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::config::ServerConfig;

/// A clock that runs while a client is waited for.
struct Patience {
    limit: Option<Duration>,
    /// Made when it is first waited, and used again.
    clock: Option<Pin<Box<Sleep>>>,
    runs: bool,
}

impl Patience {
    fn new(limit: Option<Duration>) -> Self {
        Self {
            limit,
            clock: None,
            runs: false,
        }
    }

    /// The same outcome, but that waiting ends when it took too long.
    fn with<T>(
        &mut self,
        outcome: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.runs = false;
            return outcome;
        }
        let Some(limit) = self.limit else {
            return outcome;
        };
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.runs {
            // A time beyond the clock's reach is no limit.
            if let Some(end) = Instant::now().checked_add(limit) {
                clock.as_mut().reset(end);
            }
            self.runs = true;
        }
        match clock.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => outcome,
        }
    }
}

/// How far a connection is: even while it waits for a request, odd while one is answered, and one
/// more each time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stage(Arc<AtomicUsize>);

impl Stage {
    /// A request's head is there.
    pub(crate) fn asked(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    /// The same answer, with whose end the next request is waited for.
    pub(crate) fn until_end(self, body: Body) -> Answered {
        Answered { body, stage: self }
    }

    fn now(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// The body of an answer, which its connection's stage knows of.
pub(crate) struct Answered {
    body: Body,
    stage: Stage,
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.stage.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl http_body::Body for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The clock of a request's head, from its first byte on; of the first one from the connection on.
struct Head {
    limit: Option<Duration>,
    stage: Stage,
    /// The stage that `began` is about.
    seen: usize,
    began: Option<Instant>,
    /// Made when a head first comes in pieces, and used again.
    clock: Option<Pin<Box<Sleep>>>,
    runs: bool,
}

impl Head {
    fn new(limit: Option<Duration>, stage: Stage) -> Self {
        Self {
            limit,
            seen: stage.now(),
            stage,
            began: Some(Instant::now()),
            clock: None,
            runs: false,
        }
    }

    /// The same outcome of a read, which may have brought something, but that waiting for the rest of
    /// a head ends when it took too long.
    fn with(
        &mut self,
        read: Poll<io::Result<()>>,
        has_come: bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(limit) = self.limit else {
            return read;
        };
        let stage = self.stage.now();
        if stage != self.seen {
            self.seen = stage;
            self.began = None;
            self.runs = false;
        }
        // What comes while a request is answered is its body, which has limits of its own.
        if stage % 2 == 1 {
            return read;
        }
        if has_come && self.began.is_none() {
            self.began = Some(Instant::now());
        }
        let (Some(began), Poll::Pending) = (self.began, &read) else {
            return read;
        };
        let clock = self.clock.get_or_insert_with(|| Box::pin(sleep(limit)));
        if !self.runs {
            // A time beyond the clock's reach is no limit.
            if let Some(end) = began.checked_add(limit) {
                clock.as_mut().reset(end);
            }
            self.runs = true;
        }
        match clock.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => read,
        }
    }
}

/// A connection whose client has to take what it is sent, and to send the head that it began.
pub(crate) struct Connection {
    stream: TcpStream,
    patience: Patience,
    head: Head,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, config: &ServerConfig, stage: Stage) -> Self {
        Self {
            stream,
            patience: Patience::new(config.client_timeout),
            head: Head::new(config.header_timeout, stage),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        this.head.with(read, buffer.filled().len() > before, cx)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.patience.with(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, pieces);
        this.patience.with(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.patience.with(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// How many bytes of a body have to come in a second, on the whole, beyond the time that a client
/// has to go on sending.
const LEAST_RATE: u64 = 1024;

/// A request's body whose client has to go on sending it: soon each time, and not too little.
pub(crate) struct Upload<B> {
    body: B,
    patience: Patience,
    began: Option<Instant>,
    received: u64,
}

impl<B> Upload<B> {
    pub(crate) fn new(body: B, limit: Option<Duration>) -> Self {
        Self {
            body,
            patience: Patience::new(limit),
            began: None,
            received: 0,
        }
    }

    /// Whether so little has come in so long that the client only keeps a place.
    fn is_too_slow(&self) -> bool {
        let (Some(limit), Some(began)) = (self.patience.limit, self.began) else {
            return false;
        };
        let allowed = limit.saturating_add(Duration::from_secs(self.received / LEAST_RATE));
        began.elapsed() > allowed
    }
}

impl<B> http_body::Body for Upload<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        this.began.get_or_insert_with(Instant::now);
        let frame = Pin::new(&mut this.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &frame {
            let length = frame.data_ref().map_or(0, Bytes::len);
            this.received += u64::try_from(length).unwrap_or_default();
            if this.is_too_slow() {
                let late: io::Error = io::ErrorKind::TimedOut.into();
                return Poll::Ready(Some(Err(axum::Error::new(late))));
            }
        }
        match this.patience.with(frame.map(Ok), cx) {
            Poll::Ready(Ok(frame)) => Poll::Ready(frame.map(|it| it.map_err(axum::Error::new))),
            Poll::Ready(Err(late)) => Poll::Ready(Some(Err(axum::Error::new(late)))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
