//! An HTTP response as data, with what may go wrong in sending it.

use super::{End, Script, SeenRequest, Step};

/// How much longer a cut body claims to be than it is.
const MISSING: usize = 64;

/// A response: what it says, and how it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body. Each piece is a chunk of its own where the framing has chunks.
    pub(crate) pieces: Vec<Vec<u8>>,
    pub(crate) opening: Opening,
    pub(crate) framing: Framing,
    /// Whether a pause stands before each piece.
    pub(crate) paced: bool,
    pub(crate) ending: Ending,
}

/// What comes before or in place of the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    Plain,
    /// Interim responses come first.
    Interim(&'static [u16]),
    /// Nothing at all comes.
    Hold,
    Reset,
    /// A reset if the connection served a request before, else as plain.
    ResetIfReused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunked,
    /// Chunked, each chunk with an extension.
    Extended,
}

/// What comes after the last piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The body's proper end; the connection may serve more.
    Whole,
    /// The same with trailers.
    Trailers,
    /// These bytes, then FIN: within a chunk, or before the promised length.
    Cut(Vec<u8>),
    Reset,
    Hold,
    /// The bytes once a unit, without end.
    Pulse(Vec<u8>),
    /// The bytes over and over, without end.
    Flood(Vec<u8>),
}

impl Reply {
    pub(crate) fn new(status: u16, content_type: &str, pieces: Vec<Vec<u8>>) -> Self {
        Self {
            status,
            headers: vec![("content-type".into(), content_type.into())],
            pieces,
            opening: Opening::Plain,
            framing: Framing::Length,
            paced: false,
            ending: Ending::Whole,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn opening(self, opening: Opening) -> Self {
        Self { opening, ..self }
    }

    pub(crate) fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    /// The body anew, each chunk of at most `size` bytes.
    pub(crate) fn recut(mut self, size: usize) -> Self {
        let body = self.pieces.concat();
        self.pieces = body.chunks(size.max(1)).map(<[u8]>::to_vec).collect();
        Self {
            framing: Framing::Chunked,
            ..self
        }
    }

    /// What to do on the connection.
    pub(crate) fn script(&self, request: &SeenRequest) -> Script {
        let only = |steps, end| Script { steps, end };
        match self.opening {
            Opening::Hold => return only(vec![Step::Hold], End::Close),
            Opening::Reset => return only(vec![], End::Reset),
            Opening::ResetIfReused if request.reused() => return only(vec![], End::Reset),
            Opening::ResetIfReused | Opening::Plain | Opening::Interim(_) => {}
        }
        let mut steps = Steps::default();
        steps.write(&self.head());
        for piece in &self.pieces {
            if self.paced {
                steps.0.push(Step::Pause);
            }
            steps.write(&self.chunk(piece));
        }
        let chunked = self.framing != Framing::Length;
        let mut end = End::Close;
        match &self.ending {
            Ending::Whole | Ending::Trailers => {
                end = End::KeepAlive;
                let trailers = match self.ending {
                    Ending::Trailers => "x-checksum: 0\r\nx-late: yes\r\n",
                    _ => "",
                };
                if chunked {
                    steps.write(format!("0\r\n{trailers}\r\n").as_bytes());
                }
            }
            Ending::Cut(bytes) => {
                if chunked {
                    steps.write(format!("{:x}\r\n", bytes.len() + MISSING).as_bytes());
                }
                steps.write(bytes);
            }
            Ending::Reset => end = End::Reset,
            Ending::Hold => steps.0.push(Step::Hold),
            Ending::Pulse(bytes) => steps.0.push(Step::Pulse(self.chunk(bytes))),
            Ending::Flood(bytes) => steps.0.push(Step::Flood(self.chunk(bytes))),
        }
        Script {
            steps: steps.0,
            end,
        }
    }

    fn head(&self) -> Vec<u8> {
        let mut head = String::new();
        if let Opening::Interim(statuses) = self.opening {
            for status in statuses {
                head += &format!("HTTP/1.1 {status} Interim\r\nlink: </x>; rel=preload\r\n\r\n");
            }
        }
        head += &format!("HTTP/1.1 {} Status\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &match self.framing {
            Framing::Length => {
                let missing = match &self.ending {
                    Ending::Whole | Ending::Trailers => 0,
                    Ending::Pulse(_) | Ending::Flood(_) => usize::MAX >> 12,
                    Ending::Cut(bytes) => bytes.len() + MISSING,
                    Ending::Reset | Ending::Hold => MISSING,
                };
                let length = self.pieces.iter().map(Vec::len).sum::<usize>() + missing;
                format!("content-length: {length}\r\n\r\n")
            }
            Framing::Chunked | Framing::Extended if self.ending == Ending::Trailers => {
                "trailer: x-checksum, x-late\r\ntransfer-encoding: chunked\r\n\r\n".into()
            }
            Framing::Chunked | Framing::Extended => "transfer-encoding: chunked\r\n\r\n".into(),
        };
        head.into_bytes()
    }

    /// A piece as it goes over the wire. An empty one would end a chunked body, so it is nothing.
    fn chunk(&self, piece: &[u8]) -> Vec<u8> {
        let extension = match self.framing {
            _ if piece.is_empty() => return Vec::new(),
            Framing::Length => return piece.to_vec(),
            Framing::Chunked => "",
            Framing::Extended => ";part=1;note=\"a; b\"",
        };
        extended_chunk(piece, extension)
    }
}

/// A chunk of a chunked body; nothing for no bytes, since an empty chunk would end the body.
pub(crate) fn chunk(piece: &[u8]) -> Vec<u8> {
    match piece.is_empty() {
        true => Vec::new(),
        false => extended_chunk(piece, ""),
    }
}

fn extended_chunk(piece: &[u8], extension: &str) -> Vec<u8> {
    let size = format!("{:x}{extension}\r\n", piece.len());
    [size.as_bytes(), piece, b"\r\n"].concat()
}

/// Steps in which neighbouring writes are one.
#[derive(Default)]
struct Steps(Vec<Step>);

impl Steps {
    fn write(&mut self, bytes: &[u8]) {
        match self.0.last_mut() {
            Some(Step::Write(before)) => before.extend(bytes),
            _ if bytes.is_empty() => {}
            _ => self.0.push(Step::Write(bytes.to_vec())),
        }
    }
}
