//! The provider: what is known of it, and how it comes to be known.

use crate::model;
use parlor_core::{ChatModel, KindLimits, MediaFormat, MediaFormats, MediaLimits, Result};
use parlor_http::async_trait;
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate: by Chat Completions, by Responses.
pub static PROVIDERS: &[&dyn Provider] = &[&CHAT, &RESPONSES];

parlor_registry::register!(PROVIDERS);

/// Azure OpenAI, by one of its APIs.
#[derive(Debug)]
struct AzureOpenAi {
    descriptor: Descriptor,
    build: fn(&str, &ProviderConfig) -> Result<Arc<dyn ChatModel>>,
}

static CHAT: AzureOpenAi = AzureOpenAi {
    descriptor: DESCRIPTOR,
    build: |name, config| Ok(Arc::new(model::model(name, config)?)),
};

/// The key alone doesn't choose it.
static RESPONSES: AzureOpenAi = AzureOpenAi {
    descriptor: descriptor("azure-responses", "Azure OpenAI (Responses)")
        .region_of("azure-openai")
        .with_shared_key(),
    build: |name, config| Ok(Arc::new(model::responses_model(name, config)?)),
};

pub(crate) const DESCRIPTOR: Descriptor =
    descriptor("azure-openai", "Azure OpenAI").aliases(&["azure"]);

/// The formats that the models read; how many and how large is unknown.
const MEDIA: MediaLimits = MediaLimits::UNKNOWN
    .image(KindLimits::UNKNOWN.formats(MediaFormats::WEB))
    .audio(KindLimits::UNKNOWN.formats(MediaFormats::of(&[MediaFormat::Wav, MediaFormat::Mp3])));

const fn descriptor(id: &'static str, name: &'static str) -> Descriptor {
    Descriptor::new(id, name)
        .feature("azure")
        .media(MEDIA)
        .base_url_env(&["AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE"])
        .key_env(&["AZURE_OPENAI_API_KEY", "AZURE_API_KEY", TOKEN])
        .model_env(&["AZURE_OPENAI_DEPLOYMENT"])
        .docs_url("https://learn.microsoft.com/azure/ai-foundry/openai")
        .key_url("https://ai.azure.com")
}

/// The variable that holds a token of Entra ID and no key.
pub(crate) const TOKEN: &str = "AZURE_OPENAI_AD_TOKEN";

/// The variable that holds the version of the API by deployments.
pub(crate) const VERSION: &str = "OPENAI_API_VERSION";

/// Whether a configuration is the provider's own, and no instance's by another
/// name.
pub(crate) fn is_own(config: &ProviderConfig) -> bool {
    let mut ids = [&CHAT, &RESPONSES].into_iter();
    config.instance_of.is_none() || ids.any(|it| it.descriptor.id == config.instance)
}

#[async_trait]
impl Provider for AzureOpenAi {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        (self.build)(model, config)
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        model::list(config).await
    }
}
