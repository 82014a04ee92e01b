//! Building a model, and asking which there are.

use crate::config::DESCRIPTOR;
use parlor_core::Result;
use parlor_dialect::Profile;
use parlor_dialect::openai_chat::{OpenAiChat, Quirks};
use parlor_http::{Auth, Endpoint, HttpModel, configured_quirks, list_models};
use parlor_registry::{ModelEntry, ProviderConfig};

/// A model of this name. Nothing is sent.
///
/// # Errors
/// `Authentication` without a key; `Configuration`, when an address, a header
/// or a quirk is wrong.
pub fn model(name: &str, config: &ProviderConfig) -> Result<HttpModel<OpenAiChat>> {
    Ok(HttpModel::configured(
        dialect(config)?,
        endpoint(config)?,
        config.model_info(name),
        Profile::of(name),
        config.extra.clone(),
    ))
}

/// The models that the key has access to.
pub(crate) async fn list(config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
    list_models(
        &endpoint(config)?,
        &dialect(config)?,
        "/models",
        &[],
        |_, _| {},
    )
    .await
}

fn dialect(config: &ProviderConfig) -> Result<OpenAiChat> {
    Ok(OpenAiChat::new(configured_quirks(
        Quirks::default(),
        config,
    )?))
}

fn endpoint(config: &ProviderConfig) -> Result<Endpoint> {
    let mut endpoint = Endpoint::configured(config, &DESCRIPTOR, Auth::Bearer)?;
    // The variables speak of an account at OpenAI's own host, as the key's does.
    let other_host = config.base_url.as_deref() != DESCRIPTOR.base_url;
    if config.instance_of.is_some() && other_host {
        return Ok(endpoint);
    }
    for (variable, header) in [
        ("OPENAI_ORG_ID", "OpenAI-Organization"),
        ("OPENAI_PROJECT_ID", "OpenAI-Project"),
    ] {
        let mut configured = config.headers.keys();
        if !configured.any(|it| it.eq_ignore_ascii_case(header))
            && let Some(value) = config.env.get(variable)
        {
            endpoint = endpoint.with_header(header, &value)?;
        }
    }
    Ok(endpoint)
}
