//! Which model an id means, and what is said when it means none.

#![allow(clippy::unwrap_used)]

mod common;

use std::error::Error as _;
use std::sync::Arc;

use common::{ALL, Fake, configured, registry};
use parlor_core::ErrorKind;
use parlor_registry::{Descriptor, Env, Provider, Registry, UnknownModel};

fn id_of(registry: &Registry, id: &str) -> String {
    registry
        .resolve(id)
        .unwrap_or_else(|error| panic!("{id}: {error}"))
        .id()
}

#[test]
fn the_first_slash_ends_the_provider() {
    let registry = registry();
    let cases = [
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("ollama/llama3.2:3b", "ollama/llama3.2:3b"),
        (
            "openrouter/anthropic/claude-sonnet-4.5",
            "openrouter/anthropic/claude-sonnet-4.5",
        ),
        ("ollama/hf.co/a/b:Q4", "ollama/hf.co/a/b:Q4"),
        (" openai/gpt-4o\n", "openai/gpt-4o"),
    ];
    for (asked, meant) in cases {
        assert_eq!(id_of(&registry, asked), meant);
    }
}

#[test]
fn aliases_lead_to_the_provider() {
    let registry = registry();
    assert_eq!(id_of(&registry, "kimi/kimi-k3"), "moonshot/kimi-k3");
    assert_eq!(id_of(&registry, "zai/glm-5.3"), "zhipu/glm-5.3");
    assert_eq!(id_of(&registry, "glm/glm-5.3"), "zhipu/glm-5.3");
}

#[test]
fn a_short_name_means_the_model_that_its_provider_says() {
    static BIG: Fake = Fake(Descriptor::new("big", "Big").short_names(&[("large", "big-large-3")]));
    static TALL: Fake = Fake(Descriptor::new("tall", "Tall").short_names(&[("large", "tall-1")]));
    static ONE: &[&dyn Provider] = &[&BIG];
    static TWO: &[&dyn Provider] = &[&BIG, &TALL];
    let of = |providers| Registry::with(providers).unwrap().with_env(Env::empty());
    let registry = of(ONE);
    assert_eq!(id_of(&registry, "large"), "big/big-large-3");
    assert_eq!(registry.resolve("large").unwrap().model, "big-large-3");
    // Behind a provider's name stands what it is sent.
    assert_eq!(id_of(&registry, "big/large"), "big/large");
    let error = of(TWO).resolve("large").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
}

#[test]
fn an_unlisted_model_is_usable_under_its_provider() {
    let resolved = registry().resolve("openai/no-such-model-yet").unwrap();
    assert_eq!(resolved.model, "no-such-model-yet");
    assert_eq!(resolved.entry, None);
    assert_eq!(resolved.config.context_window, None);
}

#[test]
fn a_listed_model_brings_its_facts() {
    let resolved = registry().resolve("openai/gpt-4o").unwrap();
    assert_eq!(resolved.config.context_window, Some(128_000));
    assert!(
        resolved
            .config
            .capabilities
            .has(parlor_core::Capability::Tools)
    );
    assert!(resolved.entry.unwrap().price.is_some());
    let dated = registry().resolve("openai/gpt-4o-2024-08-06").unwrap();
    assert_eq!(
        dated.model, "gpt-4o-2024-08-06",
        "what was asked for is sent"
    );
    assert_eq!(dated.config.context_window, Some(128_000));
}

#[test]
fn a_bare_name_goes_to_the_maker() {
    let registry = registry();
    assert_eq!(id_of(&registry, "gpt-4o"), "openai/gpt-4o");
    assert_eq!(
        id_of(&registry, "kimi-k2-thinking"),
        "moonshot/kimi-k2-thinking"
    );
    assert_eq!(id_of(&registry, "glm-4"), "zhipu/glm-4");
}

#[test]
fn a_descriptor_says_what_its_provider_makes() {
    static HOST: Fake = Fake(
        Descriptor::new("openrouter", "A host that made it")
            .makes(&["moonshotai/"])
            .without_key(),
    );
    let registry = Registry::with(&[&HOST]).unwrap();
    let name = "moonshotai/kimi-k2-thinking";
    assert_eq!(id_of(&registry, name), format!("openrouter/{name}"));
}

#[test]
fn every_bare_name_without_a_slash_means_one_model() {
    let registry = registry();
    let catalogue = registry.catalogue();
    for entry in catalogue.entries() {
        for name in entry
            .aliases
            .iter()
            .chain([&entry.id])
            .filter(|name| !name.contains('/'))
        {
            if let Err(error) = registry.resolve(name) {
                assert_eq!(error.kind(), ErrorKind::Configuration, "{name}: {error}");
                assert!(
                    error.message().contains("not compiled in"),
                    "{name}: {error}"
                );
            }
        }
    }
}

