//! The provider by the first generation of the API, with a token in the address.

use crate::config::V1;
use async_trait::async_trait;
use parlor_core::{ChatModel, Error, Result};
use parlor_dialect::Profile;
use parlor_dialect::qianfan_v1::{LACKS, QianfanV1};
use parlor_http::signing::KeyPair;
use parlor_http::{
    Auth, Endpoint, ExchangedToken, HttpModel, Token, TokenSource, Tokens, configured_quirks,
    query_value,
};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// ERNIE, by the first generation of the API.
#[derive(Debug)]
pub(crate) struct FirstGeneration;

/// The variables of an application's key and its secret.
const PAIR: (&str, &str) = ("QIANFAN_AK", "QIANFAN_SK");

/// Where tokens are made of the pair.
const TOKEN: &str = "/oauth/2.0/token";

/// The paths of models that aren't called by their names in small letters.
///
/// Source: bce-qianfan-sdk, `chat_completion.py`.
const PATHS: &[(&str, &str)] = &[
    ("ernie-3.5-8k", "completions"),
    ("ernie-3.5-8k-preemptible", "completions_preemptible"),
    ("ernie-4.0-8k", "completions_pro"),
    ("ernie-4.0-preemptible", "completions_pro_preemptible"),
    ("ernie-bot", "completions"),
    ("ernie-bot-4", "completions_pro"),
    ("ernie-bot-8k", "ernie_bot_8k"),
    ("ernie-bot-turbo", "eb-instant"),
    ("ernie-character-8k", "ernie-char-8k"),
    ("ernie-functions-8k", "ernie-func-8k"),
    ("ernie-lite-8k-0308", "ernie-lite-8k"),
    ("ernie-lite-8k-0922", "eb-instant"),
    ("ernie-speed-8k", "ernie_speed"),
    ("ernie-speed-appbuilder", "ai_apaas"),
];

/// A model of this name by the first generation of the API, or the service that
/// has this last part in its path. Nothing is sent.
///
/// # Errors
/// `Authentication` without a key and its secret, or a token; `Configuration`,
/// when an address, a header or a quirk is wrong.
pub fn v1_model(name: &str, config: &ProviderConfig) -> Result<HttpModel<QianfanV1>> {
    let mut quirks = QianfanV1::quirks();
    let small = name.to_ascii_lowercase();
    let known = PATHS.iter().find(|(model, _)| *model == small);
    let path = match known {
        Some((_, path)) => (*path).to_owned(),
        None if small.starts_with("ernie-") => query_value(&small),
        // A service of the customer's own is called as it is.
        None => query_value(name),
    };
    quirks.path = quirks.path.replace("{model}", &path);
    let mut info = config.model_info(name);
    info.capabilities = info.capabilities.lacking(LACKS);
    Ok(HttpModel::configured(
        QianfanV1::new(configured_quirks(quirks, config)?),
        endpoint(config)?,
        info,
        Profile::of(name),
        config.extra.clone(),
    ))
}

/// A token that was given as it is.
#[derive(Debug)]
struct Given(Token);

#[async_trait]
impl TokenSource for Given {
    async fn token(&self) -> Result<Token> {
        Ok(self.0.clone())
    }
}

fn endpoint(config: &ProviderConfig) -> Result<Endpoint> {
    let endpoint = Endpoint::configured(config, &V1, |_| Auth::None)?;
    let key = config.require_key(&V1)?;
    let is_pair = key.source == PAIR.0 || key.secret.expose().contains(':');
    if !is_pair {
        let tokens = Tokens::new(Given(Token::new(key.secret)));
        return Ok(endpoint.with_auth(Auth::dynamic(tokens.in_query("access_token"))));
    }
    let pair = KeyPair::of(config, &V1, PAIR)?;
    let base = config.base_url.as_deref().or(V1.base_url);
    let service = endpoint
        .beside(base.unwrap_or_default())?
        .with_query("grant_type", "client_credentials")
        .with_query("client_id", pair.id.expose())
        .with_query("client_secret", pair.secret.expose());
    let source = ExchangedToken::new(service, TOKEN)
        .with_help("Check QIANFAN_AK and QIANFAN_SK: the application's API key and secret key.");
    let tokens = Tokens::new(source).in_query("access_token");
    Ok(endpoint.with_auth(Auth::dynamic(tokens)))
}

#[async_trait]
impl Provider for FirstGeneration {
    fn descriptor(&self) -> &Descriptor {
        &V1
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        Ok(Arc::new(v1_model(model, config)?))
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        let message = format!("{} has no list of models", V1.name);
        Err(Error::unsupported(message).with_provider(&config.instance))
    }
}
