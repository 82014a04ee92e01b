//! The providers: what is known of them, and how it comes to be known.

use crate::model;
use async_trait::async_trait;
use parlor_core::{ChatModel, Result};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&Bedrock, &BedrockAnthropic];

parlor_registry::register!(PROVIDERS);

/// The variable with an API key of the service's own.
const BEARER: &str = "AWS_BEARER_TOKEN_BEDROCK";

/// The variable that says that there are credentials to sign with.
pub(crate) const ACCESS_KEY: &str = "AWS_ACCESS_KEY_ID";

const fn descriptor(id: &'static str, name: &'static str, model: &'static str) -> Descriptor {
    Descriptor::new(id, name)
        .feature("bedrock")
        .base_url_env(&["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"])
        .key_env(&[BEARER, ACCESS_KEY])
        // Credentials of an AWS account serve for much else.
        .with_shared_key()
        .default_model(model)
        .docs_url("https://docs.aws.amazon.com/bedrock")
        .key_url("https://console.aws.amazon.com/bedrock/home#/api-keys")
}

pub(crate) static BEDROCK: Descriptor = descriptor(
    "bedrock",
    "Amazon Bedrock",
    "global.amazon.nova-2-lite-v1:0",
)
.aliases(&["amazon-bedrock", "aws-bedrock"])
.makes(&["amazon."]);

pub(crate) static ANTHROPIC: Descriptor = descriptor(
    "bedrock-anthropic",
    "Claude on Amazon Bedrock",
    "global.anthropic.claude-haiku-4-5-20251001-v1:0",
);

/// The models of every maker, by the Converse API.
#[derive(Debug)]
pub struct Bedrock;

/// Claude, by `InvokeModel`: Anthropic's own words, for what the Converse API
/// can't say.
#[derive(Debug)]
pub struct BedrockAnthropic;

#[async_trait]
impl Provider for Bedrock {
    fn descriptor(&self) -> &Descriptor {
        &BEDROCK
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        Ok(Arc::new(model::model(model, config)?))
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        model::list(config, |_| true).await
    }
}

#[async_trait]
impl Provider for BedrockAnthropic {
    fn descriptor(&self) -> &Descriptor {
        &ANTHROPIC
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        Ok(Arc::new(model::anthropic_model(model, config)?))
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        model::list(config, |id| id.contains("claude")).await
    }
}