#[test]
fn a_bare_name_at_several_hosts_is_ambiguous() {
    let env = Env::from([("OPENROUTER_API_KEY", "k")]);
    let error = registry()
        .with_env(env)
        .resolve("moonshotai/kimi-k2-thinking")
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
    assert!(
        error
            .message()
            .starts_with("several providers have a model"),
        "{error}"
    );
    let source = error
        .source()
        .unwrap()
        .downcast_ref::<UnknownModel>()
        .unwrap();
    assert_eq!(
        source.suggestions[0],
        "openrouter/moonshotai/kimi-k2-thinking"
    );
    assert!(
        source
            .suggestions
            .contains(&"vercel/moonshotai/kimi-k2-thinking".to_owned())
    );
}

#[test]
fn an_unknown_name_is_an_error_with_suggestions() {
    let registry = registry();
    for (asked, meant) in [
        ("gpt-4oo", "openai/gpt-4o"),
        ("opnai/gpt-4o", "openai/gpt-4o"),
        ("openai:gpt-4o", "openai/gpt-4o"),
        ("kimi-k2-thinkin", "moonshot/kimi-k2-thinking"),
    ] {
        let error = registry.resolve(asked).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ModelNotFound);
        assert_eq!(error.model(), Some(asked));
        let source = error
            .source()
            .unwrap()
            .downcast_ref::<UnknownModel>()
            .unwrap();
        assert_eq!(source.suggestions[0], meant, "{asked}: {source:?}");
        let help = error.help();
        assert!(
            help.starts_with(&format!("Did you mean `{meant}`?")),
            "{help}"
        );
    }
    // Of many providers only the nearest are named.
    let help = |name: &str| registry.resolve(name).unwrap_err().help().to_owned();
    let told = help("zzzzzzzz");
    let example = told.strip_prefix("Name it as `provider/model`, such as `");
    let example = example.and_then(|it| it.strip_suffix("`."));
    let example = registry.resolve(example.expect("an example")).unwrap();
    assert!(example.entry.is_some_and(|entry| !entry.deprecated));
    let near = help("opnrouter/zzzzzzzz");
    assert!(near.contains("openrouter"), "{near}");
    assert!(near.len() < 120, "{near}");
    assert_eq!(
        registry.resolve("").unwrap_err().message(),
        "no model was named"
    );
}

#[test]
fn a_name_without_measure_is_near_to_none() {
    // Compared, it would take hours.
    let name = "gpt-4o".repeat(1_000_000);
    assert!(registry().suggestions(&name, 3).is_empty());
}

#[test]
fn ready_providers_are_suggested_first() {
    let env = Env::from([("GITHUB_TOKEN", "k")]);
    let found = registry().with_env(env).suggestions("gpt-4oo", 3);
    assert_eq!(found[0], "github-models/openai/gpt-4o", "{found:?}");
    let found = registry().suggestions("gpt-4oo", 3);
    assert_eq!(found[0], "openai/gpt-4o", "{found:?}");
}

#[test]
fn mapped_names_are_suggested_too() {
    let found =
        configured("[models]\nhousekeeper = \"openai/gpt-4o\"\n").suggestions("housekeepr", 1);
    assert_eq!(found, ["housekeeper"]);
}

#[test]
fn a_provider_that_is_not_compiled_in_names_its_feature() {
    let registry = registry();
    for (asked, feature) in [
        ("anthropic/claude-opus-5-5", "anthropic"),
        ("anthropic", "anthropic"),
        ("claude-opus-5-5", "anthropic"),
        ("gemini/gemini-2.5-pro", "gemini"),
        ("deepseek/deepseek-v4-pro", "compatible"),
        ("qwen/qwen3.8-max", "compatible"),
        ("bedrock/amazon.nova-pro-v1:0", "bedrock"),
        ("vertex-ai/gemini-3.8-flash", "vertex"),
        ("azure/gpt-5.5", "azure"),
    ] {
        let error = registry.resolve(asked).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{asked}: {error}");
        assert!(
            error.message().contains("not compiled in"),
            "{asked}: {error}"
        );
        let help = error.help();
        assert!(
            help.contains(&format!("cargo feature `{feature}`")),
            "{asked}: {help}"
        );
    }
    // All of the product's providers have one.
    assert!(
        parlor_registry::KNOWN
            .iter()
            .all(|known| !known.feature.is_empty())
    );
}

