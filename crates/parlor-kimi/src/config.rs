//! The provider: what is known of it, and how it comes to be known.

use crate::model;
use parlor_http::ChatHost;
use parlor_registry::{Descriptor, Provider, ProviderConfig};

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&HOST, &HOST_CN];

parlor_registry::register!(PROVIDERS);

/// The host for the world.
pub(crate) static HOST: ChatHost = host(
    Descriptor::new("moonshot", "Moonshot (Kimi)")
        .makes(&["kimi-", "moonshot-"])
        .base_url("https://api.moonshot.ai/v1")
        .aliases(&["kimi"])
        .base_url_env(&["KIMI_BASE_URL", "MOONSHOT_BASE_URL"])
        .docs_url("https://platform.moonshot.ai/docs")
        .key_url("https://platform.moonshot.ai/console/api-keys"),
);

/// The host in China. Its key stands in the same variables, so having one
/// doesn't say which of the two is meant.
pub(crate) static HOST_CN: ChatHost = host(
    Descriptor::new("kimi-cn", "Moonshot (Kimi), China")
        .base_url("https://api.moonshot.cn/v1")
        .aliases(&["moonshot-cn"])
        .region_of("moonshot")
        .with_shared_key()
        .docs_url("https://platform.moonshot.cn/docs")
        .key_url("https://platform.moonshot.cn/console/api-keys"),
);

const fn host(descriptor: Descriptor) -> ChatHost {
    let descriptor = descriptor
        .feature("kimi")
        .key_env(&["MOONSHOT_API_KEY", "KIMI_API_KEY", "MOONSHOTAI_API_KEY"])
        .default_model("kimi-k3");
    ChatHost::new(descriptor, model::quirks)
        .by_model(model::by_model)
        .with_list("/models", model::entry)
}

/// The host that a configuration speaks of.
pub(crate) fn host_of(config: &ProviderConfig) -> &'static ChatHost {
    match config.instance.as_str() {
        "kimi-cn" => &HOST_CN,
        _ => &HOST,
    }
}
