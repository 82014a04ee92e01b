//! Configured instances: addresses, facts, mapped names and their parameters.

#![allow(clippy::unwrap_used)]

mod common;

use common::{LAST, configured, key_of, now, registry};
use parlor_core::{Capability, ChatModelExt, ChatRequest, ErrorKind, Message};
use parlor_registry::config::Strategy;
use parlor_registry::{Config, Env};
use serde_json::{Value, json};

fn complaint(toml: &str) -> String {
    let error = registry()
        .with_config(Config::from_toml(toml).unwrap())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    format!("{} | {}", error.message(), error.help())
}

#[test]
fn three_lines_make_a_provider() {
    let registry = configured(
        "[providers.mine]\nbase_url = \"http://localhost:8000/v1\"\napi_key_env = \"MINE_KEY\"\n",
    )
    .with_env(Env::from([
        ("MINE_KEY", "secret-1"),
        ("OPENAI_API_KEY", "other"),
    ]));
    let resolved = registry.resolve("mine/org/house-7b").unwrap();
    assert_eq!(resolved.id(), "mine/org/house-7b");
    assert_eq!(resolved.provider.descriptor().id, "openai-compatible");
    assert_eq!(
        resolved.config.base_url.as_deref(),
        Some("http://localhost:8000/v1")
    );
    assert_eq!(resolved.config.instance, "mine");
    let key = key_of(&registry, "mine/org/house-7b").unwrap();
    assert_eq!(key, ("secret-1".to_owned(), "MINE_KEY".to_owned()));
    assert_eq!(
        registry.model("mine/org/house-7b").unwrap().info().id(),
        "mine/org/house-7b"
    );
}

#[test]
fn instances_that_mean_nothing_are_errors() {
    let error = complaint("[providers.opnai]\napi_key_env = \"K\"\n");
    assert!(
        error.contains("[providers.opnai] is no known provider"),
        "{error}"
    );
    assert!(
        error.contains("Did you mean [providers.openai]?"),
        "{error}"
    );
    let error = complaint("[providers.mine]\ntype = \"opennai\"\n");
    assert!(
        error.contains("unknown type `opennai` | Did you mean `openai`?"),
        "{error}"
    );
    let error = complaint("[providers.kimi]\n[providers.moonshot]\n");
    assert!(
        error.contains("configures `moonshot` a second time"),
        "{error}"
    );
    let error = complaint("catalogue = \"no-such-file.toml\"\n");
    assert!(
        error.starts_with("no-such-file.toml: cannot read"),
        "{error}"
    );
}

#[test]
fn an_instance_of_a_missing_provider_fails_alone() {
    let registry = configured("[providers.work]\ntype = \"anthropic\"\n[providers.gemini]\n");
    assert!(registry.resolve("openai/gpt-4o").is_ok());
    for id in ["work/claude-opus-5-5", "gemini/gemini-2.5-pro"] {
        let error = registry.resolve(id).unwrap_err();
        assert!(error.message().contains("not compiled in"), "{error}");
    }
    assert!(!registry.is_ready("work"));
}

#[test]
fn an_alias_configures_its_provider() {
    let registry = configured("[providers.kimi]\nbase_url = \"https://api.moonshot.cn/v1\"\n");
    for id in ["kimi/kimi-k3", "moonshot/kimi-k3", "kimi-k3"] {
        let resolved = registry.resolve(id).unwrap();
        assert_eq!(resolved.id(), "moonshot/kimi-k3");
        assert_eq!(
            resolved.config.base_url.as_deref(),
            Some("https://api.moonshot.cn/v1")
        );
    }
}

