//! Building a model, and asking which there are.

use crate::choose::{Api, api_of};
use crate::config::{CHAT, ID, OPENAI, OpenAi, RESPONSES};
use parlor_core::{ChatModel, ModelInfo, Result};
use parlor_dialect::openai_chat::{self, OpenAiChat};
use parlor_dialect::openai_responses::{self, OpenAiResponses};
use parlor_dialect::{Dialect, Foreign, Profile};
use parlor_http::{Auth, Endpoint, HttpModel, configured_quirks, list_models};
use parlor_registry::{Descriptor, ModelEntry, ProviderConfig};
use std::sync::Arc;

/// A model of this name, by the API that suits it. Nothing is sent.
///
/// # Errors
/// `Authentication` without a key; `Configuration`, when an address, a header
/// or a quirk is wrong.
pub fn model(name: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
    of(&OPENAI, name, config)
}

/// A model of this name, by Chat Completions.
///
/// # Errors
/// As [`model`].
pub fn chat_model(name: &str, config: &ProviderConfig) -> Result<HttpModel<OpenAiChat>> {
    let quirks = configured_quirks(chat_quirks(config), config)?;
    build(&CHAT, OpenAiChat::new(quirks), name, config)
}

/// A model of this name, by Responses.
///
/// # Errors
/// As [`model`].
pub fn responses_model(name: &str, config: &ProviderConfig) -> Result<HttpModel<OpenAiResponses>> {
    let quirks = configured_quirks(openai_responses::Quirks::openai(), config)?;
    build(&RESPONSES, OpenAiResponses::new(quirks), name, config)
}

pub(crate) fn of(
    provider: &OpenAi,
    name: &str,
    config: &ProviderConfig,
) -> Result<Arc<dyn ChatModel>> {
    Ok(match api_at(provider, name, config) {
        Api::Chat => Arc::new(chat_model(name, config)?),
        Api::Responses => Arc::new(responses_model(name, config)?),
    })
}

/// The API by which a model is asked at the configured address.
pub(crate) fn api_at(provider: &OpenAi, name: &str, config: &ProviderConfig) -> Api {
    let usual_host = is_usual(&provider.descriptor, config);
    provider.api.unwrap_or(api_of(name, usual_host))
}

fn build<D: Dialect>(
    provider: &OpenAi,
    dialect: D,
    name: &str,
    config: &ProviderConfig,
) -> Result<HttpModel<D>> {
    Ok(HttpModel::configured(
        dialect,
        endpoint(&provider.descriptor, config)?,
        info(name, config),
        Profile::of(name),
        config.extra.clone(),
    ))
}

/// The facts about a model. The ids that name an API are the same provider:
/// items of one API are read by whichever id asks by it.
fn info(name: &str, config: &ProviderConfig) -> ModelInfo {
    let mut info = config.model_info(name);
    let by_api = [&CHAT, &RESPONSES];
    let by_api = by_api.map(|it| it.descriptor.id).contains(&&*info.provider);
    if by_api && is_usual(&OPENAI.descriptor, config) {
        info.instance_of = Some(ID.to_owned());
        info.shares_natives = true;
    }
    info
}

/// What the host does in its own way by Chat Completions: the maker's rules hold
/// at its own address; at another nothing is known. What only Responses knows
/// is told apart.
fn chat_quirks(config: &ProviderConfig) -> openai_chat::Quirks {
    let features = [
        "background",
        "context_management",
        "conversation",
        "previous_response_id",
        "prompt",
    ];
    let knobs = [
        "include",
        "instructions",
        "max_tool_calls",
        "reasoning",
        "text",
        "truncation",
    ];
    let mut quirks = match is_usual(&OPENAI.descriptor, config) {
        true => openai_chat::Quirks::openai(),
        false => openai_chat::Quirks::compatible(),
    };
    let features = features.map(|key| (key.to_owned(), Foreign::Feature));
    let knobs = knobs.map(|key| (key.to_owned(), Foreign::Knob));
    quirks.foreign.extend(features.into_iter().chain(knobs));
    quirks
}

/// The models that the key has access to.
pub(crate) async fn list(
    descriptor: &Descriptor,
    config: &ProviderConfig,
) -> Result<Vec<ModelEntry>> {
    let endpoint = endpoint(descriptor, config)?;
    list_models(&endpoint, &OpenAiChat::default(), "/models", &[], |_, _| {}).await
}

/// Whether the provider is asked at its own address.
fn is_usual(descriptor: &Descriptor, config: &ProviderConfig) -> bool {
    config.base_url.is_none() || config.base_url.as_deref() == descriptor.base_url
}

/// Where the provider is; the organisation and the project go along.
fn endpoint(descriptor: &Descriptor, config: &ProviderConfig) -> Result<Endpoint> {
    let mut endpoint = Endpoint::configured(config, descriptor, Auth::Bearer)?;
    // The variables speak of an account at OpenAI's own host, as the key's does.
    let is_instance = config.instance_of.is_some() && !is_own(config);
    if is_instance && !is_usual(descriptor, config) {
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

/// Whether this is the provider itself, by an id of its own.
fn is_own(config: &ProviderConfig) -> bool {
    let mut ids = [&OPENAI, &CHAT, &RESPONSES].into_iter();
    ids.any(|it| it.descriptor.id == config.instance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openai_chat::Quirks;

    #[test]
    fn the_makers_rules_hold_at_its_own_address() {
        let config = |base_url: Option<&str>| {
            let mut config = ProviderConfig::new(ID);
            config.base_url = base_url.map(str::to_owned);
            config
        };
        for (config, usual) in [
            (config(None), Quirks::openai()),
            (config(OPENAI.descriptor.base_url), Quirks::openai()),
            (config(Some("http://localhost:1/v1")), Quirks::compatible()),
        ] {
            let mut quirks = chat_quirks(&config);
            assert!(quirks.foreign.contains_key("truncation"));
            quirks.foreign.clone_from(&usual.foreign);
            assert_eq!(quirks, usual);
        }
    }
}
