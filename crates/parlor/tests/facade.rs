//! What the facade adds to the crates below it.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use parlor::{ChatModelExt, Env};

#[tokio::test]
async fn the_built_in_model_answers() {
    let registry = parlor::Registry::global(parlor::PROVIDERS).unwrap();
    let answer = registry.model("echo").unwrap().ask("Hi").await.unwrap();
    assert_eq!(answer.text(), "Hi");
}

#[test]
fn a_configuration_that_is_not_there_is_empty_unless_it_was_named() {
    let folder = std::env::temp_dir().join(format!("parlor-facade-{}", std::process::id()));
    let folder = folder.to_str().unwrap();
    let config = parlor::configuration(&Env::from([("XDG_CONFIG_HOME", folder)])).unwrap();
    assert!(config.providers.is_empty());
    assert!(parlor::configuration(&Env::empty()).is_ok());

    let named = format!("{folder}/none.toml");
    let error = parlor::configuration(&Env::from([("PARLOR_CONFIG", &*named)])).unwrap_err();
    assert_eq!(error.kind(), parlor::ErrorKind::Configuration);
    assert!(error.message().contains(&named), "{error}");
}

#[cfg(feature = "layers")]
#[test]
fn the_configuration_sets_the_layers() {
    use parlor::Config;
    use parlor::layers::retry::RetryPolicy;
    use parlor::layers::timeout::TimeoutPolicy;
    use parlor::layers::{retry_policy, timeout_policy};
    use std::time::Duration;

    let settings = Config::default().layers;
    assert_eq!(retry_policy(&settings.retry), RetryPolicy::default());
    assert_eq!(timeout_policy(&settings.timeout), TimeoutPolicy::default());

    let toml = "[layers.retry]\nattempts = 5\nbase_delay = \"1s\"\n\
        [layers.timeout]\nidle = \"off\"\ntotal = \"2m\"\n";
    let settings = Config::from_toml(toml).unwrap().layers;
    let retry = retry_policy(&settings.retry);
    assert_eq!(retry.max_retries, 4);
    assert_eq!(retry.base_delay, Duration::from_secs(1));
    assert_eq!(retry.max_delay, RetryPolicy::default().max_delay);
    let timeout = timeout_policy(&settings.timeout);
    assert_eq!(timeout.idle, None);
    assert_eq!(timeout.total, Some(Duration::from_secs(120)));
    assert_eq!(timeout.first_event, TimeoutPolicy::default().first_event);
}

#[cfg(feature = "layers")]
#[test]
fn a_layer_that_is_not_there_is_told_with_those_that_are() {
    use parlor::layers::ConfiguredLayers;
    use parlor::{Config, ErrorKind};

    let config = Config::from_toml("[layers.cahce]\nttl = \"1m\"\n").unwrap();
    let error = ConfiguredLayers::new(&config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("`layers.cahce`"), "{error}");

    let config = Config::from_toml("[providers.mine.layers]\ncahce = true\n").unwrap();
    let error = ConfiguredLayers::new(&config).unwrap_err();
    assert_eq!(error.provider(), Some("mine"));

    let config = Config::from_toml("[providers.mine.layers]\ncahce = false\n").unwrap();
    assert!(ConfiguredLayers::new(&config).is_ok());
}

#[cfg(all(feature = "layers", feature = "openai"))]
#[test]
fn a_model_that_keeps_time_itself_gets_no_second_clock() {
    use parlor::config::Timeouts;
    use parlor::layers::within_time;
    use parlor::{ChatModel, Echo, Provider, ProviderConfig};
    use std::sync::Arc;

    let layered = |model: &Arc<dyn ChatModel>| {
        let within = within_time(model.clone(), &Timeouts::default());
        !Arc::ptr_eq(model, &within)
    };
    let echo: Arc<dyn ChatModel> = Arc::new(Echo::new());
    assert!(!echo.info().keeps_time && layered(&echo));
    let config = ProviderConfig::new("openai").with_key(parlor::KeySource::Explicit("k".into()));
    let openai: &dyn Provider = parlor::openai::PROVIDERS[0];
    let model = openai.build("gpt-4o", &config).unwrap();
    assert!(model.info().keeps_time && !layered(&model));
}
