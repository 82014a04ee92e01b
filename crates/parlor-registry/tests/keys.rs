//! Where keys come from, where they go, and that they are never shown.

#![allow(clippy::unwrap_used)]

mod common;

use common::{configured, key_of, registry};
use parlor_core::{ErrorKind, Secret};
use parlor_registry::{Env, KeySource};

#[test]
fn keys_stay_with_their_host() {
    let env = || Env::from([("OPENAI_API_KEY", "main"), ("SECOND_KEY", "second")]);
    let from = |toml: &str, id: &str| {
        let registry = configured(toml).with_env(env());
        key_of(&registry, id).map(|(key, _)| key)
    };
    let own = "[providers.openai]\nbase_url = \"http://proxy/v1\"\n";
    assert_eq!(
        from(own, "openai/x").as_deref(),
        Some("main"),
        "one's own proxy"
    );
    let same = "[providers.second]\ntype = \"openai\"\n";
    assert_eq!(
        from(same, "second/x").as_deref(),
        Some("main"),
        "the same host"
    );
    let other = "[providers.second]\ntype = \"openai\"\nbase_url = \"http://other/v1\"\n";
    assert_eq!(from(other, "second/x"), None, "another host");
    let unset = "[providers.second]\ntype = \"openai\"\napi_key_env = \"THIRD_KEY\"\n";
    assert_eq!(from(unset, "second/x"), None, "another account");
    let moved = "[models.far]\nmodel = \"openai/x\"\nbase_url = \"http://other/v1\"\n";
    assert_eq!(from(moved, "far"), None, "another host");
    assert_eq!(from(moved, "openai/x").as_deref(), Some("main"));
    let both = "[models.far]\nmodel = \"openai/x\"\nbase_url = \"http://other/v1\"\napi_key_env = \"SECOND_KEY\"\n";
    assert_eq!(from(both, "far").as_deref(), Some("second"));
}

#[test]
fn headers_stay_with_their_host() {
    let registry = configured(
        "[providers.openai]\nheaders = { Authorization = \"Bearer x\" }\n[models.far]\nmodel = \"openai/x\"\nbase_url = \"http://other\"\n",
    );
    assert_eq!(
        registry.resolve("openai/x").unwrap().config.headers.len(),
        1
    );
    assert!(registry.resolve("far").unwrap().config.headers.is_empty());
}

#[test]
fn a_missing_key_says_where_was_looked_and_what_to_do() {
    let error = registry().model("openai/gpt-4o").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Authentication);
    assert_eq!(error.provider(), Some("openai"));
    assert!(
        error.message().contains("looked in: OPENAI_API_KEY"),
        "{error}"
    );
    assert_eq!(
        error.help(),
        "Set OPENAI_API_KEY. Get a key: https://platform.openai.com/api-keys"
    );
    let keychain = KeySource::lookup("keychain", |_| Ok(None));
    let error = registry()
        .with_key_source(keychain)
        .model("kimi/kimi-k3")
        .unwrap_err();
    let places = "looked in: MOONSHOT_API_KEY, KIMI_API_KEY, keychain";
    assert!(error.message().contains(places), "{error}");
}

#[test]
fn every_name_of_a_key_is_heeded() {
    for name in ["ZHIPUAI_API_KEY", "ZAI_API_KEY", "GLM_API_KEY"] {
        let registry = registry().with_env(Env::from([(name, "k")]));
        assert_eq!(
            key_of(&registry, "glm/glm-4"),
            Some(("k".to_owned(), name.to_owned()))
        );
        assert!(registry.is_ready("zhipu"));
    }
    assert!(!registry().is_ready("zhipu"));
    assert!(registry().is_ready("ollama"));
    assert!(
        !registry()
            .with_env(Env::from([("GLM_API_KEY", " ")]))
            .is_ready("zhipu")
    );
}

#[test]
fn a_keychain_is_asked_by_the_instance_name_after_the_environment() {
    let keychain = || {
        KeySource::lookup("keychain", |name| {
            Ok(Some(Secret::new(format!("{name}-key"))))
        })
    };
    let registry = registry().with_key_source(keychain());
    let found = key_of(&registry, "openai/x");
    assert_eq!(
        found,
        Some(("openai-key".to_owned(), "keychain".to_owned()))
    );
    let registry = registry.with_env(Env::from([("OPENAI_API_KEY", "env-key")]));
    assert_eq!(key_of(&registry, "openai/x").unwrap().0, "env-key");
}

