//! 01.AI (Yi): plain.

use parlor_dialect::openai_chat::{Documents, JsonOutput, MaxTokens, Quirks};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("yi", "01.AI (Yi)")
        .makes(&["yi-"])
        .feature("compatible")
        .base_url("https://api.lingyiwanwu.com/v1")
        .key_env(&["YI_API_KEY", "LINGYIWANWU_API_KEY"])
        .default_model("yi-lightning")
        .docs_url("https://platform.lingyiwanwu.com/docs")
        .key_url("https://platform.lingyiwanwu.com"),
    quirks,
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.output = JsonOutput::Object;
    quirks.documents = Documents::None;
    quirks.refuse("n metadata service_tier user");
    quirks
}
