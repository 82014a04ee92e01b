//! Gemini `generateContent`, as AI Studio and Vertex speak it.

mod error;
mod request;
mod response;
mod stream;
mod wire;

pub use stream::{GeminiDecoder, GeminiEncoder};

use crate::{Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest};
use parlor_core::{
    ChatRequest, ChatResponse, Error, KindLimits, MediaFormat, MediaFormats, MediaLimits, Origin,
    Result, Words,
};
use serde::{Deserialize, Serialize};

/// The dialect's name.
const NAME: &str = "gemini";

/// The dialect, with its host's quirks.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gemini {
    quirks: Quirks,
}

/// What differs between the hosts of this dialect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Quirks {
    /// What the path begins with, before the model's id: `/models/`, or
    /// `/publishers/google/models/` behind a project's base URL. A model id
    /// that is a path itself, such as `tunedModels/x`, stands alone.
    pub model_prefix: String,
    /// Which of the two fields for schemas is written.
    pub schemas: SchemaField,
    /// The request's metadata goes as `labels`; without, it has no place.
    pub labels: bool,
    /// Which calls go back with their ids.
    pub call_ids: CallIds,
    /// How thinking is set; `None` leaves it to the model's family.
    pub thinking: Option<ThinkingField>,
    /// Whether calls of another provider's model need the dummy signature;
    /// `None` leaves it to the model's family.
    pub foreign_signatures: Option<bool>,
    /// The signature that the host takes for calls it has none of.
    pub dummy_signature: String,
    /// How enumerations are numbered, where a proxy sends their numbers.
    pub enum_numbers: EnumNumbers,
    /// The most stop sequences; 0 is no limit.
    pub max_stop: usize,
    /// Whether `countTokens` takes a whole request, as
    /// `generateContentRequest`; if not, it takes what the prompt is made of.
    pub counts_requests: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            model_prefix: "/models/".to_owned(),
            schemas: SchemaField::JsonSchema,
            labels: false,
            call_ids: CallIds::WhenGiven,
            thinking: None,
            foreign_signatures: None,
            dummy_signature: "skip_thought_signature_validator".to_owned(),
            enum_numbers: EnumNumbers::Studio,
            // Both hosts refuse a sixth.
            max_stop: 5,
            counts_requests: true,
        }
    }
}

impl Quirks {
    /// The quirks of Vertex.
    pub fn vertex() -> Self {
        Self {
            model_prefix: "/publishers/google/models/".to_owned(),
            labels: true,
            enum_numbers: EnumNumbers::Vertex,
            counts_requests: false,
            ..Self::default()
        }
    }
}

/// The two fields that a schema can stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SchemaField {
    /// `parametersJsonSchema` and `responseJsonSchema`, of JSON Schema.
    JsonSchema,
    /// `parameters` and `responseSchema`, of a subset of OpenAPI 3.0, which
    /// older versions of the API know alone.
    OpenApi,
}

/// Which calls go back with their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CallIds {
    /// Those whose ids the provider gave.
    WhenGiven,
    /// All.
    Always,
    /// None.
    Never,
}

/// How thinking is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ThinkingField {
    /// By `thinkingBudget`, in tokens.
    Budget,
    /// By `thinkingLevel`, a word.
    Level,
    /// Not at all.
    None,
}

/// How a host numbers its enumerations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EnumNumbers {
    /// As AI Studio.
    Studio,
    /// As Vertex.
    Vertex,
}

impl Gemini {
    /// The dialect for a host with these quirks.
    pub fn new(quirks: Quirks) -> Self {
        Self { quirks }
    }

    /// What is particular about its host.
    pub fn quirks(&self) -> &Quirks {
        &self.quirks
    }
}

/// The images that the models read (guide "Image understanding").
const IMAGES: MediaFormats = MediaFormats::of(&[
    MediaFormat::Png,
    MediaFormat::Jpeg,
    MediaFormat::Webp,
    MediaFormat::Heic,
    MediaFormat::Heif,
]);

/// The videos that they read (guide "Video understanding").
const VIDEOS: MediaFormats = MediaFormats::of(&[
    MediaFormat::Mp4,
    MediaFormat::Mpeg,
    MediaFormat::Mov,
    MediaFormat::Avi,
    MediaFormat::Flv,
    MediaFormat::Webm,
    MediaFormat::Wmv,
    MediaFormat::ThreeGp,
]);

impl Dialect for Gemini {
    type Decoder = GeminiDecoder;

    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self) -> Framing {
        Framing::Sse
    }
    fn media(&self, model: &str) -> MediaLimits {
        // Models up to 2.0 fetch nothing but films of one site.
        let id = model.rsplit('/').next().unwrap_or(model);
        let older = ["gemini-1", "gemini-2.0", "gemini-pro"];
        let older = older.iter().any(|it| id.starts_with(it));
        let fetches = KindLimits::UNKNOWN.fetched(!older);
        MediaLimits::UNKNOWN
            .image(fetches.formats(IMAGES))
            .audio(fetches)
            .video(KindLimits::UNKNOWN.formats(VIDEOS).count(10).fetched(true))
            .document(fetches.bytes(50 << 20))
    }

    fn write_request(&self, request: &ChatRequest, target: &Target<'_>) -> Result<WireRequest> {
        request::to_wire(request, target, &self.quirks)
    }

    fn pass_request(&self, words: &Words, target: &Target<'_>) -> Option<WireRequest> {
        request::pass(words, target, &self.quirks)
    }

    fn read_response(&self, body: &[u8], target: &Target<'_>) -> Result<ChatResponse> {
        response::read(body, target, &self.quirks)
    }

    fn take_response(&self, body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
        response::take(body, target, &self.quirks)
    }

    fn decoder(&self, target: &Target<'_>) -> GeminiDecoder {
        GeminiDecoder::new(target, &self.quirks)
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        error::read(error)
    }
}

#[cfg(feature = "server")]
impl ServerDialect for Gemini {
    type Encoder = GeminiEncoder;

    fn read_request(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        request::from_wire(path, body, origin, &self.quirks)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        response::write(response)
    }

    fn encoder(&self) -> GeminiEncoder {
        GeminiEncoder::default()
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        let (status, body) = error::write(error);
        (status, body.to_string().into_bytes())
    }
}
