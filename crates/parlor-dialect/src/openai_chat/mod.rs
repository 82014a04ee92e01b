//! OpenAI Chat Completions, and the many hosts that speak it.

pub(crate) mod error;
mod quirks;
mod request;
mod response;
mod stream;
mod wire;

pub use quirks::*;
pub(crate) use request::{cache_field, take_cache};
pub(crate) use response::{token, tokens, usage};
pub use stream::{ChatDecoder, ChatEncoder};

use crate::dialect::{Dialect, Framing, Incoming, ServerDialect, Target, WireError, WireRequest};
use parlor_core::{
    ChatRequest, ChatResponse, Error, KindLimits, Media, MediaLimits, ModelInfo, Native, Origin,
    Part, Result, Words,
};
use std::sync::Arc;

/// The dialect's name.
const NAME: &str = "openai-chat";

/// A video of which so many pictures a second are shown to the model of these
/// facts, at hosts that take `fps` beside a video's address.
pub fn video_at(video: Media, fps: f64, info: &ModelInfo) -> Part {
    let origin = Origin::new(info.native_provider(), NAME);
    let item = serde_json::json!({"video_url": {"fps": fps}});
    Part::from(video).with_native(Native::new(origin, item))
}

/// OpenAI Chat Completions as one host speaks it.
///
/// What the hosts differ in is data: see [`Quirks`]. What the model families
/// differ in is the [`Profile`](crate::Profile).
#[derive(Debug, Clone, Default)]
pub struct OpenAiChat {
    quirks: Arc<Quirks>,
    /// Whether the host wants a client's body in other words.
    rewrites: bool,
}

impl OpenAiChat {
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

impl Dialect for OpenAiChat {
    type Decoder = ChatDecoder;

    fn name(&self) -> &'static str {
        NAME
    }

    fn framing(&self) -> Framing {
        Framing::Sse
    }
    fn media(&self, _: &str) -> MediaLimits {
        let quirks = self.quirks();
        // Of what it has no words for at all, there is nothing to fetch.
        let fetches = |is_known: bool, fetched| match is_known {
            true => KindLimits::UNKNOWN.fetched(fetched),
            false => KindLimits::UNKNOWN,
        };
        let document = quirks.documents != Documents::File || quirks.document_urls;
        MediaLimits::UNKNOWN
            .image(fetches(true, quirks.image_urls))
            .audio(fetches(
                quirks.audio,
                quirks.audio_urls || quirks.bare_audio,
            ))
            .video(fetches(quirks.video_url, quirks.video_urls))
            .document(fetches(quirks.documents != Documents::None, document))
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
        response::read(body, &self.quirks, target)
    }

    fn take_response(&self, body: &mut Vec<u8>, target: &Target<'_>) -> Option<ChatResponse> {
        response::take(body, target)
    }

    fn decoder(&self, target: &Target<'_>) -> ChatDecoder {
        ChatDecoder::new(self.quirks.clone(), target)
    }

    fn read_error(&self, error: &WireError<'_>) -> Error {
        let read = error::read(error, &self.quirks.error_codes);
        error::helped(read, &self.quirks.error_help)
    }
}

#[cfg(feature = "server")]
impl ServerDialect for OpenAiChat {
    type Encoder = ChatEncoder;

    fn read_request(&self, path: &str, body: &[u8], origin: &Origin) -> Result<Incoming> {
        request::from_wire(path, body, origin)
    }

    fn write_response(&self, response: &ChatResponse) -> Result<Vec<u8>> {
        Ok(response::write(response))
    }

    fn encoder(&self) -> ChatEncoder {
        ChatEncoder::default()
    }

    fn write_error(&self, error: &Error) -> (u16, Vec<u8>) {
        let (status, body) = error::body(error);
        (status, body.to_string().into_bytes())
    }
}
