//! Configuration from files: the JSON mapping, where the file is, several together.

use std::path::{Path, PathBuf};

use parlor_core::ErrorKind;
use parlor_registry::{Config, Env, config_path};

#[test]
fn the_json_mapping_is_read() {
    let config = Config::from_json(
        r#"{"version": 2, "models": [
            {"id": "kimi-k2-thinking", "name": "Kimi K2", "type": "kimi", "envKey": "MY_KIMI_KEY",
             "supportsThinkingMode": true, "features": ["tools", "long-context"], "color": "red"},
            {"id": "glm-4", "name": "GLM-4", "type": "glm", "envKey": "", "supportsThinkingMode": false, "features": null},
            {"id": "openai/gpt-4o", "type": "openai"},
            {"id": "house", "type": "mine", "model": "house-7b", "baseUrl": "http://localhost:1/v1"}
        ]}"#,
    )
    .unwrap();
    let kimi = &config.models["kimi-k2-thinking"];
    assert_eq!(kimi.model, "kimi/kimi-k2-thinking");
    assert_eq!(kimi.label.as_deref(), Some("Kimi K2"));
    assert_eq!(kimi.api_key_env, ["MY_KIMI_KEY"]);
    assert_eq!(kimi.supports_thinking, Some(true));
    assert_eq!(kimi.features, ["tools", "long-context"]);
    assert_eq!(config.models["glm-4"].model, "glm/glm-4");
    assert!(config.models["glm-4"].api_key_env.is_empty());
    assert_eq!(config.models["openai/gpt-4o"].model, "openai/gpt-4o");
    assert_eq!(config.models["house"].model, "mine/house-7b");
    assert_eq!(
        config.models["house"].base_url.as_deref(),
        Some("http://localhost:1/v1")
    );
    assert_eq!(config.ignored, ["models[].color", "version"]);
}

#[test]
fn a_mapping_may_be_the_list_alone_in_either_spelling() {
    let config = Config::from_json(
        r#" [{"id": "k2", "provider": "kimi", "env_key": "K", "supports_thinking_mode": true}]"#,
    )
    .unwrap();
    let k2 = &config.models["k2"];
    assert_eq!((&*k2.model, k2.supports_thinking), ("kimi/k2", Some(true)));
    assert_eq!(k2.api_key_env, ["K"]);
    assert!(config.ignored.is_empty(), "{:?}", config.ignored);
}

#[test]
fn a_wrong_mapping_says_where_and_what() {
    let error = Config::from_json("{\"models\": [\n{\"id\": \"a\"}]}")
        .unwrap_err()
        .to_string();
    assert!(error.contains("missing field `type`"), "{error}");
    let error = Config::from_json("{\"models\": [\n{\"id\" \"a\"}]}")
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("2:"), "{error}");
    let twice = r#"{"models": [{"id": "a", "type": "b"}, {"id": "a", "type": "c"}]}"#;
    let error = Config::from_json(twice).unwrap_err().to_string();
    assert!(error.contains("two models with the id `a`"), "{error}");
    let address = r#"{"models": [{"id": "a", "type": "b", "baseUrl": "localhost"}]}"#;
    let error = Config::from_json(address).unwrap_err().to_string();
    assert!(error.contains("begins with http://"), "{error}");
}

#[test]
fn other_tables_are_left_to_their_owners() {
    let text = "[server]\nbind = \"127.0.0.1:1\"\n[models]\na = \"b/c\"\n[modles]\n";
    let error = Config::from_toml_beside(text, &["server"])
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("5:2: unknown field `modles`"), "{error}");
    let config = Config::from_toml_beside(text, &["server", "modles"]).unwrap();
    assert_eq!(config.models["a"].model, "b/c");
}

#[test]
fn the_file_is_where_the_environment_says() {
    let path = |env: Env| config_path(|name| env.get(name));
    let own = [
        ("PARLOR_CONFIG", "own.toml"),
        ("XDG_CONFIG_HOME", "/x"),
        ("HOME", "/h"),
    ];
    assert_eq!(path(Env::from(own)), Some(PathBuf::from("own.toml")));
    let unset = [
        ("PARLOR_CONFIG", ""),
        ("XDG_CONFIG_HOME", "/x"),
        ("HOME", "/h"),
    ];
    assert_eq!(
        path(Env::from(unset)),
        Some(PathBuf::from("/x/parlor/config.toml"))
    );
    let relative = [("XDG_CONFIG_HOME", "x"), ("HOME", "/h")];
    assert_eq!(
        path(Env::from(relative)),
        Some(PathBuf::from("/h/.config/parlor/config.toml"))
    );
    assert_eq!(path(Env::empty()), None);
}

#[test]
fn files_are_named_in_problems() {
    let folder = std::env::temp_dir().join(format!("parlor-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let toml = folder.join("config.toml");
    std::fs::write(&toml, "catalogue = \"prices.toml\"\n").unwrap();
    let config = Config::load(&toml).unwrap();
    assert_eq!(config.catalogue, Some(folder.join("prices.toml")));
    let keys = "[providers.openai]\nkey_file = \"a.key\"\n\
        [profiles.p.providers.openai]\nkey_file = \"~/b.key\"\n\
        [profiles.q.providers.openai]\nkey_file = \"/c.key\"\n";
    std::fs::write(&toml, keys).unwrap();
    let config = Config::load(&toml).unwrap();
    let file = |config: &Config| config.providers["openai"].key_file.clone().unwrap();
    assert_eq!(file(&config), folder.join("a.key"));
    assert_eq!(file(&config.profiles["p"]), Path::new("~/b.key"));
    assert_eq!(file(&config.profiles["q"]), Path::new("/c.key"));
    std::fs::write(&toml, "catalog = 1\n").unwrap();
    let error = Config::load(&toml).unwrap_err();
    let place = format!("{}:1:1: unknown field `catalog`", toml.display());
    assert!(error.to_string().starts_with(&place), "{error}");
    let json = folder.join("models.json");
    std::fs::write(&json, r#"{"models": [{"id": "a", "type": "b"}]}"#).unwrap();
    assert_eq!(Config::load(&json).unwrap().models["a"].model, "b/a");
    std::fs::remove_dir_all(&folder).unwrap();
    let error = Config::load(Path::new("no-such-folder/config.toml")).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("no-such-folder/config.toml: cannot read"),
        "{error}"
    );
    let error = parlor_core::Error::from(error);
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.message().contains("no-such-folder"));
}

#[test]
fn a_later_configuration_wins() {
    let first = Config::from_toml("default_model = \"a/b\"\n[models]\nx = \"a/b\"\ny = \"a/c\"\n");
    let later = Config::from_toml("[models]\nx = \"d/e\"\n[layers.retry]\nattempts = 2\n");
    let both = first.unwrap().merged(later.unwrap());
    assert_eq!(both.default_model.as_deref(), Some("a/b"));
    assert_eq!(both.models["x"].model, "d/e");
    assert_eq!(both.models["y"].model, "a/c");
    assert_eq!(both.layers.retry.attempts, Some(2));
}
