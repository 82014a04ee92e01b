//! Which model is meant when none is named.

mod common;

use common::{configured, registry};
use parlor_registry::{Choice, Env, Registry, Rule};

fn choose(registry: &Registry, explicit: Option<&str>) -> (String, Rule) {
    let Choice { id, rule, .. } = registry.default_model(explicit);
    (id, rule)
}

fn only(instance: &str, key: &str) -> Rule {
    let mut rule = registry()
        .with_env(Env::from([("OPENAI_API_KEY", "k")]))
        .default_model(None)
        .rule;
    if let Rule::OnlyKey {
        instance: i,
        key: k,
        ..
    } = &mut rule
    {
        *i = instance.to_owned();
        *k = key.to_owned();
    }
    rule
}

#[test]
fn the_rules_are_tried_in_order() {
    let env = Env::from([("PARLOR_MODEL", "kimi/kimi-k3"), ("OPENAI_API_KEY", "k")]);
    let all = configured("default_model = \"fast\"\n").with_env(env);
    assert_eq!(
        choose(&all, Some("a/b")),
        ("a/b".to_owned(), Rule::Explicit)
    );
    assert_eq!(
        choose(&all, None),
        ("kimi/kimi-k3".to_owned(), Rule::Variable)
    );
    let key = Env::from([("OPENAI_API_KEY", "k")]);
    let set = configured("default_model = \"fast\"\n").with_env(key.clone());
    assert_eq!(choose(&set, None), ("fast".to_owned(), Rule::Config));
    let chosen = choose(&registry().with_env(key), None);
    assert_eq!(
        chosen,
        (
            "openai/gpt-4o-mini".to_owned(),
            only("openai", "OPENAI_API_KEY")
        )
    );
    let (id, rule) = choose(&registry(), None);
    assert_eq!(id, "embedded/rules");
    assert!(matches!(rule, Rule::BuiltIn { with_key, .. } if with_key.is_empty()));
}

#[test]
fn the_default_model_may_come_from_the_environment() {
    let env = Env::from([("OPENAI_API_KEY", "k"), ("OPENAI_MODEL", "gpt-5.5")]);
    assert_eq!(choose(&registry().with_env(env), None).0, "openai/gpt-5.5");
}

#[test]
fn several_keys_decide_nothing() {
    let env = Env::from([("OPENAI_API_KEY", "k"), ("OPENROUTER_API_KEY", "k")]);
    let (id, rule) = choose(&registry().with_env(env), None);
    assert_eq!(id, "embedded/rules");
    assert!(matches!(rule, Rule::BuiltIn { with_key, .. } if with_key == ["openai", "openrouter"]));
}

#[test]
fn a_key_without_a_default_model_decides_nothing() {
    let (id, rule) = choose(
        &registry().with_env(Env::from([("KIMI_API_KEY", "k")])),
        None,
    );
    assert_eq!(id, "embedded/rules");
    assert!(matches!(rule, Rule::BuiltIn { with_key, .. } if with_key == ["moonshot"]));
    let set = configured("[providers.kimi]\ndefault_model = \"kimi-k3\"\n");
    let chosen = choose(&set.with_env(Env::from([("KIMI_API_KEY", "k")])), None);
    assert_eq!(
        chosen,
        (
            "moonshot/kimi-k3".to_owned(),
            only("moonshot", "KIMI_API_KEY")
        )
    );
}

#[test]
fn a_key_for_other_purposes_decides_nothing() {
    let env = Env::from([("GITHUB_TOKEN", "k")]);
    assert_eq!(choose(&registry().with_env(env), None).0, "embedded/rules");
    let env = Env::from([("GITHUB_TOKEN", "k"), ("OPENAI_API_KEY", "k")]);
    assert_eq!(
        choose(&registry().with_env(env), None).0,
        "openai/gpt-4o-mini"
    );
}

#[test]
fn a_configured_host_with_a_key_counts() {
    let toml = "[providers.mine]\nbase_url = \"http://x\"\napi_key_env = \"MINE\"\ndefault_model = \"house\"\n";
    assert_eq!(choose(&configured(toml), None).0, "embedded/rules");
    let set = configured(toml).with_env(Env::from([("MINE", "k")]));
    assert_eq!(
        choose(&set, None),
        ("mine/house".to_owned(), only("mine", "MINE"))
    );
}
