//! Groq: thoughts come in `reasoning`; one choice, no log probabilities.

use parlor_core::{KindLimits, MediaFormats, MediaLimits};
use parlor_dialect::openai_chat::{Documents, MaxTokens, Quirks, ReasoningField};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("groq", "Groq")
        .feature("compatible")
        .base_url("https://api.groq.com/openai/v1")
        .media(MEDIA)
        .base_url_env(&["GROQ_BASE_URL"])
        .key_env(&["GROQ_API_KEY"])
        .default_model("openai/gpt-oss-120b")
        .docs_url("https://console.groq.com/docs")
        .key_url("https://console.groq.com/keys"),
    quirks,
);

/// Docs, "Images and vision".
const MEDIA: MediaLimits =
    MediaLimits::UNKNOWN.image(KindLimits::UNKNOWN.formats(MediaFormats::WEB).count(5));

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxCompletionTokens;
    quirks.reasoning_field = ReasoningField::Reasoning;
    quirks.video_url = false;
    quirks.audio = false;
    quirks.documents = Documents::None;
    quirks.know_tiers("auto on_demand flex performance");
    quirks.refuse("n logprobs top_logprobs top_k metadata");
    quirks
}
