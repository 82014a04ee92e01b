//! Baichuan: plain.

use parlor_dialect::openai_chat::{Documents, JsonOutput, MaxTokens, Quirks};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("baichuan", "Baichuan")
        .makes(&["Baichuan"])
        .feature("compatible")
        .base_url("https://api.baichuan-ai.com/v1")
        .key_env(&["BAICHUAN_API_KEY"])
        .default_model("Baichuan4-Turbo")
        .docs_url("https://platform.baichuan-ai.com/docs")
        .key_url("https://platform.baichuan-ai.com"),
    quirks,
)
.without_list();

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.output = JsonOutput::Object;
    quirks.documents = Documents::None;
    quirks.refuse("n seed logprobs top_logprobs metadata service_tier user");
    quirks
}
