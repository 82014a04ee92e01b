//! One TCP connection: requests read, scripts played.

use std::future::Future;
use std::io;
use std::mem;
use std::time::Duration;

use futures_util::stream::{BoxStream, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time;

use super::{Pace, SeenRequest};

/// The most that the head of a request may have.
const HEAD_LIMIT: usize = 64 << 10;

/// How long a client may leave its socket unread while there is something to write.
const UNREAD: Duration = Duration::from_secs(30);

/// What a server does on a connection, step by step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
    pub(crate) end: End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// Writes the bytes at once.
    Write(Vec<u8>),
    /// Lets one unit pass.
    Pause,
    /// Writes nothing until the client hangs up.
    Hold,
    /// Writes the bytes once a unit until the client hangs up.
    Pulse(Vec<u8>),
    /// Writes the bytes over and over until the client hangs up.
    Flood(Vec<u8>),
}

/// What follows the last step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    KeepAlive,
    Close,
    /// Closes with RST in place of FIN.
    Reset,
}

/// What a server answers a request with.
pub(crate) enum Plan {
    /// Known from the start.
    Script(Script),
    /// Made while it is sent. It is polled only when there is room for more, and dropped when the
    /// client hangs up. At its end the connection may serve more.
    Live(BoxStream<'static, Step>),
}

impl From<Script> for Plan {
    fn from(script: Script) -> Self {
        Self::Script(script)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Played {
    Finished,
    /// A hold or a flood met its bound: the connection is in no state to go on.
    Exhausted,
    /// The client hung up.
    Dropped,
}

#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Bytes read and not yet part of a request.
    ahead: Vec<u8>,
    number: usize,
    served: usize,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream, number: usize) -> Self {
        // Without it, small pieces wait for one another; a failure costs only time.
        let _ = stream.set_nodelay(true);
        Self {
            stream,
            ahead: Vec::new(),
            number,
            served: 0,
        }
    }

    /// The next request; `None` at the connection's end or where it isn't HTTP.
    pub(crate) async fn request(&mut self) -> io::Result<Option<SeenRequest>> {
        let Some(head) = self.until(b"\r\n\r\n").await? else {
            return Ok(None);
        };
        let Some(mut request) = SeenRequest::parse(&String::from_utf8_lossy(&head)) else {
            return Ok(None);
        };
        let chunked = request
            .header("transfer-encoding")
            .is_some_and(|it| it.contains("chunked"));
        let length = request
            .header("content-length")
            .and_then(|it| it.parse().ok());
        request.body = if chunked {
            let Some(body) = self.chunks().await? else {
                return Ok(None);
            };
            body
        } else {
            let Some(body) = self.exactly(length.unwrap_or(0)).await? else {
                return Ok(None);
            };
            body
        };
        request.connection = self.number;
        request.earlier = self.served;
        self.served += 1;
        Ok(Some(request))
    }

    /// Answers a request as planned; what follows is said beside what happened.
    pub(crate) async fn play(&mut self, plan: Plan, pace: Pace) -> (Played, End) {
        let mut steps = match plan {
            Plan::Script(script) => {
                let mut played = Played::Finished;
                for step in &script.steps {
                    played = self.step(step, pace).await;
                    if played != Played::Finished {
                        break;
                    }
                }
                return (played, script.end);
            }
            Plan::Live(steps) => steps,
        };
        loop {
            let played = match self.unless_gone(steps.next()).await {
                None => Played::Dropped,
                Some(None) => return (Played::Finished, End::KeepAlive),
                Some(Some(step)) => self.step(&step, pace).await,
            };
            if played != Played::Finished {
                return (played, End::Close);
            }
        }
    }

    async fn step(&mut self, step: &Step, pace: Pace) -> Played {
        match step {
            Step::Write(bytes) => self.write(bytes).await,
            Step::Pause => match self.unless_gone(time::sleep(pace.unit)).await {
                Some(()) => Played::Finished,
                None => Played::Dropped,
            },
            Step::Hold => match self.unless_gone(time::sleep(pace.patience)).await {
                Some(()) => Played::Exhausted,
                None => Played::Dropped,
            },
            Step::Pulse(bytes) => self.pulse(bytes, pace).await,
            Step::Flood(bytes) => self.flood(bytes, pace).await,
        }
    }

    /// Closes with RST.
    pub(crate) fn reset(self) {
        // Where the option fails, the close is a FIN: another fault, but still the end.
        let _ = self.stream.set_zero_linger();
    }

    async fn write(&mut self, mut bytes: &[u8]) -> Played {
        while !bytes.is_empty() {
            match time::timeout(UNREAD, self.stream.write_buf(&mut bytes)).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) => return Played::Dropped,
                Err(_) => return Played::Exhausted,
            }
        }
        Played::Finished
    }

    async fn pulse(&mut self, bytes: &[u8], pace: Pace) -> Played {
        let end = time::Instant::now() + pace.patience;
        while time::Instant::now() < end {
            if self.unless_gone(time::sleep(pace.unit)).await.is_none() {
                return Played::Dropped;
            }
            match self.write(bytes).await {
                Played::Finished => {}
                other => return other,
            }
        }
        Played::Exhausted
    }

    async fn flood(&mut self, bytes: &[u8], pace: Pace) -> Played {
        for _ in 0..=pace.flood / bytes.len().max(1) {
            match self.write(bytes).await {
                Played::Finished => {}
                other => return other,
            }
        }
        Played::Exhausted
    }

    /// Awaits `other`; `None` when the client hangs up first.
    async fn unless_gone<T>(&mut self, other: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.gone() => None,
            done = other => Some(done),
        }
    }

    /// Resolves when the client hangs up. What it sends meanwhile is kept.
    async fn gone(&mut self) {
        while let Ok(true) = self.fill().await {}
    }

    /// Reads more; `false` at the end.
    async fn fill(&mut self) -> io::Result<bool> {
        Ok(self.stream.read_buf(&mut self.ahead).await? > 0)
    }

    async fn exactly(&mut self, length: usize) -> io::Result<Option<Vec<u8>>> {
        while self.ahead.len() < length {
            if !self.fill().await? {
                return Ok(None);
            }
        }
        let rest = self.ahead.split_off(length);
        Ok(Some(mem::replace(&mut self.ahead, rest)))
    }

    /// What stands before `mark`, which is taken too.
    async fn until(&mut self, mark: &[u8]) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = self.ahead.windows(mark.len()).position(|it| it == mark) {
                let found = self.exactly(at).await?;
                self.ahead.drain(..mark.len());
                return Ok(found);
            }
            if self.ahead.len() > HEAD_LIMIT || !self.fill().await? {
                return Ok(None);
            }
        }
    }

    async fn chunks(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut body = Vec::new();
        loop {
            let Some(line) = self.until(b"\r\n").await? else {
                return Ok(None);
            };
            let line = String::from_utf8_lossy(&line);
            let size = line.split(';').next().unwrap_or_default().trim();
            let Ok(size) = usize::from_str_radix(size, 16) else {
                return Ok(None);
            };
            let Some(chunk) = self.exactly(size).await? else {
                return Ok(None);
            };
            body.extend(chunk);
            if self.until(b"\r\n").await?.is_none() {
                return Ok(None);
            }
            if size == 0 {
                return Ok(Some(body));
            }
        }
    }
}
