//! A provider that records what its models are asked.

#![allow(dead_code, unreachable_pub, clippy::expect_used, clippy::unwrap_used)]

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use parlor_core::{
    ChatModel, ChatRequest, ChatResponse, ChatStream, Error, ModelInfo, Result, Secret,
};
use parlor_registry::{Descriptor, Env, ModelEntry, Provider, ProviderConfig, Registry};

/// A provider made of its descriptor.
#[derive(Debug)]
pub struct Fake(pub Descriptor);

/// What the last model built was asked last.
pub static LAST: Mutex<Option<ChatRequest>> = Mutex::new(None);

#[derive(Debug)]
struct FakeModel {
    info: ModelInfo,
}

#[async_trait]
impl Provider for Fake {
    fn descriptor(&self) -> &Descriptor {
        &self.0
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        if self.0.needs_key {
            config.require_key(&self.0)?;
        }
        let info = config.model_info(model);
        Ok(Arc::new(FakeModel { info }))
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        match &config.base_url {
            Some(url) => Ok(vec![ModelEntry::new(format!("at {url}"))]),
            None => Err(Error::unsupported("this provider lists no models")),
        }
    }
}

#[async_trait]
impl ChatModel for FakeModel {
    fn info(&self) -> &ModelInfo {
        &self.info
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatResponse> {
        *LAST.lock().unwrap() = Some(request.clone());
        Ok(ChatResponse::default())
    }

    async fn stream(&self, _: &ChatRequest) -> Result<ChatStream> {
        Err(Error::unsupported("this model doesn't stream"))
    }
}

pub static OPENAI: Fake = Fake(
    Descriptor::new("openai", "OpenAI")
        .feature("openai")
        .base_url("https://api.openai.com/v1")
        .base_url_env(&["OPENAI_BASE_URL"])
        .key_env(&["OPENAI_API_KEY"])
        .model_env(&["OPENAI_MODEL", "OPENAI_MODEL_NAME"])
        .default_model("gpt-4o-mini")
        .key_url("https://platform.openai.com/api-keys"),
);

pub static MOONSHOT: Fake = Fake(
    Descriptor::new("moonshot", "Moonshot")
        .aliases(&["kimi"])
        .base_url("https://api.moonshot.ai/v1")
        .key_env(&["MOONSHOT_API_KEY", "KIMI_API_KEY"]),
);

pub static ZHIPU: Fake = Fake(
    Descriptor::new("zhipu", "Zhipu")
        .aliases(&["glm", "zai"])
        .base_url("https://open.bigmodel.cn/api/paas/v4")
        .key_env(&["ZHIPUAI_API_KEY", "ZAI_API_KEY", "GLM_API_KEY"]),
);

pub static OLLAMA: Fake = Fake(
    Descriptor::new("ollama", "Ollama")
        .base_url("http://127.0.0.1:11434")
        .base_url_env(&["OLLAMA_HOST"])
        .without_key(),
);

pub static OPENROUTER: Fake = Fake(
    Descriptor::new("openrouter", "OpenRouter")
        .base_url("https://openrouter.ai/api/v1")
        .key_env(&["OPENROUTER_API_KEY"])
        .default_model("openrouter/auto"),
);

pub static FORGE: Fake = Fake(
    Descriptor::new("github-models", "GitHub Models")
        .base_url("https://models.github.ai/inference")
        .key_env(&["GITHUB_TOKEN"])
        .default_model("openai/gpt-4o")
        .with_shared_key(),
);

pub static COMPATIBLE: Fake =
    Fake(Descriptor::new("openai-compatible", "Compatible").without_key());

pub static ALL: &[&dyn Provider] = &[
    &OPENAI,
    &MOONSHOT,
    &ZHIPU,
    &OLLAMA,
    &OPENROUTER,
    &FORGE,
    &COMPATIBLE,
];

/// A registry of the providers above with nothing in the environment.
pub fn registry() -> Registry {
    Registry::with(ALL).unwrap().with_env(Env::empty())
}

/// The same with a configuration.
pub fn configured(toml: &str) -> Registry {
    let config = parlor_registry::Config::from_toml(toml).unwrap();
    registry().with_config(config).unwrap()
}

/// The key that a model would be built with.
pub fn key_of(registry: &Registry, id: &str) -> Option<(String, String)> {
    let key = registry.resolve(id).unwrap().config.key().unwrap()?;
    Some((Secret::expose(&key.secret).to_owned(), key.source))
}

/// Runs a future that never waits.
pub fn now<F: Future>(future: F) -> F::Output {
    use std::task::{Context, Poll, Waker};
    let mut future = std::pin::pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}
