//! How long a client may take: to read what it is sent, and to send what it began.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::Bytes;
use http_body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

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

/// A connection whose client has to take what it is sent.
pub(crate) struct Connection {
    stream: TcpStream,
    patience: Patience,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, limit: Option<Duration>) -> Self {
        let patience = Patience::new(limit);
        Self { stream, patience }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
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
