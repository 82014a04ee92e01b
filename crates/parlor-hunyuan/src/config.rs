//! The provider: what is known of it, and how it comes to be known.

use crate::model;
use crate::native::Native;
use parlor_core::{KindLimits, MediaLimits};
use parlor_http::ChatHost;
use parlor_registry::{Descriptor, Provider};

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&HOST, &Native];

parlor_registry::register!(PROVIDERS);

/// The hosts that speak the common chat dialect.
pub(crate) static HOST: ChatHost = ChatHost::new(DESCRIPTOR, model::quirks)
    .by_model(model::by_model)
    .with_addresses(&[(
        "TENCENT_TOKENHUB_API_KEY",
        "https://tokenhub.tencentmaas.com/v1",
    )]);

/// The variables of an id and its secret at Tencent Cloud.
pub(crate) const PAIR: (&str, &str) = ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY");

/// The id and its secret open the whole account, so having them doesn't say
/// that this provider is meant.
pub(crate) static NATIVE: Descriptor =
    Descriptor::new("hunyuan-native", "Tencent Hunyuan, by Tencent Cloud's API")
        .feature("hunyuan")
        .region_of("hunyuan")
        .base_url("https://hunyuan.tencentcloudapi.com")
        .media(MEDIA)
        .key_env(&[PAIR.0])
        .with_shared_key()
        .default_model("hunyuan-turbos")
        .docs_url("https://cloud.tencent.com/document/product/1729")
        .key_url("https://console.cloud.tencent.com/cam/capi");

/// What media it takes, by the documents of its API.
const MEDIA: MediaLimits = MediaLimits::UNKNOWN.video(KindLimits::UNKNOWN.bytes(100 << 20));

const DESCRIPTOR: Descriptor = Descriptor::new("hunyuan", "Tencent Hunyuan")
    .makes(&["hunyuan-", "hy3"])
    .feature("hunyuan")
    .base_url("https://api.hunyuan.cloud.tencent.com/v1")
    .media(MEDIA)
    .base_url_env(&["HUNYUAN_BASE_URL"])
    .key_env(&[
        "HUNYUAN_API_KEY",
        "TENCENT_TOKENHUB_API_KEY",
        "TENCENT_API_KEY",
    ])
    .default_model("hunyuan-turbos")
    .docs_url("https://cloud.tencent.com/document/product/1729")
    .key_url("https://console.cloud.tencent.com/hunyuan/api-key");
