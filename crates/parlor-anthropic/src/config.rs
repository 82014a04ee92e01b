//! The provider: what is known of it, and how it comes to be known.

use crate::{batches, model};
use async_trait::async_trait;
use parlor_core::{ChatBatches, ChatModel, ChatRequest, KindLimits, MediaLimits, Result};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&Anthropic];

parlor_registry::register!(PROVIDERS);

/// Anthropic, by the Messages API.
#[derive(Debug)]
pub struct Anthropic;

pub(crate) static DESCRIPTOR: Descriptor = Descriptor::new("anthropic", "Anthropic")
    .makes(&["claude-"])
    .short_names(&[
        ("haiku", "claude-haiku-5-5"),
        ("opus", "claude-opus-5-5"),
        ("sonnet", "claude-sonnet-5-5"),
    ])
    .feature("anthropic")
    .base_url("https://api.anthropic.com")
    .media(MEDIA)
    .base_url_env(&["ANTHROPIC_BASE_URL"])
    .key_env(&["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
    .model_env(&["ANTHROPIC_MODEL"])
    .default_model("claude-sonnet-5-5")
    .with_batches()
    .docs_url("https://docs.claude.com")
    .key_url("https://console.anthropic.com/settings/keys");

/// What media it takes: guide "Vision", and the limit of a request in "API
/// overview". The formats are the dialect's. A model of a small window takes
/// fewer images: see [`media`].
const MEDIA: MediaLimits = MediaLimits::UNKNOWN
    .image(KindLimits::UNKNOWN.count(600).side(8_000).crowd(20, 2_000))
    .total_bytes(32 << 20);

/// The tokens of a window up to which a model takes [`FEW`] images.
const SMALL_WINDOW: u64 = 200_000;

/// The most images for a model with a small window.
const FEW: u32 = 100;

/// The limits of a model with this window, where nothing else was configured.
pub(crate) fn media(known: MediaLimits, window: Option<u64>) -> MediaLimits {
    let mut limits = known;
    if window.is_some_and(|it| it <= SMALL_WINDOW) && limits.image.count == MEDIA.image.count {
        limits.image.count = Some(FEW);
    }
    limits
}

#[async_trait]
impl Provider for Anthropic {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        Ok(Arc::new(model::model(model, config)?))
    }

    fn batches(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatBatches>> {
        Ok(Arc::new(batches::batches(model, config)?))
    }

    async fn count_tokens(
        &self,
        model: &str,
        config: &ProviderConfig,
        request: &ChatRequest,
    ) -> Result<u64> {
        crate::count_tokens(&model::model(model, config)?, request).await
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        model::list(config).await
    }
}

/// The base URL that an address means.
///
/// Every path begins with `/v1`, so one at the end of the address, as some
/// clients want it, is taken off.
///
/// ```
/// use parlor_anthropic::base_url;
///
/// assert_eq!(base_url("https://gateway.example/a/v1/"), "https://gateway.example/a");
/// assert_eq!(base_url("https://gateway.example"), "https://gateway.example");
/// ```
pub fn base_url(address: &str) -> String {
    let address = address.trim().trim_end_matches('/');
    address.strip_suffix("/v1").unwrap_or(address).to_owned()
}
