//! LM Studio: local; any key is accepted.

use parlor_dialect::openai_chat::{Documents, MaxTokens, Quirks};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("lmstudio", "LM Studio")
        .feature("compatible")
        .base_url("http://127.0.0.1:1234/v1")
        .aliases(&["lm-studio"])
        .base_url_env(&["LMSTUDIO_BASE_URL", "LM_STUDIO_API_BASE"])
        .key_env(&["LMSTUDIO_API_KEY", "LM_STUDIO_API_KEY"])
        .without_key()
        .free_here()
        .docs_url("https://lmstudio.ai/docs"),
    quirks,
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.image_urls = false;
    quirks.video_url = false;
    quirks.documents = Documents::None;
    quirks
}