#[test]
fn a_provider_alone_is_its_default_model() {
    let registry = registry();
    assert_eq!(id_of(&registry, "openai"), "openai/gpt-4o-mini");
    let env = Env::from([("OPENAI_MODEL_NAME", "gpt-5.5")]);
    assert_eq!(id_of(&registry.with_env(env), "openai"), "openai/gpt-5.5");
    let env = Env::from([("OPENAI_MODEL_NAME", "gpt-5.5")]);
    let set = configured("[providers.openai]\ndefault_model = \"gpt-6\"\n").with_env(env);
    assert_eq!(id_of(&set, "openai"), "openai/gpt-6");
    for asked in ["kimi", "openai/", "openai/ "] {
        let error = set.resolve(asked).unwrap_err();
        assert!(
            error.message().ends_with("names a provider and no model"),
            "{asked}: {error}"
        );
    }
}

#[test]
fn the_built_in_models_are_always_there() {
    let registry = Registry::with(&[]).unwrap();
    for id in ["echo", "echo/echo", "embedded/echo"] {
        assert_eq!(registry.model(id).unwrap().info().id(), "echo/echo", "{id}");
    }
    for id in ["embedded", "embedded/rules", "embedded/tiny"] {
        let model = registry.model(id).unwrap();
        assert_eq!(model.info().id(), "embedded/rules", "{id}");
    }
    let error = registry.model("echo/other").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ModelNotFound);
    assert_eq!(error.provider(), Some("echo"));
    let models = common::now(registry.models_of("echo")).unwrap();
    assert_eq!(models[0].id, "echo");
}

#[test]
fn models_are_built_once() {
    let env = Env::from([("MOONSHOT_API_KEY", "k")]);
    let registry = configured(
        "[models]\nthinker = \"kimi/kimi-k3\"\nwild = { model = \"thinker\", temperature = 1.5 }\n",
    )
    .with_env(env);
    let first = registry.model("moonshot/kimi-k3").unwrap();
    for id in ["kimi/kimi-k3", "thinker"] {
        assert!(Arc::ptr_eq(&first, &registry.model(id).unwrap()), "{id}");
    }
    let wild = registry.model("wild").unwrap();
    assert!(!Arc::ptr_eq(&first, &wild));
    assert!(Arc::ptr_eq(&wild, &registry.model("wild").unwrap()));
    assert_eq!(wild.info().id(), "moonshot/kimi-k3");
}

#[test]
fn strangers_ids_do_not_pile_up_models() {
    let registry = registry();
    let held = registry.model("ollama/held").unwrap();
    let loose = Arc::downgrade(&registry.model("ollama/loose").unwrap());
    for number in 0..3000 {
        registry.model(&format!("ollama/{number}")).unwrap();
    }
    assert!(
        loose.upgrade().is_none(),
        "a model that nobody holds is let go"
    );
    assert!(Arc::ptr_eq(&held, &registry.model("ollama/held").unwrap()));
}

#[test]
fn many_threads_get_one_model() {
    let registry = registry();
    let models: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| registry.model("ollama/x").unwrap()))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(models.iter().all(|model| Arc::ptr_eq(model, &models[0])));
}

#[test]
fn two_claims_to_one_id_are_an_error() {
    static RIVAL: Fake = Fake(Descriptor::new("acme", "Acme AI").aliases(&["kimi"]));
    let with = |more: &'static dyn Provider| {
        let mut all = ALL.to_vec();
        all.push(more);
        Registry::with(&all)
    };
    let error = with(&RIVAL).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(
        error
            .message()
            .contains("two providers claim the id `kimi`"),
        "{error}"
    );
    assert!(error.message().contains("Acme AI"), "{error}");
    assert!(error.message().contains("Moonshot"), "{error}");
    static TWIN: Fake = Fake(Descriptor::new("openai", "Another"));
    assert!(with(&TWIN).is_err());
    static ECHO: Fake = Fake(Descriptor::new("echo", "Another echo"));
    assert!(with(&ECHO).is_err());
    assert!(
        with(&common::OPENAI).is_ok(),
        "the same provider twice is one"
    );
}

#[test]
fn providers_are_in_order() {
    let registry = registry();
    let ids: Vec<&str> = registry
        .providers()
        .iter()
        .map(|one| one.descriptor().id)
        .collect();
    let expected = [
        "echo",
        "embedded",
        "github-models",
        "moonshot",
        "ollama",
        "openai",
        "openai-compatible",
        "openrouter",
        "zhipu",
    ];
    assert_eq!(ids, expected);
    assert_eq!(registry.provider("glm").unwrap().descriptor().id, "zhipu");
    assert!(registry.provider("anthropic").is_none());
}
