//! Perplexity: searches before it answers; no tools; usage on every chunk.

use parlor_core::{KindLimits, MediaFormats, MediaLimits};
use parlor_dialect::openai_chat::{Documents, MaxTokens, Quirks};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("perplexity", "Perplexity")
        .makes(&["sonar"])
        .feature("compatible")
        .base_url("https://api.perplexity.ai")
        .media(MEDIA)
        .base_url_env(&["PERPLEXITY_BASE_URL"])
        .key_env(&["PERPLEXITY_API_KEY", "PERPLEXITYAI_API_KEY"])
        .default_model("sonar")
        .docs_url("https://docs.perplexity.ai")
        .key_url("https://www.perplexity.ai/settings/api"),
    quirks,
)
.without_list();

/// Docs, "Image attachments".
const MEDIA: MediaLimits =
    MediaLimits::UNKNOWN.image(KindLimits::UNKNOWN.formats(MediaFormats::WEB));

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.tool_choice = Vec::new();
    quirks.parallel_tool_calls = false;
    quirks.stream_usage = false;
    quirks.alternate = true;
    quirks.audio = false;
    quirks.documents = Documents::FileUrl;
    quirks.refuse("n seed stop logprobs top_logprobs metadata service_tier user");
    quirks
}
