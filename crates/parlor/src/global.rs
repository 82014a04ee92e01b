//! The registry of the whole program, made on first use.

use std::sync::{Arc, OnceLock};

use parlor_core::{ChatBatches, ChatModel, Error, ErrorKind, Result};
use parlor_registry::{Config, Env, Registry, config_path};

use crate::PROVIDERS;
#[cfg(feature = "layers")]
use crate::layers::ConfiguredLayers;

/// The model that an id means, such as `openai/gpt-5.4-mini` or a name from the
/// configuration (a model's or a route's), by the [`registry`] of the program.
///
/// With a provider's feature on, the model is wrapped by `parlor::layers`: its
/// time limits and retries are the configuration's, else the layers' defaults
/// (three attempts in all, before anything of the answer has come), and it is
/// within the other layers that the configuration names. It must
/// then be called within a tokio runtime whose time driver is on. The built-in
/// models can't fail by chance and need no runtime.
///
/// # Errors
/// As [`registry`] and [`Registry::model`].
pub fn model(id: &str) -> Result<Arc<dyn ChatModel>> {
    let registry = registry()?;
    #[cfg(feature = "layers")]
    return layers(registry)?.model(registry, id);
    #[cfg(not(feature = "layers"))]
    registry.model(id)
}

/// What takes many requests at once to the model that an id means, to be answered
/// within hours or a day, often for half the money: see
/// `parlor::agent::Batch::ask_provider`, which waits for the answers and goes on
/// where an earlier run stopped. No layer is around it.
///
/// # Errors
/// As [`registry`] and [`Registry::batches`].
pub fn batches(id: &str) -> Result<Arc<dyn ChatBatches>> {
    registry()?.batches(id)
}

/// A conversation with the [`model`](model()) that an id means.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> parlor::Result<()> {
/// let reply = parlor::chat("echo")?.send("Hi").await?;
/// assert_eq!(reply.text(), "Hi");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`model`](model()).
#[cfg(feature = "agent")]
pub fn chat(id: &str) -> Result<parlor_agent::Conversation> {
    Ok(parlor_agent::Conversation::shared(model(id)?))
}

/// The registry of the program: the providers that are compiled in, keys from
/// the environment, and the [`configuration`]. It is made on first use and then
/// stays as it is.
///
/// # Errors
/// What is wrong in the configuration; the next call tries again.
pub fn registry() -> Result<&'static Registry> {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    if let Some(registry) = REGISTRY.get() {
        return Ok(registry);
    }
    let config = configuration(&Env::process())?;
    let registry = Registry::global(PROVIDERS)?.with_config(config)?;
    Ok(REGISTRY.get_or_init(|| registry))
}

/// The layers of the program's registry, made on first use.
#[cfg(feature = "layers")]
fn layers(registry: &Registry) -> Result<&'static ConfiguredLayers> {
    static LAYERS: OnceLock<ConfiguredLayers> = OnceLock::new();
    if let Some(layers) = LAYERS.get() {
        return Ok(layers);
    }
    let layers = ConfiguredLayers::new(registry.config())?;
    Ok(LAYERS.get_or_init(|| layers))
}

/// The tables of the configuration file that are the terminal program's own: tools
/// that models may call, MCP servers, and whose keys a person types with.
pub const PROGRAM_TABLES: &[&str] = &["mcp", "serve", "terminal", "tools"];

/// Reads the configuration file where [`config_path`] says it is. One that
/// isn't there is an empty configuration, unless `PARLOR_CONFIG` names it. The
/// [`PROGRAM_TABLES`] are passed over.
///
/// # Errors
/// All that is wrong in the file, with line and column.
pub fn configuration(env: &Env) -> Result<Config> {
    let Some(path) = config_path(|name| env.get(name)) else {
        return Ok(Config::default());
    };
    match path.try_exists() {
        Ok(true) => profiled(Config::load_beside(&path, PROGRAM_TABLES)?, env),
        Ok(false) if env.get("PARLOR_CONFIG").is_none() => profiled(Config::default(), env),
        Ok(false) => {
            let message = format!("there is no file {}", path.display());
            Err(Error::new(ErrorKind::Configuration, message)
                .with_help("Correct or unset PARLOR_CONFIG."))
        }
        Err(error) => {
            let message = format!("cannot read {}: {error}", path.display());
            Err(Error::new(ErrorKind::Configuration, message))
        }
    }
}

/// The configuration with the profile that `PARLOR_PROFILE` names, if it does.
///
/// # Errors
/// As [`Config::with_profile`].
pub fn profiled(config: Config, env: &Env) -> Result<Config> {
    match env.get(Config::PROFILE_VARIABLE) {
        Some(name) if !name.is_empty() => config.with_profile(&name),
        _ => Ok(config),
    }
}
