//! StepFun: thoughts come in `reasoning`; 451 is moderation.

use parlor_core::{Effort, ErrorKind};
use parlor_dialect::openai_chat::{Documents, MaxTokens, Quirks, ReasoningField};
use parlor_http::ChatHost;
use parlor_registry::Descriptor;

pub(super) static PRESET: ChatHost = host(
    Descriptor::new("stepfun", "StepFun")
        .makes(&["step-"])
        .base_url("https://api.stepfun.com/v1")
        .base_url_env(&["STEPFUN_BASE_URL"])
        .docs_url("https://platform.stepfun.com/docs")
        .key_url("https://platform.stepfun.com"),
);

pub(super) static INTL: ChatHost = host(
    Descriptor::new("stepfun-intl", "StepFun, international")
        .base_url("https://api.stepfun.ai/v1")
        .region_of("stepfun")
        .with_shared_key()
        .docs_url("https://platform.stepfun.ai/docs")
        .key_url("https://platform.stepfun.ai"),
);

const fn host(descriptor: Descriptor) -> ChatHost {
    let descriptor = descriptor.feature("compatible");
    let descriptor = descriptor.key_env(&["STEPFUN_API_KEY", "STEP_API_KEY"]);
    ChatHost::new(descriptor.default_model("step-3.7-flash"), quirks)
}

fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.reasoning_field = ReasoningField::Reasoning;
    quirks.efforts = vec![Effort::Low, Effort::Medium, Effort::High];
    quirks.documents = Documents::None;
    quirks.know_codes(&[
        (ErrorKind::ContentFiltered, &["451"]),
        (ErrorKind::InvalidRequest, &["request_params_invalid"]),
    ]);
    quirks.refuse("metadata service_tier");
    quirks
}