#[test]
fn the_address_is_configured_or_from_the_environment_or_the_usual() {
    let address = |registry: &parlor_registry::Registry, id: &str| {
        registry.resolve(id).unwrap().config.base_url.unwrap()
    };
    let env = || Env::from([("OPENAI_BASE_URL", "http://proxy/v1")]);
    assert_eq!(
        address(&registry(), "openai/x"),
        "https://api.openai.com/v1"
    );
    assert_eq!(
        address(&registry().with_env(env()), "openai/x"),
        "http://proxy/v1"
    );
    let set = configured(
        "[providers.openai]\nbase_url = \"http://set/v1\"\n[providers.second]\ntype = \"openai\"\n",
    );
    let set = set.with_env(env());
    assert_eq!(address(&set, "openai/x"), "http://set/v1");
    assert_eq!(address(&set, "second/x"), "https://api.openai.com/v1");
}

#[test]
fn instances_at_the_providers_address_share_its_native_items() {
    let registry = configured(
        "[providers.second]\ntype = \"openai\"\n[providers.elsewhere]\ntype = \"openai\"\nbase_url = \"http://x\"\n[models.moved]\nmodel = \"second/x\"\nbase_url = \"http://y\"\n",
    );
    let info = |id: &str| registry.resolve(id).unwrap().config.model_info("x");
    for (id, provider) in [
        ("openai/x", "openai"),
        ("second/x", "openai"),
        ("elsewhere/x", "elsewhere"),
        ("moved", "second"),
    ] {
        assert_eq!(info(id).native_provider(), provider, "{id}");
    }
    assert_eq!(info("second/x").provider, "second");
}

#[cfg(unix)]
#[test]
fn settings_reach_the_provider() {
    let registry = configured(
        "[providers.mine]\nbase_url = \"http://x\"\nverify_tls = false\nquirks = { a = 1 }\nextra = { b = 2 }\nquery = { v = \"3\" }\ntimeouts = { idle = \"5s\" }\n[layers.timeout]\nidle = \"9s\"\nconnect = \"7s\"\n",
    )
    .with_extension(42_u8);
    let config = registry.resolve("mine/x").unwrap().config;
    assert!(!config.verify_tls);
    assert_eq!(config.quirks["a"], 1);
    assert_eq!(config.extra["b"], 2);
    assert_eq!(config.query["v"].expose(), "3");
    let seconds = |limit: Option<parlor_registry::config::Limit>| {
        limit.unwrap().duration().unwrap().as_secs()
    };
    assert_eq!(seconds(config.timeouts.idle), 5);
    assert_eq!(seconds(config.timeouts.connect), 7);
    assert_eq!(config.extensions.get::<u8>(), Some(&42));
    assert_eq!(config.extensions.get::<u16>(), None);
}

#[test]
fn offered_models_are_known() {
    let registry = configured(
        "[providers.mine]\nbase_url = \"http://x\"\nmodels = [\"house-7b\", { id = \"house-70b\", context_window = 8192, features = [\"tools\"] }]\n[providers.openai]\nmodels = [\"gpt-4o\"]\n",
    );
    assert_eq!(registry.resolve("house-7b").unwrap().id(), "mine/house-7b");
    let config = registry.resolve("house-70b").unwrap().config;
    assert_eq!(config.context_window, Some(8192));
    assert!(config.capabilities.has(Capability::Tools));
    let known = registry.resolve("openai/gpt-4o").unwrap();
    assert_eq!(
        known.config.context_window,
        Some(128_000),
        "a bare id takes nothing away"
    );
    assert_eq!(registry.suggestions("hose-7b", 1), ["mine/house-7b"]);
}

#[test]
fn an_instance_knows_its_providers_models() {
    let registry = configured("[providers.second]\ntype = \"openai\"\n");
    let resolved = registry.resolve("second/gpt-4o").unwrap();
    assert_eq!(resolved.id(), "second/gpt-4o");
    assert_eq!(resolved.config.context_window, Some(128_000));
}

