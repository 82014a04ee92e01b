//! Alibaba Model Studio (Qwen): `enable_thinking` with a budget; continuing call fragments have empty ids.

use parlor_core::ErrorKind;
use parlor_dialect::openai_chat::ToolChoiceWord::{Auto, Named, None};
use parlor_dialect::openai_chat::{CacheStyle, Documents, MaxTokens, Quirks, Thinking};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = host(
    Descriptor::new("dashscope", "Alibaba Model Studio (Qwen)")
        .makes(&["qwen", "qwq-", "qvq-"])
        .base_url("https://dashscope.aliyuncs.com/compatible-mode/v1")
        .aliases(&["qwen"])
        .base_url_env(&["DASHSCOPE_BASE_URL"])
        .docs_url("https://help.aliyun.com/zh/model-studio")
        .key_url("https://bailian.console.aliyun.com"),
);

pub(super) static INTL: ChatHost = host(
    Descriptor::new("dashscope-intl", "Alibaba Model Studio, international")
        .base_url("https://dashscope-intl.aliyuncs.com/compatible-mode/v1")
        .aliases(&["qwen-intl"])
        .region_of("dashscope")
        .with_shared_key()
        .docs_url("https://www.alibabacloud.com/help/en/model-studio")
        .key_url("https://modelstudio.console.alibabacloud.com"),
);

const fn host(descriptor: Descriptor) -> ChatHost {
    let keys = &["DASHSCOPE_API_KEY", "ALIBABA_API_KEY", "QWEN_API_KEY"];
    let descriptor = descriptor.feature("compatible").key_env(keys);
    ChatHost::new(descriptor.default_model("qwen-plus"), quirks).by_model(by_model)
}

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.thinking = Thinking::Enable;
    quirks.thinking_budget = true;
    quirks.tool_choice = vec![Auto, None, Named];
    quirks.cache = CacheStyle::CacheControl;
    quirks.audio_urls = true;
    quirks.documents = Documents::None;
    quirks.prefill_field = "partial".to_owned();
    // A quota of tokens a minute, not of money.
    quirks.know_codes(&[(ErrorKind::RateLimited, &["insufficient_quota"])]);
    quirks.refuse("metadata service_tier user");
    quirks
}

/// The open hybrid models (`qwen3-32b`) think unless told not to, in streams alone;
/// those that always think, and those that speak, answer in streams alone.
fn by_model(name: &str, quirks: &mut Quirks) {
    let is = |words: &str| words.split(' ').any(|it| name.contains(it));
    let size = |it: &str| it.strip_suffix('b').map(str::parse::<f32>);
    let sized = name.split('-').filter_map(size).any(|it| it.is_ok());
    let sized = sized && name.starts_with("qwen3");
    quirks.streams_only = is("qwq qvq omni") || sized && is("thinking");
    quirks.thinking_streams_only = sized && !is("instruct thinking coder");
}
