//! The provider: what is known of it, and how it comes to be known.

use crate::model;
use async_trait::async_trait;
use parlor_core::{ChatModel, Result};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&Gemini];

parlor_registry::register!(PROVIDERS);

/// Google Gemini, by the Gemini API.
#[derive(Debug)]
pub struct Gemini;

pub(crate) static DESCRIPTOR: Descriptor = Descriptor::new("gemini", "Google Gemini")
    .aliases(&["google"])
    .feature("gemini")
    .base_url("https://generativelanguage.googleapis.com/v1beta")
    .base_url_env(&["GOOGLE_GEMINI_BASE_URL"])
    .key_env(&[
        "GOOGLE_API_KEY",
        "GEMINI_API_KEY",
        "GOOGLE_GENERATIVE_AI_API_KEY",
    ])
    .model_env(&["GEMINI_MODEL"])
    .default_model("gemini-3.8-flash")
    .docs_url("https://ai.google.dev/gemini-api/docs")
    .key_url("https://aistudio.google.com/apikey");

#[async_trait]
impl Provider for Gemini {
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

/// The base URL that an address means, read as Google's own clients read it.
///
/// The version of the API may be missing, and `v1beta` is then meant.
///
/// ```
/// use parlor_gemini::base_url;
///
/// assert_eq!(base_url("https://gateway.example/"), "https://gateway.example/v1beta");
/// assert_eq!(base_url("https://gateway.example/g/v1"), "https://gateway.example/g/v1");
/// ```
pub fn base_url(address: &str) -> String {
    let address = address.trim().trim_end_matches('/');
    let digit = |rest: &str| rest.starts_with(|it: char| it.is_ascii_digit());
    let rest = address.split_once("://").map_or(address, |it| it.1);
    let mut path = rest.split('/').skip(1);
    // A version needn't be the last part: more may follow it.
    match path.any(|part| part.strip_prefix('v').is_some_and(digit)) {
        true => address.to_owned(),
        false => format!("{address}/v1beta"),
    }
}
