//! What a provider crate gives: a descriptor, a way to build models, a live list.

mod config;
mod descriptor;
mod extensions;
mod keys;

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use parlor_core::{Capabilities, ChatBatches, ChatModel, ChatRequest, Error, Result};
use serde::{Deserialize, Serialize};

pub use config::ProviderConfig;
pub use descriptor::Descriptor;
pub use extensions::Extensions;
pub use keys::Keys;

/// A provider of chat models: the contract with provider crates.
///
/// A crate exports `pub static PROVIDERS: &[&dyn Provider]` and writes
/// [`register!`](crate::register), so that a program finds it by either way.
#[async_trait]
pub trait Provider: Send + Sync + Debug {
    /// What is known of the provider.
    ///
    /// # Behavior
    /// - The same at every call, and cheap.
    fn descriptor(&self) -> &Descriptor;

    /// Builds a model.
    ///
    /// # Behavior
    /// - Nothing is sent and nothing is checked with the provider: any model id
    ///   is taken, known or not.
    /// - The key is looked up by [`ProviderConfig::key`]; when it is needed and
    ///   missing, the error is of [`ProviderConfig::require_key`].
    /// - The model's [`info`](ChatModel::info) is that of
    ///   [`ProviderConfig::model_info`], completed by what the provider knows.
    /// - A setting in the configuration that the provider doesn't know is an
    ///   error that names it.
    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>>;

    /// Builds what takes many requests to a model at once, to be answered later.
    ///
    /// # Behavior
    /// - As [`build`](Self::build).
    /// - There where [`Descriptor::batches`] says so. As it stands here, it is
    ///   an error of the kind `Unsupported`.
    fn batches(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatBatches>> {
        let message = format!("{} takes no batches by parlor", self.descriptor().name);
        Err(Error::unsupported(message)
            .with_provider(&config.instance)
            .with_model(model))
    }

    /// Asks the provider what a request's prompt comes to, in tokens.
    ///
    /// # Behavior
    /// - The model isn't asked, and nothing is charged.
    /// - Where the API doesn't count, and as it stands here, it is an error of
    ///   the kind `Unsupported`.
    async fn count_tokens(
        &self,
        model: &str,
        config: &ProviderConfig,
        request: &ChatRequest,
    ) -> Result<u64> {
        let _ = request;
        let message = format!("{} counts no tokens by parlor", self.descriptor().name);
        Err(Error::unsupported(message)
            .with_provider(&config.instance)
            .with_model(model))
    }

    /// Asks the provider which models there are.
    ///
    /// # Behavior
    /// - One list, however many pages the provider cuts it into.
    /// - In the provider's order.
    /// - Where the API has no such list, the error is of the kind `Unsupported`.
    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>>;
}

/// A model in a provider's live list. What the list doesn't tell is unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct ModelEntry {
    /// The id to use.
    pub id: String,
    /// The provider's name for people.
    pub label: Option<String>,
    /// When the model was made, in seconds since 1970.
    pub created: Option<i64>,
    /// Tokens of input and output together.
    pub context_window: Option<u64>,
    /// Most tokens of one answer.
    pub max_output_tokens: Option<u64>,
    /// What the model can do.
    pub capabilities: Capabilities,
}

impl ModelEntry {
    /// A model of which nothing but the id is known.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            ..Self::default()
        }
    }
}
