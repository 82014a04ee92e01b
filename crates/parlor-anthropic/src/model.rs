//! Building a model, and asking which there are.

use crate::config::{DESCRIPTOR, base_url, media};
use parlor_core::{Result, Secret};
use parlor_dialect::Profile;
use parlor_dialect::anthropic_messages::{AnthropicMessages, Quirks};
use parlor_http::{Auth, Endpoint, HttpModel, Method, configured_quirks, query_value, read_models};
use parlor_registry::{ModelEntry, ProviderConfig};
use serde_json::Value;

/// The variable whose token goes as a bearer token, as OAuth tokens do.
const BEARER: &str = "ANTHROPIC_AUTH_TOKEN";

/// How many pages of the list of models are read at most.
const PAGES: usize = 20;

/// A model of this name. Nothing is sent.
///
/// # Errors
/// `Authentication` without a key; `Configuration`, when an address, a header
/// or a quirk is wrong.
pub fn model(name: &str, config: &ProviderConfig) -> Result<HttpModel<AnthropicMessages>> {
    let mut info = config.model_info(name);
    info.media = media(info.media, info.context_window);
    Ok(HttpModel::configured(
        dialect(config)?,
        endpoint(config)?,
        info,
        Profile::of(name),
        config.extra.clone(),
    ))
}

/// The models that the key has access to, all pages of them.
pub(crate) async fn list(config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
    let (endpoint, dialect) = (endpoint(config)?, dialect(config)?);
    let headers = version(&dialect);
    let mut models = Vec::new();
    let mut path = "/v1/models?limit=1000".to_owned();
    for _ in 0..PAGES {
        let page = endpoint
            .json(&dialect, Method::GET, &path, &headers, None)
            .await?;
        models.extend(read_models(&page, |item, entry| {
            let text = item.get("display_name").and_then(Value::as_str);
            entry.label = text.map(str::to_owned);
            entry.context_window = item.get("max_input_tokens").and_then(Value::as_u64);
            entry.max_output_tokens = item.get("max_tokens").and_then(Value::as_u64);
        }));
        let more = page.get("has_more").and_then(Value::as_bool);
        match page.get("last_id").and_then(Value::as_str) {
            Some(last) if more == Some(true) => {
                let last = query_value(last);
                path = format!("/v1/models?limit=1000&after_id={last}");
            }
            _ => break,
        }
    }
    Ok(models)
}

/// The header that names the version of the API.
pub(crate) fn version(dialect: &AnthropicMessages) -> Vec<(String, String)> {
    let version = dialect.quirks.version.iter();
    version
        .map(|version| ("anthropic-version".to_owned(), version.clone()))
        .collect()
}

fn dialect(config: &ProviderConfig) -> Result<AnthropicMessages> {
    let mut quirks = configured_quirks(Quirks::default(), config)?;
    // The header would take the place of the one that a request has.
    for (_, names) in config.headers.iter().filter(|(name, _)| is_betas(name)) {
        let names = names.expose().split(',').map(str::trim);
        quirks.named_betas.extend(names.map(str::to_owned));
    }
    Ok(AnthropicMessages::new(quirks))
}

fn endpoint(config: &ProviderConfig) -> Result<Endpoint> {
    let is_token = config.key()?.is_some_and(|key| key.source == BEARER);
    let auth = |secret: Secret| match is_token {
        true => Auth::Bearer(secret),
        false => Auth::Header("x-api-key", secret),
    };
    let mut config = config.clone();
    config.base_url = config.base_url.as_deref().map(base_url);
    config.headers.retain(|name, _| !is_betas(name));
    Endpoint::configured(&config, &DESCRIPTOR, auth)
}

/// Whether a header is the one that names beta features.
fn is_betas(header: &str) -> bool {
    header.eq_ignore_ascii_case("anthropic-beta")
}
