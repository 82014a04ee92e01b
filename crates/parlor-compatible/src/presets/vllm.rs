//! vLLM: your own server; thinking is switched in the chat template.

use parlor_dialect::openai_chat::{Documents, MaxTokens, Quirks, ReasoningField, Thinking};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("vllm", "vLLM")
        .feature("compatible")
        .base_url("http://localhost:8000/v1")
        .base_url_env(&["VLLM_BASE_URL", "HOSTED_VLLM_API_BASE"])
        .key_env(&["VLLM_API_KEY", "HOSTED_VLLM_API_KEY"])
        .without_key()
        .free_here()
        .docs_url("https://docs.vllm.ai"),
    quirks,
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.thinking = Thinking::Template;
    quirks.reasoning_field = ReasoningField::Reasoning;
    quirks.documents = Documents::None;
    quirks
}
