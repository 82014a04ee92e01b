//! The contract of a wire format.

use crate::client_tools::ClientTools;
use crate::extra::Extra;
use crate::profile::Profile;
use bytes::Bytes;
use parlor_core::{
    ChatRequest, ChatResponse, Error, Event, MediaLimits, ModelInfo, Origin, Result, Warning, Words,
};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::fmt::Debug;

/// A wire format as a client speaks it; [`ServerDialect`] is its other direction.
///
/// An implementation is a small value that holds its host's quirks. It does no
/// I/O: the transport brings bytes and takes bytes.
pub trait Dialect: Debug + Send + Sync + 'static {
    /// Reads a streamed answer.
    type Decoder: Decoder;
    /// The dialect's name, such as `openai-chat`: the second half of an
    /// [`Origin`].
    ///
    /// # Behavior
    /// - Never changes, since it is stored with conversations.
    fn name(&self) -> &'static str;

    /// How a stream's bytes are cut into frames.
    ///
    /// # Behavior
    /// - The same for every request.
    fn framing(&self) -> Framing;

    /// What the dialect has words for in media sent to this model, and whether
    /// its host fetches addresses.
    ///
    /// # Behavior
    /// - What isn't known is left open.
    /// - What the provider says of itself, in
    ///   [`ModelInfo::media`](parlor_core::ModelInfo::media), counts more; the two
    ///   are joined by whoever builds a model.
    fn media(&self, model: &str) -> MediaLimits;

    /// Writes a request.
    ///
    /// # Behavior
    /// - A setting that the model can't honour is an error or a warning, by
    ///   [`Policy`](crate::Policy); nothing is dropped in silence.
    /// - Native items are written only for their own origin.
    /// - The request's `extra` for the provider is merged into the body last:
    ///   see [`Target::extra`].
    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest>;

    /// Passes a client's own body on, in this dialect too: see
    /// [`Verbatim`](parlor_core::Verbatim). `None` unless overridden.
    ///
    /// # Behavior
    /// - The request says what the words say; only what the gateway owns, the
    ///   model above all, is set in them.
    /// - What is configured for the model and the host holds: where that takes
    ///   other words than the client's, it is `None` and the request is written.
    fn pass_request(&self, words: &Words, target: &Target<'_>) -> Option<WireRequest> {
        let _ = (words, target);
        None
    }

    /// Reads a whole answer, whatever its status was, if it is one.
    ///
    /// # Behavior
    /// - Missing, null and unknown fields are no error; what core doesn't model
    ///   is kept as native.
    /// - A body that reports an error is that error.
    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse>;

    /// Reads a whole answer out of a body that nobody else needs, if it is mostly
    /// one long text: that is made of the body's memory, not copied from it.
    /// `None` unless overridden.
    ///
    /// # Behavior
    /// - Gives what [`read_response`](Self::read_response) gives, or `None`, and
    ///   then the body is as it was and is to be read by that.
    fn take_response(&self, body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
        let _ = (body, target);
        None
    }

    /// A decoder for one streamed answer.
    ///
    /// # Behavior
    /// - Collecting what it yields equals [`read_response`](Self::read_response)
    ///   of the same answer.
    fn decoder(&self, target: &Target<'_>) -> Self::Decoder;

    /// Reads a failure.
    ///
    /// # Behavior
    /// - Never fails itself: a body in no known form still makes an error with
    ///   status and excerpt.
    /// - The kind follows from the status first, then from the body.
    fn read_error(&self, error: &WireError<'_>) -> Error;
}

/// The other direction of a [`Dialect`]: the format as a server speaks it, for
/// gateways and for servers of tests.
///
/// The dialects of this crate speak it with the feature `server`.
pub trait ServerDialect: Dialect {
    /// Writes a streamed answer.
    type Encoder: Encoder;

    /// Reads a request that a client sent to this path.
    ///
    /// # Behavior
    /// - Fields that core doesn't model are kept in the request's `extra` under
    ///   `origin`'s provider.
    /// - `from_wire(to_wire(x)) == x` for what the dialect can say.
    fn read_request(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming>;

    /// Writes a whole answer.
    ///
    /// # Behavior
    /// - The first choice alone, where the dialect knows no others.
    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>>;

    /// Writes a whole answer for a client with tools in forms of its own: those
    /// of its request's [`Incoming`]. [`write_response`](Self::write_response)
    /// unless overridden.
    ///
    /// # Behavior
    /// - Calls are in the form in which the client offered their tools.
    fn write_response_for(&self, response: &ChatResponse, tools: &ClientTools) -> Result<Vec<u8>> {
        let _ = tools;
        self.write_response(response)
    }

    /// An encoder for one streamed answer.
    ///
    /// # Behavior
    /// - Decoding what it writes gives the events' answer back.
    fn encoder(&self) -> Self::Encoder;

    /// An encoder for the answer to a client with tools in forms of its own;
    /// [`encoder`](Self::encoder) unless overridden.
    ///
    /// # Behavior
    /// - As [`write_response_for`](Self::write_response_for).
    fn encoder_for(&self, tools: &ClientTools) -> Self::Encoder {
        let _ = tools;
        self.encoder()
    }

    /// Writes a failure: its HTTP status and body, in the dialect's shape.
    ///
    /// # Behavior
    /// - Never fails.
    fn write_error(&self, error: &Error) -> (u16, Vec<u8>);
}

/// Reads the frames of one streamed answer.
pub trait Decoder: Debug + Send {
    /// Reads the next frame and appends the events it amounts to.
    ///
    /// # Behavior
    /// - Events appended before an error stand; nothing comes after an error or
    ///   after [`Event::Completed`].
    /// - A frame that can't be read is an error before the protocol's end was
    ///   seen, and passed over after it.
    /// - No allocation for a usual text delta.
    /// - Nothing a server sends makes it panic or take memory beyond what was
    ///   received.
    fn decode(&mut self, frame: Frame<'_>, events: &mut VecDeque<Event>) -> Result<()>;

    /// Whether all that makes an answer has come, and only the protocol's last
    /// words are still to come, such as usage or an end marker.
    ///
    /// # Behavior
    /// - Where it is so, [`finish`](Self::finish) completes the answer.
    /// - Cheap: it is asked for every piece of the body.
    fn is_over(&self) -> bool;

    /// Takes note that nothing more comes: the body ended, broke off or went
    /// silent.
    ///
    /// # Behavior
    /// - Appends what completes the answer if the protocol's end was seen, else
    ///   fails with [`ErrorKind::Truncated`](parlor_core::ErrorKind::Truncated).
    fn finish(&mut self, events: &mut VecDeque<Event>) -> Result<()>;
}

/// Writes the frames of one streamed answer.
pub trait Encoder: Debug + Send {
    /// Writes the frames that an event amounts to, if any.
    ///
    /// # Behavior
    /// - Takes any order that the grammar of events allows, parts interleaved
    ///   too, and writes what the dialect's clients can read.
    fn encode(&mut self, event: &Event, out: &mut dyn FrameWriter) -> Result<()>;

    /// Takes note that no more events are at hand. Nothing, unless overridden.
    ///
    /// # Behavior
    /// - What was held back only to go out with what comes next is written.
    fn idle(&mut self, out: &mut dyn FrameWriter) {
        let _ = out;
    }

    /// Writes a failure in the middle of the stream.
    ///
    /// # Behavior
    /// - Nothing may be written after it.
    fn fail(&mut self, error: &Error, out: &mut dyn FrameWriter);
}

/// Takes the frames that an [`Encoder`] writes.
pub trait FrameWriter {
    /// Takes one frame: an event name where the framing has them, and the data.
    ///
    /// # Behavior
    /// - The data is copied or sent before it returns.
    fn frame(&mut self, event: Option<&str>, data: &[u8]);

    /// Takes one frame that reports a failure of this type.
    ///
    /// # Behavior
    /// - In an event stream it is a message whose `:message-type` is `exception`;
    ///   in the other framings, and unless overridden, a frame of that name.
    fn exception(&mut self, kind: &str, data: &[u8]) {
        self.frame(Some(kind), data);
    }
}

impl FrameWriter for Vec<(Option<String>, Vec<u8>)> {
    fn frame(&mut self, event: Option<&str>, data: &[u8]) {
        self.push((event.map(str::to_owned), data.to_vec()));
    }
}

/// How the body of a streamed answer is cut into frames.
///
/// The list is closed on purpose: a transport that doesn't know a framing can't
/// read the answer, so it must not compile before it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// Server-sent events, as the WHATWG HTML standard says, read leniently.
    Sse,
    /// One JSON value per line.
    Ndjson,
    /// Binary messages of `application/vnd.amazon.eventstream`. A dialect reads
    /// and writes their payloads; lengths, headers and checksums are the
    /// affair of whoever has the bytes.
    EventStream,
}

impl Framing {
    /// Writes one frame as text.
    ///
    /// The messages of an event stream are binary, with checksums that this crate doesn't make:
    /// their data alone is written.
    pub fn put(self, event: Option<&str>, data: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Sse => {
                if let Some(event) = event {
                    out.extend_from_slice(b"event: ");
                    out.extend_from_slice(event.as_bytes());
                    out.push(b'\n');
                }
                for line in data.split(|byte| *byte == b'\n') {
                    out.extend_from_slice(b"data: ");
                    out.extend_from_slice(line);
                    out.push(b'\n');
                }
                out.push(b'\n');
            }
            Self::Ndjson => {
                out.extend_from_slice(data);
                out.push(b'\n');
            }
            Self::EventStream => out.extend_from_slice(data),
        }
    }
}

/// One frame of a streamed body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// The name of a server-sent event, or the type of an event-stream message.
    pub event: Option<&'a str>,
    /// The type of the failure that an event-stream message reports: the
    /// `:exception-type` of an exception, the `:error-code` of an error; empty
    /// where it names none. `None` for everything that is no failure.
    pub exception: Option<&'a str>,
    /// The `:error-message` of an event-stream error, which has no payload. An
    /// exception has its message in the payload.
    pub message: Option<&'a str>,
    /// The payload.
    pub data: &'a [u8],
}

