//! The provider: what is known of it, and how it comes to be known.

use crate::{batches, model};
use async_trait::async_trait;
use parlor_core::{ChatBatches, ChatModel, Result};
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
    .feature("anthropic")
    .base_url("https://api.anthropic.com")
    .base_url_env(&["ANTHROPIC_BASE_URL"])
    .key_env(&["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
    .model_env(&["ANTHROPIC_MODEL"])
    .default_model("claude-sonnet-5-5")
    .with_batches()
    .docs_url("https://docs.claude.com")
    .key_url("https://console.anthropic.com/settings/keys");

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
