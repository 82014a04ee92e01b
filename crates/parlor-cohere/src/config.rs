//! The provider: what is known of it, and how it comes to be known.

use crate::model;
use async_trait::async_trait;
use parlor_core::{ChatModel, KindLimits, MediaFormats, MediaLimits, Result};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&Cohere];

parlor_registry::register!(PROVIDERS);

/// Cohere, by version 2 of its chat API.
#[derive(Debug)]
pub struct Cohere;

pub(crate) static DESCRIPTOR: Descriptor = Descriptor::new("cohere", "Cohere")
    .makes(&["command-", "c4ai-", "north-"])
    .feature("cohere")
    .base_url("https://api.cohere.com")
    .media(MEDIA)
    .base_url_env(&["CO_API_URL", "COHERE_BASE_URL"])
    .key_env(&["CO_API_KEY", "COHERE_API_KEY"])
    .model_env(&["COHERE_MODEL"])
    .default_model("command-a-03-2025")
    .docs_url("https://docs.cohere.com")
    .key_url("https://dashboard.cohere.com/api-keys");

/// The images that it reads, by its documents; how large is unknown.
const MEDIA: MediaLimits =
    MediaLimits::UNKNOWN.image(KindLimits::UNKNOWN.formats(MediaFormats::WEB));

#[async_trait]
impl Provider for Cohere {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        Ok(Arc::new(model::model(model, config)?))
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        model::list(config).await
    }
}

/// The base URL that an address means.
///
/// Every path begins with its version, so one at the end of the address, as
/// some clients want it, is taken off.
///
/// ```
/// use parlor_cohere::base_url;
///
/// assert_eq!(base_url("https://api.cohere.ai/v1/"), "https://api.cohere.ai");
/// assert_eq!(base_url("https://gateway.example/c"), "https://gateway.example/c");
/// ```
pub fn base_url(address: &str) -> String {
    let address = address.trim().trim_end_matches('/');
    let versions = ["/v1", "/v2"].iter();
    let bare = versions.filter_map(|it| address.strip_suffix(it)).next();
    bare.unwrap_or(address).to_owned()
}
