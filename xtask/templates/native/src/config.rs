//! The provider: what is known of it, and how it comes to be known.

use crate::model::{endpoint, model};
use async_trait::async_trait;
use parlor_core::{ChatModel, Result};
use parlor_dialect::openai_chat::OpenAiChat;
use parlor_http::list_models;
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate. A second host or region of the same API is one more of them.
pub static PROVIDERS: &[&dyn Provider] = &[&AcmeProvider];

// A program that says `use parlor_acme as _;` and no more has the provider by this.
parlor_registry::register!(PROVIDERS);

/// All that is known before anything is sent.
pub(crate) static DESCRIPTOR: Descriptor = Descriptor::new("acme", "Acme")
    .feature("acme")
    // Beginnings of the names of the models that it makes: `.makes(&["acme-"])`; none for a host
    // of others' models. Another API or region of a provider that is there already says so, and
    // that its key alone doesn't choose it: `.region_of("…").with_shared_key()`.
    // The dialect's paths are appended to the address.
    .base_url("https://api.acme.example/v1")
    .base_url_env(&["ACME_BASE_URL"])
    // Every name in use, the provider's own first. `.without_key()` where none is needed.
    .key_env(&["ACME_API_KEY"])
    .docs_url("https://acme.example/docs")
    .key_url("https://acme.example/keys");

#[derive(Debug)]
struct AcmeProvider;

#[async_trait]
impl Provider for AcmeProvider {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn build(&self, name: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        Ok(Arc::new(model(name, config)?))
    }

    /// Source: name the document that describes the list. Where the API has none, answer
    /// `Error::unsupported(…).with_provider(&config.instance)`.
    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        let endpoint = endpoint(config)?;
        // The dialect reads the error, if it is one; the closure reads what an entry tells beside
        // its id, such as the context window.
        list_models(
            &endpoint,
            &OpenAiChat::default(),
            "/models",
            &[],
            |_, _| {},
        )
        .await
    }
}
