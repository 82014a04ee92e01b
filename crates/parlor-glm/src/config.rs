//! The provider: what is known of it, and how it comes to be known.

use crate::{auth, model};
use parlor_core::{Error, ErrorKind, KindLimits, MediaFormat, MediaFormats, MediaLimits, Result};
use parlor_http::{Auth, ChatHost, Endpoint, Tokens};
use parlor_registry::{Descriptor, Provider, ProviderConfig};

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&HOST];

parlor_registry::register!(PROVIDERS);

/// Zhipu's host, or Z.ai's with a key of its own.
pub(crate) static HOST: ChatHost = ChatHost::new(DESCRIPTOR, model::quirks)
    .by_model(model::by_model)
    .with_addresses(&[("ZAI_API_KEY", "https://api.z.ai/api/paas/v4")])
    .with_endpoint(endpoint);

const DESCRIPTOR: Descriptor = Descriptor::new("zhipu", "Zhipu GLM / Z.ai")
    .makes(&["glm-", "autoglm-", "codegeex"])
    .feature("glm")
    .base_url("https://open.bigmodel.cn/api/paas/v4")
    .media(MEDIA)
    .aliases(&["glm", "zai"])
    .base_url_env(&["ZAI_BASE_URL"])
    .key_env(&[
        "ZHIPUAI_API_KEY",
        "ZAI_API_KEY",
        "ZHIPU_API_KEY",
        "GLM_API_KEY",
    ])
    .default_model("glm-5.3")
    .docs_url("https://docs.bigmodel.cn")
    .key_url("https://open.bigmodel.cn/usercenter/apikeys");

/// What media it takes, by its OpenAPI description; where models differ, the
/// most that any takes.
const MEDIA: MediaLimits = MediaLimits::UNKNOWN
    .image(
        KindLimits::UNKNOWN
            .formats(MediaFormats::of(&[MediaFormat::Png, MediaFormat::Jpeg]))
            .bytes(5 << 20)
            .side(6_000)
            .count(150),
    )
    .video(
        KindLimits::UNKNOWN
            .formats(MediaFormats::of(&[
                MediaFormat::Mp4,
                MediaFormat::Mkv,
                MediaFormat::Mov,
            ]))
            .bytes(200 << 20)
            .count(2),
    )
    .audio(KindLimits::UNKNOWN.formats(MediaFormats::of(&[MediaFormat::Wav, MediaFormat::Mp3])));

fn endpoint(descriptor: &Descriptor, config: &ProviderConfig) -> Result<Endpoint> {
    let form = auth::form(config)?;
    let endpoint = Endpoint::configured(config, descriptor, Auth::Bearer)?;
    if form == auth::AuthForm::Key {
        return Ok(endpoint);
    }
    let key = config.require_key(descriptor)?;
    let maker = auth::Maker::of(&key.secret).ok_or_else(|| {
        let message = "a token can't be made of this key";
        Error::new(ErrorKind::Authentication, message)
            .with_provider(&config.instance)
            .with_help("A key has an id and a secret, with a dot between.")
    })?;
    Ok(endpoint.with_auth(Auth::dynamic(Tokens::new(maker))))
}