#[test]
fn a_catalogue_file_is_laid_over() {
    let path = std::env::temp_dir().join(format!("parlor-catalogue-{}.toml", std::process::id()));
    std::fs::write(
        &path,
        "[[models]]\nprovider = \"openai\"\nid = \"gpt-4o\"\ncontext_window = 5\n",
    )
    .unwrap();
    let registry = configured(&format!("catalogue = '{}'\n", path.display()));
    assert_eq!(
        registry.resolve("gpt-4o").unwrap().config.context_window,
        Some(5)
    );
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn mapped_names_fill_in_parameters() {
    let registry = configured(
        r#"
        [models.base]
        model = "ollama/llama3"
        temperature = 0.9
        seed = 7
        system = "Be brief."
        extra = { think = false }
        [models.careful]
        model = "base"
        temperature = 0.1
        max_output_tokens = 100
        reasoning = "low"
        stop = ["END"]
        "#,
    );
    let model = registry.model("careful").unwrap();
    let asked = || LAST.lock().unwrap().take().unwrap();
    now(model.ask("hello")).unwrap();
    let request = asked();
    assert_eq!(request.temperature, Some(0.1));
    assert_eq!(request.seed, Some(7));
    assert_eq!(request.max_output_tokens, Some(100));
    assert_eq!(request.stop, ["END"]);
    assert!(request.reasoning.is_some());
    assert_eq!(request.system_text().as_deref(), Some("Be brief."));
    assert_eq!(request.extra["ollama"]["think"], false);
    let own = ChatRequest::new([Message::system("Be long."), Message::user("hello")])
        .with_temperature(1.0)
        .with_extra("ollama", "think", true);
    now(model.ask(own)).unwrap();
    let request = asked();
    assert_eq!(request.temperature, Some(1.0));
    assert_eq!(request.system_text().as_deref(), Some("Be long."));
    assert_eq!(request.extra["ollama"]["think"], true);

    // Names that say something else are told apart, and from the plain id.
    let variant = |id: &str| registry.model(id).unwrap().info().variant;
    assert_eq!(variant("ollama/llama3"), None);
    assert!(variant("careful").is_some() && variant("base").is_some());
    assert_ne!(variant("careful"), variant("base"));
    // Answers are kept by it, from one version of the program to the next: what says
    // the same has the same number.
    assert_eq!(variant("careful"), Some(1_635_902_051_188_677_278));
    let of_extra = |extra: &str| {
        let name = format!("models.x = {{ model = \"ollama/llama3\", extra = {{ {extra} }} }}");
        configured(&name).model("x").unwrap().info().variant
    };
    assert_eq!(of_extra("a = 1, b = 2"), of_extra("b = 2, a = 1"));

    // Fields of its own lie beneath the request's, whatever id those are under.
    let registry = configured(
        r#"
        [providers.work]
        type = "ollama"
        base_url = "http://x"
        [models.base]
        model = "work/llama3"
        extra = { options = { a = 1, b = 1, c = 1 }, think = false }
        "#,
    );
    let own = ChatRequest::from("hello")
        .with_extra("ollama", "options", json!({"b": 2, "c": 2}))
        .with_extra("ollama", "think", true)
        .with_extra("work", "options", json!({"c": null}));
    now(registry.model("base").unwrap().ask(own)).unwrap();
    let expected = json!({"options": {"a": 1, "b": 2, "c": null}, "think": true});
    assert_eq!(Value::Object(asked().extra["work"].clone()), expected);
}

#[test]
fn the_json_mapping_resolves() {
    let config = Config::from_json(
        r#"{"models": [
            {"id": "kimi-k2-thinking", "name": "Kimi K2", "type": "kimi", "envKey": "TEAM_KEY",
             "supportsThinkingMode": true, "features": ["vision", "long-context"]},
            {"id": "glm-4", "name": "GLM", "type": "glm", "envKey": "GLM_API_KEY", "supportsThinkingMode": false}
        ]}"#,
    )
    .unwrap();
    let env = Env::from([("TEAM_KEY", "team"), ("MOONSHOT_API_KEY", "mine")]);
    let registry = registry().with_config(config).unwrap().with_env(env);
    let kimi = registry.resolve("kimi-k2-thinking").unwrap();
    assert_eq!(kimi.id(), "moonshot/kimi-k2-thinking");
    assert_eq!(kimi.label.as_deref(), Some("Kimi K2"));
    assert!(kimi.config.capabilities.has(Capability::Reasoning));
    assert!(kimi.config.capabilities.has(Capability::ImageInput));
    assert_eq!(key_of(&registry, "kimi-k2-thinking").unwrap().0, "team");
    assert_eq!(
        key_of(&registry, "kimi/kimi-k2-thinking").unwrap().0,
        "mine"
    );
    let glm = registry.resolve("glm-4").unwrap();
    assert!(glm.config.capabilities.lacks(Capability::Reasoning));
}

