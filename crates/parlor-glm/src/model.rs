//! Building a model, and what the models differ in.

use crate::config::HOST;
use parlor_core::{ErrorKind, Result};
use parlor_dialect::openai_chat::{
    Documents, ImageBytes, JsonOutput, MaxTokens, OpenAiChat, Quirks, Thinking, ToolChoiceWord,
};
use parlor_http::{Files, HttpModel};
use parlor_registry::ProviderConfig;
use serde_json::{Value, json};

/// A model of this name. Nothing is sent.
///
/// # Errors
/// `Authentication` without a key, or where a token can't be made of it;
/// `Configuration`, when an address, a header or a quirk is wrong.
pub fn model(name: &str, config: &ProviderConfig) -> Result<HttpModel<OpenAiChat>> {
    HOST.model(name, config)
}

/// The files kept for the holder of the key, at most 100 MB each. The purposes
/// are the provider's words, such as `file-extract` or `batch`.
///
/// # Errors
/// As [`model`].
pub fn files(config: &ProviderConfig) -> Result<Files> {
    HOST.files(config)
}

/// The host's ways. Source: docs.bigmodel.cn, "Chat completions" and "Error
/// codes".
pub(crate) fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.max_temperature = Some(1.0);
    quirks.thinking = Thinking::Type;
    quirks.effort_beside_switch = true;
    quirks.tool_choice = vec![ToolChoiceWord::Auto];
    quirks.parallel_tool_calls = false;
    quirks.output = JsonOutput::Object;
    quirks.documents = Documents::FileUrl;
    quirks.document_urls = true;
    quirks.user_field = "user_id".to_owned();
    (quirks.min_user, quirks.max_user) = (6, 128);
    quirks.max_stop = 1;
    if let Value::Object(kept) = json!({"thinking": {"clear_thinking": false}}) {
        quirks.keeps_reasoning = kept;
    }
    quirks.know_codes(CODES);
    quirks.refuse(
        "n seed top_k logprobs top_logprobs frequency_penalty presence_penalty metadata service_tier",
    );
    quirks
}

/// What the provider's numbers mean; the status beside them varies.
const CODES: &[(ErrorKind, &[&str])] = &[
    (
        ErrorKind::Authentication,
        &["1000", "1001", "1002", "1003", "1004"],
    ),
    // The account is locked, inactive, missing or outside of its plan; the API
    // is not open to it.
    (
        ErrorKind::Permission,
        &[
            "1005", "1110", "1111", "1112", "1220", "1311", "1313", "434",
        ],
    ),
    // No balance, a plan used up or over.
    (ErrorKind::QuotaExhausted, &["1113", "1308", "1309", "1310"]),
    (
        ErrorKind::Server,
        &["500", "1100", "1120", "1200", "1230", "1234"],
    ),
    (
        ErrorKind::InvalidRequest,
        &["1210", "1213", "1214", "1215", "1231"],
    ),
    (ErrorKind::Unsupported, &["1212", "1221", "1222"]),
    (ErrorKind::ModelNotFound, &["1211"]),
    (ErrorKind::ContextTooLong, &["1261"]),
    (ErrorKind::ContentFiltered, &["1300", "1301"]),
    (ErrorKind::RateLimited, &["1302", "1303", "1304"]),
    (ErrorKind::Overloaded, &["1305", "1312"]),
    (ErrorKind::Media, &["435"]),
];

/// How the lines of models think, and what the oldest want of images. Thinking
/// came with 4.5, efforts with 5.2.
pub(crate) fn by_model(name: &str, quirks: &mut Quirks) {
    let begins = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    if begins(&["glm-z1", "glm-4.1v"]) {
        quirks.thinking = Thinking::Always;
    } else if name == "glm-4" || begins(&["glm-4-", "glm-4v", "glm-3", "codegeex", "charglm"]) {
        quirks.thinking = Thinking::None;
    }
    if name == "glm-5" || begins(&["glm-4", "glm-5-", "glm-5v", "glm-5.0", "glm-5.1"]) {
        quirks.effort_beside_switch = false;
    }
    if begins(&["glm-4v"]) {
        quirks.image_bytes = ImageBytes::Base64;
    }
}
