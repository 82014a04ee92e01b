//! The registry and the runtime that a command works with.

use std::io;
use std::path::Path;

use parlor::{Config, Error, ErrorKind, PROGRAM_TABLES, PROVIDERS, Registry};
use tokio::runtime::{Builder, Runtime};

use crate::environment::env;
use crate::failure::Failure;
use crate::keys::KeyFile;

/// The providers of this build with the configuration, from the file given or
/// from where it usually is.
pub(crate) fn registry(config: Option<&Path>) -> Result<Registry, Failure> {
    let config = match config {
        Some(path) => Config::load_beside(path, PROGRAM_TABLES)?,
        None => parlor::configuration(&env())?,
    };
    let registry = Registry::global(PROVIDERS)?
        .with_env(env())
        .with_config(config)?;
    Ok(match KeyFile::find(registry.env())? {
        Some(keys) if !keys.is_empty() => registry.with_key_source(keys.source()),
        _ => registry,
    })
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
