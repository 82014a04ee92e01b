//! Many requests at once, answered within a day.

use crate::choose::Api;
use crate::config::{OPENAI, OpenAi};
use crate::model::{api_at, chat_model, responses_model};
use parlor_core::{ChatBatches, Result};
use parlor_http::{BatchApi, HttpBatches};
use parlor_registry::ProviderConfig;
use std::sync::Arc;

/// Up to 50,000 requests in a file of up to 200 MB.
///
/// Source: API reference, "Create batch". The guide tells of half the price; what
/// that makes of cached input isn't said for every model, so that the price of
/// a batch is unknown here.
const API: BatchApi = BatchApi::by_file().with_limits(Some(50_000), Some(200_000_000));

/// The batches of a model of this name, by the API that suits it. Nothing is
/// sent.
///
/// # Errors
/// As [`model`](crate::model).
pub fn batches(name: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatBatches>> {
    of(&OPENAI, name, config)
}

pub(crate) fn of(
    provider: &OpenAi,
    name: &str,
    config: &ProviderConfig,
) -> Result<Arc<dyn ChatBatches>> {
    Ok(match api_at(provider, name, config) {
        Api::Chat => Arc::new(HttpBatches::new(chat_model(name, config)?, API)),
        Api::Responses => Arc::new(HttpBatches::new(responses_model(name, config)?, API)),
    })
}
