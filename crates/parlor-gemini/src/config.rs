//! The provider: what is known of it, and how it comes to be known.

use crate::model;
use async_trait::async_trait;
use parlor_core::{
    ChatModel, ChatRequest, KindLimits, MediaFormat, MediaFormats, MediaLimits, Result,
};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[
    &Gemini,
    #[cfg(feature = "vertex")]
    &crate::vertex::Vertex,
];

parlor_registry::register!(PROVIDERS);

/// Google Gemini, by the Gemini API.
#[derive(Debug)]
pub struct Gemini;

pub(crate) static DESCRIPTOR: Descriptor = Descriptor::new("gemini", "Google Gemini")
    .aliases(&["google"])
    .makes(&["gemini-", "gemma-"])
    .feature("gemini")
    .base_url("https://generativelanguage.googleapis.com/v1beta")
    .media(MEDIA)
    .base_url_env(&["GOOGLE_GEMINI_BASE_URL"])
    .key_env(&[
        "GOOGLE_API_KEY",
        "GEMINI_API_KEY",
        "GOOGLE_GENERATIVE_AI_API_KEY",
    ])
    .model_env(&["GEMINI_MODEL"])
    .default_model("gemini-3.8-flash")
    .docs_url("https://ai.google.dev/gemini-api/docs")
    .key_url("https://aistudio.google.com/apikey");

/// What media it takes: guides "Image understanding", "Audio understanding" and
/// "File input methods". What is beyond goes through the file API.
const MEDIA: MediaLimits = MediaLimits::UNKNOWN
    .image(KindLimits::UNKNOWN.count(3_600))
    .audio(KindLimits::UNKNOWN.formats(MediaFormats::of(&[
        MediaFormat::Wav,
        MediaFormat::Mp3,
        MediaFormat::Aiff,
        MediaFormat::Aac,
        MediaFormat::Ogg,
        MediaFormat::Flac,
    ])))
    .total_bytes(100 << 20);

#[async_trait]
impl Provider for Gemini {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        Ok(Arc::new(model::model(model, config)?))
    }

    async fn count_tokens(
        &self,
        model: &str,
        config: &ProviderConfig,
        request: &ChatRequest,
    ) -> Result<u64> {
        let model = model::model(model, config)?;
        Ok(crate::count_tokens(&model, request).await?.total)
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        model::list(config).await
    }
}

/// The base URL that an address means, read as Google's own clients read it.
///
/// The version of the API may be missing, and `v1beta` is then meant.
///
/// ```
/// use parlor_gemini::base_url;
///
/// assert_eq!(base_url("https://gateway.example/"), "https://gateway.example/v1beta");
/// assert_eq!(base_url("https://gateway.example/g/v1"), "https://gateway.example/g/v1");
/// ```
pub fn base_url(address: &str) -> String {
    versioned(address, "v1beta")
}

/// An address with the version of the API in it: its own, or else this one.
pub(crate) fn versioned(address: &str, version: &str) -> String {
    let address = address.trim().trim_end_matches('/');
    match version_at(address) {
        Some(_) => address.to_owned(),
        None => format!("{address}/{version}"),
    }
}

/// Where the version stands in an address. It needn't be the last part.
pub(crate) fn version_at(address: &str) -> Option<usize> {
    let digit = |rest: &str| rest.starts_with(|it: char| it.is_ascii_digit());
    let begin = address.find("://").map_or(0, |at| at + 3);
    let slashes = address.match_indices('/').map(|(at, _)| at);
    let part = |at: &usize| address.get(at + 1..).and_then(|it| it.strip_prefix('v'));
    slashes
        .filter(|at| *at >= begin)
        .find(|at| part(at).is_some_and(digit))
}
