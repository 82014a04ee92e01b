//! The wire format: what goes over the line, and what it means.
//!
//! It begins as `openai_chat`, which it hands everything on to, so that the conformance suite
//! passes from the first day. Replace one method after the other by the provider's own
//! format: requests and whole answers first, then the stream, then errors. Each has a client's
//! side and a server's, which the tests ask, so what is written is read back.
//!
//! A difference in a field or two is a field of `Quirks` and no dialect. Where the words are the
//! same and stand in other places, the dialect that is here goes on reading and writing them:
//! change its JSON on the way out and in. `parlor_dialect::hunyuan` is one made so, with a
//! `Decoder` and an `Encoder` around the borrowed ones. One that is written from nothing becomes a
//! folder of `parlor-dialect`, where both directions have files of their own.

use parlor_core::{ChatRequest, ChatResponse, Error, MediaLimits, Origin, Result};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_dialect::{
    Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest,
};

/// Acme's wire format.
#[derive(Debug, Default)]
pub struct Acme(OpenAiChat);

impl Acme {
    /// The format over the dialect that it is made from.
    pub fn new(base: OpenAiChat) -> Self {
        Self(base)
    }
}

impl Dialect for Acme {
    type Decoder = <OpenAiChat as Dialect>::Decoder;

    /// Part of the origin of native items, so it takes a name of its own together with
    /// `write_request` and `read_response`.
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn framing(&self) -> Framing {
        self.0.framing()
    }

    /// What media the format has words for, and whether the host fetches addresses.
    fn media(&self, model: &str) -> MediaLimits {
        self.0.media(model)
    }

    /// The path, the headers and the body of a call. What the model can't honour goes through
    /// `parlor_dialect::Policy`, so that nothing is dropped in silence.
    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        self.0.write_request(request, target)
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        self.0.read_response(body, target)
    }

    /// Reads a stream frame by frame; `parlor_dialect::Assembler` makes well-formed events of
    /// whatever order a server sends things in.
    fn decoder(&self, target: &Target<'_>) -> Self::Decoder {
        self.0.decoder(target)
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        self.0.read_error(error)
    }
}

/// The server's side, for the tests.
impl ServerDialect for Acme {
    type Encoder = <OpenAiChat as ServerDialect>::Encoder;

    fn read_request(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        self.0.read_request(path, body, origin)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        self.0.write_response(response)
    }

    fn encoder(&self) -> Self::Encoder {
        self.0.encoder()
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        self.0.write_error(error)
    }
}
