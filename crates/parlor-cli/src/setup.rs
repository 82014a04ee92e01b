//! The registry and the runtime that a command works with.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use parlor::{Config, Env, Error, ErrorKind, PROGRAM_TABLES, PROVIDERS, Registry, config_path};
use tokio::runtime::{Builder, Runtime};

use crate::args::ChatArgs;
use crate::environment::env;
use crate::failure::Failure;
use crate::keys::{self, KeyFile};

/// As many attempts as there is time for.
pub(crate) const MANY: u32 = 10_000;

/// The providers of this build with the configuration, from the file given or
/// from where it usually is.
///
/// Keys that can't be read fail only who needs one of them.
pub(crate) fn registry(config: Option<&Path>) -> Result<Registry, Failure> {
    let registry = configured(config)?;
    Ok(match KeyFile::find(registry.env()) {
        Ok(Some(keys)) if !keys.is_empty() => keys.known_to(registry),
        Ok(_) => registry,
        Err(error) => registry.with_key_source(keys::unreadable(error)),
    })
}

/// The same without saved keys.
pub(crate) fn configured(config: Option<&Path>) -> Result<Registry, Failure> {
    let config = match config {
        Some(path) => {
            let read = Config::load_beside(path, PROGRAM_TABLES);
            let read = read.map_err(|problems| match path.is_file() {
                true => Failure::from(problems),
                false => Failure::from(problems).help("Check the path and its permissions."),
            })?;
            parlor::profiled(read, &env())?
        }
        None => parlor::configuration(&env())?,
    };
    Ok(Registry::global(PROVIDERS)?
        .with_env(env())
        .with_config(config)?)
}

/// The same with the names of models that a mapping has, above those of the configuration.
pub(crate) fn with_models(registry: Registry, mapping: Option<&Path>) -> Result<Registry, Failure> {
    let Some(mapping) = mapping else {
        return Ok(registry);
    };
    let config = registry.config().clone().merged(Config::load(mapping)?);
    Ok(registry.with_config(config)?)
}

/// The configuration file that is given, or the usual one, with its text: for the
/// program's own tables, which the JSON mapping hasn't got. Whether it must be there
/// is told elsewhere.
pub(crate) fn configuration_text(config: Option<&Path>, env: &Env) -> Option<(PathBuf, String)> {
    let usual = || config_path(|name| env.get(name));
    let file = config.map(Path::to_owned).or_else(usual)?;
    let is_toml = file.extension().is_none_or(|end| end != "json");
    let text = is_toml.then(|| fs::read_to_string(&file).ok()).flatten()?;
    Some((file, text))
}

/// The same where retries go on for a time.
pub(crate) fn registry_for(args: &ChatArgs) -> Result<Registry, Failure> {
    let registry = registry(args.common.config.as_deref())?;
    let Some(time) = args.going.retry_for else {
        return Ok(registry);
    };
    let mut config = Config::default();
    config.layers.retry.attempts = Some(MANY);
    config.layers.retry.max_elapsed = Some(time);
    let config = registry.config().clone().merged(config);
    Ok(registry.with_config(config)?)
}

/// A runtime on this thread alone.
pub(crate) fn runtime() -> Result<Runtime, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(cannot_wait)
}

/// The system gives no way to wait for the network or for signals.
pub(crate) fn cannot_wait(error: io::Error) -> Failure {
    let message = format!("cannot wait for the network: {error}");
    Error::new(ErrorKind::Unexpected, message).into()
}
