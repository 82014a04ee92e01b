//! Ollama's own chat: `/api/chat`, answered as lines of JSON.
//!
//! A message's content is one text. Several text parts of one message are
//! joined by a blank line, as Ollama itself joins neighbouring messages of one
//! role; those of an assistant message, which were one text once, are joined
//! with nothing between. Each tool result is a message of its own. A message
//! reads back as its reasoning, its text, its media, its calls, in this order.
//!
//! What has no place in this dialect and is no setting goes without a warning:
//! citations and sources, media names, and a result's mark that the tool
//! failed, which its text says. Cache hints are met by themselves, since
//! Ollama caches prompts unasked.
//!
//! Thoughts go back to the origin they came from without a signature: the
//! model's template decides which of them it wants to see.

mod error;
mod request;
mod response;
mod stream;
mod wire;

use crate::dialect::{Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest};
use parlor_core::{
    ChatRequest, ChatResponse, Error, KindLimits, MediaFormat, MediaFormats, MediaLimits, Origin,
    Result, Words,
};
use serde::{Deserialize, Serialize};

pub use stream::{OllamaDecoder, OllamaEncoder};

/// The name of the dialect.
const NAME: &str = "ollama-chat";

/// Ollama's own chat dialect, with a host's quirks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ollama {
    /// How this host departs from a present Ollama.
    pub quirks: Quirks,
}

/// How a host departs from a present Ollama: for old servers, and for others
/// that copy the dialect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Quirks {
    /// Which values the field `think` takes.
    pub think: Think,
    /// Whether calls and results carry ids (since 0.12.10). Without them the
    /// server pairs by name and order.
    pub call_ids: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            think: Think::default(),
            call_ids: true,
        }
    }
}

/// Which values the field `think` takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Think {
    /// The field is unknown (before 0.9.0).
    None,
    /// `true` and `false` (before 0.11.1).
    Switch,
    /// `true`, `false`, `low`, `medium` and `high` (before 0.22.0).
    Levels,
    /// These and `max`.
    #[default]
    Max,
}

impl Ollama {
    /// The dialect of a host with these quirks.
    pub fn new(quirks: Quirks) -> Self {
        Self { quirks }
    }
}

impl Dialect for Ollama {
    type Decoder = OllamaDecoder;

    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self) -> Framing {
        Framing::Ndjson
    }
    fn media(&self, _: &str) -> MediaLimits {
        let fetches_none = KindLimits::UNKNOWN.fetched(false);
        let read = MediaFormats::of(&[MediaFormat::Png, MediaFormat::Jpeg, MediaFormat::Webp]);
        MediaLimits::UNKNOWN
            .image(fetches_none.formats(read))
            .audio(fetches_none)
    }

    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        request::to_wire(request, target, &self.quirks)
    }

    fn pass_request(&self, words: &Words, target: &Target<'_>) -> Option<WireRequest> {
        request::pass(words, target, &self.quirks)
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        response::read(body, target)
    }

    fn take_response(&self, body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
        response::take(body, target)
    }

    fn decoder(&self, target: &Target<'_>) -> OllamaDecoder {
        OllamaDecoder::new(target)
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        error::read(error)
    }
}

#[cfg(feature = "server")]
impl ServerDialect for Ollama {
    type Encoder = OllamaEncoder;

    fn read_request(&self, _path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        request::from_wire(body, origin)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        response::write(response)
    }

    fn encoder(&self) -> OllamaEncoder {
        OllamaEncoder::default()
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        error::write(error)
    }
}
