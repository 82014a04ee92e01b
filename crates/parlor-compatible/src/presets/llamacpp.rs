//! llama.cpp server: local; thinking is switched in the chat template.

use parlor_dialect::openai_chat::{Documents, MaxTokens, Quirks, Thinking};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("llamacpp", "llama.cpp server")
        .feature("compatible")
        .base_url("http://127.0.0.1:8080/v1")
        .aliases(&["llama-cpp", "llama.cpp"])
        .base_url_env(&["LLAMACPP_BASE_URL"])
        .key_env(&["LLAMA_API_KEY"])
        .without_key()
        .free_here()
        .docs_url("https://github.com/ggml-org/llama.cpp/tree/master/tools/server"),
    quirks,
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.thinking = Thinking::Template;
    quirks.video_url = false;
    quirks.documents = Documents::None;
    quirks
}
