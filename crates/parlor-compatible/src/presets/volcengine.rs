//! Volcengine Ark (Doubao): models may be endpoint ids; thinking is switched by type.

use parlor_core::{Effort, ErrorKind};
use parlor_dialect::openai_chat::{Documents, Quirks, Thinking};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = ChatHost::new(
    Descriptor::new("volcengine", "Volcengine Ark (Doubao)")
        .makes(&["doubao-"])
        .feature("compatible")
        .base_url("https://ark.cn-beijing.volces.com/api/v3")
        .aliases(&["doubao", "ark"])
        .base_url_env(&["ARK_BASE_URL"])
        .key_env(&["ARK_API_KEY", "VOLCENGINE_API_KEY"])
        .default_model("doubao-seed-2-1-pro-260915")
        .docs_url("https://www.volcengine.com/docs/82379")
        .key_url("https://console.volcengine.com/ark"),
    quirks,
);

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.thinking = Thinking::Type;
    quirks.effort_beside_switch = true;
    quirks.efforts = vec![Effort::Minimal, Effort::Low, Effort::Medium, Effort::High];
    quirks.documents = Documents::None;
    quirks.know_codes(&[
        (
            ErrorKind::QuotaExhausted,
            &["AccountOverdueError", "QuotaExceeded", "SetLimitExceeded"],
        ),
        (
            ErrorKind::ModelNotFound,
            &["InvalidEndpointOrModel.NotFound"],
        ),
        (ErrorKind::Permission, &["ModelNotOpen"]),
        (ErrorKind::ContentFiltered, &["SensitiveContentDetected"]),
        (ErrorKind::Overloaded, &["ServerOverloaded"]),
    ]);
    quirks.know_tiers("auto default");
    quirks.refuse("n seed metadata user");
    quirks
}
