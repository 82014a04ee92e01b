//! Many requests at once, answered within a day.

use crate::model::{model, version};
use parlor_core::Result;
use parlor_http::{BatchApi, HttpBatches};
use parlor_registry::ProviderConfig;

/// Up to 100,000 requests of up to 256 MB together, at half the price of all
/// tokens, those of prompt caches included.
///
/// Source: guide "Batch processing", sections "Batch limitations" and "Pricing".
const API: BatchApi = BatchApi::in_body("/v1/messages/batches")
    .with_limits(Some(100_000), Some(256_000_000))
    .with_price_share(0.5);

/// The batches of a model of this name. Nothing is sent.
///
/// # Errors
/// As [`model`](crate::model).
pub fn batches(name: &str, config: &ProviderConfig) -> Result<HttpBatches> {
    let model = model(name, config)?;
    let headers = version(model.dialect());
    Ok(HttpBatches::new(model, API).with_headers(headers))
}
