//! The Converse dialect of Amazon Bedrock: one form for the models of every maker there.
//!
//! Facts follow the service's public API description (`bedrock-runtime`). Four
//! things shape it: a content block is an object with one key, a stream's
//! events have their names beside them and are binary messages, roles take
//! turns and no text may be blank, and input tokens are counted without the
//! cached ones.
//!
//! What has no place in this dialect and is no setting goes without a warning:
//! sources and citations of other providers, thoughts that their receiver
//! didn't sign, and blank text. An answer has neither an id nor the model's
//! name.
//!
//! What only this host knows goes by the request's `extra`, under the names of
//! the API: `guardrailConfig`, `performanceConfig`, `additionalModelRequestFields`, ….

mod error;
mod request;
mod response;
mod stream;
mod wire;

pub use stream::{ConverseDecoder, ConverseEncoder};

use crate::dialect::{Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest};
use parlor_core::{
    ChatRequest, ChatResponse, Error, KindLimits, MediaFormats, MediaLimits, Origin, Result,
};
use serde::{Deserialize, Serialize};

/// The dialect's name.
const NAME: &str = "bedrock-converse";

/// The most pixels of an image's side (API reference, "Message").
const IMAGE_SIDE: u32 = 8_000;

/// The Converse dialect.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BedrockConverse {
    /// What is particular about the host.
    pub quirks: Quirks,
}

impl BedrockConverse {
    /// The dialect as this host speaks it.
    pub fn new(quirks: Quirks) -> Self {
        Self { quirks }
    }
}

/// What is particular about a host of the Converse dialect. The defaults are
/// the service's own hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Quirks {
    /// Appended to the base URL; `{model}` stands for the model's id,
    /// percent-encoded.
    pub path: String,
    /// The same for a streamed answer.
    pub stream_path: String,
    /// Whether it takes cache points; if not, hints are left out.
    pub cache: bool,
    /// Whether the role `system` may stand within the conversation. If not,
    /// such messages are said by the user between `<system>` and `</system>`.
    pub system_role: bool,
    /// How models are asked to reason, and how `top_k` is said.
    pub family: Family,
    /// How much a request may hold.
    pub limits: Limits,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            path: "/model/{model}/converse".to_owned(),
            stream_path: "/model/{model}/converse-stream".to_owned(),
            cache: true,
            system_role: false,
            family: Family::ByModel,
            limits: Limits::default(),
        }
    }
}

/// How much a request may hold. What is more is refused before it is sent, or
/// left out where the caller prefers a warning; what lies in S3 isn't measured.
///
/// Source: Amazon Bedrock API reference, "Message"; user guide, "API
/// restrictions", which lets Claude from 4 on have larger PDFs, and Nova larger
/// PDFs and DOCX files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Limits {
    /// The most images in a message.
    pub images: usize,
    /// The most bytes of an image.
    pub image_bytes: usize,
    /// The most documents in a message.
    pub documents: usize,
    /// The most bytes of a document.
    pub document_bytes: usize,
    /// The most cache points in a request.
    pub cache_points: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            images: 20,
            image_bytes: 3_932_160,
            documents: 5,
            document_bytes: 4_718_592,
            cache_points: 4,
        }
    }
}

/// The makers of models that take fields of their own in
/// `additionalModelRequestFields`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Family {
    /// As the model's id says. The id of an inference profile of one's own
    /// doesn't say; name the family then.
    #[default]
    ByModel,
    /// Claude: `thinking` and `outputConfig.effort`, `top_k`.
    Claude,
    /// Nova: `reasoningConfig`, `inferenceConfig.topK`.
    Nova,
    /// The open models of OpenAI: `reasoning_effort`.
    Gpt,
    /// Mistral: `top_k`.
    Mistral,
    /// None of these.
    Other,
}

impl Dialect for BedrockConverse {
    type Decoder = ConverseDecoder;

    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self) -> Framing {
        Framing::EventStream
    }
    fn media(&self, _: &str) -> MediaLimits {
        let fetches_none = KindLimits::UNKNOWN.fetched(false);
        let images = fetches_none
            .formats(MediaFormats::WEB)
            .bytes(self.quirks.limits.image_bytes as u64)
            .side(IMAGE_SIDE);
        MediaLimits::UNKNOWN
            .image(images)
            .audio(fetches_none)
            .video(fetches_none)
            .document(fetches_none)
    }

    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        request::to_wire(request, target, &self.quirks)
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        response::from_wire(body, target)
    }

    fn decoder(&self, target: &Target<'_>) -> ConverseDecoder {
        ConverseDecoder::new(target)
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        error::from_wire(error)
    }
}

#[cfg(feature = "server")]
impl ServerDialect for BedrockConverse {
    type Encoder = ConverseEncoder;

    fn read_request(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        request::from_wire(path, body, origin)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        response::to_wire(response)
    }

    fn encoder(&self) -> ConverseEncoder {
        ConverseEncoder::default()
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        error::to_wire(error)
    }
}
