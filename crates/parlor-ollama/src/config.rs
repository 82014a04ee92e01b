//! Where an Ollama is, and what is known of it beforehand.

use crate::context;
use crate::model::{OllamaModel, Server};
use async_trait::async_trait;
use parlor_core::{Capabilities, Capability, ChatModel, ModelInfo, Result};
use parlor_dialect::Profile;
use parlor_dialect::ollama::{Ollama, Quirks};
use parlor_http::{Auth, Endpoint, HttpModel, configured_quirks};
use parlor_registry::{Descriptor, ModelEntry, Provider, ProviderConfig};
use std::sync::Arc;

/// The providers of this crate.
pub static PROVIDERS: &[&dyn Provider] = &[&OllamaProvider];

static DESCRIPTOR: Descriptor = Descriptor::new("ollama", "Ollama")
    .feature("ollama")
    .base_url("http://127.0.0.1:11434")
    .with_bare_host()
    .base_url_env(&["OLLAMA_HOST"])
    .key_env(&["OLLAMA_API_KEY"])
    .without_key()
    .free_here()
    .docs_url("https://docs.ollama.com/api")
    .key_url("https://ollama.com/settings/keys");

#[derive(Debug)]
struct OllamaProvider;

#[async_trait]
impl Provider for OllamaProvider {
    fn descriptor(&self) -> &Descriptor {
        &DESCRIPTOR
    }

    fn build(&self, model: &str, config: &ProviderConfig) -> Result<Arc<dyn ChatModel>> {
        let endpoint = endpoint(config)?;
        let quirks = configured_quirks(Quirks::default(), config)?;
        let is_cloud = is_cloud(model, &endpoint);
        let info = info(model, config, is_cloud);
        let model = HttpModel::configured(
            Ollama::new(quirks),
            endpoint,
            info,
            Profile::of(model),
            config.extra.clone(),
        );
        let model = OllamaModel::new(model);
        // The cloud serves what its models have.
        Ok(Arc::new(match context::is_set(&config.extra) || is_cloud {
            true => model,
            false => model.fitting(Server::new(config)?),
        }))
    }

    async fn models(&self, config: &ProviderConfig) -> Result<Vec<ModelEntry>> {
        Server::new(config)?.models().await
    }
}

/// The endpoint that a configuration describes.
pub(crate) fn endpoint(config: &ProviderConfig) -> Result<Endpoint> {
    let mut config = config.clone();
    config.base_url = config.base_url.as_deref().map(base_url);
    Endpoint::configured(&config, &DESCRIPTOR, Auth::Bearer)
}

/// The facts about a model: what the configuration knows, completed by what
/// holds for every model behind this API.
fn info(model: &str, config: &ProviderConfig, is_cloud: bool) -> ModelInfo {
    let mut info = config.model_info(model);
    let mut known = Capabilities::UNKNOWN
        .having(&[
            Capability::Streaming,
            Capability::Json,
            Capability::JsonSchema,
            Capability::Logprobs,
            Capability::Seed,
            Capability::Stop,
            Capability::Sampling,
            Capability::Penalties,
        ])
        .lacking(&[
            Capability::ToolChoice,
            Capability::VideoInput,
            Capability::DocumentInput,
            Capability::AudioOutput,
            Capability::MultipleChoices,
            Capability::CacheControl,
        ]);
    if is_cloud {
        // The cloud takes no `format`.
        known = known.lacking(&[Capability::Json, Capability::JsonSchema]);
        // It costs what the account's plan says.
        info.price = None;
    }
    info.capabilities = info.capabilities.or(known);
    let options = config.extra.get("options");
    let served = options.and_then(|it| it.get("num_ctx")?.as_u64());
    info.context_window = served.or(info.context_window);
    info
}

/// Whether a model runs in Ollama's cloud.
fn is_cloud(model: &str, endpoint: &Endpoint) -> bool {
    let tag = model.rsplit(':').next().unwrap_or_default();
    let is_tagged = tag == "cloud" || tag.ends_with("-cloud");
    is_tagged || endpoint.address() == "https://ollama.com"
}

/// The base URL that an address means, read as Ollama reads `OLLAMA_HOST`.
///
/// Scheme and port may be missing: `http` and 11434 are then meant. A server
/// that listens everywhere (`0.0.0.0`) is asked on the loopback interface. A
/// path stays, but for an `/api` at its end, which every request brings along.
///
/// ```
/// use parlor_ollama::base_url;
///
/// assert_eq!(base_url("0.0.0.0"), "http://127.0.0.1:11434");
/// assert_eq!(base_url("gpu-box:8080"), "http://gpu-box:8080");
/// assert_eq!(base_url("https://ollama.com/api"), "https://ollama.com");
/// ```
pub fn base_url(address: &str) -> String {
    let address = address.trim().trim_matches(['"', '\'']);
    let (scheme, rest) = match address.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, address),
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let (user, authority) = match authority.rsplit_once('@') {
        Some((user, authority)) => (format!("{user}@"), authority),
        None => (String::new(), authority),
    };
    let (host, port) = match authority.rsplit_once(':') {
        // An IPv6 address, with brackets or without, has colons of its own.
        Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port)),
        _ => (authority, None),
    };
    let host = match host {
        "" | "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" | "[::]" => "[::1]".to_owned(),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let (scheme, default_port) = match scheme {
        None if host == "ollama.com" => ("https", None),
        None => ("http", Some("11434")),
        Some(scheme) => (scheme, None),
    };
    let port = port.filter(|it| !it.is_empty()).or(default_port);
    let port = port.map(|it| format!(":{it}")).unwrap_or_default();
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix("/api").unwrap_or(path);
    format!("{scheme}://{user}{host}{port}{path}")
}
