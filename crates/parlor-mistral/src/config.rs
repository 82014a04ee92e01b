//! The provider: what is known of it, and what it does in its own way.

use crate::model::{endpoint, entry};
use parlor_core::{ErrorKind, KindLimits, MediaFormats, MediaLimits};
use parlor_dialect::openai_chat::{
    CallIds, Documents, ErrorWord, MaxTokens, Quirks, ReasoningField,
};
use parlor_http::ChatHost;
use parlor_registry::{Descriptor, Provider};

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&MISTRAL];

parlor_registry::register!(PROVIDERS);

/// The images that it reads, by its documents; how large is unknown.
const MEDIA: MediaLimits =
    MediaLimits::UNKNOWN.image(KindLimits::UNKNOWN.formats(MediaFormats::WEB));

/// Mistral, by its chat API.
pub static MISTRAL: ChatHost = ChatHost::new(
    Descriptor::new("mistral", "Mistral")
        .makes(&[
            "mistral-",
            "ministral-",
            "magistral-",
            "devstral-",
            "codestral-",
            "pixtral-",
            "voxtral-",
            "open-mi",
            "labs-",
        ])
        .feature("mistral")
        .base_url(BASE_URL)
        .media(MEDIA)
        .base_url_env(&["MISTRAL_BASE_URL"])
        .key_env(&["MISTRAL_API_KEY", CODESTRAL_KEY])
        .model_env(&["MISTRAL_MODEL"])
        .default_model("mistral-medium-2604")
        .docs_url("https://docs.mistral.ai")
        .key_url("https://console.mistral.ai/api-keys"),
    quirks,
)
.with_endpoint(endpoint)
.with_list("/models", entry);

pub(crate) const BASE_URL: &str = "https://api.mistral.ai/v1";

/// The variable whose key is for [`CODESTRAL_URL`] alone.
pub(crate) const CODESTRAL_KEY: &str = "CODESTRAL_API_KEY";

/// The host of code models, with keys of its own.
pub(crate) const CODESTRAL_URL: &str = "https://codestral.mistral.ai/v1";

/// What Mistral does in its own way: unknown fields are refused, thoughts stand
/// in the content, call ids have nine letters and digits.
///
/// Older models refuse a user's message right after results of tools; present
/// ones take it, so it is sent. For an older one set the quirk
/// `assistant_after_tools`.
///
/// Source: Mistral's API reference and SDK, and what its API refuses.
pub fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.reasoning_field = ReasoningField::ContentPart;
    quirks.required_word = "any".to_owned();
    quirks.call_ids = CallIds::Nine;
    quirks.text_parts = true;
    quirks.tool_name = true;
    quirks.tool_media = true;
    quirks.prefill_field = "prefix".to_owned();
    quirks.max_temperature = Some(1.5);
    quirks.message_name = false;
    quirks.stream_usage = false;
    quirks.video_url = false;
    quirks.bare_audio = true;
    quirks.documents = Documents::DocumentUrl;
    quirks.document_urls = true;
    quirks.user_field = String::new();
    quirks.seed_field = "random_seed".to_owned();
    quirks.refused = vec!["user".to_owned()];
    quirks.know_tiers("auto standard_only");
    let codes = CODES.iter();
    quirks.error_codes = codes
        .map(|(code, kind)| ((*code).to_owned(), ErrorWord(*kind)))
        .collect();
    quirks
}

/// Codes of error that mean something here alone.
const CODES: &[(&str, ErrorKind)] = &[
    ("1500", ErrorKind::ModelNotFound),
    ("3505", ErrorKind::Overloaded),
];
