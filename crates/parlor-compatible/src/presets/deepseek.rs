//! DeepSeek: thinking is switched by type, effort stands beside it.

use parlor_core::Effort;
use parlor_dialect::openai_chat::{Documents, JsonOutput, MaxTokens, Quirks, Thinking};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("deepseek", "DeepSeek")
        .makes(&["deepseek-"])
        .feature("compatible")
        .base_url("https://api.deepseek.com")
        .base_url_env(&["DEEPSEEK_BASE_URL"])
        .key_env(&["DEEPSEEK_API_KEY"])
        .default_model("deepseek-v4-flash")
        .docs_url("https://api-docs.deepseek.com")
        .key_url("https://platform.deepseek.com/api_keys"),
    quirks,
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.thinking = Thinking::Type;
    quirks.effort_beside_switch = true;
    // Less is taken for high in silence.
    quirks.efforts = vec![Effort::High, Effort::XHigh, Effort::Max];
    quirks.output = JsonOutput::Object;
    quirks.video_url = false;
    quirks.audio = false;
    quirks.documents = Documents::None;
    quirks.refuse("n seed top_k metadata service_tier");
    quirks
}