#[test]
fn a_key_file_is_read_from_home() {
    let home = std::env::temp_dir().join(format!("parlor-key-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("mine.key"), "file-key\n").unwrap();
    let toml = "[providers.mine]\nbase_url = \"http://x\"\nkey_file = \"~/mine.key\"\n";
    let env = Env::from([("HOME", home.to_str().unwrap())]);
    assert_eq!(
        key_of(&configured(toml).with_env(env), "mine/x").unwrap().0,
        "file-key"
    );
    std::fs::remove_dir_all(&home).unwrap();
    let error = configured(toml)
        .resolve("mine/x")
        .unwrap()
        .config
        .key()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error.message().contains("cannot read the key file"),
        "{error}"
    );
}

#[test]
fn a_key_program_runs_once_and_after_the_environment() {
    let folder = std::env::temp_dir().join(format!("parlor-command-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let log = folder.join("runs");
    let script = format!("echo run >> {}; echo command-key; echo more", log.display());
    let toml = format!("[providers.openai]\nkey_command = [\"sh\", \"-c\", '{script}']\n");
    let registry = configured(&toml);
    for model in ["openai/a", "openai/b", "openai/a"] {
        registry.model(model).unwrap();
    }
    assert_eq!(
        key_of(&registry, "openai/c").unwrap(),
        ("command-key".into(), "key_command".into())
    );
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 1);
    let registry = registry.with_env(Env::from([("OPENAI_API_KEY", "env-key")]));
    assert_eq!(key_of(&registry, "openai/c").unwrap().0, "env-key");
    std::fs::remove_dir_all(&folder).unwrap();
    let failing =
        configured("[providers.openai]\nkey_command = [\"sh\", \"-c\", \"echo leaked; exit 3\"]\n");
    let error = failing.model("openai/a").unwrap_err();
    assert!(
        error.message().contains("the key command sh failed"),
        "{error}"
    );
    assert!(!format!("{error:?}").contains("leaked"), "{error:?}");
    let missing = configured("[providers.openai]\nkey_command = [\"no-such-program-here\"]\n");
    let error = missing.model("openai/a").unwrap_err();
    assert!(error.message().contains("no-such-program-here"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_key_program_that_failed_is_not_run_again_at_once() {
    let folder = std::env::temp_dir().join(format!("parlor-failed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let log = folder.join("runs");
    let script = format!("echo run >> {}; exit 3", log.display());
    let toml = format!("[providers.openai]\nkey_command = [\"sh\", \"-c\", '{script}']\n");
    let registry = configured(&toml);
    assert_eq!(registry.awaits_key("openai/a").unwrap(), "openai");
    for model in ["openai/a", "openai/b", "openai/a"] {
        let error = registry.model(model).unwrap_err();
        assert!(error.message().contains("sh failed"), "{error}");
        assert_eq!(registry.awaits_key(model), None);
    }
    assert_eq!(std::fs::read_to_string(&log).unwrap().lines().count(), 1);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[cfg(unix)]
#[test]
fn a_key_program_that_goes_on_is_ended() {
    let script = "echo leaked; exec >&-; exec sleep 600";
    let toml = format!("[providers.openai]\nkey_command = [\"sh\", \"-c\", \"{script}\"]\n");
    let begun = std::time::Instant::now();
    let error = configured(&toml).model("openai/a").unwrap_err();
    assert!(begun.elapsed() < std::time::Duration::from_secs(60));
    assert!(error.message().contains("it was ended"), "{error}");
    assert!(!format!("{error:?}").contains("leaked"), "{error:?}");
}

#[test]
fn nothing_shows_a_secret() {
    let secret = "sk-very-secret-value";
    let registry = configured(&format!(
        "[providers.openai]\napi_key = \"{secret}\"\nheaders = {{ X-Key = \"{secret}\" }}\n"
    ))
    .with_env(Env::from([("KIMI_API_KEY", secret)]));
    let resolved = registry.resolve("openai/gpt-4o").unwrap();
    registry.model("openai/gpt-4o").unwrap();
    registry.model("kimi/kimi-k3").unwrap();
    let shown = format!("{registry:?} {resolved:?} {:?}", resolved.config.key());
    assert!(!shown.contains("secret-value"), "{shown}");
}

#[test]
fn a_kept_key_is_known_without_asking_and_chooses_the_model() {
    let kept = KeySource::kept("keys.toml", |name| {
        Ok((name == "openai").then(|| Secret::new("kept-key")))
    });
    let registry = registry().with_key_source(kept);
    assert!(registry.is_ready("openai"));
    assert!(!registry.is_ready("anthropic"));
    let found = key_of(&registry, "openai/x");
    assert_eq!(found, Some(("kept-key".to_owned(), "keys.toml".to_owned())));
}
