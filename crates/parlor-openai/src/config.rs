//! The provider: what is known of it, and how it comes to be known.

use crate::batches;
use crate::choose::Api;
use crate::model;
use async_trait::async_trait;
use parlor_core::{
    ChatBatches, ChatModel, KindLimits, MediaFormat, MediaFormats, MediaLimits, Result,
};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate: by the API that suits the model, by Chat
/// Completions, by Responses.
pub static PROVIDERS: &[&dyn Provider] = &[&OPENAI, &CHAT, &RESPONSES];

parlor_registry::register!(PROVIDERS);

/// OpenAI, by one of its APIs.
#[derive(Debug)]
pub(crate) struct OpenAi {
    pub(crate) descriptor: Descriptor,
    /// The API; `None` lets the model decide.
    pub(crate) api: Option<Api>,
}

/// The id under which the provider's models and options are known.
pub(crate) const ID: &str = "openai";

pub(crate) static OPENAI: OpenAi = OpenAi {
    descriptor: descriptor(ID, "OpenAI")
        .makes(&["gpt-", "chatgpt-", "o1", "o3", "o4-", "codex-"])
        .base_url_env(&["OPENAI_BASE_URL", "OPENAI_API_BASE"])
        .default_model("gpt-5.4-mini"),
    api: None,
};

pub(crate) static CHAT: OpenAi = OpenAi {
    descriptor: variant("openai-chat", "OpenAI (Chat Completions)"),
    api: Some(Api::Chat),
};

pub(crate) static RESPONSES: OpenAi = OpenAi {
    descriptor: variant("openai-responses", "OpenAI (Responses)"),
    api: Some(Api::Responses),
};

/// What media it takes: guides "Images and vision" and "File inputs". A GIF
/// mustn't move, which isn't looked at here.
const MEDIA: MediaLimits = MediaLimits::UNKNOWN
    .image(KindLimits::UNKNOWN.formats(MediaFormats::WEB).count(1_500))
    .audio(KindLimits::UNKNOWN.formats(MediaFormats::of(&[MediaFormat::Wav, MediaFormat::Mp3])))
    .total_bytes(512 << 20);

const fn descriptor(id: &'static str, name: &'static str) -> Descriptor {
    Descriptor::new(id, name)
        .feature("openai")
        .base_url("https://api.openai.com/v1")
        .media(MEDIA)
        .key_env(&["OPENAI_API_KEY"])
        .model_env(&["OPENAI_MODEL", "OPENAI_MODEL_NAME"])
        .with_batches()
        .docs_url("https://platform.openai.com/docs")
        .key_url("https://platform.openai.com/api-keys")
}

/// The same provider by one API. The key alone doesn't choose it.
const fn variant(id: &'static str, name: &'static str) -> Descriptor {
    descriptor(id, name)
        .base_url_env(&["OPENAI_BASE_URL", "OPENAI_API_BASE"])
        .region_of(ID)
        .with_shared_key()
}

#[async_trait]
impl Provider for OpenAi {
    fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        model::of(self, model, config)
    }

    fn batches(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatBatches>> {
        batches::of(self, model, config)
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        model::list(&self.descriptor, config).await
    }
}
