//! One connection to a server, and requests over it, one after the other.

use std::io;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A kept connection.
pub(crate) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of the buffer was taken.
    taken: usize,
    body: Body,
}

/// What is left of the body that is read.
enum Body {
    Bytes(usize),
    /// A chunk of so many bytes more, its line end after it.
    Chunk(usize),
    /// A line with the next chunk's size.
    Size,
    /// It ends with the connection.
    Open,
    Done,
}

/// What came of a request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// From the request's first byte to the answer's first token, or to the first byte of a body that
    /// isn't streamed or wasn't read yet.
    pub(crate) first: Duration,
    /// Lines of events.
    pub(crate) events: usize,
}

/// The first token of every streamed answer, as it stands in JSON. What comes before it tells nobody
/// anything, and a gateway may wait for it, so that a failure still has a status.
const TOKEN: &[u8] = br#""The""#;

/// Lines that begin as the data of events do.
#[derive(Default)]
struct Events {
    count: usize,
    last: u8,
    /// How much of the first token was seen.
    seen: usize,
    token: Option<Instant>,
}

impl Events {
    fn see(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let begins = self.last == b'\n' || self.last == 0;
            self.count += usize::from(begins && *byte == b'd');
            self.last = *byte;
            if self.token.is_none() {
                self.seen = match *byte == TOKEN[self.seen] {
                    true => self.seen + 1,
                    false => usize::from(*byte == TOKEN[0]),
                };
                self.token = (self.seen == TOKEN.len()).then(Instant::now);
            }
        }
    }
}

impl Connection {
    pub(crate) async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
            taken: 0,
            body: Body::Done,
        })
    }

    /// Asks, and reads the whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<Answer> {
        let began = Instant::now();
        let mut answer = self.begin(request).await?;
        let mut events = Events::default();
        loop {
            let is_over = self.pass(&mut events)?;
            if is_over {
                break;
            }
            if self.read().await? == 0 {
                match self.body {
                    Body::Open => break,
                    _ => return Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
        }
        answer.events = events.count;
        answer.first = events.token.map_or(answer.first, |it| it - began);
        Ok(answer)
    }

    /// Asks, and reads until the body begins.
    pub(crate) async fn begin(&mut self, request: &[u8]) -> io::Result<Answer> {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        let began = Instant::now();
        self.stream.write_all(request).await?;
        let ends = loop {
            let found = self.buffer.windows(4).position(|it| it == b"\r\n\r\n");
            if let Some(at) = found {
                break at + 4;
            }
            if self.read().await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..ends]).to_ascii_lowercase();
        let header = |name: &str| {
            let found = head.lines().find_map(|line| line.strip_prefix(name));
            found.map(|it| it.trim().to_owned())
        };
        let status = head.get(9..12).and_then(|it| it.parse().ok()).unwrap_or(0);
        self.body = match header("content-length:").and_then(|it| it.parse().ok()) {
            Some(0) => Body::Done,
            Some(length) => Body::Bytes(length),
            None if header("transfer-encoding:").is_some() => Body::Size,
            None => Body::Open,
        };
        self.taken = ends;
        while self.taken == self.buffer.len() && !matches!(self.body, Body::Done) {
            if self.read().await? == 0 {
                break;
            }
        }
        Ok(Answer {
            status,
            first: began.elapsed(),
            events: 0,
        })
    }

    /// Asks, and reads a short answer as text.
    pub(crate) async fn text(&mut self, request: &[u8]) -> io::Result<String> {
        self.begin(request).await?;
        let Body::Bytes(length) = self.body else {
            return Err(io::Error::other("the answer has no length"));
        };
        let (start, end) = (self.taken, self.taken + length);
        while self.buffer.len() < end {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.taken = end;
        self.body = Body::Done;
        Ok(String::from_utf8_lossy(&self.buffer[start..end]).into_owned())
    }

    /// Reads on for as long as there is anything; what comes is dropped.
    pub(crate) async fn drain(&mut self) -> io::Result<()> {
        let mut events = Events::default();
        while !self.pass(&mut events)? {
            if self.read().await? == 0 {
                break;
            }
        }
        Ok(())
    }

    async fn read(&mut self) -> io::Result<usize> {
        if self.taken == self.buffer.len() {
            self.buffer.clear();
            self.taken = 0;
        }
        self.stream.read_buf(&mut self.buffer).await
    }

    /// Takes what is in the buffer; whether the body is over.
    fn pass(&mut self, events: &mut Events) -> io::Result<bool> {
        loop {
            let rest = &self.buffer[self.taken..];
            match &mut self.body {
                Body::Done => return Ok(true),
                Body::Open => {
                    events.see(rest);
                    self.taken = self.buffer.len();
                    return Ok(false);
                }
                Body::Bytes(left) => {
                    let some = rest.len().min(*left);
                    events.see(&rest[..some]);
                    self.taken += some;
                    *left -= some;
                    if *left > 0 {
                        return Ok(false);
                    }
                    self.body = Body::Done;
                }
                Body::Chunk(left) => {
                    let some = rest.len().min(*left);
                    // The last two are its line end.
                    events.see(&rest[..some.min(left.saturating_sub(2))]);
                    self.taken += some;
                    *left -= some;
                    if *left > 0 {
                        return Ok(false);
                    }
                    self.body = Body::Size;
                }
                Body::Size => {
                    let Some(at) = rest.windows(2).position(|it| it == b"\r\n") else {
                        return Ok(false);
                    };
                    let line = String::from_utf8_lossy(&rest[..at]);
                    let size = line.split(';').next().unwrap_or_default().trim();
                    let wrong = |_| io::Error::other(format!("no size of a chunk: {line}"));
                    let size = usize::from_str_radix(size, 16).map_err(wrong)?;
                    if size == 0 {
                        // The empty line after it may be under way.
                        if rest.len() < at + 4 {
                            return Ok(false);
                        }
                        self.taken += at + 4;
                        self.body = Body::Done;
                    } else {
                        self.taken += at + 2;
                        self.body = Body::Chunk(size + 2);
                    }
                }
            }
        }
    }
}
