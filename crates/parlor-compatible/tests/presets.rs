//! Every preset is sound: it builds, it agrees with the list of known
//! providers, and its address and quirks can be changed by configuration.

#![allow(clippy::unwrap_used)]

use parlor_compatible::PROVIDERS;
use parlor_core::{ChatModel, ErrorKind, Secret};
use parlor_registry::{Config, Env, KNOWN, KeySource, ProviderConfig, Registry};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn every_preset_builds_a_model() {
    for provider in PROVIDERS {
        let descriptor = provider.descriptor();
        let mut config = ProviderConfig::new(descriptor.id)
            .with_env(Env::empty())
            .with_key(KeySource::Explicit(Secret::new("test-key")));
        if descriptor.base_url.is_none() {
            config = config.with_base_url("http://127.0.0.1:9/v1");
        }
        let model = provider.build("some-model", &config).unwrap();
        assert_eq!(model.info().id(), format!("{}/some-model", descriptor.id));
    }
}

#[test]
fn presets_are_those_that_the_registry_knows() {
    let here: BTreeSet<_> = PROVIDERS
        .iter()
        .map(|it| (it.descriptor().id, it.descriptor().aliases))
        .collect();
    let known: BTreeSet<_> = KNOWN
        .iter()
        .filter(|it| it.feature == "compatible")
        .map(|it| (it.id, it.aliases))
        .collect();
    let missing: Vec<_> = known
        .iter()
        .filter(|it| !here.iter().any(|its| its.0 == it.0))
        .collect();
    assert!(missing.is_empty(), "known and not here: {missing:?}");
    let unknown: Vec<_> = here
        .iter()
        .filter(|it| !known.iter().any(|its| its.0 == it.0))
        .collect();
    assert!(unknown.is_empty(), "here and not known: {unknown:?}");
}

#[test]
fn a_missing_key_names_the_variable() {
    let registry = Registry::with(PROVIDERS).unwrap().with_env(Env::empty());
    let error = registry.model("deepseek/deepseek-v4-flash").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert!(error.message().contains("DEEPSEEK_API_KEY"), "{error}");
}

#[test]
fn any_host_is_three_lines_of_configuration() {
    let config = Config::from_toml(
        "[providers.mine]\nbase_url = \"http://127.0.0.1:9000/v1\"\napi_key_env = \"MINE_KEY\"\n",
    );
    let env = Env::new(|name| (name == "MINE_KEY").then(|| "test-key".to_owned()));
    let registry = Registry::with(PROVIDERS).unwrap().with_env(env);
    let registry = registry.with_config(config.unwrap()).unwrap();
    let model = registry.model("mine/llama").unwrap();
    assert_eq!(model.info().id(), "mine/llama");
}

#[test]
fn a_wrong_quirk_is_named() {
    let preset = PROVIDERS
        .iter()
        .find(|it| it.descriptor().id == "groq")
        .unwrap();
    let config = ProviderConfig::new("groq")
        .with_key(KeySource::Explicit(Secret::new("test-key")))
        .with_quirks(json!({"max_tokenz": "max_tokens"}));
    let error = preset.build("m", &config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("max_tokenz"), "{error}");
}