#[test]
fn a_route_is_not_a_model() {
    let registry = configured(
        "[models]\nnick = \"safe\"\nwarm = { model = \"safe\", temperature = 1.0 }\n\
        [routes.safe]\nstrategy = \"least-busy\"\nmodels = [\"openai/a\", \"ollama/b\"]\n",
    );
    for id in ["safe", "nick", " safe "] {
        let (name, route) = registry.route(id).unwrap();
        assert_eq!((name, route.strategy), ("safe", Strategy::LeastBusy));
    }
    for id in ["warm", "openai/a", "nowhere"] {
        assert!(registry.route(id).is_none(), "{id}");
    }
    assert_eq!(registry.suggestions("saef", 1), ["safe"]);
    let error = registry.resolve("safe").unwrap_err();
    assert!(error.message().contains("`safe` is a route"), "{error}");
    assert_eq!(registry.config().routes["safe"].models.len(), 2);
}

#[test]
fn a_check_finds_every_name_that_leads_nowhere() {
    let registry = configured(
        "default_model = \"nowhere\"\n[models]\ngood = \"openai/any\"\nbad = \"opnai/gpt-4o\"\n[routes.r]\nmodels = [\"good\", \"gpt-4oo\"]\n",
    );
    let found: Vec<String> = registry
        .check()
        .iter()
        .map(|error| error.to_string())
        .collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert_eq!(found[0], "`default_model`: no model `nowhere`");
    assert!(
        found[1].starts_with("`models.bad`: no model `opnai/gpt-4o`"),
        "{found:?}"
    );
    assert_eq!(found[2], "`routes.r`: no model `gpt-4oo`");
    assert!(
        configured("default_model = \"r\"\n[routes.r]\nmodels = [\"gpt-4o\"]\n")
            .check()
            .is_empty()
    );
}

#[test]
fn an_address_that_must_be_configured_is_asked_for() {
    let resolved = registry().resolve("openai-compatible/x").unwrap();
    let descriptor = resolved.provider.descriptor();
    let error = resolved.config.require_base_url(descriptor).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(
        error.help(),
        "Set [providers.openai-compatible] `base_url`."
    );
    let set = configured("[providers.mine]\nbase_url = \"http://x/v1/\"\n")
        .resolve("mine/x")
        .unwrap();
    assert_eq!(
        set.config.require_base_url(descriptor).unwrap(),
        "http://x/v1"
    );
}

#[test]
fn live_lists_are_asked_of_the_instance() {
    let registry = configured("[providers.mine]\nbase_url = \"http://x\"\n");
    assert_eq!(
        now(registry.models_of("mine")).unwrap()[0].id,
        "at http://x"
    );
    let error = now(registry.models_of("openai-compatible")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let error = now(registry.models_of("anthropic")).unwrap_err();
    assert!(
        error.help().contains("feature `anthropic`"),
        "{}",
        error.help()
    );
    let error = now(registry.models_of("opnai")).unwrap_err();
    assert_eq!(error.help(), "Did you mean `openai`?");
}
