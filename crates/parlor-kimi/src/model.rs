//! Building a model, and what the models differ in.

use crate::config::host_of;
use parlor_core::{Capability, Effort, ErrorKind, Result, Support};
use parlor_dialect::openai_chat::{
    Documents, EmptyContent, MaxTokens, OpenAiChat, Quirks, Thinking, ToolChoiceWord,
};
use parlor_http::HttpModel;
use parlor_registry::{ModelEntry, ProviderConfig};
use serde_json::{Value, json};

/// A model of this name. Nothing is sent.
///
/// # Errors
/// `Authentication` without a key; `Configuration`, when an address, a header
/// or a quirk is wrong.
pub fn model(name: &str, config: &ProviderConfig) -> Result<HttpModel<OpenAiChat>> {
    host_of(config).model(name, config)
}

/// The host's ways. Source: Kimi API reference, "Chat"; for schemas the host's
/// own checker of them (github.com/MoonshotAI/walle).
pub(crate) fn quirks() -> Quirks {
    let mut quirks = Quirks::compatible();
    quirks.max_tokens = MaxTokens::MaxTokens;
    quirks.thinking = Thinking::Type;
    quirks.tool_choice = vec![ToolChoiceWord::Auto, ToolChoiceWord::None];
    quirks.content_beside_calls = EmptyContent::Absent;
    quirks.image_urls = false;
    quirks.video_urls = false;
    quirks.file_scheme = "ms://".to_owned();
    quirks.audio = false;
    quirks.documents = Documents::None;
    quirks.typed_schemas = true;
    quirks.max_stop = 5;
    quirks.max_temperature = Some(1.0);
    quirks.prefill_field = "partial".to_owned();
    quirks.user_field = "safety_identifier".to_owned();
    if let Value::Object(kept) = json!({"thinking": {"keep": "all"}}) {
        quirks.keeps_reasoning = kept;
    }
    quirks.know_codes(&[
        (ErrorKind::ContentFiltered, &["content_filter"]),
        (
            ErrorKind::Authentication,
            &["invalid_authentication_error", "incorrect_api_key_error"],
        ),
        (ErrorKind::Permission, &["permission_denied_error"]),
        (ErrorKind::ModelNotFound, &["resource_not_found_error"]),
        (ErrorKind::RateLimited, &["rate_limit_reached_error"]),
        (ErrorKind::Overloaded, &["engine_overloaded_error"]),
        (ErrorKind::QuotaExhausted, &["exceeded_current_quota_error"]),
        (ErrorKind::Server, &["server_error", "unexpected_output"]),
    ]);
    quirks.refuse("seed top_k logprobs top_logprobs metadata service_tier");
    quirks
}

/// How the lines of models think. `k3` takes efforts and is never without; of
/// the lines before, some think always, some never, and the others are
/// switched.
pub(crate) fn by_model(name: &str, quirks: &mut Quirks) {
    let begins = |starts: &[&str]| starts.iter().any(|start| name.starts_with(start));
    if begins(&["kimi-k3"]) {
        quirks.thinking = Thinking::Effort;
        quirks.efforts = vec![Effort::Low, Effort::High, Effort::Max];
    } else if begins(&["kimi-k2.7", "kimi-k2-thinking"]) {
        quirks.thinking = Thinking::Always;
    } else if begins(&["moonshot-v1", "kimi-k2-", "kimi-latest"]) {
        quirks.thinking = Thinking::None;
    }
    // From here on sampling is fixed, the number of answers with it.
    if begins(&["kimi-k2.", "kimi-k3"]) {
        quirks.refuse("n");
    }
}

/// What the list tells of a model.
pub(crate) fn entry(item: &Value, entry: &mut ModelEntry) {
    for (field, capability) in [
        ("supports_image_in", Capability::ImageInput),
        ("supports_video_in", Capability::VideoInput),
        ("supports_reasoning", Capability::Reasoning),
    ] {
        let support = match item.get(field).and_then(Value::as_bool) {
            Some(true) => Support::Yes,
            Some(false) => Support::No,
            None => continue,
        };
        entry.capabilities = entry.capabilities.with(capability, support);
    }
}
