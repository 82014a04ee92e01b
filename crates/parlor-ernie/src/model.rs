//! Building a model.

use crate::config::HOST;
use parlor_core::{ErrorKind, Result};
use parlor_dialect::openai_chat::{Documents, OpenAiChat, Quirks, Thinking};
use parlor_dialect::qianfan_v1;
use parlor_http::HttpModel;
use parlor_registry::ProviderConfig;

/// A model of this name. Nothing is sent.
///
/// # Errors
/// `Authentication` without a key, or with half of a pair; `Configuration`,
/// when an address, a header or a quirk is wrong.
pub fn model(name: &str, config: &ProviderConfig) -> Result<HttpModel<OpenAiChat>> {
    HOST.model(name, config)
}

/// The host's ways. Source: cloud.baidu.com, Qianfan, "Chat completions V2"
/// and "Error codes".
pub(crate) fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.thinking = Thinking::Enable;
    quirks.thinking_budget = true;
    quirks.max_image_url = 1_024;
    quirks.audio = false;
    quirks.documents = Documents::None;
    quirks.know_codes(CODES);
    // Gateways pass the first generation's numbers on.
    quirks.know_codes(qianfan_v1::CODES);
    quirks.refuse("n logprobs top_logprobs top_k service_tier");
    quirks
}

/// What the words mean.
const CODES: &[(ErrorKind, &[&str])] = &[
    (ErrorKind::Authentication, &["invalid_iam_token"]),
    (ErrorKind::Permission, &["access_denied"]),
    (ErrorKind::ModelNotFound, &["invalid_model"]),
    (
        ErrorKind::RateLimited,
        &[
            "rpm_rate_limit_exceeded",
            "tpm_rate_limit_exceeded",
            "preemptible_*",
        ],
    ),
    (ErrorKind::QuotaExhausted, &["account_overdue*", "coupon_*"]),
    (ErrorKind::Server, &["internal_error"]),
];