impl<'a> Frame<'a> {
    /// A frame without a name.
    pub fn data(data: &'a [u8]) -> Self {
        Self {
            data,
            ..Self::default()
        }
    }

    /// The same frame with another payload, for a dialect that hands it on in
    /// the words of another.
    #[must_use]
    pub fn with_data<'b>(self, data: &'b [u8]) -> Frame<'b>
    where
        'a: 'b,
    {
        Frame { data, ..self }
    }
}

/// Whom a request is written for and whose answer is read.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Target<'a> {
    /// The model that is asked.
    pub info: &'a ModelInfo,
    /// What its family is like.
    pub profile: &'a Profile,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// Fields for the body of every request to this model, beneath the
    /// request's own `extra`.
    pub extra: Option<&'a Map<String, Value>>,
    /// The name of the dialect that is spoken, for what the request's `extra`
    /// has for whoever speaks it; empty for none.
    pub dialect: &'a str,
}

impl<'a> Target<'a> {
    /// A call to a model, not streamed.
    pub fn new(info: &'a ModelInfo, profile: &'a Profile) -> Self {
        Self {
            info,
            profile,
            stream: false,
            extra: None,
            dialect: "",
        }
    }

    /// The same for who speaks the dialect of this name.
    #[must_use]
    pub fn speaking(mut self, dialect: &'a str) -> Self {
        self.dialect = dialect;
        self
    }

