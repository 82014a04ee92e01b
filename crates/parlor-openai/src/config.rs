//! The provider: what is known of it, and how it comes to be known.

use crate::model;
use async_trait::async_trait;
use parlor_core::{ChatModel, Result};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&OpenAi];

parlor_registry::register!(PROVIDERS);

/// OpenAI, by the Chat Completions API.
#[derive(Debug)]
pub struct OpenAi;

pub(crate) static DESCRIPTOR: Descriptor = Descriptor::new("openai", "OpenAI")
    .feature("openai")
    .base_url("https://api.openai.com/v1")
    .base_url_env(&["OPENAI_BASE_URL", "OPENAI_API_BASE"])
    .key_env(&["OPENAI_API_KEY"])
    .model_env(&["OPENAI_MODEL", "OPENAI_MODEL_NAME"])
    .default_model("gpt-5.4-mini")
    .docs_url("https://platform.openai.com/docs")
    .key_url("https://platform.openai.com/api-keys");

#[async_trait]
impl Provider for OpenAi {
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
