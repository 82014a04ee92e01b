//! xAI: reasoning tokens stand beside the output; what models take differs by line.

use parlor_core::{KindLimits, MediaFormat, MediaFormats, MediaLimits};
use parlor_dialect::openai_chat::{Documents, Quirks, Thinking};
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
)
.by_model(by_model);

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

/// From `grok-4` on penalties are refused, as by what reasoned before. Of efforts most
/// older models want to hear nothing, whether they reason or not.
fn by_model(name: &str, quirks: &mut Quirks) {
    let of = |lines: &str| lines.split(' ').any(|it| name.starts_with(it));
    if of("grok-3-mini") || !of("grok-2 grok-3") {
        quirks.refuse("frequency_penalty presence_penalty");
    }
    let old = name == "grok-4" || of("grok-2 grok-3 grok-4- grok-4.1 grok-4.20 grok-code");
    if old && !of("grok-3-mini grok-4.20-multi-agent") {
        quirks.thinking = Thinking::None;
    }
}
