//! SiliconFlow: `enable_thinking` with a budget; odd error bodies.

use crate::preset::{Preset, codes, refuse};
use parlor_core::ErrorKind;
use parlor_dialect::openai_chat::{Documents, MaxTokens, Quirks, Thinking};
use parlor_registry::Descriptor;

pub(super) static PRESET: Preset = Preset::new(
    Descriptor::new("siliconflow", "SiliconFlow")
        .feature("compatible")
        .base_url("https://api.siliconflow.cn/v1")
        .base_url_env(&["SILICONFLOW_BASE_URL"])
        .key_env(&["SILICONFLOW_API_KEY", "SILICONFLOW_CN_API_KEY"])
        .default_model("deepseek-ai/DeepSeek-V4-Pro")
        .docs_url("https://docs.siliconflow.cn")
        .key_url("https://cloud.siliconflow.cn/account/ak"),
    quirks,
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.thinking = Thinking::Enable;
    quirks.thinking_budget = true;
    quirks.documents = Documents::None;
    quirks.error_codes = codes(&[
        (ErrorKind::ModelNotFound, &["20012"]),
        (ErrorKind::QuotaExhausted, &["30001"]),
        (ErrorKind::Overloaded, &["50505"]),
    ]);
    refuse(&mut quirks, "metadata service_tier user");
    quirks
}
