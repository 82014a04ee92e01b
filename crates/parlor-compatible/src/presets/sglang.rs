//! SGLang: your own server; thinking is switched in the chat template.

use parlor_dialect::openai_chat::{Documents, MaxTokens, Quirks, Thinking};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("sglang", "SGLang")
        .feature("compatible")
        .base_url("http://localhost:30000/v1")
        .base_url_env(&["SGLANG_BASE_URL"])
        .key_env(&["SGLANG_API_KEY"])
        .without_key()
        .free_here()
        .docs_url("https://docs.sglang.ai"),
    quirks,
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.thinking = Thinking::Template;
    quirks.documents = Documents::None;
    quirks
}
