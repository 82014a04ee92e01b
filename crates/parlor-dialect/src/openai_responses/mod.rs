//! OpenAI Responses, and the hosts that speak it too.
//!
//! Facts follow the public API reference, the official SDKs and recorded
//! traffic. Three things shape it. An answer is a list of items: messages,
//! thoughts, calls, and what tools of the provider's did. A conversation is
//! held by the caller unless the request says otherwise, by
//! `previous_response_id` or `conversation` in its `extra`; then thoughts go
//! back encrypted. And there is no reason for an end, only a status: that calls
//! are to be run, or that the model refused, follows from the items.
//!
//! An item is one part or several. What core has no place for is native to the
//! part: an item's id, status and phase, or the whole item. Parts of one item
//! stay together: a later one says that it goes on with the one before it.
//! Tools that the provider runs are calls with the provider as executor, whose
//! native item holds the result too; tools of the dialect's that the client
//! runs (a computer, a shell, patches, a search of tools) are calls of the
//! client's, and their results are written in the form that each wants.
//!
//! Tools in groups, tools that take a text, and tools that an item of the input
//! brings are functions elsewhere, and calls of them come back in the form in
//! which the client offered them.
//!
//! What has no place in this dialect and is no setting goes without a warning:
//! what an answer rests on ([`Source`](parlor_core::Source), citations of other
//! providers) when it is sent back, and thoughts that their receiver didn't
//! write. That a tool failed is for its result's words to say.

mod error;
mod forms;
mod options;
mod quirks;
mod request;
mod response;
mod stream;
mod wire;

pub use options::{ResponsesOptions, built_in};
pub use quirks::*;
pub use stream::{ResponsesDecoder, ResponsesEncoder};

use crate::client_tools::ClientTools;
use crate::dialect::{Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest};
use parlor_core::{
    ChatRequest, ChatResponse, Error, KindLimits, MediaLimits, Origin, Result, Words,
};
use std::sync::Arc;

/// The dialect's name.
const NAME: &str = "openai-responses";

/// OpenAI Responses as one host speaks it.
///
/// What the hosts differ in is data: see [`Quirks`]. What the model families
/// differ in is the [`Profile`](crate::Profile).
#[derive(Debug, Clone, Default)]
pub struct OpenAiResponses {
    quirks: Arc<Quirks>,
    /// Whether the host wants a client's body in other words.
    rewrites: bool,
}

impl OpenAiResponses {
    /// The dialect with a host's quirks.
    pub fn new(quirks: Quirks) -> Self {
        Self {
            rewrites: !quirks.are_usual(),
            quirks: Arc::new(quirks),
        }
    }

    /// The host's quirks.
    pub fn quirks(&self) -> &Quirks {
        &self.quirks
    }
}

impl Dialect for OpenAiResponses {
    type Decoder = ResponsesDecoder;

    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self) -> Framing {
        Framing::Sse
    }
    fn media(&self, _: &str) -> MediaLimits {
        let fetches = KindLimits::UNKNOWN.fetched(true);
        let mut limits = MediaLimits::UNKNOWN.image(fetches).document(fetches);
        limits.audio.fetched = self.quirks.audio.then_some(false);
        limits.video.fetched = self.quirks.video.then_some(true);
        limits
    }

    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        request::to_wire(request, target, &self.quirks)
    }

    fn pass_request(&self, words: &Words, target: &Target<'_>) -> Option<WireRequest> {
        match self.rewrites {
            true => None,
            false => request::pass(words, target, &self.quirks),
        }
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        response::read(body, self.quirks.clone(), target)
    }

    fn decoder(&self, target: &Target<'_>) -> ResponsesDecoder {
        ResponsesDecoder::new(self.quirks.clone(), target)
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        error::read(error, &self.quirks)
    }
}

#[cfg(feature = "server")]
impl ServerDialect for OpenAiResponses {
    type Encoder = ResponsesEncoder;

    fn read_request(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        request::from_wire(path, body, origin)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        response::write(response, &ClientTools::default())
    }

    fn write_response_for(&self, response: &ChatResponse, tools: &ClientTools) -> Result<Vec<u8>> {
        response::write(response, tools)
    }

    fn encoder(&self) -> ResponsesEncoder {
        ResponsesEncoder::default()
    }

    fn encoder_for(&self, tools: &ClientTools) -> ResponsesEncoder {
        ResponsesEncoder::new(tools.clone())
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        let (status, body) = error::write(error);
        (status, body.to_string().into_bytes())
    }
}
