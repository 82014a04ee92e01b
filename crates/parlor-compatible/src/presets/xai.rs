//! xAI: tool calls come whole; reasoning tokens stand beside the output.

use parlor_core::{KindLimits, MediaFormat, MediaFormats, MediaLimits};
use parlor_dialect::openai_chat::{Documents, Quirks};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("xai", "xAI")
        .makes(&["grok-"])
        .feature("compatible")
        .base_url("https://api.x.ai/v1")
        .media(MEDIA)
        .base_url_env(&["XAI_BASE_URL"])
        .key_env(&["XAI_API_KEY"])
        .default_model("grok-4.5")
        .docs_url("https://docs.x.ai")
        .key_url("https://console.x.ai"),
    quirks,
);

/// Docs, "Image understanding".
const MEDIA: MediaLimits = MediaLimits::UNKNOWN.image(
    KindLimits::UNKNOWN
        .formats(MediaFormats::of(&[MediaFormat::Jpeg, MediaFormat::Png]))
        .bytes(20 << 20),
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.video_url = false;
    quirks.audio = false;
    quirks.documents = Documents::None;
    quirks.refuse("top_k metadata");
    quirks
}
