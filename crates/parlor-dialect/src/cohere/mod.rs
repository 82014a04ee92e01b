//! Cohere's chat, version 2: `/v2/chat`.
//!
//! Facts follow the public API reference and the official SDK. An answer is a
//! list of texts and thoughts, a plan of which tools to use, calls, and
//! citations that name spans of a text.
//!
//! The plan is neither answer nor thought: it is a part of its own,
//! [`Part::Native`](parlor_core::Part::Native) with the type `tool_plan`, and
//! goes back to where it came from. A message reads back as its content, its
//! plan and its calls, in this order. Of the sources of a citation the first is
//! told; its item has them all.
//!
//! What has no place in this dialect and is no setting goes without a warning:
//! a result's mark that the tool failed, which its text says, media names, and
//! a schema's name. Cache hints are met by themselves, since prompts are cached
//! unasked. Of log probabilities the ids of tokens aren't told; where one entry
//! stands for several tokens, so does the token, with their joint probability.

mod error;
mod request;
mod response;
mod stream;
mod wire;

pub use stream::{CohereDecoder, CohereEncoder};

use crate::dialect::{Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest};
use parlor_core::{ChatRequest, ChatResponse, Error, KindLimits, MediaLimits, Origin, Result};
use serde::{Deserialize, Serialize};

/// The dialect's name.
const NAME: &str = "cohere";

/// The type of the native part that a plan is.
const PLAN: &str = "tool_plan";

/// Cohere's chat dialect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cohere {
    /// What is particular about the host.
    pub quirks: Quirks,
}

impl Cohere {
    /// The dialect as this host speaks it.
    pub fn new(quirks: Quirks) -> Self {
        Self { quirks }
    }
}

/// What is particular about a host of Cohere's dialect. The defaults are
/// Cohere's own host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Quirks {
    /// Appended to the base URL.
    pub path: String,
    /// The most stop sequences; more are left out, with a warning.
    pub max_stop: usize,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            path: "/v2/chat".to_owned(),
            max_stop: 5,
        }
    }
}

impl Dialect for Cohere {
    type Decoder = CohereDecoder;

    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self) -> Framing {
        Framing::Sse
    }
    fn media(&self, _: &str) -> MediaLimits {
        MediaLimits::UNKNOWN
            .image(KindLimits::UNKNOWN.fetched(true))
            .document(KindLimits::UNKNOWN.fetched(false))
    }

    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        request::to_wire(request, target, &self.quirks)
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        response::from_wire(body, target)
    }

    fn decoder(&self, target: &Target<'_>) -> CohereDecoder {
        CohereDecoder::new(target)
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        error::from_wire(error)
    }
}

#[cfg(feature = "server")]
impl ServerDialect for Cohere {
    type Encoder = CohereEncoder;

    fn read_request(&self, _: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        request::from_wire(body, origin)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        response::to_wire(response)
    }

    fn encoder(&self) -> CohereEncoder {
        CohereEncoder::default()
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        error::to_wire(error)
    }
}
