//! The provider: what is known of it, and how it comes to be known.

use crate::v1::FirstGeneration;
use crate::{auth, model};
use parlor_core::{KindLimits, MediaFormat, MediaFormats, MediaLimits, Result};
use parlor_http::signing::KeyPair;
use parlor_http::{Auth, ChatHost, Endpoint, Tokens};
use parlor_registry::{Descriptor, Provider, ProviderConfig};

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&HOST, &FirstGeneration];

parlor_registry::register!(PROVIDERS);

/// Qianfan, by the second generation of its API.
pub(crate) static HOST: ChatHost = ChatHost::new(DESCRIPTOR, model::quirks).with_endpoint(endpoint);

/// The variables of an access key and its secret.
const PAIR: (&str, &str) = ("QIANFAN_ACCESS_KEY", "QIANFAN_SECRET_KEY");

const DESCRIPTOR: Descriptor = Descriptor::new("qianfan", "Baidu Qianfan (ERNIE)")
    .makes(&["ernie-"])
    .feature("ernie")
    .base_url("https://qianfan.baidubce.com/v2")
    .media(MEDIA)
    .aliases(&["ernie"])
    .base_url_env(&["QIANFAN_BASE_URL"])
    .key_env(&["QIANFAN_API_KEY", "QIANFAN_BEARER_TOKEN", PAIR.0])
    .default_model("ernie-4.5-turbo-128k")
    .docs_url("https://cloud.baidu.com/doc/qianfan")
    .key_url("https://console.bce.baidu.com/iam/#/iam/apikey/list");

/// Qianfan, by the first generation of its API.
pub(crate) static V1: Descriptor = Descriptor::new("qianfan-v1", "Baidu Qianfan, first generation")
    .feature("ernie")
    .region_of("qianfan")
    .base_url("https://aip.baidubce.com")
    .key_env(&["QIANFAN_ACCESS_TOKEN", "QIANFAN_AK"])
    .default_model("ernie-4.0-8k")
    .docs_url("https://cloud.baidu.com/doc/WENXINWORKSHOP")
    .key_url("https://console.bce.baidu.com/qianfan/ais/console/applicationConsole/application");

/// What media it takes, by its documents; where models differ, the most that
/// any takes.
const MEDIA: MediaLimits = MediaLimits::UNKNOWN
    .image(
        KindLimits::UNKNOWN
            .formats(MediaFormats::of(&[
                MediaFormat::Jpeg,
                MediaFormat::Png,
                MediaFormat::Bmp,
            ]))
            .bytes(10 << 20),
    )
    .video(KindLimits::UNKNOWN.bytes(128 << 20));

fn endpoint(descriptor: &Descriptor, config: &ProviderConfig) -> Result<Endpoint> {
    let endpoint = Endpoint::configured(config, descriptor, Auth::Bearer)?;
    let key = config.require_key(descriptor)?;
    let is_pair = key.source == PAIR.0 || key.secret.expose().contains(':');
    if !is_pair {
        return Ok(endpoint);
    }
    let pair = KeyPair::of(config, descriptor, PAIR)?;
    let service = auth::Service::of(pair, config)?;
    Ok(endpoint.with_auth(Auth::dynamic(Tokens::new(service))))
}