    /// The same with fields for the body of every request.
    #[must_use]
    pub fn with_extra(mut self, extra: &'a Map<String, Value>) -> Self {
        self.extra = Some(extra);
        self
    }

    /// The same with a streamed answer.
    #[must_use]
    pub fn streaming(mut self) -> Self {
        self.stream = true;
        self
    }

    /// What is merged into the body of a request.
    pub fn extra<'r>(&self, request: &'r ChatRequest) -> Extra<'r>
    where
        'a: 'r,
    {
        Extra::new(request, self)
    }

    /// The origin that native items carry when they come from this model by a
    /// dialect of this name.
    pub fn origin(&self, dialect: &str) -> Origin {
        Origin::new(self.info.native_provider(), dialect)
    }
}

/// A request as it goes over the wire.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct WireRequest {
    /// Appended to the base URL; begins with `/` and may have a query.
    pub path: String,
    /// Headers that the dialect wants, beside authentication.
    pub headers: Vec<(String, String)>,
    /// What comes before `body`: of a long body that a client wrote, in pieces of its own memory.
    pub before: Vec<Bytes>,
    /// The JSON body, or the end of it.
    pub body: Vec<u8>,
    /// What was changed or left out.
    pub warnings: Vec<Warning>,
}

impl WireRequest {
    /// A request to a path with a body.
    pub fn new(path: impl Into<String>, body: Vec<u8>) -> Self {
        Self {
            path: path.into(),
            body,
            ..Self::default()
        }
    }
}

/// A request as a server read it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Incoming {
    /// The request.
    pub request: ChatRequest,
    /// The model that the client asked for.
    pub model: String,
    /// Whether it wants a stream.
    pub stream: bool,
    /// Whether the stream should tell its usage: not where the dialect's
    /// clients must ask for it and this one didn't.
    pub stream_usage: bool,
    /// The tools that the client has in forms of its own.
    pub tools: ClientTools,
}

impl Incoming {
    /// A request for a model.
    pub fn new(request: ChatRequest, model: impl Into<String>, stream: bool) -> Self {
        Self {
            request,
            model: model.into(),
            stream,
            stream_usage: true,
            tools: ClientTools::default(),
        }
    }
}

/// A failure as it came over the wire: a status that isn't 2xx, or an error in
/// the body of one that is.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct WireError<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Headers of the response; names in lower case.
    pub headers: &'a [(String, String)],
    /// The body, or as much of it as was read.
    pub body: &'a [u8],
}

impl<'a> WireError<'a> {
    /// A failure of this status with this body.
    pub fn new(status: u16, headers: &'a [(String, String)], body: &'a [u8]) -> Self {
        Self {
            status,
            headers,
            body,
        }
    }

    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }
}
