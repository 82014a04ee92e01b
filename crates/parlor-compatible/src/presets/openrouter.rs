//! OpenRouter: one `reasoning` object for all models, details to be sent back.

use parlor_core::{ErrorKind, KindLimits, MediaFormat, MediaFormats, MediaLimits};
use parlor_dialect::openai_chat::{CacheStyle, Quirks, ReasoningField, Thinking};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("openrouter", "OpenRouter")
        .feature("compatible")
        .base_url("https://openrouter.ai/api/v1")
        .media(MEDIA)
        .base_url_env(&["OPENROUTER_BASE_URL", "OPENROUTER_API_BASE"])
        .key_env(&["OPENROUTER_API_KEY"])
        .default_model("openrouter/auto")
        .docs_url("https://openrouter.ai/docs")
        .key_url("https://openrouter.ai/keys"),
    quirks,
);

/// Docs, "Multimodal capabilities".
const MEDIA: MediaLimits = MediaLimits::UNKNOWN
    .image(KindLimits::UNKNOWN.formats(MediaFormats::WEB))
    .video(KindLimits::UNKNOWN.formats(MediaFormats::of(&[
        MediaFormat::Mp4,
        MediaFormat::Mpeg,
        MediaFormat::Mov,
        MediaFormat::Webm,
    ])));

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.thinking = Thinking::Object;
    quirks.thinking_budget = true;
    quirks.reasoning_field = ReasoningField::Reasoning;
    quirks.cache = CacheStyle::CacheControl;
    quirks.text_parts = true;
    quirks.document_urls = true;
    // Moderation of the prompt.
    quirks.know_codes(&[(ErrorKind::ContentFiltered, &["403"])]);
    quirks
}
