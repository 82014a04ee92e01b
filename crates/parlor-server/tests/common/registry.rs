//! The providers of a configuration.
#![allow(dead_code, clippy::unwrap_used, reason = "each test uses a part")]

use parlor::{Config, Env, Registry};

pub(crate) fn registry(settings: &str) -> Registry {
    registry_with(settings, "upstream-key")
}

/// The same where this is `KEY` in the environment.
pub(crate) fn registry_with(settings: &str, key: &'static str) -> Registry {
    let env = Env::new(move |name| (name == "KEY").then(|| key.to_owned()));
    let registry = Registry::global(parlor::PROVIDERS).unwrap().with_env(env);
    let settings = Config::from_toml(settings).unwrap();
    registry.with_config(settings).unwrap()
}
